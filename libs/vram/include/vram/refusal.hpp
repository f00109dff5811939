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
  // Which of them it was, as a word of docs/guides/gpu-clients.md.
  enum class Reason {
    Memory,      // others use the bytes, or no device has them
    Allocation,  // the bytes were reserved, the app ran, and an allocation on the device failed; no `available` then
    Driver,      // the driver cannot be read; no `available` then
    Ledger,      // the ledger cannot be used; no `available` then
  };
  Kind kind = Kind::Temporary;
  Reason reason = Reason::Memory;
  std::string model;
  RequirementSource source = RequirementSource::Conservative;
  DeviceUuid device;  // the one that came nearest
  Bytes required;     // context and margin included; with Allocation: what was reserved, or more where the run showed it
  Bytes available;    // what this request could have been given, less than `required`; only with Memory
  Bytes most;         // Permanent: what the roomiest device here gives an app that is alone on it
  Bytes granted;      // Allocation: what had been reserved for the run
  Bytes reserved;     // promised to the living on that device
  Bytes headroom;
  Bytes total;
  std::optional<std::chrono::seconds> retry_after;  // 1 to 60 s, jittered; none when permanent
  std::vector<Alternative> alternatives;
  std::string cause;        // Unknown: what could not be read; else empty
  bool only_there = false;  // the request named `device`, and `most` is what that one gives

  bool has_available() const noexcept { return reason == Reason::Memory; }
  // One sentence each; a GB in it is 1024^3 bytes, and a need never reads like what is less than it:
  //   Memory      "Insufficient GPU memory for <name>. Required: <x.xx>GB, Available: <y.yy>GB. GPU may be in use by other
  //               processes. Please retry later."
  //   Permanent   "<name> needs <x.xx>GB; no GPU here can give more than <y.yy>GB."
  //   Allocation  "<name> ran out of GPU memory although <x.xx>GB were reserved for it. Please retry later."
  //   Driver, Ledger  "GPU memory for <name> cannot be checked: <cause>. Please retry later."
  std::string message() const;
  std::string_view code() const noexcept;  // INSUFFICIENT_GPU_MEMORY, GPU_MEMORY_IMPOSSIBLE
  base::Error error() const;               // with the error code that carries HTTP and exit status
};

std::string_view name_of(Refusal::Reason reason) noexcept;  // "memory", "allocation", "driver", "ledger"

// When enough of `returns` (soonest first) is expected back for `required`, as whole seconds from `now`: between 1 and 60, up to a
// quarter longer by `jitter` in [0, 1] so that clients do not come back together. Returns whose time nobody knows count as 30 s
// away.
struct ExpectedReturn;
std::chrono::seconds retry_after(Bytes required, Bytes available_now, const std::vector<ExpectedReturn>& returns,
                                 std::chrono::nanoseconds now, double jitter) noexcept;

}  // namespace vram
