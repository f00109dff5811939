// The door: one request in, a lease or a refusal out. For any program, with or without the rest of the SDK.
//
//   auto ledger = vram::Ledger::open({.directory = …, .app = "my-app"});
//   vram::Admission admission({.ledger = *ledger, .sampler = vram::make_monitor_sampler(monitor)});
//   auto outcome = admission.admit({.model = "large", .source = vram::RequirementSource::Declared, .bytes = 6_GiB});
//   if (auto* lease = std::get_if<vram::Lease>(&outcome)) …   // run; the charge goes when the lease goes
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "vram/ledger.hpp"
#include "vram/refusal.hpp"
#include "vram/requirement.hpp"
#include "vram/sampler.hpp"

namespace vram {

enum class AdmissionMode { Off, Observe, Enforce };
enum class UnknownPolicy { Allow, Refuse };

// Percent of the device's total, or bytes.
class Headroom {
 public:
  static Headroom percent(double value) noexcept { return Headroom(value / 100.0, Bytes()); }
  static Headroom bytes(Bytes value) noexcept { return Headroom(-1.0, value); }
  Bytes of(Bytes total) const noexcept;

 private:
  Headroom(double share, Bytes value) noexcept : share_(share), bytes_(value) {}
  double share_;  // negative: bytes_ counts
  Bytes bytes_;
};

// What the program can give back on a device so that a request fits. Thread-safe; never called under a lock. A busy model is not
// idle and is not listed; one that became busy meanwhile answers zero bytes.
class Reclaimer {
 public:
  virtual ~Reclaimer() = default;
  // Empties caches of frameworks. Bytes that were given back, as far as known.
  virtual Bytes give_back_caches(const DeviceUuid& device) = 0;
  virtual std::vector<IdleModel> idle_models(const DeviceUuid& device) = 0;
  // Frees the model (or ends the idle worker that holds it), then ProcessSlot::remove_resident. The bytes that came back; zero: it
  // is in use.
  virtual Bytes unload(const DeviceUuid& device, const IdleModel& model, std::chrono::milliseconds deadline) = 0;
  // Asks other apps' idle models, when this process has nothing left. Default: nobody is asked.
  virtual Bytes ask_others(const DeviceUuid& device, Bytes missing, std::chrono::milliseconds deadline);
};

struct AdmissionOptions {
  AdmissionMode mode = AdmissionMode::Enforce;
  UnknownPolicy unknown = UnknownPolicy::Allow;
  Headroom headroom = Headroom::percent(10);
  double margin = 1.2;                              // on learned figures
  double first_share = 0.8;                         // of the total, when nothing is known
  Bytes context = Bytes(std::uint64_t{512} << 20);  // once per process and device until it was measured; 0 on simulated devices
  std::chrono::milliseconds sample_sharing{5};      // a sample this young may serve several decisions
  std::chrono::milliseconds reclaim_deadline{5000};
  std::chrono::milliseconds reclaim_step{500};          // how long the device's figure is waited for after one step
  std::chrono::milliseconds probe_run_interval{60000};  // between two probe runs of the same profile
};

struct AdmissionParts {
  std::shared_ptr<Ledger> ledger;  // null: this process could not join; the policy for unknown applies
  std::string ledger_problem;      // then: why
  std::shared_ptr<Sampler> sampler;
  AdmissionOptions options;
  std::shared_ptr<Reclaimer> reclaimer;  // may be null
  base::Logger log;
  bool driver_is_told = false;         // the sampler's monitor logs by itself when a driver cannot be read: not said twice
  const base::Clock* clock = nullptr;  // null: the system's
};

struct AdmissionCounters {
  std::uint64_t granted = 0, observed = 0, unknown = 0, probe_runs = 0, uncharged = 0, refused = 0, impossible = 0,
                refused_unknown = 0;
};

using AdmissionOutcome = std::variant<Lease, Refusal>;

// Thread-safe. The request path: no process listing, no child, no CUDA context, no driver call under a lock, no wait without a
// deadline.
class Admission {
 public:
  explicit Admission(AdmissionParts parts);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // For work of this process itself.
  AdmissionOutcome admit(const Requirement& requirement);
  // For work that the process of `slot` will do (a worker). Null: this process.
  AdmissionOutcome admit(const Requirement& requirement, const std::shared_ptr<ProcessSlot>& slot);

  // An out-of-memory happened although it was granted: placement prefers other devices for 30 s.
  void report_out_of_memory(const DeviceUuid& device);
  // What one request could be granted now on the device, and the reading behind it. From the shared sample; waits for the driver's
  // deadline at most.
  struct Room {
    DeviceFigures figures;
    Bytes available;
    SampleState state = SampleState::Unknown;
    MemorySample sample;
  };
  Room room(const DeviceUuid& device);
  // Bytes that would be charged for it on a device of this total, context excluded.
  Bytes request_bytes(const Requirement& requirement, Bytes total) const noexcept;
  // Measured size of the context of this app's processes on the device; used for slots that are not charged for theirs yet.
  void set_context(const DeviceUuid& device, Bytes bytes);

  AdmissionCounters counters() const noexcept;
  // As known by now; empty without a GPU and while the driver has not told yet.
  std::vector<DeviceInfo> devices();
  const std::shared_ptr<Ledger>& ledger() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vram
