// What a VideoReader met that is not as it should be.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "media/video.hpp"

namespace media {

// Times in microseconds from the beginning of the file. Stretches may be reported again and in any order.
class VideoRecord {
 public:
  void missing(std::int64_t from, std::int64_t to, Gap::Reason reason);
  // A frame that bears a time before `latest`, the time of the frame decoded before it.
  void stepped_back(std::int64_t latest);

  // The data ends in the middle of something at `at`, and how much should follow is not known.
  void cut(std::int64_t at);

  // `begin` and `end` of the video.
  VideoLosses losses(std::int64_t begin, std::int64_t end) const;

 private:
  std::vector<Gap> gaps_;
  std::optional<std::chrono::milliseconds> cut_at_;
  std::int64_t without_place_ = 0;
  std::int64_t step_back_at_ = 0;
};

// Nearest whole millisecond.
std::chrono::milliseconds to_milliseconds(std::int64_t microseconds) noexcept;

}  // namespace media
