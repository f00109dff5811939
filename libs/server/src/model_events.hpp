// The counts of a model cache by the names that /metrics and workers give them.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "vram/model_cache.hpp"

namespace clams::server {

struct ModelEvent {
  const char* name;  // label `event` of clams_model_events_total, and attribute of a worker's list of models (see kUnloadAnswer)
  std::uint64_t vram::ModelCacheCounters::*count;
};
inline constexpr std::array kModelEvents{ModelEvent{"hit", &vram::ModelCacheCounters::hits},
                                         ModelEvent{"load", &vram::ModelCacheCounters::loads},
                                         ModelEvent{"load_failure", &vram::ModelCacheCounters::load_failures},
                                         ModelEvent{"unload_idle", &vram::ModelCacheCounters::unloads_idle},
                                         ModelEvent{"unload_for_room", &vram::ModelCacheCounters::unloads_for_room},
                                         ModelEvent{"unload_other", &vram::ModelCacheCounters::unloads_other}};

// Attribute of the list with which a worker answers that it was asked to unload a model: its name. The list tells whether it did.
inline constexpr const char* kUnloadAnswer = "unload";
// Name of the attribute that tells which request loaded the model: its number, attribute gpu.request of that request.
inline std::string loader_attribute(const std::string& model) { return "loader." + model; }

}  // namespace clams::server
