#include "vram/decision.hpp"

#include <algorithm>

namespace vram {

Bytes seen_by_driver(const DeviceFigures& figures) noexcept { return figures.charges - figures.unseen; }

Bytes effective_draining(const DeviceFigures& figures) noexcept {
  if (!figures.driver_known) return figures.draining;
  const Bytes used = figures.total - figures.driver_free;
  const Bytes sampled = figures.draining - figures.draining_unsampled;
  return figures.draining_unsampled + std::min(sampled, used - seen_by_driver(figures));
}

Bytes available(const DeviceFigures& figures) noexcept {
  const Bytes unpromised = figures.total - figures.charges - effective_draining(figures);
  if (!figures.driver_known) return unpromised - figures.headroom;
  return std::min(figures.driver_free - figures.unseen, unpromised) - figures.headroom;
}

Bytes ceiling(const DeviceFigures& figures) noexcept { return figures.total - figures.headroom; }

Bytes unseen_of(Bytes reserved, Bytes materialised_before, Bytes materialised_now) noexcept {
  return reserved - std::min(materialised_before, materialised_now);
}

Verdict decide(const DeviceFigures& figures, Bytes need) noexcept {
  if (need > ceiling(figures)) return Verdict::NeverFits;
  return need <= available(figures) ? Verdict::Fits : Verdict::Short;
}

}  // namespace vram
