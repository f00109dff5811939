// What comes over a worker's socket and out of its pipes.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "pool_core.hpp"

namespace worker::detail {

void PoolCore::on_channel(Slot& slot, std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush(slot);
  if (slot.channel_watch != 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_channel(slot, 64);
}

// false: nothing more to read for now, or ever.
bool PoolCore::read_channel(Slot& slot, int limit) {
  for (int i = 0; i < limit; ++i) {
    auto received = receive(slot.process->channel.get(), options_.max_document);
    if (!received) {
      distrust(slot, received.error().message);
      return false;
    }
    slot.left_unread = slot.left_unread || received->peer_left_unread;
    if (received->state == ChannelState::WouldBlock) return false;
    if (received->state == ChannelState::Closed) {
      loop_->unwatch(std::exchange(slot.channel_watch, 0));
      // Usually the pidfd tells next that the process has ended. A process that lives on without its socket is of no use.
      if (slot.state != WorkerState::Stopping) {
        arm(slot, std::chrono::milliseconds(250), [this](Slot& mute) { distrust(mute, "it closed its socket and lives on"); });
      }
      return false;
    }
    on_frame(slot, std::move(received->message));
    if (slot.channel_watch == 0) return false;
  }
  return true;
}

void PoolCore::distrust(Slot& slot, const std::string& why) {
  loop_->unwatch(std::exchange(slot.channel_watch, 0));
  if (slot.state == WorkerState::Stopping) return;
  logger_.error(options_.name + ": " + describe(slot) + " cannot be used any more: " + why);
  stop(slot, StopStep::Kill, why, EndReason::Fault);
}

void PoolCore::on_frame(Slot& slot, Message message) {
  const Frame& frame = message.frame;
  if (slot.program.empty() && frame.type != MessageType::Hello)
    return distrust(slot, "its first frame is not 'hello' but '" + std::string(name_of(frame.type)) + "'");
  switch (frame.type) {
    case MessageType::Hello: return on_hello(slot, frame);
    case MessageType::Ready:
      if (slot.state == WorkerState::Starting) became_ready(slot, frame);
      if (!frame.models.empty()) on_models(slot, frame);
      return;
    case MessageType::Result:
    case MessageType::Error: return on_answer(slot, std::move(message));
    case MessageType::Progress: return on_progress(slot, frame);
    case MessageType::Log: {
      const auto running = slot.running.find(frame.id);
      const std::string context = running == slot.running.end() ? "" : running->second->request.context;
      const auto level = frame.number > static_cast<std::uint32_t>(base::LogLevel::Error)
                             ? base::LogLevel::Error
                             : static_cast<base::LogLevel>(frame.number);
      return logger_.with_context(context).log(level, frame.text);
    }
    case MessageType::Memory: return on_report(slot, frame);
    case MessageType::Models: return on_models(slot, frame);
    case MessageType::Pong:
      if (frame.id == slot.pings) plan_ping(slot);
      return;
    default: return distrust(slot, "it sent '" + std::string(name_of(frame.type)) + "', which only the front sends");
  }
}

void PoolCore::on_hello(Slot& slot, const Frame& frame) {
  if (kProtocolVersion < frame.version_min || kProtocolVersion > frame.version_max) {
    return distrust(slot, "it speaks versions " + std::to_string(frame.version_min) + " to " + std::to_string(frame.version_max) +
                              " of the worker protocol, this program speaks " + std::to_string(kProtocolVersion) +
                              ": install matching versions");
  }
  slot.program = frame.kind.empty() ? "unnamed" : frame.kind;
}

void PoolCore::on_answer(Slot& slot, Message message) {
  const auto running = slot.running.find(message.frame.id);
  if (running == slot.running.end()) return distrust(slot, "it answered a request that it was not given");
  Task& task = *running->second;
  slot.running.erase(running);
  if (task.overdue) --slot.overdue;
  ++slot.requests;
  if (!task.request.model.empty() && !slot.reports_models && slot.models.insert(task.request.model).second) slot.baseline = {};
  if (message.frame.memory) on_report(slot, message.frame);
  Outcome outcome;
  outcome.ending = message.frame.type == MessageType::Result ? Ending::Answered : Ending::Failed;
  outcome.code = message.frame.code;
  outcome.memory = std::move(message.frame.memory);
  outcome.attributes = std::move(message.frame.attributes);
  outcome.document = std::move(message.document);
  if (outcome.ending == Ending::Failed) {
    const auto code = outcome.code == WorkerCode::OutOfMemory  ? base::ErrorCode::InsufficientMemory
                      : outcome.code == WorkerCode::Cancelled  ? base::ErrorCode::Cancelled
                      : outcome.code == WorkerCode::BadRequest ? base::ErrorCode::InvalidArgument
                                                               : base::ErrorCode::Internal;
    outcome.error = {code, message.frame.text};
  }
  const std::string model = task.request.model;
  const std::uint64_t place = task.place;
  finish_task(task, std::move(outcome));
  if (takes_requests(slot.state)) check_leaks(slot, model);
  place_free(place);
  drained_a_bit(slot);  // its place may be held by a seat, so that nothing else would notice
  check_stopped();
  pump();
}

void PoolCore::on_report(Slot& slot, const Frame& frame) {
  if (!frame.memory) return;
  slot.memory = frame.memory;
  observer_->memory(slot.ref, *frame.memory);
}

void PoolCore::on_progress(Slot& slot, const Frame& frame) {
  const auto running = slot.running.find(frame.id);
  if (running == slot.running.end()) return;
  const Request& request = running->second->request;
  if (request.progress && running->second->waited_for()) request.progress(std::min(frame.number, 1'000'000U) / 1e6, frame.text);
}

void PoolCore::on_models(Slot& slot, const Frame& frame) {
  slot.reports_models = true;
  std::set<std::string> held;
  for (const ResidentModel& model : frame.models) held.insert(model.name);
  if (held != slot.models) slot.baseline = {};
  slot.models = std::move(held);
  observer_->models(slot.ref, frame.models, frame.attributes);
}

void PoolCore::post_frame(Slot& slot, const Frame& frame) {
  if (!slot.process || slot.channel_watch == 0) return;
  auto packet = pack(frame, Document());
  if (packet) send_packet(slot, std::move(packet).value());
}

void PoolCore::send_packet(Slot& slot, Packet packet, std::uint64_t request) {
  slot.outgoing.push_back({std::move(packet), request});
  if (slot.outgoing.size() == 1) flush(slot);
}

bool Slot::surely_unread(std::uint64_t request) const {
  // The frames behind a full socket have not left this process.
  const bool waits = std::any_of(outgoing.begin(), outgoing.end(), [&](const auto& frame) { return frame.request == request; });
  // Frames are read in order. A socket that was closed with some of them unread was closed with the last one unread.
  return waits || never_sent.contains(request) || (left_unread && last_sent == request);
}

void PoolCore::flush(Slot& slot) {
  if (!slot.process || slot.channel_watch == 0) return;
  while (!slot.outgoing.empty()) {
    const auto sent = send(slot.process->channel.get(), slot.outgoing.front().packet);
    if (!sent) {
      // A closed socket shows as end-of-file too, and its end is handled there; anything else makes the worker useless.
      for (const auto& refused : slot.outgoing) slot.never_sent.insert(refused.request);
      slot.outgoing.clear();
      if (sent.error().code != base::ErrorCode::Unavailable) distrust(slot, sent.error().message);
      return;
    }
    if (!*sent) break;
    slot.last_sent = slot.outgoing.front().request;
    slot.outgoing.pop_front();
  }
  (void)loop_->change(slot.channel_watch, slot.outgoing.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void PoolCore::on_output(Slot& slot, bool error_output) { read_output(slot, error_output, 1); }

bool PoolCore::read_output(Slot& slot, bool error_output, int limit) {
  EventLoop::WatchId& watch = error_output ? slot.error_watch : slot.output_watch;
  const base::Fd& fd = error_output ? slot.process->child.error_output() : slot.process->child.output();
  LineSplitter& lines = error_output ? *slot.error_output : *slot.output;
  static thread_local std::array<char, 65536> buffer;
  for (int i = 0; i < limit && watch != 0; ++i) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (got <= 0) {
      loop_->unwatch(std::exchange(watch, 0));
      return false;
    }
    lines.feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)), std::chrono::steady_clock::now());
  }
  return true;
}

void PoolCore::log_line(const Slot& slot, std::string_view line) {
  // With one request at a time the line can only be of that request.
  const std::string context = slot.running.size() == 1 ? slot.running.begin()->second->request.context : "";
  logger_.with_context(context).info(options_.name + " " + std::to_string(slot.ref.pid) + ": " + std::string(line));
}

}  // namespace worker::detail
