#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/duration.hpp"
#include "gpu/background.hpp"
#include "gpu/commands.hpp"
#include "gpu/host.hpp"
#include "gpu/simulation_text.hpp"
#include "gpu/terminal.hpp"
#include "streams.hpp"
#include "vram/simulated_devices.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr std::string_view kCommand = "gpu simulate";
constexpr milliseconds kLook{50};

// Words behind the flags of `clams gpu simulate`.
struct Order {
  std::string verb, operand;
  std::optional<milliseconds> lasts;
  std::optional<std::string> device;
  bool json = false;
  bool background = false;
};

struct Verb {
  std::string_view name;
  std::string_view operand;  // what it is called; empty: it has none
};
constexpr std::array kVerbs{Verb{"take", "SIZE"}, Verb{"free", ""}, Verb{"fail", "NAME"}, Verb{"hang", "TIME"},
                            Verb{"lag", "TIME"},  Verb{"show", ""}, Verb{"clear", ""}};

Error wrong(std::string message) { return {ErrorCode::InvalidArgument, std::move(message)}; }

base::Status read_flag(Order& order, const std::string& flag, const std::string& value) {
  if (flag == "--device") order.device = value;
  if (flag != "--for") return {};
  auto time = base::parse_duration(value);
  if (!time) return wrong("--for: " + time.error().message);
  if (*time >= milliseconds(0)) order.lasts = *time;
  return {};
}

base::Status check(const Order& order) {
  const auto known = std::find_if(kVerbs.begin(), kVerbs.end(), [&](const Verb& verb) { return verb.name == order.verb; });
  if (known == kVerbs.end()) {
    return wrong((order.verb.empty() ? "say what to do" : "cannot '" + order.verb + "'") +
                 ": take SIZE, free, fail NAME, hang TIME, lag TIME, show or clear");
  }
  if (known->operand.empty() != order.operand.empty()) {
    return wrong(known->operand.empty() ? "'" + order.verb + "' takes no '" + order.operand + "'"
                                        : order.verb + " needs " + std::string(known->operand));
  }
  return {};
}

base::Result<Order> read_order(const std::vector<std::string>& words) {
  Order order;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::string flag = word.substr(0, word.find('='));
    if (flag == "--for" || flag == "--device") {
      const bool attached = flag.size() < word.size();
      if (!attached && i + 1 == words.size()) return wrong(flag + " needs a value");
      BASE_TRY(read_flag(order, flag, attached ? word.substr(flag.size() + 1) : words[++i]));
    } else if (word == "--json") {
      order.json = true;
    } else if (word == "--background") {
      order.background = true;
    } else if (word.starts_with("--")) {
      return wrong("unknown flag '" + flag + "'; see: clams gpu simulate --help");
    } else if (order.verb.empty()) {
      order.verb = word;
    } else if (order.operand.empty()) {
      order.operand = word;
    } else {
      return wrong("unexpected '" + word + "' behind '" + order.verb + "'");
    }
  }
  BASE_TRY(check(order));
  return order;
}

// The named device; without a name the first for what is taken, all for what happens to a driver.
base::Result<std::vector<vram::DeviceInfo>> devices_of(const vram::SimulatedDevices& devices, const Order& order) {
  if (order.device) {
    BASE_TRY_ASSIGN(vram::DeviceInfo one, find_gpu(devices.devices(), *order.device));
    return std::vector{std::move(one)};
  }
  if (order.verb == "take") return std::vector{devices.devices().front()};
  return devices.devices();
}

std::string took_text(const vram::DeviceInfo& device, base::Bytes bytes, const Order& order) {
  const std::string until = order.lasts ? base::to_string(*order.lasts) + " are over" : "this process ends";
  return "took " + base::to_string(bytes) + " on GPU " + std::to_string(device.index) + " (" + device.uuid.text() +
         "); held until " + until + ", or 'free'\n";
}

base::Status hold(vram::SimulatedDevices& devices, const vram::DeviceInfo& device, const Order& order, SignalQueue& signals) {
  BASE_TRY_ASSIGN(const base::Bytes bytes, base::parse_memory_size(order.operand));
  BASE_TRY_ASSIGN(const auto taken, devices.take(device.uuid, bytes));
  BASE_TRY(write_output(std::nullopt, took_text(device, bytes, order)));
  const base::Clock& clock = base::system_clock();
  const auto end = clock.monotonic() + std::chrono::nanoseconds(order.lasts.value_or(milliseconds(0)));
  while (taken.still_held()) {
    if (order.lasts && clock.monotonic() >= end) break;
    if (signals.wait(kLook)) break;
  }
  return {};
}

base::Status steer(vram::SimulatedDevices& devices, const vram::DeviceInfo& device, const Order& order) {
  if (order.verb == "free") return devices.free_taken(device.uuid);
  if (order.verb == "clear") return devices.clear(device.uuid);
  if (order.verb == "fail") {
    BASE_TRY_ASSIGN(const auto fault, vram::parse_simulated_fault(order.operand));
    return devices.set_fault(device.uuid, fault,
                             order.lasts ? std::optional(std::chrono::nanoseconds(*order.lasts)) : std::nullopt);
  }
  BASE_TRY_ASSIGN(const milliseconds time, base::parse_duration(order.operand));
  if (time < milliseconds(0)) return wrong(order.verb + ": a time cannot be negative; 'clear' ends it");
  return order.verb == "hang" ? devices.set_hang(device.uuid, time) : devices.set_release_lag(device.uuid, time);
}

base::Result<std::shared_ptr<vram::SimulatedDevices>> open_devices(const GpuSettings& settings) {
  if (!settings.is_simulated())
    return wrong("there is no simulated device to steer; name the same as the apps do, for example --gpu sim:24GiB");
  BASE_TRY_ASSIGN(const auto directory, vram::choose_ledger_directory(settings.directory));
  return vram::SimulatedDevices::open(directory.path, settings.choice.simulated);
}

base::Status carry_out(const GpuSettings& settings, const Order& order, SignalQueue& signals) {
  BASE_TRY_ASSIGN(const auto devices, open_devices(settings));
  BASE_TRY_ASSIGN(const auto chosen, devices_of(*devices, order));
  if (order.verb == "show")
    return write_output(std::nullopt, simulation_text(devices->snapshot(), order.json, style_of(STDOUT_FILENO)));
  if (order.verb == "take") return hold(*devices, chosen.front(), order, signals);
  for (const vram::DeviceInfo& device : chosen) BASE_TRY(steer(*devices, device, order));
  return {};
}

int run(const GpuFlags& flags, const std::vector<std::string>& words) {
  const auto order = read_order(words);
  if (!order) return finish(kCommand, order.error());
  const auto settings = read_gpu_settings(flags);
  if (!settings) return finish(kCommand, settings.error());
  if (order->background && order->verb == "take") {
    std::vector<std::string> again{"clams", "gpu", "simulate", "--gpu", vram::to_string(settings->choice), "--"};
    for (const std::string& word : words) {
      if (word != "--background") again.push_back(word);
    }
    return run_in_background(kCommand, again);
  }
  auto signals = SignalQueue::open({SIGINT, SIGTERM, SIGHUP});
  if (!signals) return finish(kCommand, signals.error());
  return finish(kCommand, carry_out(*settings, *order, *signals));
}

}  // namespace

Action declare_gpu_simulate(Parser& parser, const std::shared_ptr<GpuFlags>& flags) {
  auto words = std::make_shared<std::vector<std::string>>();
  declare_gpu_flags(parser, *flags, false);
  parser.rest("ACTION", *words, "behind --: take SIZE, free, fail NAME, hang TIME, lag TIME, show, clear");
  parser.epilogue(
      "Acts on the simulated devices of the ledger directory (CLAMS_VRAM_DIR), which every app with the same --gpu shares.\n"
      "  take SIZE [--for TIME] [--background]   be another process that holds memory: for so long, else until this process ends "
      "or 'free'\n"
      "  free                                    all that was taken this way is free again\n"
      "  fail NAME [--for TIME]                  none, sample (cannot be read), lost (fell off the bus), allocate (out of memory)\n"
      "  hang TIME                               the driver does not answer for so long\n"
      "  lag TIME                                freed memory shows as used for so long\n"
      "  show [--json]                           what is taken and what is wrong\n"
      "  clear                                   no fault, no hang, no lag, nothing taken\n"
      "All of them take --device N; without it 'take' means GPU 0 and the others all of them.\n"
      "\n"
      "  clams gpu simulate --gpu sim:24GiB -- take 20GiB --for 30s\n"
      "  clams gpu simulate --gpu sim:24GiB,sim:16GiB -- fail lost --device 1");
  return [flags, words] { return run(*flags, *words); };
}

}  // namespace clams::tool
