// How libraries tell what happened: they hand a line to a sink that the program chose. Libraries never print.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace base {

enum class LogLevel { Debug, Info, Warning, Error, Off };

// Receives complete lines. Must be thread-safe and must not throw.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // `context` is the request id or empty.
  virtual void write(LogLevel level, std::string_view context, std::string_view message) noexcept = 0;
  virtual bool enabled(LogLevel level) const noexcept = 0;
};

// A cheap, copyable handle: sink plus context. The default one drops everything.
class Logger {
 public:
  Logger() = default;
  explicit Logger(std::shared_ptr<LogSink> sink, std::string context = {}) : sink_(std::move(sink)), context_(std::move(context)) {}
  Logger with_context(std::string context) const { return Logger(sink_, std::move(context)); }
  const std::string& context() const noexcept { return context_; }
  bool enabled(LogLevel level) const noexcept { return sink_ && sink_->enabled(level); }
  void log(LogLevel level, std::string_view message) const noexcept {
    if (enabled(level)) sink_->write(level, context_, message);
  }
  void debug(std::string_view message) const noexcept { log(LogLevel::Debug, message); }
  void info(std::string_view message) const noexcept { log(LogLevel::Info, message); }
  void warning(std::string_view message) const noexcept { log(LogLevel::Warning, message); }
  void error(std::string_view message) const noexcept { log(LogLevel::Error, message); }

 private:
  std::shared_ptr<LogSink> sink_;
  std::string context_;
};

}  // namespace base
