// Parameters of one request: as the client gave them, and as the app gets them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "clams/app_metadata.hpp"
#include "mmif/value.hpp"

namespace clams {

// Names in the order of arrival, each with all its values.
class RawParameters {
 public:
  using Entry = std::pair<std::string, std::vector<std::string>>;
  auto begin() const noexcept { return entries_.begin(); }
  auto end() const noexcept { return entries_.end(); }
  bool empty() const noexcept { return entries_.empty(); }
  const std::vector<std::string>* find(std::string_view name) const noexcept;
  void add(std::string_view name, std::string value);                    // one more value
  void replace(std::string_view name, std::vector<std::string> values);  // in place, or appended

  // application/x-www-form-urlencoded as Werkzeug reads it: '+' is a blank, %XX is UTF-8 (bytes that are not stay "%FF"), ';'
  // separates nothing, a name without '=' has the value "", empty pieces are skipped.
  static RawParameters from_query(std::string_view query);
  // "parameters" of an envelope: arrays element by element, objects as "key:value" texts, the rest as Python's str().
  static RawParameters from_envelope(const mmif::Object& parameters);
  // Values of `other` replace ours; its new names come behind.
  void merge(const RawParameters& other);

 private:
  Entry& entry(std::string_view name);
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;  // a query may name thousands
};

// What Parameters::get gives.
template <class T, class... Types>
inline constexpr bool is_among = (std::is_same_v<T, Types> || ...);
template <class T>
inline constexpr bool is_parameter_type =
    is_among<T, std::string, std::int64_t, int, double, bool, mmif::Value, std::vector<std::string>, std::vector<std::int64_t>,
             std::vector<double>, std::vector<std::pair<std::string, std::string>>>;

// Typed parameters: every one of the metadata, defaults filled in, universal ones included, in the order of the metadata.
class Parameters {
 public:
  Parameters() = default;
  Parameters(mmif::Object typed, RawParameters raw) : typed_(std::move(typed)), raw_(std::move(raw)) {}

  // T: std::string, std::int64_t, int, double, bool, std::vector of std::string, std::int64_t or double,
  // std::vector<std::pair<std::string, std::string>> (maps), mmif::Value. Throws ValueError when there is no such parameter or it
  // is of another type (a mistake of the app): also for an integer beyond T.
  template <class T>
  T get(std::string_view name) const {
    static_assert(is_parameter_type<T>,
                  "Parameters::get<T>: T is std::string, std::int64_t, int, double, bool, mmif::Value, std::vector of std::string, "
                  "std::int64_t or double, or std::vector<std::pair<std::string, std::string>>");
    return get_as<T>(name);
  }

  // What `appConfiguration` will show; an app may resolve a value before it signs its view.
  const mmif::Object& typed() const noexcept { return typed_; }
  void set(std::string_view name, mmif::Value value) { typed_.set(name, std::move(value)); }
  const RawParameters& raw() const noexcept { return raw_; }

  bool pretty() const { return get<bool>("pretty"); }
  std::string time_frame_sampling_mode() const;  // "representatives", "single" or "all"

 private:
  template <class T>
  T get_as(std::string_view name) const;
  mmif::Object typed_;
  RawParameters raw_;
};

}  // namespace clams
