#include "fixture.hpp"

namespace vram::test {
namespace {

TEST(Snapshot, ShowsProcessesModelsAndWhatNobodyAccountsFor) {
  TempDir dir;
  const Joined a = join(options_for(dir.path(), "whisper"), 24_GiB);
  a.slot->request_headroom(a.device, 2_GiB);
  ChargeRequest request = ask(6_GiB);
  request.context = 1_GiB;
  auto lease = try_lease(a, request);
  lease->keep_resident("large", 5_GiB, std::chrono::milliseconds(1500));
  a.slot->raise_materialised(a.device, 6_GiB);
  a.slot->set_idle(a.device, "large", true);
  // 10 used: 6 by us, 4 by a stranger.
  const LedgerSnapshot shown = a.ledger->snapshot({{card(24_GiB).uuid, sample_now(24_GiB, 14_GiB)}});
  ASSERT_EQ(shown.devices.size(), 1U);
  const DeviceStatus& device = shown.devices[0];
  EXPECT_EQ(device.name, "Test card");
  EXPECT_EQ(device.total, 24_GiB);
  EXPECT_EQ(device.reserved, 7_GiB);
  EXPECT_EQ(device.unattributed, 4_GiB);
  EXPECT_EQ(device.headroom, 2_GiB);
  EXPECT_EQ(device.available, 11_GiB) << "14 free, less 1 promised but not held, less 2 headroom";
  EXPECT_EQ(device.requests, 1U);
  ASSERT_EQ(device.resident.size(), 1U);
  EXPECT_EQ(device.resident[0].app, "whisper");
  EXPECT_EQ(device.resident[0].model, "large");
  EXPECT_EQ(device.resident[0].bytes, 5_GiB);
  EXPECT_TRUE(device.resident[0].idle);
  EXPECT_EQ(device.resident[0].reload_cost, std::chrono::milliseconds(1500));
  ASSERT_EQ(shown.processes.size(), 1U);
  const ProcessStatus& process = shown.processes[0];
  EXPECT_EQ(process.pid, ::getpid());
  EXPECT_GT(process.started.count(), 0);
  EXPECT_EQ(process.app, "whisper");
  EXPECT_EQ(process.device, card(24_GiB).uuid);
  EXPECT_EQ(process.reserved, 7_GiB);
  EXPECT_EQ(process.materialised, 6_GiB);
  EXPECT_EQ(process.models, std::vector<std::string>{"large"});
  EXPECT_EQ(process.requests, 1U);
}

TEST(Snapshot, ShowsTheDeadAsDrainingAndNotAsProcessesThatHoldModels) {
  TempDir dir;
  const Joined observer = join(options_for(dir.path(), "observer"), 10_GiB);
  Signal ready;
  Child victim([&] {
    const Joined joined = join(options_for(dir.path(), "victim"), 10_GiB);
    auto lease = try_lease(joined, ask(4_GiB));
    lease->keep_resident("m", 4_GiB, {});
    ready.send();
    for (;;) ::pause();
    return 0;
  });
  ready.await();
  EXPECT_EQ(observer.ledger->snapshot().devices.at(0).resident.size(), 1U);
  victim.kill();
  const LedgerSnapshot shown = observer.ledger->snapshot();
  EXPECT_EQ(shown.devices.at(0).draining, 4_GiB);
  EXPECT_EQ(shown.devices.at(0).reserved, Bytes());
  EXPECT_TRUE(shown.devices.at(0).resident.empty());
  ASSERT_EQ(shown.processes.size(), 2U);
  EXPECT_TRUE(shown.processes[1].draining);
}

TEST(Snapshot, KeepsChargesOfMoreModelsThanTheTableCanName) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 24_GiB);
  for (int i = 0; i < 20; ++i) a.slot->add_resident(a.device, "m" + std::to_string(i), 1_GiB, {});
  EXPECT_EQ(a.ledger->snapshot().devices.at(0).resident.size(), 16U);
  EXPECT_EQ(a.slot->reserved(a.device), 20_GiB);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(a.slot->remove_resident(a.device, "m" + std::to_string(i)), 1_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), Bytes());
  EXPECT_TRUE(a.ledger->snapshot().devices.at(0).resident.empty());
}

TEST(Snapshot, CutsLongNamesBetweenCharacters) {
  TempDir dir;
  std::string name;
  for (int i = 0; i < 60; ++i) name += "ä";
  const Joined a = join(options_for(dir.path(), name + name), 24_GiB);
  a.slot->add_resident(a.device, name, 1_GiB, {});
  const LedgerSnapshot shown = a.ledger->snapshot();
  EXPECT_EQ(shown.devices.at(0).resident.at(0).model, name.substr(0, 86));
  EXPECT_EQ(shown.processes.at(0).app, (name + name).substr(0, 126));
}

TEST(Snapshot, SaysWhenRunningRequestsAreExpectedToEnd) {
  TempDir dir;
  base::FakeClock clock;
  LedgerOptions options = options_for(dir.path());
  options.clock = &clock;
  const Joined a = join(options, 24_GiB);
  ChargeRequest request = ask(3_GiB);
  request.expected_duration = std::chrono::seconds(12);
  auto lease = try_lease(a, request);
  const auto returns = a.ledger->expected_returns(a.device);
  ASSERT_EQ(returns.size(), 1U);
  EXPECT_EQ(returns[0].bytes, 3_GiB);
  EXPECT_EQ(returns[0].at, clock.monotonic() + std::chrono::seconds(12));
  lease->release();
  EXPECT_TRUE(a.ledger->expected_returns(a.device).empty());
}

}  // namespace
}  // namespace vram::test
