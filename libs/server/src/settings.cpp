#include "settings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/duration.hpp"
#include "vram/device_choice.hpp"

namespace clams::server {
namespace {

using base::Error;
using base::ErrorCode;
using base::Status;

Error not_valid(const std::string& text, std::string_view expected) {
  return {ErrorCode::InvalidArgument, "'" + text + "' is not valid; expected " + std::string(expected)};
}

template <class T>
Status number(T& out, const std::string& text, T lowest, T highest) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < lowest || value > highest) {
    return not_valid(text, "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  }
  out = value;
  return {};
}

base::Result<double> real(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return not_valid(text, "a number");
  return value;
}

Status yes_or_no(bool& out, const std::string& text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on")
    out = true;
  else if (text == "false" || text == "0" || text == "no" || text == "off" || text.empty())
    out = false;
  else
    return not_valid(text, "true or false");
  return {};
}

template <class T>
Status choice(T& out, const std::string& text, std::initializer_list<std::pair<std::string_view, T>> choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (name == text) {
      out = value;
      return {};
    }
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return not_valid(text, "one of " + names);
}

Status duration(std::chrono::milliseconds& out, const std::string& text, bool allow_never) {
  BASE_TRY_ASSIGN(const auto value, base::parse_duration(text));
  if (value.count() < 0 && !allow_never) return not_valid(text, "a duration such as 30s or 5m");
  out = value;
  return {};
}

Status optional_duration(std::optional<std::chrono::milliseconds>& out, const std::string& text) {
  if (text == "none") {
    out.reset();
    return {};
  }
  std::chrono::milliseconds value{};
  BASE_TRY(duration(value, text, false));
  if (value.count() == 0) return not_valid(text, "a duration above 0, or none");
  out = value;
  return {};
}

Status share_or_bytes(ShareOrBytes& out, const std::string& text) {
  if (text.ends_with('%')) {
    BASE_TRY_ASSIGN(const double percent, real(text.substr(0, text.size() - 1)));
    if (percent < 0 || percent > 100) return not_valid(text, "0% to 100%, or bytes such as 2GiB");
    out = {.share = percent / 100, .bytes = {}};
    return {};
  }
  BASE_TRY_ASSIGN(const base::Bytes bytes, base::parse_memory_size(text));
  out = {.share = std::nullopt, .bytes = bytes};
  return {};
}

Status share(double& out, const std::string& text) {
  ShareOrBytes value;
  if (text.ends_with('%')) {
    BASE_TRY(share_or_bytes(value, text));
    out = *value.share;
    return {};
  }
  BASE_TRY_ASSIGN(const double fraction, real(text));
  if (fraction <= 0 || fraction > 1) return not_valid(text, "a share such as 80%");
  out = fraction;
  return {};
}

Status log_level(base::LogLevel& out, std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  using base::LogLevel;
  return choice<LogLevel>(out, text,
                          {{"debug", LogLevel::Debug},
                           {"info", LogLevel::Info},
                           {"warning", LogLevel::Warning},
                           {"warn", LogLevel::Warning},
                           {"error", LogLevel::Error},
                           {"critical", LogLevel::Error},
                           {"off", LogLevel::Off}});
}

constexpr std::string_view kServing = kServingGroup, kGpu = kGpuGroup, kLog = kLogGroup;

std::vector<Setting> table() {
  std::vector<Setting> list;
  const auto add = [&](std::string_view group, std::string name, std::string value, std::string help,
                       std::function<Status(Config&, const std::string&)> apply) {
    list.push_back({std::move(name), std::move(value), std::move(help), std::string(group), std::move(apply)});
  };
  add(kServing, "host", "ADDRESS", "Address to listen on (127.0.0.1; with --production 0.0.0.0)",
      [](Config& c, const std::string& t) {
        c.host = t;
        return Status();
      });
  add(kServing, "port", "PORT", "Port to listen on, 0 for any free one (5000)",
      [](Config& c, const std::string& t) { return number<std::uint16_t>(c.port, t, 0, 65535); });
  add(kServing, "production", "", "Listen on all addresses, no debug text in answers",
      [](Config& c, const std::string& t) { return yes_or_no(c.production, t); });
  add(kServing, "threads", "N", "Requests at once (min(4, cores) with a GPU, else 2 x cores + 1)",
      [](Config& c, const std::string& t) { return number<unsigned>(c.threads, t, 1, 1024); });
  add(kServing, "workers", "N",
      "Worker processes at most, one request in each, for exclusive apps (min(4, cores) with a GPU and as many as fit, else 2 x "
      "cores + 1)",
      [](Config& c, const std::string& t) { return number<unsigned>(c.workers, t, 1, 256); });
  add(kServing, "executor", "KIND",
      "in-process, isolated (one worker process, which may crash), exclusive (several, one request at a time in each), or auto: "
      "as the app says (auto)",
      [](Config& c, const std::string& t) {
        return choice<Executor>(c.executor, t,
                                {{"auto", Executor::Auto},
                                 {"in-process", Executor::InProcess},
                                 {"isolated", Executor::Isolated},
                                 {"exclusive", Executor::Exclusive}});
      });
  add(kServing, "rerun", "", "Run a request whose worker process died once more, instead of answering 500",
      [](Config& c, const std::string& t) { return yes_or_no(c.rerun, t); });
  add(kServing, "worker-growth", "SIZE",
      "Replace a worker process whose memory, host or device, grew by more since its first request (none)",
      [](Config& c, const std::string& t) -> Status {
        c.worker_growth.reset();
        if (t == "none") return {};
        BASE_TRY_ASSIGN(const base::Bytes bytes, base::parse_memory_size(t));
        if (bytes == base::Bytes()) return not_valid(t, "a size above 0, such as 2GiB, or none");
        c.worker_growth = bytes;
        return {};
      });
  add(kServing, "queue", "N", "Requests that may wait for a thread; more get 429 (64)",
      [](Config& c, const std::string& t) { return number<std::size_t>(c.queue, t, 0, 1'000'000); });
  add(kServing, "max-body", "SIZE", "Largest request body; more gets 413 (512MiB)", [](Config& c, const std::string& t) -> Status {
    BASE_TRY_ASSIGN(c.max_body, base::parse_bytes(t));
    return {};
  });
  add(kServing, "body-memory", "SIZE",
      "Memory for all request bodies at once; what has no room gets 503 (a quarter of what there is)",
      [](Config& c, const std::string& t) -> Status {
        BASE_TRY_ASSIGN(c.body_memory, base::parse_bytes(t));
        return {};
      });
  add(kServing, "request-timeout", "TIME", "Stop a request that runs longer (none)",
      [](Config& c, const std::string& t) { return optional_duration(c.request_timeout, t); });
  add(kServing, "drain-delay", "TIME", "After SIGTERM serve on so long, while /ready says draining; then drain (0)",
      [](Config& c, const std::string& t) { return duration(c.drain_delay, t, false); });
  add(kServing, "drain-timeout", "TIME", "After SIGTERM running requests may finish so long (30s)",
      [](Config& c, const std::string& t) { return duration(c.drain_timeout, t, false); });
  add(kServing, "status-codes", "KIND", "standard, or python: statuses of the Python SDK (standard)",
      [](Config& c, const std::string& t) -> Status {
        BASE_TRY(choice<bool>(c.python_status_codes, t, {{"standard", false}, {"python", true}}));
        if (c.python_status_codes) c.gpu.error_status = 500;
        return {};
      });
  add(kGpu, "vram", "MODE", "enforce, observe (count and log, refuse nothing) or off (enforce)",
      [](Config& c, const std::string& t) {
        return choice<VramMode>(c.gpu.mode, t,
                                {{"enforce", VramMode::Enforce}, {"observe", VramMode::Observe}, {"off", VramMode::Off}});
      });
  add(kGpu, "gpu", "DEVICES", "auto, none, or simulated devices such as sim:24GiB,sim:16GiB (auto)",
      [](Config& c, const std::string& t) -> Status {
        BASE_TRY_ASSIGN(const auto choice, vram::DeviceChoice::parse(t));
        c.gpu.gpu = vram::to_string(choice);
        return {};
      });
  add(kGpu, "headroom", "SHARE", "Never handed out: percent of a device or bytes (10%)",
      [](Config& c, const std::string& t) { return share_or_bytes(c.gpu.headroom, t); });
  add(kGpu, "margin", "FACTOR", "On top of what was learned (1.2)", [](Config& c, const std::string& t) -> Status {
    BASE_TRY_ASSIGN(const double factor, real(t));
    if (factor < 1 || factor > 10) return not_valid(t, "a factor from 1 to 10");
    c.gpu.margin = factor;
    return {};
  });
  add(kGpu, "first-share", "SHARE", "Of a device, for a request nothing is known about (80%)",
      [](Config& c, const std::string& t) { return share(c.gpu.first_share, t); });
  add(kGpu, "unknown", "POLICY", "allow or refuse when the driver cannot be read (allow)", [](Config& c, const std::string& t) {
    return choice<bool>(c.gpu.allow_unknown, t, {{"allow", true}, {"refuse", false}});
  });
  add(kGpu, "vram-error-status", "STATUS", "Status of a temporary refusal: 503, or 500 as the Python SDK (503)",
      [](Config& c, const std::string& t) {
        return choice<unsigned>(c.gpu.error_status, t, {{"503", 503U}, {"500", 500U}});
      });
  add(kGpu, "model-idle", "TIME", "Unload a model that is idle so long; 0 at once, -1 never (300s)",
      [](Config& c, const std::string& t) { return duration(c.gpu.model_idle, t, true); });
  add(kLog, "log-format", "FORMAT", "text or json (text)", [](Config& c, const std::string& t) {
    return choice<LogFormat>(c.log_format, t, {{"text", LogFormat::Text}, {"json", LogFormat::Json}});
  });
  add(kLog, "log-level", "LEVEL", "debug, info, warning, error or off (info); also CLAMS_LOGLEVEL",
      [](Config& c, const std::string& t) { return log_level(c.log_level, t); });
  return list;
}

}  // namespace

std::string Setting::variable() const {
  std::string variable = "CLAMS_" + name;
  std::transform(variable.begin(), variable.end(), variable.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return variable;
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> list = table();
  return list;
}

}  // namespace clams::server
