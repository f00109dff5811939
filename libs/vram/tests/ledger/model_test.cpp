// Random operations of several processes against a model that a child could write: a list of who was promised what.
#include <map>
#include <random>

#include "fixture.hpp"

namespace vram::test {
namespace {

struct Model {
  std::uint64_t total = 1000;
  std::uint64_t headroom = 100;
  struct Process {
    bool context = false;
    std::map<std::string, std::uint64_t> resident;
    std::vector<std::uint64_t> leases;
    std::uint64_t sum() const {
      std::uint64_t all = context ? 7 : 0;
      for (const auto& [name, bytes] : resident) all += bytes;
      for (const std::uint64_t bytes : leases) all += bytes;
      return all;
    }
  };
  std::array<Process, 3> processes;
  std::uint64_t sum() const { return processes[0].sum() + processes[1].sum() + processes[2].sum(); }
};

class RandomOperations : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomOperations, AgreeWithASimpleModel) {
  TempDir dir;
  Model model;
  std::array<Joined, 3> real{join(options_for(dir.path()), Bytes(1000)), join(options_for(dir.path()), Bytes(1000)),
                             join(options_for(dir.path()), Bytes(1000))};
  std::array<std::vector<Lease>, 3> leases;
  std::mt19937 random(GetParam());
  for (int step = 0; step < 3000; ++step) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()) + ", step " + std::to_string(step));
    const std::size_t who = random() % 3;
    auto& process = model.processes[who];
    const std::string name = "m" + std::to_string(random() % 3);
    switch (random() % 4) {
      case 0:
      case 1: {
        const std::uint64_t cold = random() % 400, warm = random() % 100;
        ChargeRequest request = ask(Bytes(cold));
        request.model = name;
        request.warm_bytes = Bytes(warm);
        request.context = Bytes(7);
        request.headroom = Bytes(model.headroom);
        const std::uint64_t bytes = process.resident.contains(name) ? warm : cold;
        const bool fits = model.sum() + bytes + (process.context ? 0 : 7) + model.headroom <= model.total;
        auto lease = try_lease(real[who], request);
        ASSERT_EQ(lease.has_value(), fits);
        if (!fits) break;
        process.context = true;
        process.leases.push_back(bytes);
        leases[who].push_back(std::move(*lease));
        break;
      }
      case 2:
        if (!process.leases.empty() && random() % 2 == 0 && !process.resident.contains(name)) {
          const std::uint64_t kept = random() % (process.leases.back() + 1);
          leases[who].back().keep_resident(name, Bytes(kept), {});
          process.leases.back() -= kept;
          process.resident[name] = kept;
        } else if (!process.leases.empty()) {
          const std::size_t at = random() % process.leases.size();
          process.leases.erase(process.leases.begin() + static_cast<std::ptrdiff_t>(at));
          leases[who].erase(leases[who].begin() + static_cast<std::ptrdiff_t>(at));
        }
        break;
      default:
        if (process.resident.erase(name) != 0) real[who].slot->remove_resident(real[who].device, name);
    }
    ASSERT_EQ(real[who].slot->reserved(real[who].device).count(), process.sum());
    ASSERT_EQ(real[who].ledger->figures(real[who].device, {}).charges.count(), model.sum());
    ASSERT_LE(model.sum(), model.total - model.headroom);
  }
  EXPECT_TRUE(real[0].ledger->check_invariants().empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOperations, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace vram::test
