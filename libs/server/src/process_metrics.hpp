// The usual process_* metrics of this process, from /proc.
#pragma once
#include <string>

#include "metric_families.hpp"

namespace clams::server {

// A file of /proc that cannot be read leaves its metrics out. `proc`: for tests.
void add_process_metrics(MetricFamilies& families, const std::string& proc = "/proc");

}  // namespace clams::server
