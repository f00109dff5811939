// What one request needs on a device.
#pragma once
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "vram/probe.hpp"

namespace vram {

enum class RequirementSource {
  Declared,      // the app, for these parameters, or its metadata
  Learned,       // the profile of these parameters; the margin is added by admission
  Conservative,  // nothing is known: a share of the device
};
std::string_view to_string(RequirementSource source) noexcept;  // "declared", "learned", "conservative"

struct Requirement {
  std::string model;  // for messages, and to see whether it is resident
  RequirementSource source = RequirementSource::Conservative;
  Bytes bytes;  // context excluded; as measured (Learned: without margin); not read with Conservative
  Bytes
      held_from_start;  // resident bytes every worker of this app holds from its start; a guess (Conservative) leaves room for them
  std::optional<Bytes>
      warm_bytes;        // while the model is resident in the process: declared increment, or learned warm figure (without margin)
  std::string stays_as;  // see ChargeRequest; empty: every request that comes while the model is not loaded is charged in full
  std::optional<DeviceUuid> device;                            // only there; none: any
  std::optional<std::chrono::milliseconds> expected_duration;  // learned; for other people's Retry-After
  std::stop_token stop;     // once requested no more room is made: what does not fit by then is refused
  std::string profile_key;  // tells parameter sets apart: a probe run is tried once in a while for each
};

}  // namespace vram
