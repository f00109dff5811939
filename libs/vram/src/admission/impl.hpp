// Inside of Admission: the steps of one decision.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admission/device_view.hpp"
#include "vram/admission.hpp"

namespace vram {

using SlotPtr = std::shared_ptr<ProcessSlot>;

// One try on one device.
struct Attempt {
  DeviceView* view = nullptr;
  LedgerDevice device;
  bool known = false;  // decided on figures; else `cause` says what could not be read
  std::string cause;
  bool driver = false;  // it was the driver
  ChargeOutcome outcome;
  Bytes room() const noexcept { return vram::available(outcome.figures); }
  Bytes missing() const noexcept { return outcome.need - room(); }
  bool granted() const noexcept { return outcome.lease.has_value(); }
};

struct Admission::Impl {
  explicit Impl(AdmissionParts given);

  AdmissionOutcome admit(const Requirement& requirement, SlotPtr slot);
  // Null when known; else why the list of devices is not known yet.
  std::optional<std::string> adopt_devices();
  DeviceView* find(const DeviceUuid& uuid);
  Result<SlotPtr> own_slot();

  // One device.
  Bytes request_bytes(const Requirement& requirement, Bytes total, Bytes context) const noexcept;
  Bytes context_of(const DeviceView& view) const;
  ChargeRequest charge_request(const Requirement& requirement, const DeviceView& view, Bytes total, ChargeRequest::Rule rule) const;
  Attempt attempt(DeviceView& view, const Requirement& requirement, const SlotPtr& slot, bool fresh,
                  ChargeRequest::Rule rule = ChargeRequest::Rule::Enforce);

  // All devices.
  std::vector<DeviceView*> candidates(const Requirement& requirement, const SlotPtr& slot);
  AdmissionOutcome place(const Requirement& requirement, const SlotPtr& slot);
  std::optional<Lease> first_fit(const std::vector<DeviceView*>& views, const Requirement& requirement, const SlotPtr& slot,
                                 bool fresh, std::vector<Attempt>& attempts);
  std::optional<Lease> make_room(const Requirement& requirement, const SlotPtr& slot, std::vector<Attempt>& attempts);
  std::optional<Lease> probe_run(const Requirement& requirement, const SlotPtr& slot, std::vector<Attempt>& attempts);

  // Giving memory back until it fits (reclaim.cpp).
  bool reclaim(const Requirement& requirement, const SlotPtr& slot, Attempt& best, std::chrono::nanoseconds deadline);
  bool unload_idle(const Requirement& requirement, const SlotPtr& slot, Attempt& best, std::chrono::nanoseconds deadline);
  bool wait_for_figure(const Requirement& requirement, const SlotPtr& slot, Attempt& best, Bytes freed,
                       std::chrono::nanoseconds deadline);

  // Answers.
  AdmissionOutcome unknown(DeviceView* view, const Requirement& requirement, const SlotPtr& slot, const std::string& cause,
                           bool driver = false);
  Refusal refuse(const Requirement& requirement, std::vector<Attempt>& attempts);
  Refusal never(const Requirement& requirement, const std::vector<Attempt>& attempts) const;
  Refusal numbers_of(const Requirement& requirement, const Attempt& attempt) const;
  Bytes most_of(Bytes total) const noexcept;  // of a device, for an app that is alone on it
  void count(const AdmissionOutcome& outcome) noexcept;
  void say_unknown(const std::string& cause);
  double jitter() noexcept;

  AdmissionParts parts;
  const base::Clock& clock;
  std::mutex views_mutex;
  std::atomic<bool> views_known{false};
  std::vector<std::unique_ptr<DeviceView>> views;  // written once, before views_known
  std::mutex own_mutex;
  SlotPtr own;
  mutable std::mutex context_mutex;
  std::map<DeviceUuid, Bytes> contexts;

  struct Refused {
    std::chrono::nanoseconds since{};  // refused ever since, by a learned figure
    std::optional<std::chrono::nanoseconds> last_probe;
  };
  std::mutex refused_mutex;
  std::map<std::string, Refused> refused;  // by profile; bounded

  std::mutex log_mutex;
  std::string said;  // the cause that was logged last; empty: all is readable
  std::atomic<std::uint64_t> draws{0};
  std::array<std::atomic<std::uint64_t>, 8> counts{};
};

}  // namespace vram
