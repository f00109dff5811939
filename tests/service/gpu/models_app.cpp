// An app with models that stay on the GPU, for tests of where its requests run: it tells which process ran one and how many loads
// that process has seen.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "clams/main.hpp"
#include "vram/cuda_driver.hpp"
#include "vram/out_of_memory.hpp"

namespace {

using clams::ParameterType;
constexpr base::Bytes kIncrement(std::uint64_t{64} << 20);

std::int64_t monotonic_ns() { return base::system_clock().monotonic().count(); }

// As clams-vram-demo: tests end what is held by making this file.
void hold(std::chrono::milliseconds time) {
  const char* file = std::getenv("VRAM_DEMO_RELEASE");
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until && (file == nullptr || ::access(file, F_OK) != 0))
    std::this_thread::sleep_for(std::min(time, std::chrono::milliseconds(10)));
}

struct Weights {
  std::shared_ptr<vram::CudaDriver> driver;
  vram::CudaAllocation memory;
};

class ModelApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override {
    clams::AppMetadata m;
    m.name = "GPU models";
    m.description = "Keeps models on the GPU.";
    m.app_license = "Apache-2.0";
    m.identifier = "gpu-models";
    m.url = "https://github.com/clamsproject/clams-cpp";
    m.add_output(mmif::types::Annotation);
    m.add_parameter({.name = "model", .description = "Its name.", .type = ParameterType::String, .default_value = "m"});
    m.add_parameter({.name = "mb", .description = "Its size.", .type = ParameterType::Integer, .default_value = 1024});
    m.add_parameter({.name = "holdMs", .description = "How long it is used.", .type = ParameterType::Integer, .default_value = 0});
    m.add_parameter(
        {.name = "workMb", .description = "Taken while it is used.", .type = ParameterType::Integer, .default_value = 0});
    m.add_parameter({.name = "helperMb",
                     .description = "A second model that never stays.",
                     .type = ParameterType::Integer,
                     .default_value = 0});
    m.add_parameter(
        {.name = "oomHelper", .description = "Loading it takes too much.", .type = ParameterType::Boolean, .default_value = false});
    m.add_parameter(
        {.name = "failLate", .description = "It fails at its end.", .type = ParameterType::Boolean, .default_value = false});
    m.add_parameter(
        {.name = "oomLoad", .description = "Loading takes too much.", .type = ParameterType::Boolean, .default_value = false});
    m.add_parameter(
        {.name = "loadMs", .description = "How long loading takes.", .type = ParameterType::Integer, .default_value = 0});
    m.add_parameter({.name = "failLoad", .description = "Loading fails.", .type = ParameterType::Boolean, .default_value = false});
    m.add_parameter(
        {.name = "keep", .description = "Whether the model stays.", .type = ParameterType::Boolean, .default_value = true});
    m.add_parameter(
        {.name = "oomOnce", .description = "The first one fails.", .type = ParameterType::Boolean, .default_value = false});
    m.add_parameter({.name = "declare", .description = "Whether it tells.", .type = ParameterType::Boolean, .default_value = true});
    return m;
  }

  bool may_rerun() const override { return std::getenv("MODELS_MAY_RERUN") != nullptr; }

  std::optional<clams::ModelRequirement> model_requirement(const clams::Parameters& p) const override {
    if (!p.get<bool>("declare")) return std::nullopt;
    return clams::ModelRequirement{.bytes = size_of(p) + kIncrement, .name = p.get<std::string>("model"), .increment = kIncrement};
  }

  void annotate(mmif::Mmif&, const clams::Parameters& p, clams::Run& run) override {
    const auto begun = monotonic_ns();
    const vram::DeviceUuid device(run.gpu().grant().device);
    const auto loader = [&] {
      hold(std::chrono::milliseconds(p.get<std::int64_t>("loadMs")));
      if (p.get<bool>("oomLoad")) throw vram::OutOfMemory("the weights are too large");
      if (p.get<bool>("failLoad")) throw clams::RuntimeError("the weights are broken");
      ++loads_;
      return load(device, size_of(p));
    };
    std::shared_ptr<Weights> weights;
    if (p.get<bool>("keep"))
      weights = run.model<Weights>(p.get<std::string>("model"), loader);
    else
      weights = loader();
    std::shared_ptr<Weights> helper;
    if (const auto mb = p.get<std::int64_t>("helperMb"); mb > 0) {
      const auto loader_of_it = [&] {
        if (p.get<bool>("oomHelper")) throw vram::OutOfMemory("the helper is too large");
        return load(device, base::Bytes(static_cast<std::uint64_t>(mb) << 20));
      };
      helper = run.model<Weights>("helper", loader_of_it, std::chrono::milliseconds(0));
    }
    if (p.get<bool>("oomOnce") && !failed_.exchange(true)) throw vram::OutOfMemory("once, because it was asked to");
    const auto work = p.get<std::int64_t>("workMb");
    const auto taken = work > 0 ? load(device, base::Bytes(static_cast<std::uint64_t>(work) << 20)) : nullptr;
    hold(std::chrono::milliseconds(p.get<std::int64_t>("holdMs")));
    if (p.get<bool>("failLate")) throw clams::RuntimeError("failed, as it was asked to");
    run.new_view().new_annotation(mmif::types::Annotation, {{"pid", static_cast<std::int64_t>(::getpid())},
                                                            {"loads", static_cast<std::int64_t>(loads_.load())},
                                                            {"granted_at_ns", begun},
                                                            {"released_at_ns", monotonic_ns()}});
  }

 private:
  static base::Bytes size_of(const clams::Parameters& p) {
    return base::Bytes(static_cast<std::uint64_t>(p.get<std::int64_t>("mb")) << 20);
  }

  std::unique_ptr<Weights> load(const vram::DeviceUuid& device, base::Bytes bytes) {
    const char* path = std::getenv("VRAM_CUDA_PATH");
    auto driver = vram::CudaDriver::open(path == nullptr ? std::nullopt : std::optional<std::string>(path));
    if (!driver) throw clams::RuntimeError(driver.error().message);
    auto memory = (*driver)->allocate(device, bytes);
    if (!memory) throw vram::OutOfMemory(memory.error().message);
    return std::make_unique<Weights>(Weights{std::move(*driver), std::move(*memory)});
  }

  std::atomic<int> loads_ = 0;
  std::atomic<bool> failed_ = false;
};

}  // namespace

int main(int argc, char** argv) { return clams::main<ModelApp>(argc, argv); }
