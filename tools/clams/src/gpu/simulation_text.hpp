// What `clams gpu simulate show` prints.
#pragma once
#include <string>
#include <vector>

#include "gpu/text_table.hpp"
#include "vram/simulated_devices.hpp"

namespace clams::tool {

std::string simulation_text(const std::vector<vram::SimulatedDeviceState>& devices, bool json, const TextStyle& style);

}  // namespace clams::tool
