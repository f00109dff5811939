// Says how many CPU threads it may use at a given moment, while others run.
#include <chrono>
#include <string>
#include <thread>

#include "clams/main.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using clams::ParameterType;

// CLOCK_MONOTONIC, which all processes share.
std::int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count(); }

class LimitsApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "Limits";
    m.description = "Says what it may use.";
    m.app_license = "Apache-2.0";
    m.identifier = "limits";
    m.url = "https://github.com/clamsproject/clams-cpp";
    m.add_output("http://mmif.clams.ai/vocabulary/TextDocument/v1");
    m.add_parameter({.name = "at",
                     .description = "When it looks, by the monotonic clock in milliseconds.",
                     .type = ParameterType::Integer,
                     .default_value = 0});
    m.add_parameter({.name = "until", .description = "When it ends.", .type = ParameterType::Integer, .default_value = 0});
    return m;
  }
  bool uses_gpu() const override { return false; }

  void annotate(mmif::Mmif&, const clams::Parameters& p, clams::Run& run) override {
    const auto began = now_ms();
    const unsigned first = run.cpu_threads();
    sleep_until(p.get<std::int64_t>("at"));
    const unsigned then = run.cpu_threads();
    sleep_until(p.get<std::int64_t>("until"));
    auto& text = run.new_view().new_text_document("limits");
    text.set("began", began);
    text.set("threads_first", static_cast<std::int64_t>(first));
    text.set("threads", static_cast<std::int64_t>(then));
  }

 private:
  static void sleep_until(std::int64_t ms) { std::this_thread::sleep_until(Clock::time_point(std::chrono::milliseconds(ms))); }
};

}  // namespace

int main(int argc, char** argv) { return clams::main<LimitsApp>(argc, argv); }
