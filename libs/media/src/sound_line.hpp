// Where each decoded frame of sound lies on the time axis of its file.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "media/audio.hpp"
#include "media/gap.hpp"

namespace media {

// Time stamps decide: lost packets do not move what follows. Knows nothing of libav; times are microseconds from the beginning of
// the file.
//
// Invariants: `position()` never steps back but where a leap is undone; the stretches ascend in `first`.
class SoundLine {
 public:
  using Time = std::int64_t;
  // Missing sound up to this length is bridged by silence; at a longer gap a new stretch begins.
  static constexpr Time kBridge = 1'000'000;

  // `start`: where the file says that the first sample lies.
  explicit SoundLine(Time start);

  struct Step {
    std::int64_t silence = 0;  // samples of the frame's rate to put before it
    bool leap = false;         // the frame begins a new stretch: see leap_at
  };
  // The next frame. `stamp`: its time, none where the file does not say. `damaged`: packets before it could not be decoded.
  // REQUIRES: samples >= 0, rate > 0.
  Step place(std::optional<Time> stamp, std::int64_t samples, int rate, bool damaged);
  // After Step::leap: how many samples were made before the frame.
  void leap_at(std::uint64_t first);

  // Where the next sample is expected.
  Time position() const noexcept;
  bool empty() const noexcept { return !begun_; }
  const std::vector<AudioStretch>& stretches() const noexcept { return stretches_; }

  // Nothing follows. `stated`: where the sound should end, `packets`: until where there were packets; `slack`: how much less than
  // stated is no loss. Later calls change nothing.
  struct End {
    std::optional<Time> stated = std::nullopt;
    Time packets = 0;
    Time slack = 0;
    bool abrupt = false;  // the data ends in the middle of something
  };
  void finish(const End& end);
  const Completeness& completeness() const noexcept { return completeness_; }

 private:
  struct Leap {  // what undoes the last leap
    Time length;
    std::size_t gaps;             // there were before it
    std::optional<Gap> last_gap;  // as it was before it
    bool bridged;                 // by silence, which stays
    bool stretch_made;
  };
  void follow_rate(int rate);
  Time tolerance(bool damaged) const noexcept;
  void begin(Time stamp, bool damaged);
  Step forward(Time stamp, bool damaged);
  Step backward(Time stamp, Time allowed);
  Step undo_leap(Time stamp);
  void back_on_line();
  void add(Time from, Time to, Gap::Reason reason);

  Time start_;
  Time anchor_;           // position when `fed_` was 0
  std::int64_t fed_ = 0;  // samples since, of `rate_`
  int rate_ = 1;
  Time frame_ = 0;      // length of the last frame
  Time offset_ = 0;     // added to time stamps since they stepped back
  Time last_step_ = 0;  // position at the last step back
  bool begun_ = false, finished_ = false;
  std::optional<Leap> leap_;
  std::vector<AudioStretch> stretches_;
  Completeness completeness_;
};

}  // namespace media
