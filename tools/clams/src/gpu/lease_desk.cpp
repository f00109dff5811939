#include "gpu/lease_desk.hpp"

#include "base/duration.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kDriverPatience{5000};  // the first touch of a GPU without persistence mode takes seconds
constexpr milliseconds kRetry{200};

// While the driver has not told its devices a UUID can still be asked for; an index cannot be looked up.
base::Result<std::optional<vram::DeviceUuid>> device_wished(const GpuHost& host, const LeaseWish& wish) {
  if (!wish.device || host.has_no_gpu()) return std::optional<vram::DeviceUuid>();
  if (host.devices.empty()) return std::optional(vram::DeviceUuid(*wish.device));
  auto found = find_gpu(host.devices, *wish.device);
  if (!found) return Error{found.error().code, "--device: " + found.error().message};
  return std::optional(found->uuid);
}

}  // namespace

void declare_lease_flags(Parser& parser, LeaseFlags& flags) {
  parser.required_option("--need", flags.need, "SIZE", "GPU memory, all in all: 6GiB, 512MiB, bytes");
  parser.option("--wait", flags.wait, "TIME",
                "keep trying for so long when the memory is not there: 60, 5m; -1 for ever (default: 0)");
  parser.option("--device", flags.device, "N", "only on this GPU: its number in 'clams gpu', or its UUID");
  parser.option("--app", flags.app, "NAME", "name in 'clams gpu'");
  parser.option("--model", flags.model, "NAME", "name in messages (default: the app's)");
}

base::Result<LeaseWish> lease_wish_of(const LeaseFlags& flags, const std::string& name) {
  LeaseWish wish;
  auto need = base::parse_memory_size(flags.need);
  if (!need) return Error{need.error().code, "--need: " + need.error().message};
  if (*need == base::Bytes())
    return Error{ErrorCode::InvalidArgument, "--need: 0 needs no lease; say how much the program takes, for example 6GiB"};
  wish.need = *need;
  if (flags.wait) {
    auto wait = base::parse_duration(*flags.wait);
    if (!wait) return Error{wait.error().code, "--wait: " + wait.error().message};
    wish.wait = *wait;
  }
  wish.device = flags.device;
  wish.app = flags.app.value_or(name);
  wish.model = flags.model.value_or(wish.app);
  return wish;
}

base::Result<std::unique_ptr<LeaseDesk>> LeaseDesk::open(const GpuSettings& settings, LeaseWish wish, SignalQueue& signals,
                                                         base::Logger log) {
  GpuHostOptions options;
  options.use = LedgerUse::Join;
  options.app = wish.app;
  options.patience = kDriverPatience;
  options.log = log;
  BASE_TRY_ASSIGN(GpuHost host, open_gpu_host(settings, options));
  std::unique_ptr<LeaseDesk> desk(new LeaseDesk(std::move(host), std::move(wish), signals));
  BASE_TRY_ASSIGN(desk->requirement_.device, device_wished(desk->host_, desk->wish_));
  desk->requirement_.model = desk->wish_.model;
  desk->requirement_.source = vram::RequirementSource::Declared;
  desk->requirement_.bytes = desk->wish_.need;
  vram::AdmissionParts parts;
  parts.ledger = desk->host_.ledger;
  parts.ledger_problem = desk->host_.ledger_problem;
  parts.sampler = vram::make_monitor_sampler(desk->host_.monitor);
  parts.options.unknown = settings.unknown;
  parts.options.headroom = settings.headroom;
  parts.options.context = base::Bytes();  // part of what was asked for
  parts.log = std::move(log);
  desk->admission_ = std::make_unique<vram::Admission>(std::move(parts));
  return desk;
}

LeaseDesk::Outcome LeaseDesk::ask(const std::shared_ptr<vram::ProcessSlot>& slot) {
  const base::Clock& clock = base::system_clock();
  const auto deadline = clock.monotonic() + std::chrono::nanoseconds(wish_.wait);
  for (;;) {
    auto outcome = admission_->admit(requirement_, slot);
    if (auto* lease = std::get_if<vram::Lease>(&outcome)) return std::move(*lease);
    auto& refusal = std::get<vram::Refusal>(outcome);
    const bool over = wish_.wait >= milliseconds(0) && clock.monotonic() >= deadline;
    if (over || refusal.kind == vram::Refusal::Kind::Permanent) return std::move(refusal);
    while (const auto signal = signals_.wait(kRetry)) {
      if (signal->ssi_signo != SIGCHLD) return Interrupted{static_cast<int>(signal->ssi_signo)};
    }
  }
}

int tell_refusal(std::string_view command, const LeaseDesk::Outcome& outcome) {
  if (const auto* interrupted = std::get_if<LeaseDesk::Interrupted>(&outcome)) return 128 + interrupted->signal;
  const auto& refusal = std::get<vram::Refusal>(outcome);
  complain(command, refusal.message());
  return base::traits_of(refusal.error().code).exit_status;
}

}  // namespace clams::tool
