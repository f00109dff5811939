#include "sound_line.hpp"

#include <algorithm>
#include <cstdlib>

namespace media {
namespace {

using std::chrono::milliseconds;
using Time = SoundLine::Time;

// Containers round time stamps; less than this, or than most of a frame, is no loss.
constexpr Time kRounding = 15'000;
constexpr Time kCodingDelay = 150'000;
// Time stamps that step back by less are unsteady, not another line.
constexpr Time kUnsteady = 100'000;
// Packets with strange time stamps among right ones, for so long, are no step back worth a word.
constexpr Time kStray = 1'000'000;
// Damage can state any time; what lies further away is taken for none, so that no sum leaves 64 bits.
constexpr Time kFarthest = Time{1} << 52;

milliseconds to_ms(Time time) { return milliseconds((time + (time >= 0 ? 500 : -500)) / 1000); }

}  // namespace

SoundLine::SoundLine(Time start) : start_(start), anchor_(start), stretches_{{0, to_ms(start)}} {}

SoundLine::Time SoundLine::position() const noexcept {
  // In two parts, for the product of a day's samples and a million leaves little room.
  return anchor_ + fed_ / rate_ * 1'000'000 + fed_ % rate_ * 1'000'000 / rate_;
}

void SoundLine::follow_rate(int rate) {
  if (rate == rate_) return;
  anchor_ = position();
  fed_ = 0;
  rate_ = rate;
}

SoundLine::Time SoundLine::tolerance(bool damaged) const noexcept {
  return damaged ? std::min(kRounding, std::max<Time>(frame_ / 2, 1000)) : std::max(kRounding, frame_ * 6 / 10);
}

SoundLine::Step SoundLine::place(std::optional<Time> stamp, std::int64_t samples, int rate, bool damaged) {
  follow_rate(rate);
  Step step;
  if (stamp && std::abs(*stamp) < kFarthest) {
    if (!begun_) begin(*stamp, damaged);
    const Time allowed = tolerance(damaged);
    if (offset_ != 0 && std::abs(*stamp - position()) <= allowed) back_on_line();
    const Time off = *stamp + offset_ - position();
    if (off > allowed) step = forward(*stamp + offset_, damaged);
    if (off < -std::max(allowed, kUnsteady)) step = backward(*stamp, allowed);
  }
  begun_ = true;
  fed_ += samples;
  frame_ = samples * 1'000'000 / rate;
  completeness_.expected = to_ms(position() - start_);
  return step;
}

// The first samples of a coding are often left out on purpose, and the file's start is that of its first packet.
void SoundLine::begin(Time stamp, bool damaged) {
  if (stamp >= start_ && (damaged || stamp - start_ > kCodingDelay)) return;
  start_ = anchor_ = stamp;
  stretches_.front().time = to_ms(stamp);
}

// Sound is missing before the frame.
SoundLine::Step SoundLine::forward(Time stamp, bool damaged) {
  const Time missing = stamp - position();
  const std::size_t gaps = completeness_.gaps.size();
  const std::optional<Gap> last = gaps == 0 ? std::nullopt : std::optional(completeness_.gaps.back());
  add(position(), stamp, damaged ? Gap::Reason::Damaged : Gap::Reason::Jump);
  leap_ = Leap{missing, gaps, last, missing <= kBridge, false};
  if (leap_->bridged) {
    const std::int64_t silence = (missing * rate_ + 500'000) / 1'000'000;
    fed_ += silence;
    return {silence, false};
  }
  anchor_ = stamp;
  fed_ = 0;
  return {0, true};
}

void SoundLine::leap_at(std::uint64_t first) {
  const milliseconds time = to_ms(anchor_);
  if (stretches_.back().first == first) {
    stretches_.back().time = time;
    return;
  }
  stretches_.push_back({first, time});
  if (leap_) leap_->stretch_made = true;
}

SoundLine::Step SoundLine::backward(Time stamp, Time allowed) {
  if (leap_ && std::abs(stamp + offset_ - (position() - leap_->length)) <= allowed) return undo_leap(stamp + offset_);
  // Times that have sound already. What follows is kept and timed as if the time stamps went on.
  offset_ = position() - stamp;
  auto& steps = completeness_.steps_back;
  // Time stamps that stand still step back with each packet: that is one step, which grows.
  if (!steps.empty() && position() - last_step_ <= kStray)
    steps.back().by = to_ms(offset_);
  else
    steps.push_back({to_ms(position()), to_ms(offset_)});
  last_step_ = position();
  leap_.reset();
  return {};
}

// The time stamps return to where they would be without the last leap: a few stamps were damaged, and nothing is missing.
SoundLine::Step SoundLine::undo_leap(Time stamp) {
  const Leap leap = *leap_;
  leap_.reset();
  completeness_.gaps.resize(leap.gaps);
  if (leap.last_gap) completeness_.gaps.back() = *leap.last_gap;
  if (leap.bridged) {
    anchor_ = stamp;
    fed_ = 0;
    return {0, true};
  }
  anchor_ -= leap.length;
  if (leap.stretch_made)
    stretches_.pop_back();
  else
    stretches_.back().time -= to_ms(leap.length);
  return {};
}

void SoundLine::back_on_line() {
  offset_ = 0;
  auto& steps = completeness_.steps_back;
  if (!steps.empty() && to_ms(position()) - steps.back().at <= to_ms(kStray)) steps.pop_back();
}

void SoundLine::add(Time from, Time to, Gap::Reason reason) { add_gap(completeness_.gaps, {to_ms(from), to_ms(to), reason}); }

void SoundLine::finish(const End& end) {
  if (finished_) return;
  finished_ = true;
  const Time last = position();
  if (!end.stated || *end.stated - last <= end.slack) {
    if (end.abrupt) completeness_.cut_at = to_ms(last);
    return;
  }
  const Time packets = std::clamp(end.packets, last, *end.stated);
  const bool undecodable = packets - last > end.slack;
  if (undecodable) add(last, packets, Gap::Reason::Damaged);
  add(undecodable ? packets : last, *end.stated, Gap::Reason::EndsEarly);
  completeness_.expected = to_ms(*end.stated - start_);
}

}  // namespace media
