// The whole of admission under threads over one mapping; the thread-sanitizer lane runs this.
#include <thread>

#include "../ledger/fixture.hpp"
#include "vram/admission.hpp"

namespace vram::test {
namespace {

class SteadySampler final : public Sampler {
 public:
  Result<std::vector<DeviceInfo>> devices() override { return std::vector<DeviceInfo>{card(24_GiB), card(16_GiB, 1)}; }
  Reading sample(const DeviceUuid& device, std::chrono::nanoseconds) override {
    const Bytes total = device == card(24_GiB).uuid ? 24_GiB : 16_GiB;
    Reading reading;
    reading.state = SampleState::Ok;
    reading.sample = {total, total, base::system_clock().monotonic()};
    return reading;
  }
};

void use(Admission& admission, unsigned seed) {
  for (unsigned i = 0; i < 200; ++i) {
    Requirement requirement;
    requirement.source = i % 2 == 0 ? RequirementSource::Declared : RequirementSource::Learned;
    requirement.model = "m" + std::to_string((seed + i) % 4);
    requirement.bytes = Bytes((seed * 7 + i) % 12 << 30U);
    requirement.warm_bytes = 256_MiB;
    if (i % 4 != 0) requirement.stays_as = requirement.model;
    auto outcome = admission.admit(requirement);
    auto* lease = std::get_if<Lease>(&outcome);
    if (lease == nullptr) continue;
    const LedgerDevice device{lease->device() == card(24_GiB).uuid ? 0U : 1U};
    lease->slot()->raise_materialised(device, 1_MiB);
    if (i % 5 != 0) lease->keep_resident(requirement.model, 128_MiB, std::chrono::milliseconds(3));
    lease->slot()->set_idle(device, requirement.model, true);
    lease->slot()->idle_models(device);
    lease->slot()->lower_materialised(device, 1_MiB);
    if (i % 3 == 0) lease->slot()->remove_resident(device, requirement.model);
  }
}

TEST(AdmissionThreads, KeepTheBooksRight) {
  TempDir dir;
  AdmissionParts parts;
  parts.ledger = Ledger::open(options_for(dir.path())).value();
  parts.sampler = std::make_shared<SteadySampler>();
  const auto ledger = parts.ledger;
  Admission admission(std::move(parts));
  std::atomic<bool> done{false};
  std::thread watcher([&] {
    while (!done) {
      const LedgerSnapshot shown = ledger->snapshot();
      for (const DeviceStatus& device : shown.devices) EXPECT_LE(device.reserved, device.total);
      static_cast<void>(admission.room(card(24_GiB).uuid));
    }
  });
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 6; ++t) threads.emplace_back([&, t] { use(admission, t); });
  for (auto& thread : threads) thread.join();
  done = true;
  watcher.join();
  const auto slot = ledger->own_slot().value();
  for (const LedgerDevice device : {LedgerDevice{0}, LedgerDevice{1}}) {
    for (int m = 0; m < 4; ++m) slot->remove_resident(device, "m" + std::to_string(m));
    slot->set_context(device, Bytes());
    EXPECT_EQ(slot->reserved(device), Bytes());
    EXPECT_EQ(slot->materialised(device), Bytes());
  }
  EXPECT_TRUE(ledger->check_invariants().empty());
}

}  // namespace
}  // namespace vram::test
