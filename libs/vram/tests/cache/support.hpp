// What the tests of the model cache share: a model that counts its copies, a charge that counts itself, requests in one line.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "vram/model_cache.hpp"

namespace vram::test {

struct Tally {
  std::atomic<int> alive{0};          // copies in memory now
  std::atomic<int> most{0};           // at any time
  std::atomic<int> loads{0};          // runs of the loader
  std::atomic<int> charges{0};        // charges held now
  std::atomic<int> charged{0};        // charges ever taken
  std::atomic<bool> disorder{false};  // an object lived without its charge, or a hook came out of turn
};

class FakeModel {
 public:
  explicit FakeModel(Tally& tally) : tally_(tally) {
    const int now = ++tally_.alive;
    int most = tally_.most.load();
    while (now > most && !tally_.most.compare_exchange_weak(most, now)) {}
  }
  FakeModel(const FakeModel&) = delete;
  FakeModel& operator=(const FakeModel&) = delete;
  ~FakeModel() { --tally_.alive; }

 private:
  Tally& tally_;
};

class RecordingCharge final : public ResidentCharge {
 public:
  explicit RecordingCharge(Tally& tally) : tally_(tally) {
    ++tally_.charges;
    ++tally_.charged;
  }
  ~RecordingCharge() override {
    if (settled_ != announced_) tally_.disorder = true;  // a loaded model left without before_unload, or the other way round
    --tally_.charges;
  }
  void settle(Bytes bytes) noexcept override {
    if (settled_) tally_.disorder = true;
    settled_ = true;
    bytes_ = bytes;
  }
  void before_unload() noexcept override {
    if (!settled_ || announced_) tally_.disorder = true;
    announced_ = true;
  }

 private:
  Tally& tally_;
  bool settled_ = false;
  bool announced_ = false;
  Bytes bytes_;
};

inline ModelRequest request_for(Tally& tally, std::string key, Bytes bytes = Bytes(100)) {
  ModelRequest request;
  request.key = std::move(key);
  request.type = typeid(FakeModel);
  request.estimate = {bytes, std::chrono::milliseconds(1000)};
  request.loader = [&tally]() -> base::Result<LoadedModel> {
    ++tally.loads;
    return LoadedModel{std::make_shared<FakeModel>(tally), std::nullopt};
  };
  request.charge = [&tally](Bytes) -> base::Result<std::unique_ptr<ResidentCharge>> {
    return std::unique_ptr<ResidentCharge>(new RecordingCharge(tally));
  };
  return request;
}

inline constexpr std::chrono::seconds kPatience{60};  // a guard against hanging, never a measure

}  // namespace vram::test
