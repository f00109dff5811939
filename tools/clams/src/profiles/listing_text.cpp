#include "profiles/listing_text.hpp"

#include <array>
#include <ctime>

#include "base/duration.hpp"
#include "gpu/table.hpp"
#include "mmif/json.hpp"

namespace clams::tool {
namespace {

std::string size_text(const std::optional<base::Bytes>& bytes) { return bytes ? base::to_string(*bytes) : "-"; }

std::string age_text(std::chrono::nanoseconds updated, std::chrono::nanoseconds now) {
  if (updated == std::chrono::nanoseconds(0)) return "-";
  const auto minutes = std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::minutes>(now - updated).count(), 0);
  if (minutes < 120) return std::to_string(minutes) + "m";
  if (minutes < 48 * 60) return std::to_string(minutes / 60) + "h";
  return std::to_string(minutes / (24 * 60)) + "d";
}

std::string time_text(std::chrono::nanoseconds wall) {
  const auto seconds = static_cast<std::time_t>(std::chrono::duration_cast<std::chrono::seconds>(wall).count());
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

std::string app_of(const vram::ProfileFile& file) { return file.app.empty() ? harmless(file.folder) : short_app_name(file.app); }

mmif::Value count_or_null(const std::optional<base::Bytes>& bytes) { return bytes ? mmif::Value(bytes->count()) : mmif::Value(); }
mmif::Value ms_or_null(const std::optional<std::chrono::milliseconds>& time) {
  return time ? mmif::Value(time->count()) : mmif::Value();
}

mmif::Value parameters_of(const vram::ProfileFile& file) {
  auto parsed = file.parameters.empty() ? base::Result<mmif::Value>(mmif::Value()) : mmif::parse_json(file.parameters);
  return parsed ? std::move(parsed).value() : mmif::Value();
}

mmif::Object file_json(const std::string& root, const vram::ProfileFile& file) {
  const vram::Learned& learned = file.learned;
  return mmif::Object{
      {"app", file.app},
      {"root", root},
      {"folder", file.folder},
      {"file", file.file},
      {"hash", file.hash},
      {"peak_bytes", count_or_null(learned.cold)},
      {"warm_bytes", count_or_null(learned.warm)},
      {"origin", vram::name_of(learned.origin)},
      {"instrument", vram::name_of(learned.instrument)},
      {"cold_samples", learned.cold_samples},
      {"warm_samples", learned.warm_samples},
      {"cold_ms", ms_or_null(learned.cold_duration)},
      {"warm_ms", ms_or_null(learned.warm_duration)},
      {"runs", file.runs},
      {"dropped", file.dropped},
      {"out_of_memory", file.out_of_memory},
      {"device", learned.device},
      {"driver", learned.driver},
      {"updated", file.updated == std::chrono::nanoseconds(0) ? mmif::Value() : mmif::Value(time_text(file.updated))},
      {"size_bytes", file.size},
      {"parameters", parameters_of(file)}};
}

std::string row(std::string_view title, const std::string& text) {
  return padded_right(std::string(title), 16) + harmless(text) + "\n";
}

const std::vector<TextColumn> kColumns{{"APP", false, true, 12},       {"HASH", false, false, 0}, {"PEAK", true, false, 0},
                                       {"WARM", true, false, 0},       {"RUNS", true, false, 0},  {"AGE", true, false, 0},
                                       {"PARAMETERS", false, true, 10}};

std::vector<std::vector<std::string>> rows_of(const vram::ProfileListing& listing, std::chrono::nanoseconds now) {
  std::vector<std::vector<std::string>> rows;
  for (const vram::ProfileFile& file : listing.files) {
    rows.push_back({app_of(file), harmless(file.hash), size_text(file.learned.cold), size_text(file.learned.warm),
                    std::to_string(file.runs), age_text(file.updated, now),
                    file.parameters.empty() ? "-" : harmless(file.parameters)});
  }
  return rows;
}

}  // namespace

std::string listing_text(const std::vector<FolderListing>& listings, std::chrono::nanoseconds now, const TextStyle& style) {
  std::string out, empty;
  for (const auto& [folder, listing] : listings) {
    if (listing.files.empty()) {
      empty += (empty.empty() ? "" : " and ") + folder;
      continue;
    }
    if (listings.size() > 1) out += (out.empty() ? "" : "\n") + folder + ":\n";
    for (const std::string& line : table_lines(style, kColumns, rows_of(listing, now))) out += line + "\n";
  }
  if (out.empty()) return "No profiles yet in " + empty + ": they are written when an app has run on a GPU.\n";
  return out;
}

std::string listing_json(const std::vector<FolderListing>& listings) {
  mmif::Array files, skipped;
  for (const auto& [folder, listing] : listings) {
    for (const vram::ProfileFile& file : listing.files) files.emplace_back(file_json(folder, file));
    for (const std::string& line : listing.skipped) skipped.emplace_back(line);
  }
  return mmif::to_plain_text(mmif::Object{{"profiles", std::move(files)}, {"skipped", std::move(skipped)}}, true) + "\n";
}

std::string profile_text(const vram::ProfileFile& file, const std::string& root, std::chrono::nanoseconds now) {
  const vram::Learned& learned = file.learned;
  std::string out = row("app", file.app.empty() ? file.folder : file.app);
  out += row("file", root + "/" + file.folder + "/" + file.file + ", " + base::to_string(base::Bytes(file.size)));
  out += row("parameters", file.parameters.empty() ? "-" : file.parameters);
  out += row("peak, cold", size_text(learned.cold) + " from " + std::to_string(learned.cold_samples) + " samples (" +
                               std::string(vram::name_of(learned.origin)) + ")");
  out += row("again, warm", size_text(learned.warm) + " from " + std::to_string(learned.warm_samples) + " samples");
  if (learned.cold_duration) out += row("time, cold", base::to_string(*learned.cold_duration));
  if (learned.warm_duration) out += row("time, warm", base::to_string(*learned.warm_duration));
  out +=
      row("measured by", std::string(vram::name_of(learned.instrument)) + (learned.device.empty() ? "" : " on " + learned.device) +
                             (learned.driver.empty() ? "" : ", " + learned.driver));
  out += row("runs", std::to_string(file.runs) + ", " + std::to_string(file.dropped) + " not counted, " +
                         std::to_string(file.out_of_memory) + " out of memory");
  if (file.updated != std::chrono::nanoseconds(0))
    out += row("last", time_text(file.updated) + ", " + age_text(file.updated, now) + " ago");
  return out;
}

}  // namespace clams::tool
