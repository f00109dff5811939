#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "gpu/child.hpp"
#include "gpu/commands.hpp"
#include "gpu/lease_desk.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using base::Bytes;
using std::chrono::milliseconds;

constexpr std::string_view kCommand = "gpu run";
constexpr milliseconds kListing{2000};

struct RunOptions {
  std::shared_ptr<GpuFlags> gpu;
  LeaseFlags lease;
  std::vector<std::string> command;
};

// What the program was granted, and under which slot. Without a GPU, and where nothing can be promised, all of it is empty.
struct Grant {
  vram::WorkerSlot worker;
  vram::Lease lease;
};

// The program does not tell the ledger what it holds; the driver's list of processes does. Of two readings the smaller counts: what
// was freed since must not count as visible.
class HeldReader {
 public:
  HeldReader(const GpuHost& host, const Grant& grant, pid_t pid) : host_(host), grant_(grant), pid_(pid) {
    if (!host.ledger || !grant.worker.slot) return;
    for (const vram::DeviceInfo& device : host.devices) {
      if (device.uuid != grant.lease.device()) continue;
      if (const auto position = host.ledger->register_device(device)) position_ = *position;
    }
  }
  void read() {
    if (!position_) return;
    const auto uses = host_.monitor->processes(grant_.lease.device());
    Bytes held;
    if (uses) {
      for (const vram::ProcessUse& use : *uses) {
        if (use.known && is_descendant(use.pid, pid_)) held += use.bytes;
      }
    }
    grant_.worker.slot->set_materialised(*position_, std::min(held, before_));
    before_ = held;
  }
  void ended() {
    if (position_) grant_.worker.slot->set_materialised(*position_, Bytes());
  }

 private:
  const GpuHost& host_;
  const Grant& grant_;
  const pid_t pid_;
  std::optional<vram::LedgerDevice> position_;
  Bytes before_;
};

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A program on AMD devices finds them by other variables, whose numbers are not ours.
std::vector<std::string> environment_for(const LeaseDesk& desk, const vram::Lease& lease) {
  std::string device = lease.device().text();
  if (device.empty() && desk.host().driver_problem && desk.wish().device) device = *desk.wish().device;
  if (device.empty() || device.starts_with("AMD-")) return {};
  return {"CUDA_VISIBLE_DEVICES=" + device, "CUDA_DEVICE_ORDER=PCI_BUS_ID"};
}

// A key pressed at the terminal reached the program already: it is in the same process group.
void forward(const signalfd_siginfo& signal, pid_t pid) {
  if (signal.ssi_signo == SIGCHLD || signal.ssi_code == SI_KERNEL) return;
  (void)::kill(pid, static_cast<int>(signal.ssi_signo));
}

int wait_for(pid_t pid, SignalQueue& signals, HeldReader& held) {
  auto next = base::system_clock().monotonic();
  for (;;) {
    if (const auto status = status_if_ended(pid)) return *status;
    const auto now = base::system_clock().monotonic();
    if (now >= next) {
      held.read();
      next = now + std::chrono::nanoseconds(kListing);
    }
    if (const auto signal = signals.wait(std::chrono::ceil<milliseconds>(next - now))) forward(*signal, pid);
  }
}

int run_program(const LeaseDesk& desk, Grant& grant, const std::vector<std::string>& command, SignalQueue& signals) {
  ChildOptions options;
  options.words = command;
  options.environment = environment_for(desk, grant.lease);
  options.signal_mask = signals.former_mask();
  if (grant.worker.token) options.inherited = grant.worker.token->fd();
  const ChildStart child = start_child(kCommand, options);
  if (child.failure != 0) return child.failure;
  // From here on the slot lives exactly as long as the program, whatever becomes of this process.
  if (grant.worker.slot) grant.worker.slot->describe_process(child.pid);
  grant.worker.token.reset();
  HeldReader held(desk.host(), grant, child.pid);
  const int status = wait_for(child.pid, signals, held);
  held.ended();
  grant.lease.release();
  if (grant.worker.slot) grant.worker.slot->mark_ended();
  return status;
}

// True when the program may start.
base::Result<bool> prepare_slot(const LeaseDesk& desk, vram::UnknownPolicy unknown, Grant& grant) {
  if (!desk.host().ledger) return true;  // admission tells about it
  auto worker = desk.host().ledger->prepare_worker_slot(desk.wish().app);
  if (worker) {
    grant.worker = std::move(*worker);
    grant.worker.slot->describe_process(::getpid());
    return true;
  }
  if (unknown == vram::UnknownPolicy::Refuse) return worker.error();
  complain(kCommand, "the program runs without a lease: " + worker.error().message);
  return false;
}

int run(const RunOptions& options) {
  // A first word that looks like a flag is one of ours that was misspelt.
  if (options.command.empty() || options.command.front().starts_with('-')) {
    complain(kCommand, options.command.empty()
                           ? "COMMAND is missing; write it behind --, as in: clams gpu run --need 6GiB -- python train.py"
                           : "unknown flag '" + options.command.front() + "'; see: clams gpu run --help");
    return 2;
  }
  const auto wish = lease_wish_of(options.lease, last_part(options.command.front()));
  if (!wish) return finish(kCommand, wish.error());
  const auto settings = read_gpu_settings(*options.gpu);
  if (!settings) return finish(kCommand, settings.error());
  ::signal(SIGCHLD, SIG_DFL);  // a parent that ignored it would leave us nothing to wait for
  auto signals = SignalQueue::open({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD});
  if (!signals) return finish(kCommand, signals.error());
  const auto desk = LeaseDesk::open(*settings, *wish, *signals, complaining_logger(std::string(kCommand)));
  if (!desk) return finish(kCommand, desk.error());
  Grant grant;
  if ((*desk)->host().has_no_gpu()) {
    complain(kCommand, "no GPU was found; '" + options.command.front() + "' runs without a lease");
    return run_program(**desk, grant, options.command, *signals);
  }
  const auto has_slot = prepare_slot(**desk, settings->unknown, grant);
  if (!has_slot) return finish(kCommand, has_slot.error());
  if (*has_slot) {
    auto outcome = (*desk)->ask(grant.worker.slot);
    auto* lease = std::get_if<vram::Lease>(&outcome);
    if (lease == nullptr) return tell_refusal(kCommand, outcome);
    grant.lease = std::move(*lease);
  }
  return run_program(**desk, grant, options.command, *signals);
}

}  // namespace

Action declare_gpu_run(Parser& parser, const std::shared_ptr<GpuFlags>& flags) {
  auto options = std::make_shared<RunOptions>();
  options->gpu = flags;
  declare_gpu_flags(parser, *flags, true);
  declare_lease_flags(parser, options->lease);
  parser.rest("COMMAND", options->command, "the program and its arguments, behind --");
  parser.epilogue(
      "The program sees the GPU it was granted alone (CUDA_VISIBLE_DEVICES). The lease belongs to it: it ends when the program "
      "ends, also when 'clams' is\n"
      "killed before. A program that closes descriptors it did not open (sudo, daemons) loses it early: start 'clams gpu run' "
      "inside of those.\n"
      "Exit status: the program's; 126 or 127 when it cannot be started; 128 + n after signal n; not started: 75 no room now, 69 "
      "never here.\n"
      "\n"
      "  clams gpu run --need 6GiB -- python train.py\n"
      "  clams gpu run --need 20GiB --wait 10m --device 1 -- ./render scene");
  return [options] { return run(*options); };
}

}  // namespace clams::tool
