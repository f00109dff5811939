// How many worker processes an app may have that runs one request at a time in each.
#pragma once
#include <vector>

#include "base/bytes.hpp"

namespace clams::server {

struct WorkerNeeds {
  unsigned warm = 0;                        // workers that hold memory or run a request: they have theirs
  base::Bytes one_more = {};                // what another worker needs for its start and a request in it; 0: not known yet
  std::vector<base::Bytes> available = {};  // on each device, now
};

// As many as fit: those that are warm, and those that there is room for; at least 1, at most `most`.
unsigned planned_workers(const WorkerNeeds& needs, unsigned most);

}  // namespace clams::server
