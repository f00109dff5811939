// The host-wide ledger: one mapped file in which every process of every app states what it has been promised on each device. No
// daemon; the kernel's locks say who is alive. docs/formats/ledger.md describes the file, docs/design/ledger.md why it is so.
//
// If a process dies at any instruction: its bytes come back (at once for the driver term; up to `drain_time` later for the total
// term), nobody else's bytes change, and no lock stays taken.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.hpp"
#include "vram/decision.hpp"
#include "vram/ledger_directory.hpp"
#include "vram/probe.hpp"
#include "vram/process_slot.hpp"
#include "vram/snapshot.hpp"

namespace vram {

inline constexpr std::uint32_t kMaxLedgerDevices = 64;
inline constexpr std::uint32_t kMaxLedgerSlots = 256;

struct LedgerOptions {
  LedgerDirectory directory;                     // from choose_ledger_directory
  std::string app;                               // display name of this process's app; at most 127 bytes are shown
  std::chrono::milliseconds lock_deadline{200};  // for a table lock; then error Timeout
  std::chrono::milliseconds drain_time{5000};    // how long a dead process's bytes stay charged at most
  std::chrono::milliseconds join_deadline{1000};
  std::string boot_id;                 // empty: of this boot
  const base::Clock* clock = nullptr;  // null: the system's; else it must outlive every handle
};

// Position in the ledger's device table. Never shown to people: they see UUIDs, and indices in PCI order.
struct LedgerDevice {
  std::uint32_t position = 0;
  friend auto operator<=>(LedgerDevice, LedgerDevice) = default;
};

// `materialised` of every slot on one device, copied before a sample was taken.
struct MaterialisedCopy {
  std::chrono::nanoseconds copied_at{};
  std::uint32_t slots = 0;
  std::array<std::uint64_t, kMaxLedgerSlots> generation;  // of the first `slots` only
  std::array<std::uint64_t, kMaxLedgerSlots> materialised;
};

// What is known of a device when a decision is taken. `before` may be null: then nothing counts as seen by the driver. With a
// sample, `before` must have been copied no later than sample.taken_at.
struct Observation {
  std::optional<MemorySample> sample;  // none: the driver is unknown
  const MaterialisedCopy* before = nullptr;
};

// One charge that is asked for.
struct ChargeRequest {
  enum class Rule {
    Enforce,       // only what fits
    ProbeRun,      // what fits; what does not, if no request runs on the device (an exclusive run that corrects a learned figure)
    ChargeAnyhow,  // always; flagged when it does not fit
  };
  Rule rule = Rule::Enforce;
  std::string_view model;           // to see whether it is resident in the slot
  Bytes bytes;                      // when it is not
  std::optional<Bytes> warm_bytes;  // when it is resident; none: `bytes`
  // Not empty: what is charged beyond `warm_bytes` is for a model that stays, resident under this name from now on, so that those
  // who come while it is being loaded are charged as warm. It stays promised while it is loaded or any lease counts on it.
  std::string_view stays_as;
  Bytes context;   // once per slot and device
  Bytes headroom;  // this process's own wish
  std::optional<std::chrono::nanoseconds> expected_duration;
};

struct ChargeOutcome {
  Verdict verdict = Verdict::Short;
  DeviceFigures figures;      // at the decision, before the charge
  Bytes need;                 // what was or would have been charged
  bool resident = false;      // the model was resident in the slot, or on its way there
  bool deaths_found = false;  // dead slots were found during this decision: a fresh sample may show their bytes back
  std::optional<Lease> lease;
};

// A life token on a description of its own. In the front it is handed to the worker and dropped; the worker adopts it and keeps it
// to its end. Closed in forked children, so that a child of either does not keep a dead worker alive.
class WorkerToken {
 public:
  // In the worker: takes over the inherited descriptor and sets close-on-exec. Error InvalidArgument when it is not open.
  static base::Result<std::unique_ptr<WorkerToken>> adopt(int fd);
  ~WorkerToken();
  WorkerToken(const WorkerToken&) = delete;
  WorkerToken& operator=(const WorkerToken&) = delete;
  int fd() const noexcept;

 private:
  friend class Ledger;
  struct State;
  explicit WorkerToken(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A slot for a worker process. The front keeps `slot` as long as it accounts for the worker.
struct WorkerSlot {
  std::shared_ptr<ProcessSlot> slot;
  // Give token->fd() to the worker (dup2 in posix_spawn clears close-on-exec), then reset it: the slot then lives exactly as long
  // as the worker.
  std::unique_ptr<WorkerToken> token;
};

// Thread-safe. After fork without exec every call in the child answers Unavailable; open a new one there.
class Ledger {
 public:
  // Joins the ledger of the directory, making the file when needed. Takes no slot. Errors: Configuration when an explicit directory
  // cannot be used (full disk and unfit file system included), Unavailable when the file is another version's or another boot's and
  // somebody lives in it, else Io, PermissionDenied, Unsupported. Without a ledger the policy for unknown applies.
  static base::Result<std::shared_ptr<Ledger>> open(LedgerOptions options);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  LedgerScope scope() const noexcept;
  const std::string& path() const noexcept;  // of the file

  // Finds or adds the device. Error QueueFull when 64 are there.
  base::Result<LedgerDevice> register_device(const DeviceInfo& device);
  std::optional<LedgerDevice> find(const DeviceUuid& device) const;  // one that is registered; takes no lock
  // The slot of this process, claimed at the first call and given back when the last handle goes. Error QueueFull when 256
  // processes hold one.
  base::Result<std::shared_ptr<ProcessSlot>> own_slot();
  std::shared_ptr<ProcessSlot> own_slot_if_claimed() const;  // null: nobody holds one; claims none
  base::Result<WorkerSlot> prepare_worker_slot(std::string_view app);

  MaterialisedCopy copy_materialised(LedgerDevice device) const;
  // Check and reserve in one step under the device's lock; no driver call, no allocation of size. Error Timeout when the lock
  // cannot be had (a stopped process holds it), Unavailable in a forked child or when the file was removed.
  base::Result<ChargeOutcome> charge(LedgerDevice device, const std::shared_ptr<ProcessSlot>& slot, const ChargeRequest& request,
                                     const Observation& observation);
  // For the policy "let it through" when the lock cannot be had: charges without looking, flagged.
  Lease charge_unlocked(LedgerDevice device, const std::shared_ptr<ProcessSlot>& slot, const ChargeRequest& request);

  // Without a lock, for display and for ordering devices.
  DeviceFigures figures(LedgerDevice device, const Observation& observation) const;
  // When bytes of running requests and of the dead are expected back, soonest first.
  std::vector<ExpectedReturn> expected_returns(LedgerDevice device) const;
  // An out-of-memory happened on the device: placement prefers others until the time is over, on the whole host.
  void cool_down(LedgerDevice device, std::chrono::milliseconds time);
  bool is_cooling(LedgerDevice device) const;

  // Everything `clams gpu` and status show. Marks dead processes while it looks. `samples` by UUID; a device without one has no
  // free figure.
  LedgerSnapshot snapshot(const std::vector<DeviceSample>& samples = {}) const;

  // Words that contradict the invariants of the file, as sentences; empty when all is well. For tests and debug builds.
  std::vector<std::string> check_invariants() const;

 private:
  explicit Ledger(std::shared_ptr<LedgerCore> core);
  base::Result<ChargeOutcome> charge_once(LedgerDevice device, const std::shared_ptr<ProcessSlot>& slot,
                                          const ChargeRequest& request, const Observation& observation);
  std::shared_ptr<LedgerCore> core_;
  mutable std::mutex own_mutex_;
  std::weak_ptr<ProcessSlot> own_;
};

}  // namespace vram
