// CPU threads as a budget that running requests share evenly.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/available_cpus.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

namespace clams::server {

// With n requests running on c CPUs each may use max(1, c / n) threads at that moment, so that the sum of all shares is never above
// max(c, n). A share is live: it shrinks when another request starts and grows when one ends, so an engine should ask before each
// piece of work. What an engine took earlier it keeps until it asks again; the sum of what runs can be above c until then.
//
// The share stands in one word of shared memory. Worker processes of this server get its descriptor (`descriptor`) and read it
// through a CpuShareView; so one budget covers all of them.
//
// The number of CPUs is read again when a request starts or `refresh` is called, at most every kReread. Thread-safe.
class CpuBudget {
 public:
  static constexpr std::chrono::seconds kReread{5};
  using CountCpus = std::function<unsigned()>;

  // `count_cpus` must be quick: a request waits for it.
  explicit CpuBudget(CountCpus count_cpus = [] { return base::available_cpus().count; });
  ~CpuBudget();
  CpuBudget(const CpuBudget&) = delete;
  CpuBudget& operator=(const CpuBudget&) = delete;

  // One running request; it ends with this object.
  class Share {
   public:
    explicit Share(std::shared_ptr<CpuBudget> budget) : budget_(std::move(budget)) {
      budget_->refresh();
      budget_->change(1);
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { budget_->change(-1); }
    unsigned threads() const noexcept { return budget_->threads(); }

   private:
    std::shared_ptr<CpuBudget> budget_;
  };

  // What each running request may use now, >= 1.
  unsigned threads() const noexcept;
  void refresh() { refresh(std::chrono::steady_clock::now()); }
  void refresh(std::chrono::steady_clock::time_point now);

  // The shared word, read-only. Error: there is no shared memory to be had; the budget works in this process all the same.
  base::Result<base::Fd> descriptor() const;

 private:
  void change(int requests);
  void publish();  // REQUIRES: mutex_

  const CountCpus count_cpus_;
  base::Fd memory_;
  void* mapping_ = nullptr;  // kShareBytes; null where there is no shared memory
  unsigned* share_;          // in the mapping, or own_
  unsigned own_ = 1;
  std::mutex mutex_;
  unsigned cpus_ = 1, running_ = 0;
  std::chrono::steady_clock::time_point read_at_;
};

// A worker's side: the share that its front's budget gives each running request now. Thread-safe.
class CpuShareView {
 public:
  // Takes the descriptor. Error InvalidArgument: it is no such memory.
  static base::Result<std::unique_ptr<CpuShareView>> open(base::Fd descriptor);
  ~CpuShareView();
  CpuShareView(const CpuShareView&) = delete;
  CpuShareView& operator=(const CpuShareView&) = delete;
  unsigned threads() const noexcept;

 private:
  explicit CpuShareView(void* mapping) : mapping_(mapping) {}
  void* mapping_;
};

// The environment variable by which a front names the descriptor to its workers.
inline constexpr const char* kCpuShareVariable = "CLAMS_CPU_SHARE_FD";

}  // namespace clams::server
