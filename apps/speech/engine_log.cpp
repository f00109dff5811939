#include "speech/engine_log.hpp"

#include <whisper.h>

#include <mutex>

#include "base/text.hpp"

namespace speech {
namespace {

thread_local EngineLog* listening = nullptr;
thread_local EngineLevel last_level = EngineLevel::Debug;

EngineLevel level_of(int level) noexcept {
  switch (level) {
    case GGML_LOG_LEVEL_ERROR: return EngineLevel::Error;
    case GGML_LOG_LEVEL_WARN: return EngineLevel::Warning;
    case GGML_LOG_LEVEL_INFO: return EngineLevel::Info;
    case GGML_LOG_LEVEL_CONT: return last_level;
    default: return EngineLevel::Debug;
  }
}

}  // namespace

std::string engine_version() { return whisper_version(); }

void engine_said(int level, const char* text) {
  last_level = level_of(level);
  if (listening == nullptr) return;
  const std::string_view line = base::trim(text);
  if (line.empty()) return;
  if (last_level == EngineLevel::Error) listening->errors_ += (listening->errors_.empty() ? "" : "; ") + std::string(line);
  if (listening->listener_) listening->listener_(last_level, line);
}

EngineLog::EngineLog(EngineListener listener) : listener_(std::move(listener)), outer_(listening) {
  static std::once_flag installed;
  std::call_once(installed,
                 [] { whisper_log_set([](ggml_log_level level, const char* text, void*) { engine_said(level, text); }, nullptr); });
  listening = this;
}

EngineLog::~EngineLog() { listening = outer_; }

}  // namespace speech
