// What flags, variables and defaults say about GPUs: the same for every `clams gpu` command and as the servers read them.
#pragma once
#include <optional>
#include <string>

#include "base/log.hpp"
#include "parser.hpp"
#include "vram/admission.hpp"
#include "vram/device_choice.hpp"
#include "vram/device_environment.hpp"
#include "vram/ledger_directory.hpp"

namespace clams::tool {

struct GpuFlags {
  std::optional<std::string> gpu, headroom, unknown;
};

// --gpu and --headroom; commands that ask for memory also --unknown.
void declare_gpu_flags(Parser& parser, GpuFlags& flags, bool asks_for_memory);

struct GpuSettings {
  vram::DeviceChoice choice;
  vram::DeviceEnvironment environment;
  vram::LedgerDirectoryOptions directory;
  bool in_container = false;
  vram::Headroom headroom = vram::Headroom::percent(10);
  vram::UnknownPolicy unknown = vram::UnknownPolicy::Allow;

  bool is_simulated() const noexcept { return choice.kind == vram::DeviceChoice::Kind::Simulated; }
};

// Flag, else variable (CLAMS_GPU, CLAMS_HEADROOM, CLAMS_UNKNOWN, CLAMS_VRAM_DIR), else default. Reads the environment: before
// threads start. Error InvalidArgument that names the flag or the variable.
base::Result<GpuSettings> read_gpu_settings(const GpuFlags& flags);

// "10%" or a size.
base::Result<vram::Headroom> parse_headroom(std::string_view text);

// Warnings and errors as lines of `command` on standard error.
base::Logger complaining_logger(std::string command);

}  // namespace clams::tool
