// What the engine says while it works.
#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace speech {

// Version of whisper.cpp, "1.8.5".
std::string engine_version();

enum class EngineLevel { Debug, Info, Warning, Error };
using EngineListener = std::function<void(EngineLevel, std::string_view line)>;

// While it lives, lines that the engine writes from this thread go to `listener`; at other times they are dropped. The engine has
// one listener per process and speaks from the thread that called it. May be nested: the innermost one hears.
class EngineLog {
 public:
  explicit EngineLog(EngineListener listener);
  ~EngineLog();
  EngineLog(const EngineLog&) = delete;
  EngineLog& operator=(const EngineLog&) = delete;

  // Errors so far, joined by "; ".
  const std::string& errors() const noexcept { return errors_; }

 private:
  friend void engine_said(int level, const char* text);
  EngineListener listener_;
  std::string errors_;
  EngineLog* outer_;
};

}  // namespace speech
