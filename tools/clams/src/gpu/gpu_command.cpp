#include <unistd.h>

#include "base/duration.hpp"
#include "gpu/commands.hpp"
#include "gpu/table.hpp"
#include "gpu/terminal.hpp"
#include "gpu/watch.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t kUncut = 1'000'000;  // columns: more than any table has

struct Options {
  std::shared_ptr<GpuFlags> flags = std::make_shared<GpuFlags>();
  std::optional<std::string> interval;
  bool watch = false;
  bool json = false;
  bool wide = false;
};

base::Result<std::chrono::milliseconds> interval_of(const Options& options) {
  if (!options.interval) return std::chrono::milliseconds(1000);
  BASE_TRY_ASSIGN(const auto interval, base::parse_duration(*options.interval));
  if (interval < std::chrono::milliseconds(100) || interval > std::chrono::minutes(1)) {
    return Error{ErrorCode::InvalidArgument, "--interval: '" + *options.interval + "' is not between 100ms and 1m"};
  }
  return interval;
}

std::string no_gpu_text(const std::optional<vram::NoDevices>& why) {
  if (!why || why->reason == "no_gpu") return "No GPU was found: apps run on the CPU, and nothing is refused.\n";
  return "No GPU is used (" + why->message + ").\n";
}

base::Status show(const GpuSettings& settings, const Options& options) {
  const bool json = options.json;
  // The one picture is taken at once: a monitor that keeps sampling would only wake a sleeping card again.
  GpuHostOptions host_options;
  host_options.monitor.refresh = std::chrono::milliseconds(0);
  BASE_TRY_ASSIGN(const GpuHost host, open_gpu_host(settings, host_options));
  if (host.has_no_gpu() && !json) return write_output(std::nullopt, no_gpu_text(host.monitor->why_no_devices()));
  const GpuPicture picture = take_picture(host, settings.headroom, {});
  TextStyle style = style_of(STDOUT_FILENO);
  if (options.wide) style.columns = kUncut;
  return write_output(std::nullopt, json ? picture_json(picture, true) : gpu_table(picture, style));
}

int run(const Options& options) {
  const auto settings = read_gpu_settings(*options.flags);
  if (!settings) return finish("gpu", settings.error());
  const auto interval = interval_of(options);
  if (!interval) return finish("gpu", interval.error());
  if (options.watch) return watch_gpus(*settings, {*interval, options.json});
  return finish("gpu", show(*settings, options));
}

}  // namespace

Action declare_gpu(Parser& parser) {
  auto options = std::make_shared<Options>();
  declare_gpu_flags(parser, *options->flags, false);
  parser.flag("-w,--watch", options->watch, "a live view; q quits");
  parser.option("--interval", options->interval, "TIME", "of --watch, 100ms to 1m (default: 1s)");
  parser.flag("--wide", options->wide, "whole names, and all columns: UUID, USER, SINCE and COMMAND of processes");
  parser.flag("--json", options->json, "print JSON; with --watch one document per line");
  parser.subcommand({"run", "run any program under a lease: started once the GPU memory it needs is promised to it",
                     [flags = options->flags](Parser& below) { return declare_gpu_run(below, flags); }});
  parser.subcommand({"reserve", "hold GPU memory back for a while",
                     [flags = options->flags](Parser& below) { return declare_gpu_reserve(below, flags); }});
  parser.subcommand({"simulate", "steer simulated devices: as another process on the card, or as a card that fails",
                     [flags = options->flags](Parser& below) { return declare_gpu_simulate(below, flags); }});
  parser.epilogue(
      "Without a subcommand: a table of devices, and of the processes that use them. It only looks: no memory is promised to it, "
      "and a driver that does\n"
      "not answer costs a second.\n"
      "  RESERVED  promised by the ledger     FOREIGN  used by programs outside the ledger\n"
      "  HEADROOM  never handed out           AVAIL    what one request could be promised now\n"
      "From 100 columns on the processes have USER and SINCE, from 120 on COMMAND; --wide shows all.\n"
      "\n"
      "  clams gpu\n"
      "  clams gpu --watch\n"
      "  clams gpu --json | jq '.devices[].available_memory_gb'\n"
      "  clams gpu run --need 6GiB --wait 60 -- python train.py");
  return [options] { return run(*options); };
}

}  // namespace clams::tool
