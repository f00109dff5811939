// kill -9 of any process loses nothing.
#include <csignal>
#include <thread>

#include "fixture.hpp"

namespace vram::test {
namespace {

// A child that was promised `bytes`, says that it holds all of them, and then only waits to be killed.
std::unique_ptr<Child> holder(const std::string& directory, Bytes bytes, const Signal& ready, Bytes total = 10_GiB) {
  return std::make_unique<Child>([=, &ready] {
    const Joined joined = join(options_for(directory, "victim"), total);
    const auto lease = try_lease(joined, ask(bytes));
    if (!lease) return 1;
    joined.slot->raise_materialised(joined.device, bytes);
    ready.send();
    for (;;) ::pause();
  });
}

TEST(Death, BytesOfAKilledProcessDrainAndThenComeBack) {
  TempDir dir;
  base::FakeClock clock;
  LedgerOptions options = options_for(dir.path());
  options.clock = &clock;
  const Joined survivor = join(options, 10_GiB);
  const auto mine = try_lease(survivor, ask(2_GiB));
  Signal ready;
  const auto victim = holder(dir.path(), 6_GiB, ready);
  ready.await();
  EXPECT_FALSE(try_lease(survivor, ask(3_GiB)));
  victim->kill();
  const auto refused = survivor.ledger->charge(survivor.device, survivor.slot, ask(3_GiB), {});
  EXPECT_FALSE(refused->lease);
  EXPECT_TRUE(refused->deaths_found);
  EXPECT_EQ(refused->figures.charges, 2_GiB);
  EXPECT_EQ(refused->figures.draining, 6_GiB);
  clock.advance(std::chrono::milliseconds(4900));
  EXPECT_FALSE(try_lease(survivor, ask(3_GiB))) << "they stay charged for five seconds";
  clock.advance(std::chrono::milliseconds(200));
  EXPECT_TRUE(try_lease(survivor, ask(8_GiB)));
  EXPECT_EQ(survivor.slot->reserved(survivor.device), 2_GiB) << "others' bytes are untouched";
}

TEST(Death, DrainingEndsEarlierWhenASampleShowsTheBytesBack) {
  TempDir dir;
  const Joined survivor = join(options_for(dir.path()), 10_GiB);
  Signal ready;
  const auto victim = holder(dir.path(), 6_GiB, ready);
  ready.await();
  victim->kill();
  EXPECT_FALSE(try_lease(survivor, ask(5_GiB), {sample_now(10_GiB, 4_GiB), nullptr}));
  const auto half = survivor.ledger->charge(survivor.device, survivor.slot, ask(8_GiB), {sample_now(10_GiB, 7_GiB), nullptr});
  EXPECT_EQ(effective_draining(half->figures), 3_GiB) << "sampled after the death; 3 GiB are still used by nobody who lives";
  EXPECT_TRUE(try_lease(survivor, ask(10_GiB), {sample_now(10_GiB, 10_GiB), nullptr}));
}

TEST(Death, SlotsAreFreedOldestFirstAsLongAsTheRestCoversWhatIsStillUsed) {
  TempDir dir;
  const Joined survivor = join(options_for(dir.path()), 10_GiB);
  Signal ready;
  const auto older = holder(dir.path(), 3_GiB, ready);
  ready.await();
  const auto younger = holder(dir.path(), 5_GiB, ready);
  ready.await();
  older->kill();
  try_lease(survivor, ask(10_GiB));
  younger->kill();
  try_lease(survivor, ask(10_GiB));
  EXPECT_EQ(survivor.ledger->figures(survivor.device, {}).draining, 8_GiB);
  EXPECT_FALSE(try_lease(survivor, ask(10_GiB), {sample_now(10_GiB, 5_GiB), nullptr}));  // 5 are still used
  EXPECT_EQ(survivor.ledger->figures(survivor.device, {}).draining, 5_GiB);
  EXPECT_FALSE(try_lease(survivor, ask(10_GiB), {sample_now(10_GiB, 9_GiB), nullptr}));  // 1 is
  EXPECT_EQ(survivor.ledger->figures(survivor.device, {}).draining, 5_GiB) << "what is left must cover it";
  EXPECT_TRUE(try_lease(survivor, ask(10_GiB), {sample_now(10_GiB, 10_GiB), nullptr}));
  EXPECT_EQ(survivor.ledger->figures(survivor.device, {}).draining, Bytes());
}

TEST(Death, ASampleTakenBeforeTheDeathEndsNothing) {
  TempDir dir;
  const Joined survivor = join(options_for(dir.path()), 10_GiB);
  Signal ready;
  const auto victim = holder(dir.path(), 6_GiB, ready);
  ready.await();
  const MemorySample old = sample_now(10_GiB, 10_GiB);
  victim->kill();
  EXPECT_FALSE(try_lease(survivor, ask(5_GiB), {old, nullptr}));
}

TEST(Death, ASlotIsNotReusedBeforeItsDrainingIsOver) {
  TempDir dir;
  base::FakeClock clock;
  LedgerOptions options = options_for(dir.path());
  options.clock = &clock;
  const Joined first = join(options, 10_GiB);
  Signal ready;
  const auto victim = holder(dir.path(), 6_GiB, ready);
  ready.await();
  victim->kill();
  const Joined second = join(options, 10_GiB);
  EXPECT_EQ(first.slot->index(), 0U);
  EXPECT_EQ(second.slot->index(), 2U);
  EXPECT_EQ(second.ledger->figures(second.device, {}).draining, 6_GiB) << "found by the one who looked for a slot";
  clock.advance(std::chrono::seconds(6));
  const Joined third = join(options, 10_GiB);
  EXPECT_EQ(third.slot->index(), 1U);
  EXPECT_EQ(third.slot->reserved(third.device), Bytes());
  EXPECT_TRUE(third.ledger->check_invariants().empty());
}

TEST(Death, ASlotWithoutBytesIsReusedAtOnce) {
  TempDir dir;
  Signal ready;
  Child idle([&] {
    const Joined joined = join(options_for(dir.path()));
    joined.slot->request_headroom(joined.device, 20_GiB);
    ready.send();
    for (;;) ::pause();
    return 0;
  });
  ready.await();
  const Joined survivor = join(options_for(dir.path()));
  EXPECT_FALSE(try_lease(survivor, ask(10_GiB)));
  idle.kill();
  EXPECT_TRUE(try_lease(survivor, ask(10_GiB))) << "the wish of the dead for headroom dies with it";
  const Joined next = join(options_for(dir.path()));
  EXPECT_EQ(next.slot->index(), 0U);
}

TEST(Death, AClockThatWasSetBackDoesNotKeepBytesForEver) {
  TempDir dir;
  base::FakeClock clock;
  clock.advance(std::chrono::hours(1000));
  LedgerOptions options = options_for(dir.path());
  options.clock = &clock;
  const Joined survivor = join(options, 10_GiB);
  Signal ready;
  const auto victim = holder(dir.path(), 6_GiB, ready);
  ready.await();
  victim->kill();
  EXPECT_FALSE(try_lease(survivor, ask(8_GiB)));
  clock.advance(-std::chrono::hours(999));
  EXPECT_FALSE(try_lease(survivor, ask(8_GiB)));
  clock.advance(std::chrono::seconds(6));
  EXPECT_TRUE(try_lease(survivor, ask(8_GiB)));
}

TEST(Death, WallClockJumpsChangeNothing) {
  TempDir dir;
  base::FakeClock clock;
  LedgerOptions options = options_for(dir.path());
  options.clock = &clock;
  const Joined survivor = join(options, 10_GiB);
  Signal ready;
  const auto victim = holder(dir.path(), 6_GiB, ready);
  ready.await();
  victim->kill();
  EXPECT_FALSE(try_lease(survivor, ask(8_GiB)));
  clock.set_wall(std::chrono::hours(24 * 365 * 200));
  EXPECT_FALSE(try_lease(survivor, ask(8_GiB)));
}

TEST(Death, OwnTokenIsNeverProbed) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const auto lease = try_lease(a, ask(8_GiB));
  EXPECT_FALSE(try_lease(a, ask(8_GiB))) << "sweeps all slots";
  a.ledger->snapshot();
  const Joined b = join(options_for(dir.path()), 10_GiB);
  EXPECT_FALSE(try_lease(b, ask(8_GiB))) << "a would count as dead had it let go of its token";
  EXPECT_EQ(b.ledger->figures(b.device, {}).charges, 8_GiB);
}

TEST(Death, AStoppedLockHolderCostsADeadlineAndNotTheHost) {
  TempDir dir;
  LedgerOptions options = options_for(dir.path());
  options.lock_deadline = std::chrono::milliseconds(50);
  const Joined survivor = join(options, 10_GiB);
  Signal ready;
  Child busy([&] {
    const Joined joined = join(options_for(dir.path()), 10_GiB);
    ready.send();
    for (;;) try_lease(joined, ask(1_GiB));
    return 0;
  });
  ready.await();
  // Stopped again and again until it is stopped inside the lock.
  bool caught = false;
  for (int i = 0; i < 20'000 && !caught; ++i) {
    ::kill(busy.pid(), SIGSTOP);
    int status = 0;
    ::waitpid(busy.pid(), &status, WUNTRACED);
    const auto outcome = survivor.ledger->charge(survivor.device, survivor.slot, ask(1_GiB), {});
    caught = !outcome;
    if (caught) {
      EXPECT_EQ(outcome.error().code, base::ErrorCode::Timeout);
      const Lease unenforced = survivor.ledger->charge_unlocked(survivor.device, survivor.slot, ask(1_GiB));
      EXPECT_EQ(unenforced.pass(), PassKind::Unknown);
      EXPECT_EQ(survivor.slot->reserved(survivor.device), 1_GiB);
    } else {
      ::kill(busy.pid(), SIGCONT);
    }
  }
  EXPECT_TRUE(caught);
  busy.kill();
  EXPECT_TRUE(eventually([&] { return try_lease(survivor, ask(1_GiB)).has_value(); }))
      << "the kernel dropped the lock with its holder";
}

TEST(Fork, AChildThatRunsOnNeitherKeepsNorHarmsTheParentsSlot) {
  TempDir dir;
  const Joined observer = join(options_for(dir.path()), 10_GiB);
  Orphan orphan;
  Child parent([&] {
    auto joined = std::make_unique<Joined>(join(options_for(dir.path()), 10_GiB));
    auto lease = std::make_unique<Lease>(std::move(*try_lease(*joined, ask(6_GiB))));
    if (::fork() == 0) {
      if (joined->ledger->charge(joined->device, joined->slot, ask(1_B), {}) || joined->ledger->own_slot()) ::_exit(1);
      lease.reset();
      joined.reset();
      orphan.tell(::getpid());
      for (;;) ::pause();
    }
    for (;;) ::pause();
    return 0;
  });
  const pid_t child = orphan.await();
  EXPECT_EQ(observer.ledger->figures(observer.device, {}).charges, 6_GiB) << "the child's destructors gave nothing back";
  EXPECT_FALSE(try_lease(observer, ask(6_GiB)));
  EXPECT_EQ(observer.ledger->figures(observer.device, {}).draining, Bytes()) << "nor did they drop the parent's token";
  parent.kill();
  EXPECT_EQ(::kill(child, 0), 0) << "the child still runs";
  EXPECT_FALSE(try_lease(observer, ask(6_GiB)));
  EXPECT_EQ(observer.ledger->figures(observer.device, {}).draining, 6_GiB) << "and the parent is known to be dead";
}

TEST(Fork, AnExecutedChildHoldsNothing) {
  TempDir dir;
  const Joined observer = join(options_for(dir.path()), 10_GiB);
  Orphan orphan;
  Child parent([&] {
    const Joined joined = join(options_for(dir.path()), 10_GiB);
    const auto lease = try_lease(joined, ask(6_GiB));
    orphan.tell(spawn_sleep());
    for (;;) ::pause();
    return 0;
  });
  orphan.await();
  parent.kill();
  EXPECT_TRUE(eventually([&] {  // close-on-exec comes a moment after the parent goes on
    try_lease(observer, ask(6_GiB));
    return observer.ledger->figures(observer.device, {}).draining == 6_GiB;
  }));
}

TEST(Worker, SlotWhoseTokenNobodyHoldsIsDead) {
  TempDir dir;
  const Joined front = join(options_for(dir.path()), 10_GiB);
  const Joined observer = join(options_for(dir.path()), 10_GiB);
  WorkerSlot worker = front.ledger->prepare_worker_slot("app-worker").value();
  Joined by_front{front.ledger, front.device, worker.slot};
  auto lease = try_lease(by_front, ask(6_GiB));
  try_lease(observer, ask(6_GiB));
  EXPECT_EQ(observer.ledger->figures(observer.device, {}).charges, 6_GiB) << "prepared, not yet started: the front holds the token";
  Child forked([&] {  // a child of the front that is no worker and does not exec
    for (;;) ::pause();
    return 0;
  });
  worker.token.reset();
  EXPECT_TRUE(eventually([&] {  // the child closes its copy as soon as it runs
    try_lease(observer, ask(6_GiB));
    return observer.ledger->figures(observer.device, {}).draining == 6_GiB;
  }));
  lease->release();
  EXPECT_EQ(worker.slot->reserved(front.device), Bytes());
}

TEST(Worker, TokenIsClosedInForkedChildrenOfTheWorker) {
  TempDir dir;
  const Joined observer = join(options_for(dir.path()), 10_GiB);
  WorkerSlot worker = observer.ledger->prepare_worker_slot("app-worker").value();
  Joined by_front{observer.ledger, observer.device, worker.slot};
  const auto lease = try_lease(by_front, ask(6_GiB));
  Orphan orphan;
  const int inherited = ::dup(worker.token->fd());  // not known to the fork handlers of this process, as after exec
  Child process([&] {
    const auto token = WorkerToken::adopt(inherited);
    if (::fork() == 0) {
      orphan.tell(::getpid());
      for (;;) ::pause();
    }
    for (;;) ::pause();
    return token ? 0 : 1;
  });
  ::close(inherited);
  worker.token.reset();
  orphan.await();
  try_lease(observer, ask(6_GiB));
  EXPECT_EQ(observer.ledger->figures(observer.device, {}).draining, Bytes()) << "the worker lives";
  process.kill();
  EXPECT_TRUE(eventually([&] {
    try_lease(observer, ask(6_GiB));
    return observer.ledger->figures(observer.device, {}).draining == 6_GiB;
  })) << "its child sleeps on, without the token";
}

TEST(Worker, TokenHandedOverByExecKeepsTheSlotAfterTheFrontDied) {
  TempDir dir;
  const Joined observer = join(options_for(dir.path()), 10_GiB);
  Orphan orphan;
  Child front([&] {
    const Joined joined = join(options_for(dir.path()), 10_GiB);
    WorkerSlot worker = joined.ledger->prepare_worker_slot("app-worker").value();
    const pid_t pid = spawn_sleep(worker.token->fd());
    worker.token.reset();
    const auto lease = try_lease({joined.ledger, joined.device, worker.slot}, ask(6_GiB));
    orphan.tell(pid);
    for (;;) ::pause();
    return 0;
  });
  const pid_t worker = orphan.await();
  front.kill();
  EXPECT_FALSE(try_lease(observer, ask(6_GiB)));
  EXPECT_EQ(observer.ledger->figures(observer.device, {}).charges, 6_GiB) << "the worker lives and may still hold the memory";
  EXPECT_EQ(observer.ledger->figures(observer.device, {}).draining, Bytes());
  ::kill(worker, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    try_lease(observer, ask(6_GiB));
    return observer.ledger->figures(observer.device, {}).draining == 6_GiB;
  }));
}

TEST(Worker, SlotOfADeadWorkerIsNotReusedWhileTheFrontAccountsForIt) {
  TempDir dir;
  base::FakeClock clock;
  LedgerOptions options = options_for(dir.path());
  options.clock = &clock;
  auto front = Ledger::open(options).value();
  const LedgerDevice device = front->register_device(card(10_GiB)).value();
  WorkerSlot worker = front->prepare_worker_slot("w").value();
  Joined by_front{front, device, worker.slot};
  auto lease = try_lease(by_front, ask(6_GiB));
  worker.token.reset();
  worker.slot->mark_ended();
  clock.advance(std::chrono::seconds(10));
  const Joined next = join(options, 10_GiB);
  EXPECT_NE(next.slot->index(), worker.slot->index()) << "its lease would lower the words of a stranger";
  EXPECT_NE(front->own_slot().value()->index(), worker.slot->index()) << "nor by the front itself";
  const auto theirs = try_lease(next, ask(10_GiB));
  EXPECT_TRUE(theirs);
  const std::uint32_t index = worker.slot->index();
  lease->release();
  by_front.slot.reset();
  worker.slot.reset();
  EXPECT_EQ(join(options, 10_GiB).slot->index(), index);
  EXPECT_EQ(next.slot->reserved(next.device), 10_GiB);
}

}  // namespace
}  // namespace vram::test
