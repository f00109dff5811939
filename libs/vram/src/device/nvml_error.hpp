// NVML's return codes as errors for people.
#pragma once
#include <string_view>

#include "nvml_api.hpp"
#include "vram/probe.hpp"

namespace vram::nvml {

// `call` on `what` ("GPU-…" or empty) returned `code` (not 0): names the driver, the call, the code and what to do. Error::native
// is the code.
Error error_of(const Api& api, std::string_view driver_version, std::string_view call, std::string_view what, int code);

// The answer of a host that has no NVIDIA driver or no NVIDIA GPU, as opposed to one whose driver is ill.
bool means_no_driver(int code) noexcept;

}  // namespace vram::nvml
