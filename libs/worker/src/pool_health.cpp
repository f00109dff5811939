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
  std::string cause;
  if (options_.max_requests && slot.requests >= *options_.max_requests)
    cause = "it has done its " + std::to_string(slot.requests) + " requests";
  if (options_.max_device_held && slot.memory && device_bytes_held(*slot.memory) > *options_.max_device_held) {
    cause = "it holds " + to_string(device_bytes_held(*slot.memory)) + " of device memory between requests (limit " +
            to_string(*options_.max_device_held) + ")";
    ++counters_.leaked;
  }
  if (options_.max_host_growth) {
    const auto resident = resident_set_of(slot.ref.pid);
    if (resident && !slot.host_baseline) slot.host_baseline = resident;
    if (resident && *resident - *slot.host_baseline > *options_.max_host_growth) {
      cause = "its memory grew by " + to_string(*resident - *slot.host_baseline) + " since its first request" +
              (model.empty() ? "" : " with model '" + model + "'") + " (limit " + to_string(*options_.max_host_growth) + ")";
      ++counters_.leaked;
    }
  }
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
    stop(slot, StopStep::Terminate, "it did not answer while it had nothing to do");
    slot.told_to_end = false;
  });
}

}  // namespace worker::detail
