#include <unistd.h>
#include <csignal>

#include "base/duration.hpp"
#include "gpu/commands.hpp"
#include "gpu/lease_desk.hpp"
#include "mmif/json.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using std::chrono::milliseconds;
constexpr std::string_view kCommand = "gpu reserve";

struct ReserveOptions {
  std::shared_ptr<GpuFlags> gpu;
  LeaseFlags lease;
  std::optional<std::string> lasts;
  bool json = false;
};

std::string report(const GpuHost& host, const vram::Lease& lease, const std::optional<milliseconds>& lasts, bool json) {
  const auto device = find_gpu(host.devices, lease.device().text());
  if (json) {
    return mmif::to_plain_text(mmif::Object{{"reserved_bytes", lease.bytes().count()},
                                            {"device", lease.device().text()},
                                            {"id", device ? mmif::Value(device->index) : mmif::Value()},
                                            {"pid", static_cast<std::int64_t>(::getpid())},
                                            {"pass", vram::to_string(lease.pass())}}) +
           "\n";
  }
  const std::string where = device ? "GPU " + std::to_string(device->index) + " (" + lease.device().text() + ")" : "no known GPU";
  return "reserved " + base::to_string(lease.bytes()) + " on " + where +
         (lasts ? " for " + base::to_string(*lasts) : " until Ctrl-C") + "\n";
}

base::Result<std::optional<milliseconds>> time_of(const std::optional<std::string>& text) {
  if (!text) return std::optional<milliseconds>();
  auto time = base::parse_duration(*text);
  if (!time) return base::Error{time.error().code, "--for: " + time.error().message};
  return *time < milliseconds(0) ? std::optional<milliseconds>() : std::optional(*time);
}

int run(const ReserveOptions& options) {
  const auto lasts = time_of(options.lasts);
  if (!lasts) return finish(kCommand, lasts.error());
  const auto wish = lease_wish_of(options.lease, "clams gpu reserve");
  if (!wish) return finish(kCommand, wish.error());
  const auto settings = read_gpu_settings(*options.gpu);
  if (!settings) return finish(kCommand, settings.error());
  auto signals = SignalQueue::open({SIGINT, SIGTERM, SIGHUP});
  if (!signals) return finish(kCommand, signals.error());
  const auto desk = LeaseDesk::open(*settings, *wish, *signals, complaining_logger(std::string(kCommand)));
  if (!desk) return finish(kCommand, desk.error());
  if ((*desk)->host().has_no_gpu()) {
    complain(kCommand, "no GPU was found; there is nothing to reserve");
    return 0;
  }
  auto outcome = (*desk)->ask(nullptr);
  const auto* lease = std::get_if<vram::Lease>(&outcome);
  if (lease == nullptr) return tell_refusal(kCommand, outcome);
  if (const auto written = write_output(std::nullopt, report((*desk)->host(), *lease, *lasts, options.json)); !written)
    return finish(kCommand, written);
  (void)signals->wait(lasts->value_or(milliseconds(-1)));
  return 0;
}

}  // namespace

Action declare_gpu_reserve(Parser& parser, const std::shared_ptr<GpuFlags>& flags) {
  auto options = std::make_shared<ReserveOptions>();
  options->gpu = flags;
  declare_gpu_flags(parser, *flags, true);
  declare_lease_flags(parser, options->lease);
  parser.option("--for", options->lasts, "TIME", "give it back after so long: 30s, 5m (default: at Ctrl-C)");
  parser.flag("--json", options->json, "tell what was granted as JSON");
  parser.epilogue(
      "No memory is taken on the card: others are only not promised these bytes as long as this runs. SIGTERM ends it as Ctrl-C "
      "does, with status 0.\n"
      "\n"
      "  clams gpu reserve --need 8GiB --for 10m\n"
      "  clams gpu reserve --need 8GiB --device 0 --wait 60");
  return [options] { return run(*options); };
}

}  // namespace clams::tool
