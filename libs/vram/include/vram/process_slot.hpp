// One line of the ledger (this process's own, or a worker's for which this process accounts), and the lease of one granted request.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vram/probe.hpp"

namespace vram {

struct LedgerCore;
struct ChargeRequest;
struct LedgerDevice;
class ProcessSlot;

// How a request came to run.
enum class PassKind {
  Granted,    // it fits and the bytes are promised
  Observed,   // mode observe: it did not fit
  Unknown,    // driver or ledger could not be read and the policy lets requests through
  ProbeRun,   // alone on the device, to measure again what was learned
  Uncharged,  // no device, or mode off: nothing is charged
};
std::string_view to_string(PassKind kind) noexcept;  // "granted", "observed", "unknown", "probe_run", "uncharged"

// One granted charge. Dropping it gives the charge back by lowering the own slot's words, without a lock. Move-only; used by one
// thread at a time; may outlive the Ledger. In a forked child dropping it does nothing: the charge is the parent's.
class Lease {
 public:
  Lease() = default;  // uncharged
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { release(); }

  void release() noexcept;
  const DeviceUuid& device() const noexcept { return device_; }  // empty without one
  Bytes bytes() const noexcept { return bytes_; }                // still charged for this request
  PassKind pass() const noexcept { return pass_; }
  bool enforced() const noexcept { return pass_ == PassKind::Granted; }
  Bytes granted() const noexcept { return granted_; }  // charged at the decision, a model that stays included
  Bytes own() const noexcept { return own_; }          // of it, for the request itself
  bool warm() const noexcept { return warm_; }         // charged as one that finds its model, loaded or on its way
  // The resident model whose bytes are not part of this charge; empty: none.
  const std::string& counts_on() const noexcept { return counts_on_; }
  const std::shared_ptr<ProcessSlot>& slot() const noexcept { return slot_; }

  // `bytes` of this charge stay with the loaded model when the request ends: they move from the lease to the slot's resident
  // models. What neither the lease nor the model that it expected to stay covers is charged on top, since it is held already. A
  // model that is loaded already is left as it is; one that was on its way is settled. Zero bytes: unknown, what was expected
  // counts.
  void keep_resident(std::string_view model, Bytes bytes, std::chrono::milliseconds reload_cost);
  // The load was measured: more comes out of this charge first, less goes back into it. No effect on a model that is not resident.
  void settle_resident(std::string_view model, Bytes bytes);

 private:
  friend class Ledger;
  friend class Admission;
  friend class ProcessSlot;
  struct Terms {
    Bytes bytes, granted;
    bool warm = false;
    std::string counts_on;
  };
  Lease(std::shared_ptr<ProcessSlot> slot, std::uint32_t device, DeviceUuid uuid, Terms terms, PassKind pass);
  void take_from_charge(Bytes bytes);
  void settle(Bytes before, Bytes now);
  std::shared_ptr<ProcessSlot> slot_;
  std::uint32_t device_index_ = 0;
  DeviceUuid device_;
  Bytes bytes_, granted_, own_;
  bool warm_ = false;
  std::string counts_on_;
  PassKind pass_ = PassKind::Uncharged;
};

struct IdleModel {
  std::string model;
  Bytes bytes;
  std::chrono::milliseconds reload_cost{};
  std::uint64_t holder = 0;  // who holds it, in numbers of the reclaimer's own
};

// Thread-safe. The slot ends when the last handle goes (leases hold one): an own slot at once, a worker's when the worker has ended
// too.
class ProcessSlot {
 public:
  ~ProcessSlot();
  ProcessSlot(const ProcessSlot&) = delete;
  ProcessSlot& operator=(const ProcessSlot&) = delete;

  std::uint32_t index() const noexcept { return slot_; }
  bool is_worker() const noexcept { return worker_; }
  // For display. The constructor of an own slot knows itself; a worker's is told after the start.
  void describe_process(std::int64_t pid);
  std::int64_t pid() const;  // as described; 0 before
  // The worker has ended (waited for): marks the slot dead without waiting for somebody to notice. No effect while the token is
  // held.
  void mark_ended();

  // What the process holds on the device as the driver sees it. Raise after allocating, lower before freeing; 0 when unknown.
  void set_materialised(LedgerDevice device, Bytes bytes);
  void raise_materialised(LedgerDevice device, Bytes by);
  void lower_materialised(LedgerDevice device, Bytes by);
  Bytes materialised(LedgerDevice device) const;
  Bytes reserved(LedgerDevice device) const;
  std::uint32_t requests(LedgerDevice device) const;  // that run now

  // The measured size of the process's context. Corrects what was charged for it, or charges it.
  void set_context(LedgerDevice device, Bytes bytes);
  // Bytes that this process wants nobody to be promised. The largest wish of the living counts.
  void request_headroom(LedgerDevice device, Bytes bytes);

  // Promised for the model, loaded or on its way.
  std::optional<Bytes> resident(LedgerDevice device, std::string_view model) const;
  bool is_loaded(LedgerDevice device, std::string_view model) const;
  // Whether a running request was charged as one that finds the model, on any device.
  bool is_counted_on(std::string_view model) const;
  Bytes resident_bytes(LedgerDevice device) const;  // of all that are loaded
  // Charges a model that a worker is found to hold. Use Lease::keep_resident where a lease covers it. One that was on its way is
  // loaded now, and settled.
  void add_resident(LedgerDevice device, std::string_view model, Bytes bytes, std::chrono::milliseconds reload_cost);
  // Call after the model's memory was freed. The bytes it had; none when it is not loaded. They are given back, at once or with the
  // last lease that counts on it.
  Bytes remove_resident(LedgerDevice device, std::string_view model);
  // A loaded one, measured anew, outside of a request: the difference is charged or given back.
  void resize_resident(LedgerDevice device, std::string_view model, Bytes bytes);
  void set_idle(LedgerDevice device, std::string_view model, bool idle);
  std::vector<IdleModel> idle_models(LedgerDevice device) const;
  // Every model that is loaded, by name, with its bytes.
  std::vector<std::pair<std::string, Bytes>> loaded_models(LedgerDevice device) const;

 private:
  friend class Ledger;
  friend class Lease;
  struct Resident;
  struct Tables;
  ProcessSlot(std::shared_ptr<LedgerCore> core, std::uint32_t slot, bool worker);
  void add_resident_locked(Tables& tables, std::uint32_t device, std::string_view model, Bytes bytes,
                           std::chrono::milliseconds reload_cost, bool loaded);
  Lease::Terms terms_locked(Tables& tables, std::uint32_t device, const ChargeRequest& request, Bytes granted, bool may_split);
  void write_resident_locked(Resident& resident, Bytes bytes, std::chrono::milliseconds reload_cost, bool loaded);
  void stop_counting(std::uint32_t device, std::string_view model) noexcept;
  void drop_resident_locked(Tables& tables, const Resident& resident) noexcept;
  // Writes the new size into tables and file; the old size, or none when it is not resident. Does not touch `reserved`.
  std::optional<Bytes> restate_resident(std::uint32_t device, std::string_view model, Bytes bytes);
  void begin_request(std::uint32_t device, Bytes request_bytes, bool enforced,
                     std::optional<std::chrono::nanoseconds> expected_duration);
  void end_request(std::uint32_t device, Bytes bytes, bool enforced) noexcept;
  void raise_reserved(std::uint32_t device, Bytes bytes);
  void lower_reserved(std::uint32_t device, Bytes bytes) noexcept;
  bool usable() const noexcept;

  std::shared_ptr<LedgerCore> core_;
  std::uint32_t slot_;
  bool worker_;
  std::unique_ptr<Tables> tables_;
};

}  // namespace vram
