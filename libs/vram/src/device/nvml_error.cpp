#include "nvml_error.hpp"

#include <algorithm>
#include <array>

namespace vram::nvml {
namespace {

struct CodeText {
  int code;
  ErrorCode error;
  std::string_view text;
  std::string_view advice;
};

constexpr std::string_view kContainerAdvice =
    "if this worked before in a container, the container has lost its access to the GPU: restart the container; otherwise see the "
    "kernel log (dmesg)";

constexpr std::array kCodes{
    CodeText{kUninitialized, ErrorCode::Unavailable, "not initialised", "it is initialised again at the next try"},
    CodeText{kInvalidArgument, ErrorCode::InvalidArgument, "invalid argument", "check the UUIDs in CUDA_VISIBLE_DEVICES"},
    CodeText{kNotSupported, ErrorCode::Unsupported, "not supported by this device", "use another device or --gpu none"},
    CodeText{kNoPermission, ErrorCode::PermissionDenied, "no permission",
             "check the access rights of /dev/nvidia*; in a container name MIG slices by UUID"},
    CodeText{kNotFound, ErrorCode::NotFound, "not found", "check the UUID with nvidia-smi -L"},
    CodeText{kInsufficientSize, ErrorCode::Internal, "buffer too small", ""},
    CodeText{8, ErrorCode::Unavailable, "external power is missing", "check the power cables of the GPU"},
    CodeText{kDriverNotLoaded, ErrorCode::Unavailable, "driver not loaded", "load the nvidia kernel module or install the driver"},
    CodeText{10, ErrorCode::Timeout, "timeout in the driver", "see the kernel log (dmesg)"},
    CodeText{kLibraryNotFound, ErrorCode::Unavailable, "a library of the driver is missing", "install the whole driver package"},
    CodeText{kFunctionNotFound, ErrorCode::Unsupported, "function not found", "install a newer driver"},
    CodeText{kGpuLost, ErrorCode::Unavailable, "GPU lost",
             "the GPU has fallen off the bus: see the kernel log (dmesg), reset it or reboot"},
    CodeText{kResetRequired, ErrorCode::Unavailable, "GPU requires a reset", "reset it (nvidia-smi --gpu-reset) or reboot"},
    CodeText{kOperatingSystem, ErrorCode::PermissionDenied, "blocked by the operating system", kContainerAdvice},
    CodeText{kVersionMismatch, ErrorCode::Unavailable, "driver and library versions differ",
             "the driver package was upgraded while the old kernel module is loaded: reboot, or reload the nvidia kernel modules "
             "and restart this program"},
    CodeText{20, ErrorCode::Unavailable, "out of memory in the driver", ""},
    CodeText{kStructVersion, ErrorCode::Unsupported, "struct version not known to the driver", "install a newer driver"},
    CodeText{kGpuNotFound, ErrorCode::NotFound, "no GPU found", "check the GPU with lspci"},
    CodeText{kUnknown, ErrorCode::Unavailable, "unknown error", kContainerAdvice},
};

}  // namespace

Error error_of(const Api& api, std::string_view driver_version, std::string_view call, std::string_view what, int code) {
  const auto known = std::find_if(kCodes.begin(), kCodes.end(), [&](const CodeText& row) { return row.code == code; });
  const char* own = known == kCodes.end() && api.error_string != nullptr ? api.error_string(code) : nullptr;
  std::string message = "nvml (NVIDIA driver ";
  message += driver_version.empty() ? "of unknown version" : driver_version;
  message += "): " + std::string(call);
  if (!what.empty()) message += " of " + std::string(what);
  message += " failed with code " + std::to_string(code);
  if (known != kCodes.end())
    message += " (" + std::string(known->text) + ")";
  else if (own != nullptr)
    message += " (" + std::string(own) + ")";
  if (known != kCodes.end() && !known->advice.empty()) message += "; " + std::string(known->advice);
  return {known != kCodes.end() ? known->error : ErrorCode::Unavailable, std::move(message), code};
}

bool means_no_driver(int code) noexcept { return code == kDriverNotLoaded || code == kLibraryNotFound || code == kGpuNotFound; }

}  // namespace vram::nvml
