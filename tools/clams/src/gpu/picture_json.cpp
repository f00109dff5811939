#include <cmath>

#include "gpu/picture.hpp"
#include "mmif/json.hpp"

namespace clams::tool {
namespace {

mmif::Value gib(base::Bytes bytes) {
  return mmif::Value(std::round(static_cast<double>(bytes.count()) / 1073741824.0 * 100) / 100);
}

mmif::Object device_json(const GpuDevice& device) {
  mmif::Array resident;
  for (const auto& model : device.resident)
    resident.emplace_back(
        mmif::Object{{"app", model.app}, {"model", model.model}, {"bytes", model.bytes.count()}, {"loading", model.coming}});
  mmif::Object shown{{"id", device.info.index},
                     {"name", device.info.name},
                     {"uuid", device.info.uuid.text()},
                     {"total_memory_gb", gib(device.info.total)},
                     {"available_memory_gb", gib(device.available)},
                     {"total_bytes", device.info.total.count()},
                     {"free_bytes", device.free.value_or(base::Bytes()).count()},
                     {"reserved_bytes", device.reserved.count()},
                     {"available_bytes", device.available.count()},
                     {"headroom_bytes", device.headroom.count()},
                     {"unattributed_bytes", device.unattributed.count()},
                     {"resident", std::move(resident)},
                     {"sample_age_ms", std::chrono::duration_cast<std::chrono::milliseconds>(device.age).count()},
                     {"state", vram::name_of(device.state)}};
  if (device.state != vram::SampleState::Ok) {
    shown.set("reason", "driver_error");
    shown.set("message", device.reason);
  }
  return shown;
}

mmif::Object process_json(const GpuProcess& process) {
  mmif::Array models;
  for (const std::string& model : process.models) models.emplace_back(model);
  return mmif::Object{{"pid", process.pid},
                      {"app", process.app},
                      {"device", process.device.text()},
                      {"reserved_bytes", process.reserved.count()},
                      {"materialised_bytes", process.materialised.count()},
                      {"models", std::move(models)},
                      {"requests", process.requests}};
}

}  // namespace

std::string picture_json(const GpuPicture& picture, bool pretty) {
  mmif::Array devices, processes;
  for (const GpuDevice& device : picture.devices) devices.emplace_back(device_json(device));
  // The dead are left out, so that the processes of a device add up to its reserved bytes.
  for (const GpuProcess& process : picture.processes) {
    if (process.in_ledger && !process.draining) processes.emplace_back(process_json(process));
  }
  mmif::Object all{{"devices", std::move(devices)}, {"processes", std::move(processes)}};
  if (const auto& why = picture.no_devices) {
    all.set("reason", why->reason);
    all.set("message", why->message);
    if (why->code != 0) all.set("driver_code", why->code);
  }
  return mmif::to_plain_text(all, pretty) + "\n";
}

}  // namespace clams::tool
