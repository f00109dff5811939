// What the programs that serve decide about requests at once and about their worker processes.
#pragma once
#include "base/available_cpus.hpp"
#include "config.hpp"
#include "hosted_backend.hpp"

namespace clams::server {

// Without --threads and --workers: with a GPU few, since each holds memory there.
unsigned usual_requests(bool on_gpu, unsigned cpus);

// Options that come from settings alone; the rest is the program's.
HostedOptions hosted_options(const Config& config, const base::Logger& log);

}  // namespace clams::server
