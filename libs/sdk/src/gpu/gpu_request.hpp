// State of one admitted request.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gpu_state.hpp"

namespace clams {

// The device an app names by UUID or index; an unknown name is kept, so that admission can say that it is not here.
std::optional<vram::DeviceUuid> device_named(const GpuMemoryState& state, const std::string& name);

struct GpuRequestState {
  explicit GpuRequestState(GpuMemoryState& shared) : gpu(shared) {}

  GpuMemoryState& gpu;
  vram::Requirement requirement;
  std::optional<vram::ProfileKey> key;
  vram::Lease lease;
  bool admitted = false;
  std::shared_ptr<void> pinned;
  std::optional<vram::LedgerDevice> device;
  bool worker_holds = false;    // the worker that runs it holds what these parameters need
  bool loads = false;           // it ran the loader of its (first) model itself
  bool waited_in_vain = false;  // for a load of another request, which failed; nothing was loaded since
  bool succeeded = false;
  std::uint64_t number = 0;          // tells requests of a front apart, also in its workers
  bool models_are_told = false;      // by the worker that runs it
  std::string used_model;            // the first that the app asked for
  std::string stays_as;              // name under which its model is expected to stay; empty: not known to
  std::string unmeasured_model;      // loaded by this request, of bytes that are not known
  std::optional<std::int64_t> kept;  // see PeakMeter::Found
  std::string assigned_device;       // in a worker
  base::Bytes assigned_resident;
  std::chrono::nanoseconds began{};
  vram::DeviceUuid place;                   // where it runs: the lease's device, or with admission off one that is there
  std::unique_ptr<PeakMeter::Run> metered;  // null: simulated, or the driver cannot be read

  // What the request itself is known to hold, and its highest.
  std::atomic<std::uint64_t> held{0}, peak{0};
  std::optional<base::Bytes> reported_in_use, reported_visible;

  void begin(GpuGrant& grant);
  void start_metering();
  void allocated(base::Bytes bytes);
  void freed(base::Bytes bytes);
  // By the best instrument that applies: what was stated, else what the driver showed.
  vram::Measurement measured();
  // Cold: what it needed includes a model that it loaded.
  vram::RunKind kind() const;
  // A model that was loaded and whose bytes nobody could tell holds what the process was seen to keep.
  void learn_kept();
  void learn_whether_it_stays(const vram::Measurement& measurement);
  void note_unmeasured(const std::string& model) {
    if (unmeasured_model.empty()) unmeasured_model = model;
  }
  // What is known without asking the driver.
  vram::Measurement stated() const;
  std::int64_t pid() const;  // of the process that runs it
  // What a worker that tells nothing holds, by what the driver showed.
  WorkerDeviceReport kept_by_worker() const;
};

}  // namespace clams
