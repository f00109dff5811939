#include "video_record.hpp"

#include <algorithm>

namespace media {

std::chrono::milliseconds to_milliseconds(std::int64_t microseconds) noexcept {
  return std::chrono::milliseconds(microseconds >= 0 ? (microseconds + 500) / 1000 : -((500 - microseconds) / 1000));
}

void VideoRecord::missing(std::int64_t from, std::int64_t to, Gap::Reason reason) {
  const Gap gap{to_milliseconds(from), to_milliseconds(to), reason};
  // A walk in ascending order reports most stretches once; what a later seek reports again is merged in losses().
  if (gap.from < gap.to && (gaps_.empty() || gaps_.back() != gap)) gaps_.push_back(gap);
}

void VideoRecord::stepped_back(std::int64_t latest) {
  if (without_place_++ == 0) step_back_at_ = latest;
}

void VideoRecord::cut(std::int64_t at) { cut_at_ = to_milliseconds(at); }

VideoLosses VideoRecord::losses(std::int64_t begin, std::int64_t end) const {
  auto sorted = gaps_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Gap& a, const Gap& b) { return a.from < b.from; });
  VideoLosses losses;
  for (const Gap& gap : sorted) add_gap(losses.missing.gaps, gap);
  losses.missing.expected = std::max(std::chrono::milliseconds(0), to_milliseconds(end - begin));
  losses.missing.cut_at = cut_at_;
  losses.without_place = without_place_;
  losses.step_back_at = to_milliseconds(step_back_at_);
  return losses;
}

}  // namespace media
