#include "profile/document.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "profile/canonical_json.hpp"

namespace vram::profile {
namespace {

using nlohmann::json;

base::Error corrupt(const std::string& what) { return {base::ErrorCode::Corrupt, what, 0}; }

void subtract(Window& window, const Window& written) {
  // Samples are only ever appended, and dropped at the front when there are too many; so the written ones are at the front, less
  // those dropped.
  std::size_t count = std::min(window.size(), written.size());
  while (count > 0 && !std::equal(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(count),
                                  written.end() - static_cast<std::ptrdiff_t>(count))) {
    --count;
  }
  window.erase(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(count));
}

// Reads members of the outer object by name; the first wrong type is remembered.
class Reader {
 public:
  explicit Reader(const Members& members) : members_(members) {}

  json get(std::string_view name) {
    const auto at = members_.find(name);
    return at == members_.end() ? json() : json::parse(at->second, nullptr, false);
  }
  std::optional<std::uint64_t> count(std::string_view name) { return count(get(name), name); }
  std::optional<std::uint64_t> count(const json& value, std::string_view name) {
    if (value.is_null()) return std::nullopt;
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    wrong(name, "a whole number of bytes, milliseconds or runs");
    return std::nullopt;
  }
  std::int64_t time(const json& value, std::string_view name) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(count(value, name).value_or(0), INT64_MAX));
  }
  std::string string(std::string_view name) {
    const json value = get(name);
    if (value.is_null()) return {};
    if (value.is_string()) return value.get<std::string>();
    wrong(name, "a text");
    return {};
  }
  Instrument instrument(const json& value, std::string_view name) {
    for (const Instrument one : {Instrument::Allocator, Instrument::Process, Instrument::Device}) {
      if (value.is_null() || value == name_of(one)) return value.is_null() ? Instrument::Device : one;
    }
    wrong(name, "allocator, process or device");
    return Instrument::Device;
  }
  Window window(std::string_view name) {
    Window samples;
    const json list = get(name);
    if (list.is_null()) return samples;
    if (!list.is_array()) wrong(name, "a list");
    for (const json& item : list) {
      if (!item.is_object()) {
        wrong(name, "a list of objects");
        continue;
      }
      const auto member = [&](const char* key) { return item.contains(key) ? item[key] : json(); };
      samples.push_back({time(member("at"), name), count(member("in_use"), name), count(member("visible"), name),
                         time(member("ms"), name), instrument(member("by"), name), member("oom") == true});
    }
    append(samples, {});
    return samples;
  }
  void wrong(std::string_view name, std::string_view wanted) {
    if (problem_.empty()) problem_ = "'" + std::string(name) + "' is not " + std::string(wanted);
  }
  const std::string& problem() const { return problem_; }

 private:
  const Members& members_;
  std::string problem_;
};

std::string window_text(const Window& window) {
  std::string text = "[";
  for (const Sample& sample : window) {
    text += text.size() > 1 ? ",\n    {" : "\n    {";
    text += "\"at\": " + std::to_string(sample.at_ms);
    if (sample.in_use) text += ", \"in_use\": " + std::to_string(*sample.in_use);
    if (sample.visible) text += ", \"visible\": " + std::to_string(*sample.visible);
    if (sample.duration_ms > 0) text += ", \"ms\": " + std::to_string(sample.duration_ms);
    text += ", \"by\": \"" + std::string(name_of(sample.instrument)) + "\"";
    if (sample.out_of_memory) text += ", \"oom\": true";
    text += "}";
  }
  return text + (window.empty() ? "]" : "\n  ]");
}

}  // namespace

Counters& Counters::operator+=(const Counters& other) {
  runs += other.runs;
  contended += other.contended;
  negative += other.negative;
  below_noise += other.below_noise;
  out_of_memory += other.out_of_memory;
  return *this;
}

bool Pending::empty() const {
  const Counters& c = counters;
  return cold.empty() && warm.empty() && c.runs + c.contended + c.negative + c.below_noise + c.out_of_memory == 0;
}

void Pending::subtract(const Pending& written) {
  profile::subtract(cold, written.cold);
  profile::subtract(warm, written.warm);
  counters.runs -= written.counters.runs;
  counters.contended -= written.counters.contended;
  counters.negative -= written.counters.negative;
  counters.below_noise -= written.counters.below_noise;
  counters.out_of_memory -= written.counters.out_of_memory;
}

void Document::merge(const Pending& pending) {
  if (created_ms == 0) created_ms = pending.at_ms;
  updated_ms = std::max(updated_ms, pending.at_ms);
  counters += pending.counters;
  append(cold, pending.cold);
  append(warm, pending.warm);
  if (!pending.cold.empty()) {
    peak = charged_figure(cold);
    in_use_peak = in_use_figure(cold);
    origin = ProfileOrigin::Samples;
  }
  if (!pending.warm.empty()) warm_peak = charged_figure(warm);
  if (pending.cold.empty() && pending.warm.empty()) return;
  instrument = pending.instrument;
  if (!pending.device.empty()) device = pending.device;
  if (!pending.driver.empty()) driver = pending.driver;
}

Learned Document::learned() const {
  Learned result;
  const auto bytes = [](const std::optional<std::uint64_t>& value) {
    return value ? std::optional<Bytes>(Bytes(*value)) : std::nullopt;
  };
  const auto is_bound = [](const Sample& sample) { return sample.out_of_memory; };
  result.cold = bytes(peak);
  result.warm = bytes(warm_peak);
  result.in_use = bytes(in_use_peak);
  result.origin = origin;
  result.cold_samples = cold.size();
  result.warm_samples = warm.size();
  result.after_out_of_memory = std::any_of(cold.begin(), cold.end(), is_bound) || std::any_of(warm.begin(), warm.end(), is_bound);
  result.cold_duration = median_duration(cold);
  result.warm_duration = median_duration(warm);
  result.instrument = instrument;
  result.device = device;
  result.driver = driver;
  return result;
}

base::Result<Document> parse_document(std::string_view text) {
  auto members = parse_members(text, Form::Exact);
  if (!members) return corrupt(members.error().message);
  Reader reader(*members);
  Document document;
  if (reader.count("version").value_or(kVersion) > kVersion) {
    return base::Error{base::ErrorCode::Unsupported, "written by a later version of clams", 0};
  }
  const auto peak = reader.count("peak_bytes");
  if (!peak && reader.problem().empty()) reader.wrong("peak_bytes", "there");
  if (peak && *peak > 0) document.peak = peak;
  if (const auto at = members->find("parameters"); at != members->end()) {
    if (at->second.front() != '{') reader.wrong("parameters", "an object");
    document.parameters = at->second;
  } else {
    document.parameters.clear();
  }
  document.app = reader.string("app");
  document.warm_peak = reader.count("warm_bytes");
  document.in_use_peak = reader.count("in_use_bytes");
  document.instrument = reader.instrument(reader.get("instrument"), "instrument");
  document.device = reader.string("device");
  document.driver = reader.string("driver");
  document.created_ms = reader.time(reader.get("created"), "created");
  document.updated_ms = reader.time(reader.get("updated"), "updated");
  document.counters = {reader.count("runs").value_or(0), reader.count("contended").value_or(0),
                       reader.count("negative").value_or(0), reader.count("below_noise").value_or(0),
                       reader.count("out_of_memory").value_or(0)};
  document.cold = reader.window("cold");
  document.warm = reader.window("warm");
  if (!reader.problem().empty()) return corrupt(reader.problem());
  if (document.peak && document.peak != charged_figure(document.cold)) document.origin = ProfileOrigin::Given;
  return document;
}

base::Result<Document> parse_number(std::string_view text) {
  const std::string_view digits = base::trim(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return corrupt("not a bare number of bytes");
  Document document;
  if (value > 0) document.peak = value;
  document.parameters.clear();
  document.origin = ProfileOrigin::Number;
  return document;
}

std::string to_text(const Document& document) {
  const auto line = [](std::string_view name, const std::string& value) { return ",\n  \"" + std::string(name) + "\": " + value; };
  std::string text = "{\n  \"peak_bytes\": " + std::to_string(document.peak.value_or(0));
  text += line("parameters", document.parameters);
  text += line("version", std::to_string(kVersion)) + line("app", json_string(document.app));
  if (document.warm_peak) text += line("warm_bytes", std::to_string(*document.warm_peak));
  if (document.in_use_peak) text += line("in_use_bytes", std::to_string(*document.in_use_peak));
  text += line("instrument", json_string(name_of(document.instrument)));
  text += line("device", json_string(document.device)) + line("driver", json_string(document.driver));
  text += line("created", std::to_string(document.created_ms)) + line("updated", std::to_string(document.updated_ms));
  const Counters& c = document.counters;
  text += line("runs", std::to_string(c.runs)) + line("contended", std::to_string(c.contended)) +
          line("negative", std::to_string(c.negative));
  text += line("below_noise", std::to_string(c.below_noise)) + line("out_of_memory", std::to_string(c.out_of_memory));
  text += line("cold", window_text(document.cold)) + line("warm", window_text(document.warm));
  return text + "\n}\n";
}

}  // namespace vram::profile
