// How long a call on a media file may take, and who may stop it.
#pragma once
#include <chrono>
#include <optional>
#include <stop_token>

#include "base/result.hpp"

namespace media {

// Asked between packets and while the file is being read, so a call ends at most one packet late. Default: neither stop nor
// deadline.
struct Limits {
  std::stop_token stop{};
  std::optional<std::chrono::steady_clock::time_point> deadline{};
};

// Error Cancelled or Timeout naming `path`, once either holds.
base::Status check(const Limits& limits, const char* path);

}  // namespace media
