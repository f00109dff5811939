// The log of a program: lines of text or JSON on standard error.
#pragma once
#include <memory>
#include <string>

#include "base/log.hpp"
#include "config.hpp"

namespace clams::server {

// text: "2026-01-02 03:04:05.678 info    [request id] message"; json: {"time": …, "level": …, "app": …, "request_id": …, "message":
// …}.
std::shared_ptr<base::LogSink> make_log_sink(LogFormat format, base::LogLevel level, std::string app);

}  // namespace clams::server
