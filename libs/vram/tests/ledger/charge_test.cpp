#include <thread>

#include "fixture.hpp"

namespace vram::test {
namespace {

TEST(Charge, GrantsUpToTotalMinusHeadroomAndNotAByteMore) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask(9_GiB);
  request.headroom = 1_GiB;
  const auto lease = try_lease(a, request);
  ASSERT_TRUE(lease);
  EXPECT_TRUE(lease->enforced());
  EXPECT_EQ(lease->bytes(), 9_GiB);
  request.bytes = 1_B;
  EXPECT_FALSE(try_lease(a, request));
}

TEST(Charge, ComesBackWhenTheLeaseGoes) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  {
    const auto lease = try_lease(a, ask(10_GiB));
    ASSERT_TRUE(lease);
  }
  EXPECT_EQ(a.slot->reserved(a.device), Bytes());
  EXPECT_TRUE(try_lease(a, ask(10_GiB)));
  EXPECT_TRUE(a.ledger->check_invariants().empty());
}

TEST(Charge, MovedLeasesGiveBackOnce) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const auto keep = try_lease(a, ask(3_GiB));
  auto first = try_lease(a, ask(2_GiB));
  Lease second = std::move(*first);
  first->release();
  EXPECT_EQ(a.slot->reserved(a.device), 5_GiB);
  second = Lease();
  EXPECT_EQ(a.slot->reserved(a.device), 3_GiB);
}

TEST(Charge, IsSeenByEveryOtherProcessAndARefusalDisturbsNobody) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const Joined b = join(options_for(dir.path()), 10_GiB);
  const auto lease = try_lease(a, ask(6_GiB));
  EXPECT_FALSE(try_lease(b, ask(5_GiB)));
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB);
  EXPECT_EQ(b.slot->reserved(b.device), Bytes());
  EXPECT_TRUE(try_lease(b, ask(4_GiB)));
}

TEST(Charge, UsesTheLargestHeadroomThatAnyLivingSlotAskedFor) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const Joined b = join(options_for(dir.path()), 10_GiB);
  a.slot->request_headroom(a.device, 4_GiB);
  ChargeRequest request = ask(7_GiB);
  request.headroom = 1_GiB;
  EXPECT_FALSE(try_lease(b, request));
  request.bytes = 6_GiB;
  EXPECT_TRUE(try_lease(b, request));
}

TEST(Charge, TakesTheContextOncePerProcessAndDevice) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask(1_GiB);
  request.context = 512_MiB;
  auto first = try_lease(a, request);
  EXPECT_EQ(a.slot->reserved(a.device), 1_GiB + 512_MiB);
  const auto second = try_lease(a, request);
  EXPECT_EQ(a.slot->reserved(a.device), 2_GiB + 512_MiB);
  first->release();
  EXPECT_EQ(a.slot->reserved(a.device), 1_GiB + 512_MiB) << "the context stays as long as the process";
  a.slot->set_context(a.device, 300_MiB);
  EXPECT_EQ(a.slot->reserved(a.device), 1_GiB + 300_MiB);
  a.slot->set_context(a.device, 700_MiB);
  EXPECT_EQ(a.slot->reserved(a.device), 1_GiB + 700_MiB);
}

TEST(Charge, OfAWarmRequestIsItsIncrementOnly) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask(6_GiB);
  request.model = "large";
  request.warm_bytes = 1_GiB;
  auto cold = try_lease(a, request);
  cold->keep_resident("large", 5_GiB, std::chrono::seconds(2));
  EXPECT_EQ(cold->bytes(), 1_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB) << "it only changed hands";
  auto warm = try_lease(a, request);
  EXPECT_EQ(warm->bytes(), 1_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), 7_GiB);
  cold->release();
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB);
  warm->release();
  EXPECT_EQ(a.slot->remove_resident(a.device, "large"), 5_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), Bytes());
}

ChargeRequest ask_staying(const char* model, Bytes cold, Bytes warm) {
  ChargeRequest request = ask(cold);
  request.model = request.stays_as = model;
  request.warm_bytes = warm;
  return request;
}

TEST(Charge, OfThoseWhoComeWhileAModelIsLoadedIsTheirIncrement) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const ChargeRequest request = ask_staying("large", 6_GiB, 1_GiB);
  auto cold = try_lease(a, request);
  EXPECT_FALSE(cold->warm());
  EXPECT_EQ(cold->granted(), 6_GiB);
  EXPECT_EQ(cold->bytes(), 1_GiB);
  EXPECT_EQ(a.slot->resident(a.device, "large"), 5_GiB);
  EXPECT_FALSE(a.slot->is_loaded(a.device, "large"));
  auto second = try_lease(a, request);
  ASSERT_TRUE(second) << "6 GiB a second time would not fit into 10";
  EXPECT_TRUE(second->warm());
  EXPECT_EQ(a.slot->reserved(a.device), 7_GiB);
  // The second is the one that gets to load it, and it turns out larger.
  second->keep_resident("large", 5_GiB + 512_MiB, std::chrono::seconds(2));
  EXPECT_TRUE(a.slot->is_loaded(a.device, "large"));
  EXPECT_EQ(second->bytes(), 512_MiB);
  EXPECT_EQ(a.slot->reserved(a.device), 7_GiB) << "it only changed hands";
  cold->release();
  second->release();
  EXPECT_EQ(a.slot->reserved(a.device), 5_GiB + 512_MiB) << "loaded, it stays without leases";
  EXPECT_EQ(a.slot->remove_resident(a.device, "large"), 5_GiB + 512_MiB);
  EXPECT_EQ(a.slot->reserved(a.device), Bytes());
  EXPECT_TRUE(a.ledger->check_invariants().empty());
}

TEST(Charge, OfAModelThatNobodyLoadsGoesWithTheLastWhoCountsOnIt) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const ChargeRequest request = ask_staying("large", 6_GiB, 1_GiB);
  auto first = try_lease(a, request);
  auto second = try_lease(a, request);
  EXPECT_TRUE(a.slot->is_counted_on("large"));
  first->release();
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB) << "the other may still load it";
  second->release();
  EXPECT_EQ(a.slot->reserved(a.device), Bytes());
  EXPECT_FALSE(a.slot->resident(a.device, "large"));
  EXPECT_FALSE(a.slot->is_counted_on("large"));
}

TEST(Charge, OfAModelStaysWhileItIsUnloadedUnderARequestThatWasChargedAsWarm) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const ChargeRequest request = ask_staying("large", 6_GiB, 1_GiB);
  try_lease(a, request)->keep_resident("large", 5_GiB, {});
  auto warm = try_lease(a, request);
  EXPECT_TRUE(warm->warm());
  EXPECT_EQ(a.slot->remove_resident(a.device, "large"), 5_GiB);
  EXPECT_EQ(a.slot->remove_resident(a.device, "large"), Bytes()) << "not loaded any more";
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB) << "it will be loaded again, by this request";
  warm->keep_resident("large", Bytes(), {});
  EXPECT_EQ(a.slot->resident(a.device, "large"), 5_GiB) << "as expected, when nobody can tell";
  warm->release();
  EXPECT_EQ(a.slot->reserved(a.device), 5_GiB);
}

TEST(Charge, OfAModelMovesToTheNameItIsLoadedUnder) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const ChargeRequest request = ask_staying("ocr", 6_GiB, 1_GiB);
  auto first = try_lease(a, request);
  auto second = try_lease(a, request);
  first->keep_resident("detector", 2_GiB, {});
  first->keep_resident("reader", 3_GiB + 512_MiB, {});
  EXPECT_EQ(a.slot->resident(a.device, "ocr"), Bytes());
  EXPECT_EQ(first->bytes(), 512_MiB) << "what was not expected comes out of the charge";
  EXPECT_EQ(a.slot->reserved(a.device), 7_GiB);
  first->release();
  EXPECT_TRUE(a.slot->is_counted_on("reader"));
  EXPECT_EQ(a.slot->remove_resident(a.device, "reader"), 3_GiB + 512_MiB);
  EXPECT_EQ(a.slot->resident(a.device, "reader"), 3_GiB + 512_MiB) << "the second may load it again";
  EXPECT_FALSE(a.slot->is_loaded(a.device, "reader"));
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB + 512_MiB);
  second->release();
  EXPECT_EQ(a.slot->reserved(a.device), 2_GiB);
  EXPECT_EQ(a.slot->remove_resident(a.device, "detector"), 2_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), Bytes());
}

TEST(Charge, OfAHelperStaysWhileItIsUnloadedUnderARequestThatCountsOnItsModel) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const ChargeRequest request = ask_staying("ocr", 6_GiB, 1_GiB);
  auto first = try_lease(a, request);
  auto second = try_lease(a, request);
  first->keep_resident("detector", 2_GiB, {});
  first->keep_resident("ocr", 3_GiB, {});
  first->release();
  EXPECT_EQ(a.slot->remove_resident(a.device, "detector"), 2_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB) << "the second may ask for it";
  // What was loaded under its own name is not there to pay for others, also after it was unloaded.
  EXPECT_EQ(a.slot->remove_resident(a.device, "ocr"), 3_GiB);
  second->keep_resident("other", 1_GiB, {});
  EXPECT_EQ(a.slot->resident(a.device, "ocr"), 3_GiB);
  EXPECT_EQ(second->bytes(), Bytes());
  second->release();
  EXPECT_EQ(a.slot->reserved(a.device), 1_GiB) << "what nobody expects any more is given back";
}

TEST(Charge, OfAModelOfUnknownSizeUnderAnotherNameIsAllThatWasExpected) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const ChargeRequest request = ask_staying("profile", 6_GiB, 1_GiB);
  auto first = try_lease(a, request);
  auto second = try_lease(a, request);
  first->keep_resident("reader", Bytes(), {});
  first->release();
  second->release();
  EXPECT_EQ(a.slot->reserved(a.device), 5_GiB) << "it is loaded";
  EXPECT_EQ(a.slot->resident(a.device, "reader"), 5_GiB);
}

TEST(Charge, OfWhatWasNotEnforcedTellsNoModelsSize) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask_staying("large", 20_GiB, 1_GiB);
  request.rule = ChargeRequest::Rule::ChargeAnyhow;
  auto lease = try_lease(a, request);
  EXPECT_EQ(lease->bytes(), 10_GiB);
  EXPECT_FALSE(a.slot->resident(a.device, "large"));
  auto unlocked = a.ledger->charge_unlocked(a.device, a.slot, request);
  EXPECT_FALSE(a.slot->resident(a.device, "large"));
}

TEST(Charge, OfAModelOnItsWayIsNotMeasured) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  auto lease = try_lease(a, ask_staying("large", 6_GiB, 1_GiB));
  lease->settle_resident("large", 100_MiB);
  a.slot->resize_resident(a.device, "large", 100_MiB);
  EXPECT_EQ(a.slot->resident(a.device, "large"), 5_GiB);
  EXPECT_EQ(a.slot->resident_bytes(a.device), Bytes());
  lease->keep_resident("large", 4_GiB, {});
  EXPECT_EQ(a.slot->resident_bytes(a.device), 4_GiB);
}

TEST(Charge, OfAModelThatIsFoundInAWorkerSettlesWhatWasExpected) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  auto lease = try_lease(a, ask_staying("large", 6_GiB, 1_GiB));
  a.slot->add_resident(a.device, "large", 3_GiB, {});
  EXPECT_EQ(a.slot->reserved(a.device), 4_GiB);
  lease->release();
  EXPECT_EQ(a.slot->reserved(a.device), 3_GiB);
}

TEST(Charge, OfAModelThatIsOnItsWayIsShownAsSuch) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  auto lease = try_lease(a, ask_staying("large", 6_GiB, 1_GiB));
  const auto shown = [&] { return a.ledger->snapshot().devices.at(0).resident.at(0); };
  EXPECT_TRUE(shown().coming);
  EXPECT_EQ(shown().bytes, 5_GiB);
  a.slot->set_idle(a.device, "large", true);
  EXPECT_TRUE(shown().coming) << "what is not there is not idle";
  EXPECT_TRUE(a.slot->idle_models(a.device).empty());
  lease->keep_resident("large", 4_GiB, std::chrono::seconds(3));
  EXPECT_FALSE(shown().coming);
  EXPECT_EQ(shown().bytes, 4_GiB);
  EXPECT_EQ(shown().reload_cost, std::chrono::seconds(3));
}

TEST(Charge, OfAModelIsSettledOutOfTheLeaseWhenItWasMeasured) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask(6_GiB);
  auto lease = try_lease(a, request);
  lease->keep_resident("m", 3_GiB, {});
  lease->settle_resident("m", 4_GiB);
  EXPECT_EQ(lease->bytes(), 2_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB);
  lease->settle_resident("m", 1_GiB);
  EXPECT_EQ(lease->bytes(), 5_GiB);
  lease->settle_resident("m", 7_GiB);
  EXPECT_EQ(lease->bytes(), Bytes());
  EXPECT_EQ(a.slot->reserved(a.device), 7_GiB) << "what the lease did not cover is charged on top";
  lease->release();
  EXPECT_EQ(a.slot->resident(a.device, "m"), 7_GiB);
  a.slot->resize_resident(a.device, "m", 2_GiB);
  EXPECT_EQ(a.slot->reserved(a.device), 2_GiB);
}

TEST(Charge, CountsForeignMemoryThroughTheDriverAndOurOwnOnce) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 24_GiB);
  const Joined b = join(options_for(dir.path()), 24_GiB);
  const auto lease = try_lease(a, ask(10_GiB));
  a.slot->raise_materialised(a.device, 10_GiB);
  // A stranger holds 8, a holds 10: 6 are free.
  const MaterialisedCopy before = b.ledger->copy_materialised(b.device);
  const Observation seen{sample_now(24_GiB, 6_GiB), &before};
  EXPECT_FALSE(try_lease(b, ask(6_GiB + 1_B), seen));
  EXPECT_TRUE(try_lease(b, ask(6_GiB), seen));
}

TEST(Charge, TakesBytesPromisedButNotYetHeldOffTheFreeFigure) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 24_GiB);
  const Joined b = join(options_for(dir.path()), 24_GiB);
  const auto lease = try_lease(a, ask(10_GiB));
  const MaterialisedCopy before = b.ledger->copy_materialised(b.device);
  a.slot->raise_materialised(a.device, 10_GiB);  // after the copy: the sample need not show it
  EXPECT_FALSE(try_lease(b, ask(7_GiB), {sample_now(24_GiB, 16_GiB), &before}));
  EXPECT_TRUE(try_lease(b, ask(6_GiB), {sample_now(24_GiB, 16_GiB), &before}));
}

TEST(Charge, OfOthersIsClampedToTheDeviceWhateverTheyWrote) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 24_GiB);
  const Joined b = join(options_for(dir.path()), 24_GiB);
  a.slot->add_resident(a.device, "mad", Bytes::max(), {});
  b.slot->request_headroom(b.device, Bytes());
  const auto figures = b.ledger->figures(b.device, {});
  EXPECT_EQ(figures.charges, 24_GiB);
  EXPECT_EQ(available(figures), Bytes());
}

TEST(Charge, PassesThatAreNotEnforcedAreChargedAndFlagged) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask(12_GiB);
  request.rule = ChargeRequest::Rule::ChargeAnyhow;
  auto observed = try_lease(a, request);
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->pass(), PassKind::Observed);
  EXPECT_FALSE(observed->enforced());
  EXPECT_EQ(a.slot->reserved(a.device), 10_GiB) << "as the whole device, whatever was asked for";
  EXPECT_EQ(a.ledger->snapshot().devices.at(0).unenforced, 1U);
  EXPECT_FALSE(try_lease(a, ask(1_B))) << "what is not enforced counts against the next one";
  observed->release();
  EXPECT_EQ(a.ledger->snapshot().devices.at(0).unenforced, 0U);
}

TEST(Charge, OfAProbeRunIsAllowedOnlyWhileNoRequestRuns) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask(12_GiB);
  request.rule = ChargeRequest::Rule::ProbeRun;
  const auto running = try_lease(a, ask(1_GiB));
  EXPECT_FALSE(try_lease(a, request));
  auto other = try_lease(a, ask(1_GiB));
  other->release();
  EXPECT_FALSE(try_lease(a, request)) << "the first still runs";
}

TEST(Charge, OfAProbeRunKeepsTheDeviceToItself) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  const Joined b = join(options_for(dir.path()), 10_GiB);
  ChargeRequest request = ask(12_GiB);
  request.rule = ChargeRequest::Rule::ProbeRun;
  const auto probe = try_lease(a, request);
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->pass(), PassKind::ProbeRun);
  EXPECT_FALSE(try_lease(b, ask(1_B)));
  EXPECT_FALSE(try_lease(b, request)) << "only one at a time";
}

TEST(Charge, NeverExceedsTheLimitUnderManyThreads) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 8_GiB);
  const Joined b = join(options_for(dir.path()), 8_GiB);
  std::atomic<std::int64_t> held{0};
  std::atomic<int> beyond{0}, grants{0};
  const auto work = [&](const Joined& mine, unsigned seed) {
    for (int i = 0; i < 300; ++i) {
      const Bytes bytes((seed + static_cast<unsigned>(i)) % 5 * (1ULL << 30) + 1);
      auto lease = try_lease(mine, ask(bytes));
      if (!lease) continue;
      ++grants;
      if (held.fetch_add(static_cast<std::int64_t>(bytes.count())) + static_cast<std::int64_t>(bytes.count()) >
          (std::int64_t{8} << 30))
        ++beyond;
      std::this_thread::yield();
      held.fetch_sub(static_cast<std::int64_t>(bytes.count()));
    }
  };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) threads.emplace_back(work, std::cref(t % 2 == 0 ? a : b), t);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(beyond, 0);
  EXPECT_GT(grants, 0);
  EXPECT_EQ(a.slot->reserved(a.device) + b.slot->reserved(b.device), Bytes());
  EXPECT_TRUE(a.ledger->check_invariants().empty());
}

TEST(Charge, IsSummedAgainByOneThatHeldTheLockTooLong) {
  TempDir dir;
  LedgerOptions options = options_for(dir.path());
  options.lock_deadline = std::chrono::milliseconds(0);  // every holder is too slow for that
  const Joined a = join(options, 10_GiB);
  const auto first = try_lease(a, ask(6_GiB));
  EXPECT_TRUE(first);
  EXPECT_FALSE(try_lease(a, ask(5_GiB)));
  EXPECT_TRUE(try_lease(a, ask(4_GiB)));
  EXPECT_EQ(a.slot->reserved(a.device), 6_GiB);
}

TEST(Charge, KeepsDevicesApart) {
  TempDir dir;
  const Joined a = join(options_for(dir.path()), 10_GiB);
  Joined other = a;
  other.device = a.ledger->register_device(card(10_GiB, 1)).value();
  EXPECT_NE(a.device, other.device);
  const auto first = try_lease(a, ask(10_GiB));
  EXPECT_TRUE(try_lease(other, ask(10_GiB)));
}

}  // namespace
}  // namespace vram::test
