// `clams gpu --watch`.
#pragma once
#include <chrono>

#include "gpu/settings.hpp"

namespace clams::tool {

struct WatchOptions {
  std::chrono::milliseconds interval{1000};
  bool json = false;  // one JSON text a line instead of a screen
};

// Until q, Ctrl-C or a signal. The exit status.
int watch_gpus(const GpuSettings& settings, const WatchOptions& options);

}  // namespace clams::tool
