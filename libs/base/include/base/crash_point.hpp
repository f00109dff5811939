// Named places where a test child dies as if by kill -9. Compiled out unless the build sets CLAMS_CRASH_POINTS (presets dev, asan,
// tsan).
//
// Armed by CLAMS_CRASH_AT in the environment of the child, read once at the first point passed:
//   "7"                  the 7th point passed in this process, whatever its name
//   "ledger.reserved"    the first time that point is passed
//   "ledger.reserved:3"  the third time
// A ladder runs a child with 1, 2, 3, … until one ends by itself. Ledger, profiles and admission share this one macro.
#pragma once

#if defined(CLAMS_CRASH_POINTS)
#include <csignal>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace base {

class CrashPlan {
 public:
  static CrashPlan& instance() {
    static CrashPlan plan;
    return plan;
  }
  void pass(std::string_view name) noexcept {
    if (count_ == 0 || (!name_.empty() && name != name_)) return;
    if (passed_.fetch_add(1) + 1 == count_) (void)std::raise(SIGKILL);
  }

 private:
  CrashPlan() {
    const char* text = std::getenv("CLAMS_CRASH_AT");
    if (text == nullptr) return;
    const std::string_view plan(text);
    const std::size_t colon = plan.rfind(':');
    if (number(plan)) return;
    name_ = std::string(plan.substr(0, colon));
    if (colon == std::string_view::npos || !number(plan.substr(colon + 1))) count_ = 1;
  }
  bool number(std::string_view text) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count_);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole) count_ = 0;
    return whole;
  }

  std::string name_;
  unsigned long count_ = 0;
  std::atomic<unsigned long> passed_{0};
};

}  // namespace base

#define CLAMS_CRASH_POINT(name) ::base::CrashPlan::instance().pass(name)
#else
#define CLAMS_CRASH_POINT(name) static_cast<void>(0)
#endif
