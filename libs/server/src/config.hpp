// Settings of an app program: flags, environment, file, defaults, in that order.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "clams/parameters.hpp"

namespace clams::server {

// A share of a device or a number of bytes: "10%" or "2GiB".
struct ShareOrBytes {
  std::optional<double> share;  // 0 to 1
  base::Bytes bytes;
};

enum class VramMode { Off, Observe, Enforce };
enum class LogFormat { Text, Json };
enum class Executor { Auto, InProcess, Isolated, Exclusive };

struct GpuSettings {
  VramMode mode = VramMode::Enforce;
  std::string gpu = "auto";  // auto, none, sim:24GiB,…
  ShareOrBytes headroom{.share = 0.1, .bytes = {}};
  double margin = 1.2;
  double first_share = 0.8;
  bool allow_unknown = true;
  unsigned error_status = 503;                    // of a temporary refusal
  std::chrono::milliseconds model_idle{300'000};  // negative: never
  std::string ledger_directory;                   // CLAMS_VRAM_DIR, empty: the usual places
  std::string profile_directory;                  // CLAMS_PROFILE_DIR
};

struct Config {
  std::string app;   // --app
  std::string host;  // settled: depends on production
  std::uint16_t port = 5000;
  bool production = false;
  unsigned threads = 0;  // 0: settled by the program
  unsigned workers = 0;
  std::size_t queue = 64;
  base::Bytes max_body = base::Bytes(512ULL << 20);
  std::optional<base::Bytes> body_memory;  // none: a quarter of what the process may use
  std::optional<std::chrono::milliseconds> request_timeout;
  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds drain_timeout{30'000};
  bool python_status_codes = false;
  Executor executor = Executor::Auto;        // what the app says
  bool rerun = false;                        // a request whose worker process died runs once more
  std::optional<base::Bytes> worker_growth;  // a worker process whose memory grew by more is replaced
  GpuSettings gpu;
  LogFormat log_format = LogFormat::Text;
  base::LogLevel log_level = base::LogLevel::Info;

  // One-shot mode.
  std::optional<std::string> input, output;
  RawParameters parameters;
  // Hosting an app that was written for the Python SDK (clams serve).
  std::string hosted_app;                     // path of its app.py
  std::string python;                         // --python; empty: $VIRTUAL_ENV's, else python3 on PATH
  std::vector<std::string> hosted_arguments;  // after "--": the app's own
};

// What the command line needs to know of the app that it is for.
struct AppFacts {
  std::string name, description;
  std::string version;                // what --version shows first
  std::vector<Parameter> parameters;  // universal ones included
  bool uses_gpu = true;
};

// What parsing needs to know about the program.
struct ProgramInfo {
  std::string name;  // for messages and --help
  std::string description;
  std::vector<std::string> apps;  // names for --app; empty or one empty name: no such flag
  // Of the app with this name (empty: the only one); nullopt if there is none. Error Configuration: its metadata is not in order.
  std::function<base::Result<std::optional<AppFacts>>(const std::string& app)> facts;
  bool hosts = false;        // clams serve: takes an app's path and --python instead of IN and OUT
  std::size_t columns = 80;  // of a page of help
};
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// A request for text instead of a run: --help or --version.
struct HelpText {
  std::string text;
};

// Errors are InvalidArgument (wrong use, exit 2) or Configuration (a file that cannot be read, exit 78): one line that names the
// flag, variable or file.
base::Result<std::variant<Config, HelpText>> parse_config(int argc, const char* const* argv, const EnvironmentLookup& environment,
                                                          const ProgramInfo& program);

}  // namespace clams::server
