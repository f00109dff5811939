// Hangs, leaks, and workers that do not answer although they run nothing.
#include <unistd.h>

#include <charconv>

#include "base/text.hpp"
#include "pool_core.hpp"

namespace worker::detail {
namespace {

std::optional<base::Bytes> resident_set_of(pid_t pid) {
  const auto text = base::read_file("/proc/" + std::to_string(pid) + "/statm", 4096);
  if (!text) return std::nullopt;
  const auto words = base::split(*text, ' ');
  std::uint64_t pages = 0;
  if (words.size() < 2 || std::from_chars(words[1].data(), words[1].data() + words[1].size(), pages).ec != std::errc())
    return std::nullopt;
  return base::Bytes(pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

base::Bytes device_bytes_held(const MemoryReport& report) {
  base::Bytes sum;
  for (const DeviceMemory& device : report.devices) sum += device.materialised.value_or(device.held_after.value_or(base::Bytes()));
  return sum;
}

}  // namespace

void PoolCore::check_leaks(Slot& slot, const std::string& model) {
  const auto grown = [&](std::optional<base::Bytes>& baseline, std::optional<base::Bytes> now, base::Bytes limit,
                         std::string_view what) -> std::string {
    if (!now) return {};
    if (!baseline) baseline = now;
    if (*now <= *baseline || *now - *baseline <= limit) return {};
    return "its " + std::string(what) + " grew by " + to_string(*now - *baseline) + " since its first request" +
           (model.empty() ? "" : " with model '" + model + "'") + " (limit " + to_string(limit) + ")";
  };
  std::string cause;
  // Of device memory the last report counts, and that includes what other requests hold while they run.
  if (options_.max_device_growth && slot.memory && slot.running.empty())
    cause = grown(slot.baseline.device, device_bytes_held(*slot.memory), *options_.max_device_growth, "device memory");
  if (options_.max_host_growth && cause.empty())
    cause = grown(slot.baseline.host, resident_set_of(slot.ref.pid), *options_.max_host_growth, "memory");
  if (!cause.empty()) ++counters_.leaked;
  if (cause.empty() && options_.max_requests && slot.requests >= *options_.max_requests)
    cause = "it has done its " + std::to_string(slot.requests) + " requests";
  if (!cause.empty()) retire(slot, cause);
}

void PoolCore::hang_grace_over(std::uint64_t id) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return;
  Task& task = *found->second;
  task.hang_timer = 0;
  Slot* slot = slot_of(task.worker.id);
  if (slot == nullptr || slot->state == WorkerState::Stopping) return;
  if (!slot->hung) ++counters_.hung;
  slot->hung = true;
  logger_.warning(options_.name + ": " + describe(*slot) +
                  " hangs: a request ran over its time limit and did not end when asked to");
  if (slot->cause.empty()) slot->cause = "a request in it ran over its time limit and did not end when asked to";
  if (slot->state == WorkerState::Draining) return drained_a_bit(*slot);
  retire(*slot, slot->cause);
  pump();
}

void PoolCore::plan_ping(Slot& slot) {
  loop_->cancel(slot.ping_timer);
  if (options_.ping_interval.count() == 0 || slot.state != WorkerState::Ready) return;
  slot.ping_timer = loop_->at(std::chrono::steady_clock::now() + options_.ping_interval, [this, &slot] { ping(slot); });
}

void PoolCore::ping(Slot& slot) {
  if (slot.state != WorkerState::Ready) return;
  Frame frame;
  frame.type = MessageType::Ping;
  frame.id = ++slot.pings;
  post_frame(slot, frame);
  // A request that comes in between makes the answer wait: then the request's own deadline decides.
  slot.ping_timer = loop_->at(std::chrono::steady_clock::now() + options_.ping_timeout, [this, &slot] {
    if (slot.state != WorkerState::Ready) return;
    slot.hung = true;
    ++counters_.hung;
    stop(slot, StopStep::Terminate, "it did not answer while it had nothing to do", EndReason::Fault);
  });
}

}  // namespace worker::detail
