#include "gpu/table.hpp"

#include <algorithm>

#include "base/duration.hpp"

namespace clams::tool {
namespace {

using base::Bytes;
using base::gib_text;

constexpr std::size_t kWide = 120;
constexpr std::size_t kWithUsers = 100;  // columns from which on there is room for USER and SINCE

// Below a second in ms, else in whole seconds: an age need not be exact.
std::string age_text(std::chrono::nanoseconds age) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(age);
  if (ms < std::chrono::seconds(1)) return std::to_string(ms.count()) + "ms";
  if (ms < std::chrono::hours(1)) return std::to_string(ms.count() / 1000) + "s";
  return std::to_string(ms.count() / 3'600'000) + "h";
}

std::string since_text(std::chrono::nanoseconds age) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 2 * 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / (24 * 3600)) + "d";
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

std::string figure(const GpuDevice& device, Bytes value) {
  return device.state == vram::SampleState::Unknown ? "?" : gib_text(value);
}

// The driver speaks of free and foreign bytes, and so of what is available; promises and headroom are known without it.
std::vector<std::string> device_row(const GpuDevice& device, const TextStyle& style) {
  std::vector<std::string> row{std::to_string(device.info.index), harmless(device.info.name)};
  if (style.columns >= kWide) row.push_back(harmless(device.info.uuid.text()));
  for (std::string cell : {gib_text(device.info.total), figure(device, device.free.value_or(Bytes())), gib_text(device.reserved),
                           figure(device, parts_of(device).foreign), gib_text(device.headroom), figure(device, device.available),
                           state_text(device, style)}) {
    row.push_back(std::move(cell));
  }
  return row;
}

std::vector<std::string> device_lines(const GpuPicture& picture, const TextStyle& style) {
  std::vector<TextColumn> columns{{"GPU", true, false, 0}, {"NAME", false, true, 8}};
  if (style.columns >= kWide) columns.push_back({"UUID", false, true, 16});
  for (const char* title : {"TOTAL", "FREE", "RESERVED", "FOREIGN", "HEADROOM", "AVAIL"})
    columns.push_back({title, true, false, 0});
  columns.push_back({"STATE", false, false, 0});
  std::vector<std::vector<std::string>> rows;
  for (const GpuDevice& device : picture.devices) rows.push_back(device_row(device, style));
  std::vector<std::string> lines = table_lines(style, columns, rows);
  for (std::size_t i = picture.devices.size(); i-- > 0;) {
    auto remarks = remarks_on(picture.devices[i]);
    for (std::string& remark : remarks) remark = painted(style, Ink::Yellow, "     " + harmless(remark));
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i) + 2, remarks.begin(), remarks.end());
  }
  return lines;
}

std::string models_text(const GpuPicture& picture, const GpuProcess& process) {
  if (!process.in_ledger) return "not in the ledger";
  if (process.draining) return "ended, draining";
  std::vector<std::string> words;
  for (const std::string& name : process.models) {
    std::string word = harmless(name);
    for (const GpuDevice& device : picture.devices) {
      for (const auto& model : device.resident) {
        if (device.info.uuid == process.device && model.pid == process.pid && model.model == name)
          word += " " + gib_text(model.bytes) + (model.coming ? " loading" : model.idle ? " idle" : "");
      }
    }
    words.push_back(std::move(word));
  }
  return joined(words, ", ");
}

}  // namespace

std::string short_app_name(std::string_view app) {
  const std::size_t scheme = app.find("://");
  const std::size_t path = scheme == std::string_view::npos ? std::string_view::npos : app.find('/', scheme + 3);
  return harmless(path == std::string_view::npos || path + 1 == app.size() ? app : app.substr(path + 1));
}

std::string state_text(const GpuDevice& device, const TextStyle& style) {
  switch (device.state) {
    case vram::SampleState::Ok: return painted(style, Ink::Green, "ok " + age_text(device.age));
    case vram::SampleState::Stale: return painted(style, Ink::Yellow, "stale " + age_text(device.age));
    case vram::SampleState::Unknown: break;
  }
  return painted(style, Ink::Red, "unknown");
}

std::vector<std::string> remarks_on(const GpuDevice& device) {
  std::vector<std::string> remarks;
  if (device.draining > Bytes()) remarks.push_back(gib_text(device.draining) + " draining: held back for programs that just ended");
  if (device.cooling) remarks.emplace_back("cooling: ran out of memory a moment ago, other devices come first");
  if (device.unenforced > 0) remarks.push_back(std::to_string(device.unenforced) + " running without a check of their memory");
  if (device.state != vram::SampleState::Ok && !device.reason.empty()) remarks.push_back(device.reason);
  return remarks;
}

std::string source_text(const GpuPicture& picture) {
  std::string text = picture.driver == "sim" ? "simulated" : picture.driver == "none" ? "no driver" : picture.driver + " driver";
  if (!picture.ledger) return text + (picture.denied ? ", the ledger of the host is not for you" : ", no ledger yet");
  return text + ", ledger of the " + std::string(picture.scope == vram::LedgerScope::Host ? "host" : "user") + " in " +
         harmless(*picture.ledger);
}

namespace {

// Columns of facts that the host has beside the ledger: shown where there is room, and any to show.
struct FactColumns {
  bool users = false, commands = false;
};

FactColumns fact_columns(const GpuPicture& picture, const TextStyle& style) {
  const auto& all = picture.processes;
  const bool any = std::any_of(all.begin(), all.end(), [](const GpuProcess& process) { return process.facts.has_value(); });
  return {any && style.columns >= kWithUsers, any && style.columns >= kWide};
}

std::vector<std::string> process_row(const GpuPicture& picture, const GpuProcess& process, const FactColumns& facts) {
  const bool promised = process.in_ledger;
  std::vector<std::string> row{process.pid == 0 ? "-" : std::to_string(process.pid)};
  if (facts.users) {
    row.push_back(process.facts ? harmless(process.facts->user) : "?");
    row.push_back(process.facts ? since_text(process.facts->age) : "?");
  }
  for (std::string cell :
       {short_app_name(process.app), process.index ? std::to_string(*process.index) : "-",
        promised ? gib_text(process.reserved) : "-", process.materialised > Bytes() ? gib_text(process.materialised) : "-",
        promised ? std::to_string(process.requests) : "-", models_text(picture, process)}) {
    row.push_back(std::move(cell));
  }
  if (facts.commands) row.push_back(process.facts ? harmless(process.facts->command) : "");
  return row;
}

}  // namespace

std::vector<std::string> process_lines(const GpuPicture& picture, const TextStyle& style) {
  const FactColumns facts = fact_columns(picture, style);
  std::vector<TextColumn> columns{{"PID", true, false, 0}};
  if (facts.users) columns.insert(columns.end(), {{"USER", false, false, 0}, {"SINCE", true, false, 0}});
  columns.insert(columns.end(), {{"APP", false, true, 20},
                                 {"GPU", true, false, 0},
                                 {"RESERVED", true, false, 0},
                                 {"HELD", true, false, 0},
                                 {"REQ", true, false, 0},
                                 {"MODELS, NOTES", false, true, 13}});
  if (facts.commands) columns.push_back({"COMMAND", false, true, 10});
  std::vector<std::vector<std::string>> rows;
  for (const GpuProcess& process : picture.processes) rows.push_back(process_row(picture, process, facts));
  return table_lines(style, columns, rows);
}

std::string gpu_table(const GpuPicture& picture, const TextStyle& style) {
  std::string out = painted(style, Ink::Dim, "GPU memory in GiB: " + source_text(picture)) + "\n";
  for (const std::string& problem : picture.problems) out += painted(style, Ink::Red, harmless(problem)) + "\n";
  if (!picture.devices.empty()) {
    for (const std::string& line : device_lines(picture, style)) out += line + "\n";
  }
  out += "\n";
  if (picture.processes.empty()) return out + "No process uses a GPU.\n";
  for (const std::string& line : process_lines(picture, style)) out += line + "\n";
  return out;
}

}  // namespace clams::tool
