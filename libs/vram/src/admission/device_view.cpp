#include "admission/device_view.hpp"

namespace vram {

DeviceView::DeviceView(DeviceInfo info, std::shared_ptr<Sampler> sampler, std::chrono::nanoseconds sharing,
                       const base::Clock& clock)
    : info_(std::move(info)), sampler_(std::move(sampler)), sharing_(sharing), clock_(clock) {}

Result<LedgerDevice> DeviceView::in_ledger(Ledger& ledger) {
  {
    const std::lock_guard lock(mutex_);
    if (position_) return *position_;
  }
  BASE_TRY_ASSIGN(const LedgerDevice position, ledger.register_device(info_));
  const std::lock_guard lock(mutex_);
  position_ = position;
  return position;
}

// A sample may be shared only together with a copy that is older than it, so the age that is asked for is the age of the newest
// copy. The other way round goes wrong: (1) a sample is taken; (2) a process allocates and raises its word; (3) the word is copied
// as if the sample had shown those bytes; they are taken for visible, and the memory is promised twice.
Look DeviceView::look(const Ledger& ledger, LedgerDevice device, bool fresh) {
  const auto start = clock_.monotonic();
  std::chrono::nanoseconds max_age{0};
  Copy shared = fresh ? nullptr : newest_shareable(start);
  if (shared != nullptr) {
    max_age = start - shared->copied_at;
  } else {
    remember(std::make_shared<const MaterialisedCopy>(ledger.copy_materialised(device)));
  }
  Look look;
  look.reading = sampler_->sample(info_.uuid, max_age);
  if (look.known()) look.before = copy_for(look.reading.sample.taken_at, look.reading.state == SampleState::Ok);
  return look;
}

DeviceView::Copy DeviceView::newest_shareable(std::chrono::nanoseconds now) {
  const std::lock_guard lock(mutex_);
  const Copy& newest = recent_[(next_ + recent_.size() - 1) % recent_.size()];
  return newest != nullptr && now - newest->copied_at <= sharing_ ? newest : nullptr;
}

void DeviceView::remember(Copy copy) {
  const std::lock_guard lock(mutex_);
  recent_[next_] = std::move(copy);
  next_ = (next_ + 1) % recent_.size();
}

DeviceView::Copy DeviceView::copy_for(std::chrono::nanoseconds taken_at, bool good) {
  const std::lock_guard lock(mutex_);
  Copy best = last_good_ != nullptr && last_good_->copied_at <= taken_at ? last_good_ : nullptr;
  for (const Copy& copy : recent_) {
    if (copy != nullptr && copy->copied_at <= taken_at && (best == nullptr || copy->copied_at > best->copied_at)) best = copy;
  }
  if (good) last_good_ = best;
  return best;
}

}  // namespace vram
