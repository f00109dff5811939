// How many bytes of request bodies may be held at once: promised before they are received, given back when their request is over.
// A body that comes slowly loses what it was promised beyond what has come: otherwise a few clients that announce much and send
// little could keep everybody else out.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace clams::server {

// Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(std::uint64_t limit) : limit_(limit) {}

  bool take(std::uint64_t bytes) noexcept {
    std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit_ || taken > limit_ - bytes) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
    return true;
  }
  void give_back(std::uint64_t bytes) noexcept { taken_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> taken_{0};
};

// A body of known length keeps its promise while it comes fast enough to be whole within kWholeBody, judged from kFirstJudged on.
inline constexpr std::chrono::seconds kFirstJudged{5};
inline constexpr std::chrono::minutes kWholeBody{10};
inline bool comes_fast_enough(std::uint64_t received, std::uint64_t total, std::chrono::steady_clock::duration since) {
  const auto seconds = std::chrono::duration<double>(since).count();
  return since < kFirstJudged ||
         static_cast<double>(received) * std::chrono::duration<double>(kWholeBody).count() >= static_cast<double>(total) * seconds;
}

// One body's part of it. Move-only.
class BodyShare {
 public:
  BodyShare() = default;
  // Shared, because a request thread that is late may be the last to give back.
  explicit BodyShare(std::shared_ptr<BodyBudget> budget) : budget_(std::move(budget)) {}
  BodyShare(BodyShare&& other) noexcept : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  BodyShare& operator=(BodyShare&& other) noexcept {
    if (this == &other) return *this;
    give_back();
    budget_ = std::move(other.budget_);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { give_back(); }

  // false: there is no room for so many; what was had before stays.
  bool grow_to(std::uint64_t bytes) noexcept {
    if (bytes <= bytes_) return true;
    if (budget_ == nullptr || !budget_->take(bytes - bytes_)) return false;
    bytes_ = bytes;
    return true;
  }
  void shrink_to(std::uint64_t bytes) noexcept {
    if (bytes >= bytes_) return;
    budget_->give_back(bytes_ - bytes);
    bytes_ = bytes;
  }
  void give_back() noexcept {
    if (bytes_ > 0) budget_->give_back(std::exchange(bytes_, 0));
  }

 private:
  std::shared_ptr<BodyBudget> budget_;
  std::uint64_t bytes_ = 0;
};

}  // namespace clams::server
