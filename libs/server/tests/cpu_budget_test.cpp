#include "cpu_budget.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <list>
#include <random>
#include <vector>

namespace clams::server {
namespace {

std::shared_ptr<CpuBudget> budget_of(unsigned cpus) {
  return std::make_shared<CpuBudget>([cpus] { return cpus; });
}

TEST(CpuBudget, ARequestAloneMayUseAllAndSharesWithThoseThatCome) {
  const auto budget = budget_of(8);
  const CpuBudget::Share first(budget);
  EXPECT_EQ(first.threads(), 8U);
  {
    const CpuBudget::Share second(budget);
    EXPECT_EQ(first.threads(), 4U) << "the share is live";
    EXPECT_EQ(second.threads(), 4U);
  }
  EXPECT_EQ(first.threads(), 8U);
}

TEST(CpuBudget, NeverNone) {
  const auto budget = budget_of(2);
  std::list<CpuBudget::Share> shares;
  for (int i = 0; i < 9; ++i) shares.emplace_back(budget);
  for (const auto& share : shares) EXPECT_EQ(share.threads(), 1U);
  EXPECT_EQ(CpuBudget::Share(budget_of(0)).threads(), 1U) << "no CPUs are no count";
}

// The sentence of the header and of run.hpp: n requests on c CPUs have max(1, c / n) each, at most max(c, n) together.
TEST(CpuBudget, TheSumIsNeverAboveTheCpusOrOneForEachRequest) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    const unsigned cpus = 1 + static_cast<unsigned>(random() % 130);
    const auto budget = budget_of(cpus);
    const auto view = CpuShareView::open(budget->descriptor().value()).value();
    std::list<CpuBudget::Share> running;
    for (int step = 0; step < 400; ++step) {
      if (running.empty() || random() % 2 == 0) {
        running.emplace_back(budget);
      } else {
        running.erase(std::next(running.begin(), static_cast<std::ptrdiff_t>(random() % running.size())));
      }
      const auto count = static_cast<unsigned>(running.size());
      unsigned sum = 0;
      for (const auto& share : running) {
        ASSERT_EQ(share.threads(), std::max(1U, cpus / count));
        ASSERT_EQ(view->threads(), share.threads()) << "worker processes see the same";
        sum += share.threads();
      }
      ASSERT_LE(sum, std::max(cpus, count));
      if (count == 1) { ASSERT_EQ(sum, cpus); }
    }
  }
}

TEST(CpuBudget, CountsTheCpusAgainEveryFewSeconds) {
  unsigned cpus = 8, counted = 0;
  CpuBudget budget([&] { return ++counted, cpus; });
  const auto now = std::chrono::steady_clock::now();
  cpus = 3;
  budget.refresh(now);
  EXPECT_EQ(budget.threads(), 8U);
  EXPECT_EQ(counted, 1U);
  const auto later = std::chrono::steady_clock::now() + CpuBudget::kReread;
  budget.refresh(later);
  EXPECT_EQ(budget.threads(), 3U);
  budget.refresh(later);
  EXPECT_EQ(counted, 2U);
}

TEST(CpuShareView, CannotWriteWhatOthersRead) {
  const auto budget = budget_of(8);
  const base::Fd descriptor = budget->descriptor().value();
  EXPECT_EQ(::mmap(nullptr, 4, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0), MAP_FAILED);
}

TEST(CpuShareView, IsNotMadeOfAnythingElse) {
  EXPECT_FALSE(CpuShareView::open(base::Fd()));
  base::Fd empty(::memfd_create("empty", MFD_CLOEXEC));
  ASSERT_TRUE(empty);
  EXPECT_FALSE(CpuShareView::open(std::move(empty))) << "reading it would end the process";
}

}  // namespace
}  // namespace clams::server
