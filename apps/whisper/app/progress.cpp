#include "app/progress.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace whisper_app {
namespace {

using std::chrono::milliseconds;

// "0:41", "1:02:03"
std::string clock(milliseconds time) {
  const auto seconds = static_cast<long long>(std::max<std::int64_t>(time.count() + 500, 0) / 1000);
  char text[48];
  if (seconds >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", seconds / 60, seconds % 60);
  return text;
}

milliseconds times(milliseconds time, double factor) {
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(time.count()) * factor));
}

}  // namespace

std::string progress_in_words(double done, milliseconds sound, milliseconds taken) {
  std::string text = clock(times(sound, done)) + " of " + clock(sound);
  if (done >= 0.01) text += ", " + clock(times(taken, (1 - std::min(done, 1.0)) / done)) + " left";
  return text;
}

std::string summary_in_words(milliseconds sound, milliseconds taken) {
  char speed[48];
  std::snprintf(speed, sizeof speed, ", %.1f times as fast as it plays",
                static_cast<double>(sound.count()) / static_cast<double>(std::max<std::int64_t>(taken.count(), 1)));
  return clock(sound) + " of sound in " + clock(taken) + speed;
}

}  // namespace whisper_app
