// Asking for memory on behalf of a program that knows nothing of the ledger.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "gpu/host.hpp"
#include "gpu/terminal.hpp"
#include "vram/admission.hpp"

namespace clams::tool {

// Flags of run and reserve.
struct LeaseFlags {
  std::string need;
  std::optional<std::string> wait, device, app, model;
};
void declare_lease_flags(Parser& parser, LeaseFlags& flags);

struct LeaseWish {
  base::Bytes need;                   // all that the program takes, its context included
  std::chrono::milliseconds wait{0};  // how long to try; negative: until it is there
  std::optional<std::string> device;  // index or UUID
  std::string app, model;
};
// `name`: what the app is called when --app does not say.
base::Result<LeaseWish> lease_wish_of(const LeaseFlags& flags, const std::string& name);

class LeaseDesk {
 public:
  // Waits for a driver that wakes up for a few seconds. `signals` must outlive the desk.
  static base::Result<std::unique_ptr<LeaseDesk>> open(const GpuSettings& settings, LeaseWish wish, SignalQueue& signals,
                                                       base::Logger log);

  const GpuHost& host() const noexcept { return host_; }
  const LeaseWish& wish() const noexcept { return wish_; }

  struct Interrupted {
    int signal = 0;
  };
  using Outcome = std::variant<vram::Lease, vram::Refusal, Interrupted>;
  // For the process of `slot`; null: this one. Tries until the wish's wait is over; what can never fit is not waited for.
  Outcome ask(const std::shared_ptr<vram::ProcessSlot>& slot);

 private:
  LeaseDesk(GpuHost host, LeaseWish wish, SignalQueue& signals)
      : host_(std::move(host)), wish_(std::move(wish)), signals_(signals) {}
  GpuHost host_;
  LeaseWish wish_;
  SignalQueue& signals_;
  vram::Requirement requirement_;
  std::unique_ptr<vram::Admission> admission_;
};

// Tells why nothing was started; the exit status: 75, 69, 128 + n.
int tell_refusal(std::string_view command, const LeaseDesk::Outcome& outcome);

}  // namespace clams::tool
