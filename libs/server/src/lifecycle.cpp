#include "lifecycle.hpp"

#include <signal.h>

#include <array>
#include <cstdio>

#include "base/duration.hpp"

namespace clams::server {
namespace {

using Clock = std::chrono::steady_clock;

std::string gib(base::Bytes bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f GiB", static_cast<double>(bytes.count()) / 1073741824.0);
  return text.data();
}

// To this program and its workers, all devices together.
base::Bytes promised(const GpuMemory& gpu) {
  base::Bytes sum;
  for (const auto& device : gpu.app_gauges()) sum += device.reserved;
  return sum;
}

// A manager that cannot be notified is no reason not to serve: it ends what does not become ready.
NotifySocket open_or_warn(const std::string& address, const base::Logger& log) {
  auto socket = NotifySocket::open(address);
  if (socket) return std::move(*socket);
  log.warning(socket.error().message);
  return {};
}

}  // namespace

Lifecycle::Lifecycle(const LifecycleOptions& options, AppBackend& backend, base::Logger log)
    : options_(options),
      backend_(backend),
      log_(std::move(log)),
      reporter_(open_or_warn(options.notify.socket, log_), options.notify.watchdog) {}

void Lifecycle::signalled(int signal) {
  if (signal == SIGHUP) {
    log_.info("reloading on SIGHUP");
    reload_asked_ = true;
  } else if (stops_ > 0) {
    server_->stop_now();
  } else if (options_.drain_delay.count() == 0) {
    begin_drain();
    stops_ = 1;  // not before: the event loop would begin it a second time
  } else {
    log_.info("stopping in " + base::to_string(options_.drain_delay) +
              ": requests are still taken while /ready says draining; a second signal stops at once");
    leaves_at_ = (Clock::now() + options_.drain_delay).time_since_epoch().count();
    stops_ = 1;
  }
}

void Lifecycle::begin_drain() {
  log_.info("stopping: running requests may finish for " + base::to_string(options_.drain_timeout) +
            "; a second signal stops at once");
  server_->drain();
}

void Lifecycle::turn() {
  const auto now = Clock::now();
  const bool leaving = stops_ > 0 || server_->draining();
  if (leaving && !drains_ && now.time_since_epoch().count() >= leaves_at_) {
    drains_ = true;
    if (!server_->draining()) begin_drain();
  }
  ready_ = ready_ || backend_.readiness() == Readiness::Ready;
  const bool asked = reload_asked_.exchange(false) && !leaving;
  if (reloading_ && !asked) reloading_ = !backend_.reloaded();
  ServiceState state{.ready = ready_, .reloading = reloading_ || asked, .stopping = leaving, .stop_time = stop_time()};
  if (reporter_.wants_status(now)) state.status = status(leaving);
  reporter_.report(state, now);
  if (!asked) return;
  backend_.reload();
  reloading_ = true;
}

std::chrono::microseconds Lifecycle::stop_time() const {
  constexpr std::chrono::seconds kWorkersEnd{20};
  return options_.drain_delay + options_.drain_timeout + kWorkersEnd;
}

std::string Lifecycle::status(bool leaving) const {
  const auto gauges = server_->gauges();
  std::string text = std::to_string(gauges.running) + " running, " + std::to_string(gauges.queued) + " queued";
  if (backend_.gpu().has_gpu()) text += ", " + gib(promised(backend_.gpu())) + " promised";
  if (leaving) return "draining: " + text;
  switch (backend_.readiness()) {
    case Readiness::CannotStart: return "no worker process can be started, the log says why; " + text;
    case Readiness::Starting: return std::string(kFirstWorkerStarts) + "; " + text;
    case Readiness::Ready: break;
  }
  return reloading_ ? "reloading: " + text : text;
}

std::vector<std::string_view> Lifecycle::unready() const {
  std::vector<std::string_view> reasons;
  if (stops_ > 0 || server_->draining()) reasons.emplace_back("draining");
  if (backend_.readiness() != Readiness::Ready) reasons.emplace_back("no_worker");
  return reasons;
}

}  // namespace clams::server
