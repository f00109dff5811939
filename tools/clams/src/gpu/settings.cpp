#include "gpu/settings.hpp"

#include <charconv>
#include <cstdlib>
#include <memory>

#include "base/text.hpp"
#include "streams.hpp"
#include "vram/container.hpp"
#include "vram/open_probe.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

// What was given, and how its giver calls it.
struct Given {
  std::string text;
  std::string name;
};

std::optional<Given> given(const std::optional<std::string>& flag, const char* flag_name, const char* variable) {
  if (flag) return Given{*flag, flag_name};
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? std::optional(Given{value, variable}) : std::nullopt;
}

Error wrong(const Given& value, const std::string& problem) { return {ErrorCode::InvalidArgument, value.name + ": " + problem}; }

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class ComplainingSink final : public base::LogSink {
 public:
  explicit ComplainingSink(std::string command) : command_(std::move(command)) {}
  void write(base::LogLevel, std::string_view, std::string_view message) noexcept override { complain(command_, message); }
  bool enabled(base::LogLevel level) const noexcept override {
    return level >= base::LogLevel::Warning && level != base::LogLevel::Off;
  }

 private:
  const std::string command_;
};

}  // namespace

void declare_gpu_flags(Parser& parser, GpuFlags& flags, bool asks_for_memory) {
  parser.option("--gpu", flags.gpu, "WHICH",
                "auto, none, or simulated devices: sim:24GiB, sim:24GiB,sim:16GiB (default: CLAMS_GPU, else auto)");
  parser.option("--headroom", flags.headroom, "SIZE",
                "memory of each device that is never handed out, 10% or 2GiB (default: CLAMS_HEADROOM, else 10%)");
  if (asks_for_memory) {
    parser.choice("--unknown", flags.unknown, {"allow", "refuse"}, "POLICY",
                  "what to do when the driver cannot be read: start anyhow, or refuse (default: CLAMS_UNKNOWN, else allow)");
  }
}

base::Result<vram::Headroom> parse_headroom(std::string_view text) {
  const std::string_view trimmed = base::trim(text);
  if (!trimmed.ends_with('%')) {
    BASE_TRY_ASSIGN(const base::Bytes bytes, base::parse_memory_size(trimmed));
    return vram::Headroom::bytes(bytes);
  }
  const std::string_view number = base::trim(trimmed.substr(0, trimmed.size() - 1));
  double percent = 0;
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), percent);
  if (error != std::errc() || stop != number.data() + number.size() || !(percent >= 0 && percent <= 100)) {
    return Error{ErrorCode::InvalidArgument,
                 "'" + std::string(text) + "' is no share of a device; write 0% to 100%, or a size such as 2GiB"};
  }
  return vram::Headroom::percent(percent);
}

base::Result<GpuSettings> read_gpu_settings(const GpuFlags& flags) {
  GpuSettings settings;
  settings.environment = vram::DeviceEnvironment::from_environment();
  settings.directory.explicit_directory = variable("CLAMS_VRAM_DIR");
  settings.directory.xdg_runtime_directory = variable("XDG_RUNTIME_DIR");
  settings.in_container = vram::is_container(vram::ContainerSigns::from_environment());
  auto choice = vram::choose_devices(flags.gpu, settings.environment);
  if (!choice) return wrong({"", flags.gpu ? "--gpu" : "CLAMS_GPU"}, choice.error().message);
  settings.choice = std::move(*choice);
  if (const auto headroom = given(flags.headroom, "--headroom", "CLAMS_HEADROOM")) {
    auto parsed = parse_headroom(headroom->text);
    if (!parsed) return wrong(*headroom, parsed.error().message);
    settings.headroom = *parsed;
  }
  if (const auto unknown = given(flags.unknown, "--unknown", "CLAMS_UNKNOWN")) {
    if (unknown->text != "allow" && unknown->text != "refuse")
      return wrong(*unknown, "'" + unknown->text + "' is neither allow nor refuse");
    settings.unknown = unknown->text == "refuse" ? vram::UnknownPolicy::Refuse : vram::UnknownPolicy::Allow;
  }
  return settings;
}

base::Logger complaining_logger(std::string command) { return base::Logger(std::make_shared<ComplainingSink>(std::move(command))); }

}  // namespace clams::tool
