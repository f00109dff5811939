// What the whole admission step of a request costs: requirement, profile, a fresh sample of the driver, check and reserve, and
// giving it back. Beside it, on the same machine, one call of the driver alone and the start of a child, which is how the Python
// SDK asks.
//
//   admission_step LEDGER_DIRECTORY   (VRAM_NVML_PATH and FAKE_GPU_STATE name the driver)
//
// Prints one JSON object, times in microseconds.
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "clams/gpu_memory.hpp"
#include "vram/nvml_probe.hpp"

extern char** environ;

namespace {

using std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "admission_step: %s\n", why.c_str());
  std::exit(1);
}

struct Percentiles {
  double median = 0, high = 0;
};

template <class F>
Percentiles measure(int times, F body) {
  std::vector<double> costs;
  for (int i = 0; i < times; ++i) {
    const auto start = steady_clock::now();
    body();
    costs.push_back(std::chrono::duration<double, std::micro>(steady_clock::now() - start).count());
  }
  std::sort(costs.begin(), costs.end());
  return {costs[costs.size() / 2], costs[costs.size() * 99 / 100]};
}

void run_child() {
  char name[] = "/bin/true";
  char* arguments[] = {name, nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, name, nullptr, nullptr, arguments, environ) != 0) give_up("cannot start /bin/true");
  int status = 0;
  ::waitpid(child, &status, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) give_up("usage: admission_step LEDGER_DIRECTORY");
  clams::GpuMemoryOptions options;
  options.devices = vram::DeviceEnvironment::from_environment();
  options.directory.explicit_directory = argv[1];
  options.app = "admission-step";
  // Every decision asks the driver anew: no sample is shared.
  options.admission.sample_sharing = std::chrono::milliseconds(0);
  auto gpu = clams::GpuMemory::open(std::move(options));
  if (!gpu) give_up(gpu.error().message);
  vram::NvmlOptions nvml;
  nvml.environment = vram::DeviceEnvironment::from_environment();
  const auto opened = vram::open_nvml_probe(std::move(nvml));
  if (!opened) give_up(opened.error().message);
  const auto probe = *opened;
  const auto devices = probe->devices();
  if (!devices || devices->empty()) give_up("the driver shows no device");

  clams::GpuNeed need;
  need.declared = clams::ModelRequirement{.bytes = base::Bytes(std::uint64_t{1} << 30), .name = "bench"};
  need.parameters = "{\"model\":\"large\",\"n\":2}";
  const auto step = [&] {
    auto admitted = (*gpu)->admit(need, nullptr);
    if (std::holds_alternative<vram::Refusal>(admitted)) give_up("a request was refused");
  };
  measure(200, step);
  const Percentiles whole = measure(5000, step);
  const Percentiles call = measure(2000, [&] { (void)probe->sample(devices->front().uuid); });
  const Percentiles child = measure(300, run_child);
  std::printf("{\"step_us\": %.2f, \"step_p99_us\": %.2f, \"driver_us\": %.2f, \"child_us\": %.2f, \"child_p99_us\": %.2f}\n",
              whole.median, whole.high, call.median, child.median, child.high);
  return 0;
}
