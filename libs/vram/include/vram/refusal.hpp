// The answer when the bytes are not there.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "vram/requirement.hpp"

namespace vram {

// What would work instead: another device's room now, or (filled in by the SDK) parameters of the same app that need less.
struct Alternative {
  std::string name;  // device UUID, or a model's name
  Bytes bytes;       // available there, or needed by it
};

struct Refusal {
  enum class Kind {
    Temporary,  // not now: HTTP 503, exit 75
    Permanent,  // never on any device here: HTTP 507, exit 69
    Unknown,    // the driver or the ledger cannot be read and the policy says refuse: HTTP 503
  };
  Kind kind = Kind::Temporary;
  std::string model;
  RequirementSource source = RequirementSource::Conservative;
  DeviceUuid device;  // the one that came nearest
  Bytes required;     // context and margin included
  Bytes available;
  Bytes reserved;  // promised to the living on that device
  Bytes headroom;
  Bytes total;
  std::optional<std::chrono::seconds> retry_after;  // 1 to 60 s, jittered; none when permanent
  std::vector<Alternative> alternatives;
  std::string cause;  // Unknown: what could not be read; else empty

  // "Insufficient GPU memory for <name>. Required: <x.xx>GB, Available: <y.yy>GB. GPU may be in use by other processes. Please
  // retry later."
  std::string message() const;
  std::string_view code() const noexcept;  // INSUFFICIENT_GPU_MEMORY, GPU_MEMORY_IMPOSSIBLE
  base::Error error() const;               // with the error code that carries HTTP and exit status
};

// When enough of `returns` (soonest first) is expected back for `required`, as whole seconds from `now`: between 1 and 60, up to a
// quarter longer by `jitter` in [0, 1] so that clients do not come back together. Returns whose time nobody knows count as 30 s
// away.
struct ExpectedReturn;
std::chrono::seconds retry_after(Bytes required, Bytes available_now, const std::vector<ExpectedReturn>& returns,
                                 std::chrono::nanoseconds now, double jitter) noexcept;

}  // namespace vram
