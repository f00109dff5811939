// The GPUs of this host and the ledger over them, as one Python process uses them.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "vram/admission.hpp"
#include "vram/device_monitor.hpp"

namespace clams_vram {

struct Wish {
  base::Bytes bytes;                  // all that the work takes, the context included
  std::string model;                  // for messages
  std::optional<std::string> device;  // index or UUID
};

struct DeviceRow {
  int index = 0;
  std::string uuid, name;
  base::Bytes total, reserved, available;
  std::optional<base::Bytes> free;
};

// Thread-safe; waits for a driver at most a few seconds when it is opened.
class Host {
 public:
  // Opened at the first call, by the environment as it is then (the variables of docs/guides/production.md), and never closed: the
  // driver must not be called while the process ends. A forked child gets one of its own. `app` is the name in `clams gpu`; the
  // first one stays. Error Configuration when CLAMS_VRAM_DIR or CLAMS_GPU cannot be used.
  static base::Result<std::shared_ptr<Host>> of_this_process(const std::string& app);

  // Error InvalidArgument when the wished device is not here.
  base::Result<std::variant<vram::Lease, vram::Refusal>> ask(const Wish& wish);
  // `change` more bytes (or less) of the lease are really on its device.
  void note(const vram::Lease& lease, std::int64_t change);
  std::vector<DeviceRow> devices();

 private:
  Host() = default;
  static base::Result<std::shared_ptr<Host>> open(const std::string& app);
  base::Result<std::optional<vram::DeviceUuid>> device_named(const std::string& name);
  std::shared_ptr<vram::DeviceMonitor> monitor_;
  std::shared_ptr<vram::Ledger> ledger_;
  vram::Headroom headroom_ = vram::Headroom::percent(10);
  std::unique_ptr<vram::Admission> admission_;
};

}  // namespace clams_vram
