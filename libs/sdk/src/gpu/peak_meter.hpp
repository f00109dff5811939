// What runs needed whose app does not say so: read from the driver beside the requests, never on their path.
//
// Two instruments, the better one first: growth of the process as the driver lists it, and growth of the device while nobody else
// moved. Both are asked through DeviceMonitor by one thread, which sleeps while nothing runs. A run may be one of this process or
// of a worker process.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "vram/device_monitor.hpp"
#include "vram/ledger.hpp"
#include "vram/profile.hpp"

namespace clams {

struct PeakMeterParts {
  std::shared_ptr<vram::DeviceMonitor> monitor;
  std::shared_ptr<vram::Ledger> ledger;
  // The context of a process on the device was measured: what the driver shows beyond what was stated. Called on the meter's
  // thread.
  std::function<void(const vram::DeviceUuid&, const std::shared_ptr<vram::ProcessSlot>&, base::Bytes)> on_context;
};

// Thread-safe.
class PeakMeter {
 public:
  explicit PeakMeter(PeakMeterParts parts);
  ~PeakMeter();  // waits for the driver's deadline at most
  PeakMeter(const PeakMeter&) = delete;
  PeakMeter& operator=(const PeakMeter&) = delete;

  struct Start {
    vram::DeviceUuid uuid;
    vram::LedgerDevice device;
    std::shared_ptr<vram::ProcessSlot> slot;
    std::int64_t pid = 0;  // of the process that runs it
    std::string profile;   // tells parameter sets apart
    base::Bytes context;   // what the process's context is charged
    bool states = true;    // the process states what it takes when it takes it
  };
  struct Found {
    vram::RunKind kind = vram::RunKind::Cold;
    vram::Instrument instrument = vram::Instrument::Device;
    std::optional<std::int64_t> visible;  // growth, without the context; none: nothing could be read
    bool contended = false;
    // What the process holds more now than before it ran anything, or when it last ran nothing, and did not state; none: others
    // moved too. Only the last run to end tells what stays.
    std::optional<std::int64_t> kept;
  };
  // One run of a process; it is over when the object goes.
  class Run {
   public:
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    // To be asked once, when the app is through. Waits for one sample of the driver, at most for its deadline.
    Found found();

   private:
    friend class PeakMeter;
    struct State;
    explicit Run(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };
  // Null while the driver cannot be read. Waits for nothing.
  std::unique_ptr<Run> begin(const Start& start);

  // Memory that this process did state, or took through us: said after it was taken, before it is freed.
  void stated(const vram::DeviceUuid& device, std::int64_t by);
  // The same of a worker, which tells all that it has stated. The change is written into its slot too.
  void worker_stated(const vram::DeviceUuid& device, vram::LedgerDevice ledger_device,
                     const std::shared_ptr<vram::ProcessSlot>& slot, base::Bytes all);
  // A model is about to go, or has gone, whose memory nobody stated.
  void model_goes(const vram::DeviceUuid& device, std::int64_t pid, base::Bytes bytes);
  // The last block that was taken through us is about to go, and the context with it.
  void context_goes(const vram::DeviceUuid& device);
  void process_ended(std::int64_t pid);

 private:
  struct Process;
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace clams
