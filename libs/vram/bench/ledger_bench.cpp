// vram_bench: what the ledger costs. Prints medians beside their goals; a machine that does other things at the same time prints
// higher ones.
//
//   vram_bench [reserve] [refuse] [many]      (all without arguments)
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "vram/admission.hpp"

namespace {

using namespace base::literals;
using namespace vram;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr Bytes kTotal = 24_GiB;
constexpr int kProcesses = 64;
constexpr int kDecisions = 3000;  // of each process, one in a millisecond

template <class T>
T need(base::Result<T> result) {
  if (result) return std::move(result).value();
  std::fprintf(stderr, "vram_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

class TempDirectory {
 public:
  TempDirectory() {
    if (::mkdtemp(path_.data()) == nullptr) std::exit(1);
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/dev/shm/vram-bench-XXXXXX";
};

// A driver that answers at once: what is measured is ours.
class InstantSampler final : public Sampler {
 public:
  Result<std::vector<DeviceInfo>> devices() override {
    return std::vector<DeviceInfo>{{DeviceUuid("GPU-bench"), "Bench card", 0, kTotal}};
  }
  Reading sample(const DeviceUuid&, nanoseconds) override {
    Reading reading;
    reading.state = SampleState::Ok;
    reading.sample = {kTotal, kTotal, base::system_clock().monotonic()};
    return reading;
  }
};

LedgerOptions options_in(const std::string& directory) {
  LedgerOptions options;
  options.directory = {directory, LedgerScope::Host, true, {}};
  options.app = "bench";
  return options;
}

ChargeRequest ask(Bytes bytes) {
  ChargeRequest request;
  request.bytes = bytes;
  return request;
}

template <class F>
double median_ns(int batches, int each, F body) {
  std::vector<double> costs;
  for (int batch = 0; batch < batches; ++batch) {
    const auto start = steady_clock::now();
    for (int i = 0; i < each; ++i) body();
    costs.push_back(std::chrono::duration<double, std::nano>(steady_clock::now() - start).count() / each);
  }
  std::nth_element(costs.begin(), costs.begin() + batches / 2, costs.end());
  return costs[static_cast<std::size_t>(batches / 2)];
}

void reserve_and_release() {
  const TempDirectory directory;
  const auto ledger = need(Ledger::open(options_in(directory.path())));
  const LedgerDevice device = need(ledger->register_device({DeviceUuid("GPU-bench"), "Bench card", 0, kTotal}));
  const auto slot = need(ledger->own_slot());
  const ChargeRequest request = ask(1_GiB);
  const double ns = median_ns(500, 200, [&] { static_cast<void>(ledger->charge(device, slot, request, {})); });
  std::printf("reserve and release                        %8.2f us   (goal 1.5)\n", ns / 1000);
  AdmissionParts parts;
  parts.ledger = ledger;
  parts.sampler = std::make_shared<InstantSampler>();
  Admission admission(std::move(parts));
  Requirement requirement;
  requirement.source = RequirementSource::Declared;
  requirement.bytes = 1_GiB;
  const double whole = median_ns(500, 200, [&] { static_cast<void>(admission.admit(requirement)); });
  std::printf("admit and release, driver answers at once  %8.2f us\n", whole / 1000);
}

void refuse_beside_forty() {
  const TempDirectory directory;
  const auto ledger = need(Ledger::open(options_in(directory.path())));
  const LedgerDevice device = need(ledger->register_device({DeviceUuid("GPU-bench"), "Bench card", 0, kTotal}));
  const auto slot = need(ledger->own_slot());
  std::vector<WorkerSlot> living;
  std::vector<Lease> leases;
  for (int i = 0; i < 40; ++i) {
    living.push_back(need(ledger->prepare_worker_slot("w")));
    leases.push_back(std::move(*need(ledger->charge(device, living.back().slot, ask(100_MiB), {})).lease));
  }
  const ChargeRequest too_much = ask(23_GiB);
  const double ns = median_ns(300, 50, [&] { static_cast<void>(ledger->charge(device, slot, too_much, {})); });
  std::printf("refusal that probes 40 living slots        %8.2f us   (goal 25)\n", ns / 1000);
}

struct Times {
  std::array<std::array<float, kDecisions>, kProcesses> cpu_us;
  std::array<std::array<float, kDecisions>, kProcesses> wall_us;
};

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// Joining is not what is measured: the first decision comes before, and all begin together half a second later. Who is late does
// not catch up.
template <class F>
void every_millisecond(Times& times, std::size_t process, steady_clock::time_point begin, F decide) {
  decide();
  auto next = begin + std::chrono::microseconds(process * 1000 / kProcesses);
  for (std::size_t i = 0; i < kDecisions; ++i) {
    next = std::max(next + std::chrono::milliseconds(1), steady_clock::now());
    const auto rest = next - steady_clock::now();
    if (rest.count() > 0) base::system_clock().sleep_for(rest);
    const auto start = steady_clock::now();
    const double cpu = cpu_us();
    decide();
    times.cpu_us[process][i] = static_cast<float>(cpu_us() - cpu);
    times.wall_us[process][i] = static_cast<float>(std::chrono::duration<double, std::micro>(steady_clock::now() - start).count());
  }
}

[[noreturn]] void deciding_process(Times& times, std::size_t process, const std::string& directory, steady_clock::time_point begin,
                                   bool with_ledger) {
  AdmissionParts parts;
  parts.sampler = std::make_shared<InstantSampler>();
  if (with_ledger) parts.ledger = need(Ledger::open(options_in(directory)));
  if (!with_ledger) parts.options.mode = AdmissionMode::Off;
  parts.options.context = 100_MiB;  // so that all fit: refusals are measured above
  Admission admission(std::move(parts));
  Requirement requirement;
  requirement.source = RequirementSource::Declared;
  requirement.bytes = 50_MiB;
  every_millisecond(times, process, begin, [&] { static_cast<void>(admission.admit(requirement)); });
  ::_exit(0);
}

float quantile(std::vector<float>& values, double q) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void print_times(const Times& times, const char* name) {
  std::vector<float> cpu;
  std::vector<float> wall;
  double sum = 0;
  for (std::size_t p = 0; p < kProcesses; ++p) {
    cpu.insert(cpu.end(), times.cpu_us[p].begin(), times.cpu_us[p].end());
    wall.insert(wall.end(), times.wall_us[p].begin(), times.wall_us[p].end());
  }
  for (const float one : cpu) sum += one;
  std::printf("  %-14s CPU a decision: mean %6.2f us, median %6.2f us, p99 %7.2f us;  wall: median %6.2f us, p99 %8.2f us\n", name,
              sum / static_cast<double>(cpu.size()), quantile(cpu, 0.5), quantile(cpu, 0.99), quantile(wall, 0.5),
              quantile(wall, 0.99));
}

void many_processes() {
  std::printf("%d processes, each decides once a millisecond (goal 10 us of CPU a decision)\n", kProcesses);
  void* shared = ::mmap(nullptr, sizeof(Times), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) std::exit(1);
  Times& times = *static_cast<Times*>(shared);
  for (const bool with_ledger : {false, true}) {
    const TempDirectory directory;
    const auto begin = steady_clock::now() + std::chrono::milliseconds(500);
    std::vector<pid_t> pids;
    for (std::size_t p = 0; p < kProcesses; ++p) {
      const pid_t pid = ::fork();
      if (pid == 0) deciding_process(times, p, directory.path(), begin, with_ledger);
      pids.push_back(pid);
    }
    for (const pid_t pid : pids) ::waitpid(pid, nullptr, 0);
    print_times(times, with_ledger ? "with ledger" : "without ledger");
  }
  ::munmap(shared, sizeof(Times));
}

}  // namespace

int main(int argc, char** argv) {
  const auto wanted = [&](const std::string& name) {
    return argc == 1 || std::any_of(argv + 1, argv + argc, [&](const char* argument) { return name == argument; });
  };
  if (wanted("reserve")) reserve_and_release();
  if (wanted("refuse")) refuse_beside_forty();
  if (wanted("many")) many_processes();
  return 0;
}
