#include "worker_plan.hpp"

#include <algorithm>
#include <cstdint>

namespace clams::server {

unsigned planned_workers(const WorkerNeeds& needs, unsigned most) {
  if (needs.one_more == base::Bytes()) return std::max(1U, most);
  const std::uint64_t limit = std::max(1U, most);
  std::uint64_t fit = needs.warm;
  for (const base::Bytes available : needs.available) fit += std::min(limit, available.count() / needs.one_more.count());
  return static_cast<unsigned>(std::clamp<std::uint64_t>(fit, 1, limit));
}

}  // namespace clams::server
