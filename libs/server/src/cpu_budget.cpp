#include "cpu_budget.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace clams::server {
namespace {

constexpr std::size_t kShareBytes = sizeof(unsigned);  // raise the variable's name with it: workers may be of another version
static_assert(std::atomic_ref<unsigned>::is_always_lock_free);

}  // namespace

CpuBudget::CpuBudget(CountCpus count_cpus) : count_cpus_(std::move(count_cpus)), share_(&own_) {
  base::Fd memory(::memfd_create("clams-cpu-share", MFD_CLOEXEC));
  if (memory && ::ftruncate(memory.get(), kShareBytes) == 0) {
    void* mapping = ::mmap(nullptr, kShareBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
    if (mapping != MAP_FAILED) {
      memory_ = std::move(memory);
      mapping_ = mapping;
      share_ = static_cast<unsigned*>(mapping);
    }
  }
  cpus_ = std::max(1U, count_cpus_());
  read_at_ = std::chrono::steady_clock::now();
  publish();
}

CpuBudget::~CpuBudget() {
  if (mapping_ != nullptr) ::munmap(mapping_, kShareBytes);
}

unsigned CpuBudget::threads() const noexcept { return std::atomic_ref(*share_).load(std::memory_order_relaxed); }

void CpuBudget::publish() {
  std::atomic_ref(*share_).store(std::max(1U, cpus_ / std::max(1U, running_)), std::memory_order_relaxed);
}

void CpuBudget::change(int requests) {
  const std::lock_guard lock(mutex_);
  running_ = static_cast<unsigned>(static_cast<int>(running_) + requests);
  publish();
}

void CpuBudget::refresh(std::chrono::steady_clock::time_point now) {
  {
    const std::lock_guard lock(mutex_);
    if (now - read_at_ < kReread) return;
    read_at_ = now;  // the others go on with the old number while this thread reads files
  }
  const unsigned cpus = std::max(1U, count_cpus_());
  const std::lock_guard lock(mutex_);
  cpus_ = cpus;
  publish();
}

base::Result<base::Fd> CpuBudget::descriptor() const {
  if (!memory_) return base::Error{base::ErrorCode::Io, "there is no shared memory for the share of the CPUs", 0};
  const std::string path = "/proc/self/fd/" + std::to_string(memory_.get());
  // Opened anew: a worker must not write what others read.
  return base::open_file(path, O_RDONLY);
}

base::Result<std::unique_ptr<CpuShareView>> CpuShareView::open(base::Fd descriptor) {
  struct stat info {};
  // A mapping of less would end the process when it is read.
  if (::fstat(descriptor.get(), &info) != 0 || info.st_size < static_cast<off_t>(kShareBytes))
    return base::Error{base::ErrorCode::InvalidArgument,
                       "descriptor " + std::to_string(descriptor.get()) + " holds no share of the CPUs", 0};
  void* mapping = ::mmap(nullptr, kShareBytes, PROT_READ, MAP_SHARED, descriptor.get(), 0);
  if (mapping == MAP_FAILED) return base::error_from_errno("cannot map the share of the CPUs", errno);
  return std::unique_ptr<CpuShareView>(new CpuShareView(mapping));
}

CpuShareView::~CpuShareView() { ::munmap(mapping_, kShareBytes); }

unsigned CpuShareView::threads() const noexcept {
  // A load of four aligned bytes; atomic_ref takes no reference to const before C++26.
  return std::max(1U, __atomic_load_n(static_cast<const unsigned*>(mapping_), __ATOMIC_RELAXED));
}

}  // namespace clams::server
