// CPU threads as a budget: the sum over running requests stays at the number of cores.
#pragma once
#include <algorithm>
#include <mutex>

namespace clams::server {

// Thread-safe.
class CpuBudget {
 public:
  explicit CpuBudget(unsigned cores) : cores_(std::max(1U, cores)) {}

  // One request's share; given back on destruction.
  class Share {
   public:
    Share(CpuBudget& budget, unsigned threads) : budget_(budget), threads_(threads) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { budget_.give_back(threads_); }
    unsigned threads() const noexcept { return threads_; }

   private:
    CpuBudget& budget_;
    unsigned threads_;
  };

  // What is free, at least one thread: a request that runs alone gets all cores, one that comes while they are taken gets one.
  Share take() {
    const std::lock_guard lock(mutex_);
    const unsigned threads = taken_ >= cores_ ? 1 : cores_ - taken_;
    taken_ += threads;
    return Share(*this, threads);
  }

 private:
  void give_back(unsigned threads) {
    const std::lock_guard lock(mutex_);
    taken_ -= threads;
  }

  std::mutex mutex_;
  unsigned cores_;
  unsigned taken_ = 0;
};

}  // namespace clams::server
