#include "hosted_options.hpp"

#include <algorithm>

#include "program.hpp"

namespace clams::server {

unsigned usual_requests(bool on_gpu, unsigned cpus) { return on_gpu ? std::min(4U, cpus) : 2 * cpus + 1; }

HostedOptions hosted_options(const Config& config, const base::Logger& log) {
  HostedOptions options;
  options.cpus = std::make_shared<CpuBudget>();
  options.request_timeout = config.request_timeout;
  options.rerun = config.rerun;
  options.worker_growth = config.worker_growth;
  options.vram_error_status = config.gpu.error_status;
  options.gpu = gpu_options(config.gpu);
  options.log = log;
  return options;
}

}  // namespace clams::server
