// The content of memory_<hash>.json and app.json, and how what two processes learned is put together.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "profile/window.hpp"

namespace vram::profile {

inline constexpr std::uint64_t kVersion = 1;

struct Counters {
  std::uint64_t runs = 0;  // stored samples, ever
  std::uint64_t contended = 0;
  std::uint64_t negative = 0;
  std::uint64_t below_noise = 0;
  std::uint64_t out_of_memory = 0;
  Counters& operator+=(const Counters& other);
};

// What one process has learned and not yet written.
struct Pending {
  Window cold;
  Window warm;
  Counters counters;
  std::int64_t at_ms = 0;
  Instrument instrument = Instrument::Device;
  std::string device;
  std::string driver;
  bool empty() const;
  // Removes what `written` holds, an earlier copy of this.
  void subtract(const Pending& written);
};

struct Document {
  std::optional<std::uint64_t> peak;  // cold figure; empty when only warm runs are known (0 in the file)
  std::optional<std::uint64_t> warm_peak;
  std::optional<std::uint64_t> in_use_peak;
  ProfileOrigin origin = ProfileOrigin::Samples;
  std::string parameters = "{}";  // exact text form
  std::string app;
  Instrument instrument = Instrument::Device;
  std::string device;
  std::string driver;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  Counters counters;
  Window cold;
  Window warm;

  // Figures are computed anew from the samples where there is a new one; a figure without samples stays until the first.
  void merge(const Pending& pending);
  Learned learned() const;
};

// Error Corrupt: not ours or damaged. Error Unsupported: written by a later version, not to be replaced.
base::Result<Document> parse_document(std::string_view text);
// The bare integer of a memory_<hash>.txt.
base::Result<Document> parse_number(std::string_view text);
std::string to_text(const Document& document);

}  // namespace vram::profile
