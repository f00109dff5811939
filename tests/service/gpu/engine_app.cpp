// An app whose engine takes GPU memory by itself and says nothing about it, as many do: for tests of the instruments that then
// speak.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "clams/main.hpp"
#include "vram/cuda_driver.hpp"
#include "vram/out_of_memory.hpp"

namespace {

using clams::ParameterType;

class EngineApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "GPU engine";
    m.description = "Takes GPU memory without telling.";
    m.app_license = "Apache-2.0";
    m.identifier = "gpu-engine";
    m.url = "https://github.com/clamsproject/clams-cpp";
    m.add_output("http://mmif.clams.ai/vocabulary/TextDocument/v1");
    m.add_parameter(
        {.name = "allocateMB", .description = "Taken while it runs.", .type = ParameterType::Integer, .default_value = 0});
    m.add_parameter({.name = "keepMB",
                     .description = "Taken at the first run and kept, as caches and weights are.",
                     .type = ParameterType::Integer,
                     .default_value = 0});
    m.add_parameter({.name = "holdMs", .description = "How long it runs.", .type = ParameterType::Integer, .default_value = 0});
    m.add_parameter(
        {.name = "tell", .description = "Whether it states what it took.", .type = ParameterType::Boolean, .default_value = false});
    return m;
  }

  void annotate(mmif::Mmif&, const clams::Parameters& p, clams::Run& run) override {
    const vram::DeviceUuid device(run.gpu().grant().device);
    const bool tell = p.get<bool>("tell");
    keep(device, mebibytes(p, "keepMB"), tell, run);
    const base::Bytes bytes = mebibytes(p, "allocateMB");
    vram::CudaAllocation block = take(device, bytes);
    if (tell) run.gpu().note_allocated(bytes);
    hold(std::chrono::milliseconds(p.get<std::int64_t>("holdMs")));
    if (tell) run.gpu().note_freed(bytes);
    block.reset();
    run.new_view().new_text_document(std::string(run.gpu().grant().source));
  }

 private:
  static base::Bytes mebibytes(const clams::Parameters& p, const char* name) {
    return base::Bytes(static_cast<std::uint64_t>(p.get<std::int64_t>(name)) << 20);
  }

  // Ends early when the test makes the file that VRAM_DEMO_RELEASE names.
  static void hold(std::chrono::milliseconds time) {
    const char* const release = std::getenv("VRAM_DEMO_RELEASE");
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until && (release == nullptr || ::access(release, F_OK) != 0))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  vram::CudaAllocation take(const vram::DeviceUuid& device, base::Bytes bytes) {
    const char* path = std::getenv("VRAM_CUDA_PATH");
    {
      const std::lock_guard lock(mutex_);
      if (!driver_) {
        auto opened = vram::CudaDriver::open(path == nullptr ? std::nullopt : std::optional<std::string>(path));
        if (!opened) throw clams::RuntimeError(opened.error().message);
        driver_ = std::move(*opened);
      }
    }
    auto taken = driver_->allocate(device, bytes);
    if (!taken) throw vram::OutOfMemory(taken.error().message);
    return std::move(*taken);
  }

  // The first run makes the context, which stays.
  void keep(const vram::DeviceUuid& device, base::Bytes bytes, bool tell, clams::Run& run) {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(began_, true)) return;
    }
    auto kept = take(device, bytes);
    if (tell) run.gpu().note_allocated(bytes);
    const std::lock_guard lock(mutex_);
    kept_ = std::move(kept);
  }

  std::mutex mutex_;
  std::shared_ptr<vram::CudaDriver> driver_;
  bool began_ = false;
  vram::CudaAllocation kept_;
};

}  // namespace

int main(int argc, char** argv) { return clams::main<EngineApp>(argc, argv); }
