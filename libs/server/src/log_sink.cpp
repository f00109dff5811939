#include "log_sink.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>

#include "mmif/json.hpp"

namespace clams::server {
namespace {

spdlog::level::level_enum level_of(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::Debug: return spdlog::level::debug;
    case base::LogLevel::Info: return spdlog::level::info;
    case base::LogLevel::Warning: return spdlog::level::warn;
    case base::LogLevel::Error: return spdlog::level::err;
    case base::LogLevel::Off: break;
  }
  return spdlog::level::off;
}

std::string_view name_of(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::Debug: return "debug";
    case base::LogLevel::Info: return "info";
    case base::LogLevel::Warning: return "warning";
    default: return "error";
  }
}

class SpdlogSink final : public base::LogSink {
 public:
  SpdlogSink(LogFormat format, base::LogLevel level, std::string app)
      : format_(format), level_(level), app_(std::move(app)), logger_("clams", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(level_of(level));
    // One write for each line: what is logged before a crash is there.
    logger_.flush_on(spdlog::level::debug);
    logger_.set_pattern(format == LogFormat::Text ? "%Y-%m-%d %H:%M:%S.%e %-7l %v" : R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z",%v})");
  }

  bool enabled(base::LogLevel level) const noexcept override { return level >= level_; }

  void write(base::LogLevel level, std::string_view context, std::string_view message) noexcept override {
    try {
      std::string line;
      if (format_ == LogFormat::Text) {
        if (!context.empty()) line = "[" + std::string(context) + "] ";
        line += one_line(message);
      } else {
        line = "\"level\":\"" + std::string(name_of(level)) + "\",\"app\":";
        mmif::append_mmif_string(line, app_);
        if (!context.empty()) {
          line += ",\"request_id\":";
          mmif::append_mmif_string(line, context);
        }
        line += ",\"message\":";
        mmif::append_mmif_string(line, message);
      }
      logger_.log(level_of(level), std::string_view(line));
    } catch (...) {  // a log that cannot be written must not end the request
    }
  }

 private:
  // Text of clients and apps must not forge lines or steer a terminal.
  static std::string one_line(std::string_view message) {
    std::string out;
    for (const char c : message) {
      if (c == '\n')
        out += "\\n";
      else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
        out += '?';
      else
        out += c;
    }
    return out;
  }

  LogFormat format_;
  base::LogLevel level_;
  std::string app_;
  spdlog::logger logger_;
};

}  // namespace

std::shared_ptr<base::LogSink> make_log_sink(LogFormat format, base::LogLevel level, std::string app) {
  return std::make_shared<SpdlogSink>(format, level, std::move(app));
}

}  // namespace clams::server
