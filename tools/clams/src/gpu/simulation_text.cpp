#include "gpu/simulation_text.hpp"

#include "base/duration.hpp"
#include "mmif/json.hpp"

namespace clams::tool {
namespace {

std::int64_t ms(std::chrono::nanoseconds time) { return std::chrono::ceil<std::chrono::milliseconds>(time).count(); }

std::string time_text(std::chrono::nanoseconds time) {
  return time > std::chrono::nanoseconds(0) ? base::to_string(std::chrono::ceil<std::chrono::milliseconds>(time)) : "-";
}

std::string as_json(const std::vector<vram::SimulatedDeviceState>& devices) {
  mmif::Array list;
  for (const auto& device : devices) {
    mmif::Array processes;
    for (const auto& process : device.processes)
      processes.emplace_back(mmif::Object{{"pid", process.pid}, {"bytes", process.bytes.count()}});
    list.emplace_back(mmif::Object{{"id", device.info.index},
                                   {"uuid", device.info.uuid.text()},
                                   {"total_bytes", device.info.total.count()},
                                   {"used_bytes", device.used.count()},
                                   {"fault", vram::name_of(device.fault)},
                                   {"hang_left_ms", ms(device.hang_left)},
                                   {"release_lag_ms", ms(device.release_lag)},
                                   {"processes", std::move(processes)}});
  }
  return mmif::to_plain_text(mmif::Object{{"devices", std::move(list)}}, true) + "\n";
}

}  // namespace

std::string simulation_text(const std::vector<vram::SimulatedDeviceState>& devices, bool json, const TextStyle& style) {
  if (json) return as_json(devices);
  std::vector<std::vector<std::string>> rows;
  for (const auto& device : devices) {
    std::string holders;
    for (const auto& process : device.processes) {
      holders += (holders.empty() ? "" : ", ") + std::to_string(process.pid) + ": " + base::gib_text(process.bytes);
    }
    rows.push_back({std::to_string(device.info.index), device.info.uuid.text(), base::gib_text(device.info.total),
                    base::gib_text(device.used), std::string(vram::name_of(device.fault)), time_text(device.hang_left),
                    time_text(device.release_lag), holders.empty() ? "-" : holders});
  }
  const std::vector<TextColumn> columns{
      {"GPU", true, false, 0},    {"UUID", false, true, 8},  {"TOTAL", true, false, 0}, {"USED", true, false, 0},
      {"FAULT", false, false, 0}, {"HANGS", true, false, 0}, {"LAG", true, false, 0},   {"PROCESSES (PID: GiB)", false, true, 20}};
  std::string out;
  for (const std::string& line : table_lines(style, columns, rows)) out += line + "\n";
  return out;
}

}  // namespace clams::tool
