// Random operations of several processes against a model that a child could write: a list of who was promised what.
#include <map>
#include <random>

#include "fixture.hpp"

namespace vram::test {
namespace {

struct Model {
  std::uint64_t total = 1000;
  std::uint64_t headroom = 100;
  struct Resident {
    std::uint64_t bytes = 0;
    bool loaded = false;
    unsigned leases = 0;
  };
  struct Lease {
    std::uint64_t bytes = 0;
    std::string counts_on;
  };
  struct Process {
    bool context = false;
    std::map<std::string, Resident> resident;
    std::vector<Lease> leases;
    std::uint64_t sum() const {
      std::uint64_t all = context ? 7 : 0;
      for (const auto& [name, model] : resident) all += model.bytes;
      for (const Lease& lease : leases) all += lease.bytes;
      return all;
    }
    void end(std::size_t at) {
      const std::string name = leases[at].counts_on;
      leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(at));
      if (!name.empty() && --resident[name].leases == 0 && !resident[name].loaded) resident.erase(name);
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
        const bool stays = random() % 2 == 0;
        ChargeRequest request = ask(Bytes(cold));
        request.model = name;
        request.warm_bytes = Bytes(warm);
        if (stays) request.stays_as = name;
        request.context = Bytes(7);
        request.headroom = Bytes(model.headroom);
        const bool found = process.resident.contains(name);
        const std::uint64_t bytes = found ? warm : cold;
        const bool fits = model.sum() + bytes + (process.context ? 0 : 7) + model.headroom <= model.total;
        auto lease = try_lease(real[who], request);
        ASSERT_EQ(lease.has_value(), fits);
        if (!fits) break;
        ASSERT_EQ(lease->warm(), found);
        ASSERT_EQ(lease->granted().count(), bytes);
        process.context = true;
        const bool expects = !found && stays && cold > warm;
        if (expects) process.resident[name] = {cold - warm, false, 0};
        if (found || expects) ++process.resident[name].leases;
        process.leases.push_back({expects ? warm : bytes, found || expects ? name : ""});
        leases[who].push_back(std::move(*lease));
        break;
      }
      case 2:
        if (!process.leases.empty() && random() % 2 == 0) {
          auto& lease = process.leases.back();
          // A model under another name than this lease expects has a test of its own.
          const auto at = process.resident.find(name);
          const bool coming = at != process.resident.end() && !at->second.loaded;
          if ((at != process.resident.end() && !coming) || (!coming && !lease.counts_on.empty())) break;
          const std::uint64_t before = coming ? at->second.bytes : 0;
          const std::uint64_t kept = 1 + random() % (lease.bytes + before + 1);
          if (kept > before + lease.bytes) break;
          leases[who].back().keep_resident(name, Bytes(kept), {});
          lease.bytes = lease.bytes + before - kept;
          process.resident[name].bytes = kept;
          process.resident[name].loaded = true;
        } else if (!process.leases.empty()) {
          const std::size_t at = random() % process.leases.size();
          process.end(at);
          leases[who].erase(leases[who].begin() + static_cast<std::ptrdiff_t>(at));
        }
        break;
      default:
        if (const auto at = process.resident.find(name); at != process.resident.end()) {
          ASSERT_EQ(real[who].slot->is_loaded(real[who].device, name), at->second.loaded);
          ASSERT_EQ(real[who].slot->is_counted_on(name), at->second.leases > 0);
          const Bytes freed = real[who].slot->remove_resident(real[who].device, name);
          ASSERT_EQ(freed.count(), at->second.loaded ? at->second.bytes : 0);
          at->second.loaded = false;
          if (at->second.leases == 0) process.resident.erase(at);
        }
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
