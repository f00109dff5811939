#include "vram/admission.hpp"

#include <atomic>
#include <map>
#include <mutex>

#include "../ledger/fixture.hpp"

namespace vram::test {
namespace {

// A driver of several cards whose figures the test sets. Counts what it is asked.
class FakeSampler final : public Sampler {
 public:
  explicit FakeSampler(std::vector<DeviceInfo> cards) : cards_(std::move(cards)) {
    for (const DeviceInfo& one : cards_) free_[one.uuid] = one.total;
  }
  Result<std::vector<DeviceInfo>> devices() override {
    if (!list_known) return Error{ErrorCode::Unavailable, "the list is not known yet"};
    return cards_;
  }
  // As a driver behind DeviceMonitor: an older sample will do when it is not too old.
  Reading sample(const DeviceUuid& device, std::chrono::nanoseconds max_age) override {
    const std::lock_guard lock(mutex_);
    if (const auto last = last_.find(device);
        last != last_.end() && max_age.count() > 0 && clock->monotonic() - last->second.sample.taken_at <= max_age) {
      return last->second;
    }
    ++asked;
    if (on_sample) on_sample();
    Reading reading;
    reading.state = state;
    for (const DeviceInfo& one : cards_) {
      if (one.uuid == device) reading.sample = {one.total, free_.at(device), clock->monotonic()};
    }
    last_[device] = reading;
    return reading;
  }
  void set_free(const DeviceInfo& device, Bytes bytes) {
    const std::lock_guard lock(mutex_);
    free_[device.uuid] = bytes;
  }

  std::atomic<SampleState> state{SampleState::Ok};
  std::atomic<bool> list_known{true};
  std::atomic<int> asked{0};
  std::function<void()> on_sample;
  const base::Clock* clock = &base::system_clock();

 private:
  std::vector<DeviceInfo> cards_;
  std::mutex mutex_;
  std::map<DeviceUuid, Bytes> free_;
  std::map<DeviceUuid, Reading> last_;
};

class FakeReclaimer final : public Reclaimer {
 public:
  Bytes give_back_caches(const DeviceUuid&) override { return on_caches ? on_caches() : Bytes(); }
  std::vector<IdleModel> idle_models(const DeviceUuid&) override { return idle; }
  Bytes unload(const DeviceUuid&, const IdleModel& model, std::chrono::milliseconds) override {
    unloaded.push_back(model.model);
    return on_unload ? on_unload(model) : Bytes();
  }
  Bytes ask_others(const DeviceUuid&, Bytes missing, std::chrono::milliseconds) override {
    asked_for = missing;
    return on_others ? on_others() : Bytes();
  }
  std::vector<IdleModel> idle;
  std::vector<std::string> unloaded;
  Bytes asked_for;
  std::function<Bytes()> on_caches, on_others;
  std::function<Bytes(const IdleModel&)> on_unload;
};

class RecordingLog final : public base::LogSink {
 public:
  void write(base::LogLevel, std::string_view, std::string_view message) noexcept override { lines.emplace_back(message); }
  bool enabled(base::LogLevel) const noexcept override { return true; }
  std::vector<std::string> lines;
};

class AdmissionTest : public ::testing::Test {
 protected:
  void build(std::vector<DeviceInfo> cards, AdmissionOptions options = {}, bool with_ledger = true) {
    admission.reset();
    sampler = std::make_shared<FakeSampler>(std::move(cards));
    sampler->clock = &clock;
    log = std::make_shared<RecordingLog>();
    LedgerOptions ledger_options = options_for(dir.path());
    ledger_options.clock = &clock;
    if (with_ledger) ledger = Ledger::open(ledger_options).value();
    AdmissionParts parts;
    parts.ledger = with_ledger ? ledger : nullptr;
    parts.ledger_problem = "the ledger is of another version";
    parts.sampler = sampler;
    parts.options = options;
    parts.reclaimer = reclaimer;
    parts.log = base::Logger(log);
    parts.clock = &clock;
    admission = std::make_unique<Admission>(std::move(parts));
  }
  static AdmissionOptions bare() {
    AdmissionOptions options;
    options.headroom = Headroom::bytes(Bytes());
    options.context = Bytes();
    return options;
  }
  static Requirement declared(Bytes bytes, std::string model = "demo") {
    Requirement requirement;
    requirement.model = std::move(model);
    requirement.source = RequirementSource::Declared;
    requirement.bytes = bytes;
    return requirement;
  }
  static Requirement learned(Bytes bytes) {
    Requirement requirement = declared(bytes);
    requirement.source = RequirementSource::Learned;
    requirement.profile_key = "p";
    return requirement;
  }
  Lease granted(const Requirement& requirement) {
    auto outcome = admission->admit(requirement);
    if (auto* lease = std::get_if<Lease>(&outcome)) return std::move(*lease);
    ADD_FAILURE() << std::get<Refusal>(outcome).message();
    return {};
  }
  Refusal refused(const Requirement& requirement) {
    auto outcome = admission->admit(requirement);
    if (auto* refusal = std::get_if<Refusal>(&outcome)) return *refusal;
    ADD_FAILURE() << "it was granted as " << to_string(std::get<Lease>(outcome).pass());
    return {};
  }

  TempDir dir;
  base::FakeClock clock;
  std::shared_ptr<FakeSampler> sampler;
  std::shared_ptr<FakeReclaimer> reclaimer;
  std::shared_ptr<RecordingLog> log;
  std::shared_ptr<Ledger> ledger;
  std::unique_ptr<Admission> admission;
};

TEST_F(AdmissionTest, GrantsWhatFitsAndRefusesTheRestInNumbers) {
  AdmissionOptions options;
  options.context = 512_MiB;
  build({card(24_GiB)}, options);
  const Lease first = granted(declared(6_GiB, "large"));
  EXPECT_TRUE(first.enforced());
  EXPECT_EQ(first.bytes(), 6_GiB);
  EXPECT_EQ(first.device(), card(24_GiB).uuid);
  const Refusal refusal = refused(declared(20_GiB, "huge"));
  EXPECT_EQ(refusal.kind, Refusal::Kind::Temporary);
  EXPECT_EQ(refusal.code(), "INSUFFICIENT_GPU_MEMORY");
  EXPECT_EQ(refusal.required, 20_GiB);
  EXPECT_EQ(refusal.reserved, 6_GiB + 512_MiB);
  EXPECT_EQ(refusal.headroom, base::scaled(24_GiB, 0.1));
  EXPECT_EQ(refusal.available, 24_GiB - refusal.headroom - refusal.reserved);
  EXPECT_EQ(refusal.total, 24_GiB);
  EXPECT_EQ(refusal.device, card(24_GiB).uuid);
  EXPECT_EQ(to_string(refusal.source), "declared");
  ASSERT_TRUE(refusal.retry_after);
  EXPECT_GE(refusal.retry_after->count(), 1);
  EXPECT_LE(refusal.retry_after->count(), 60);
  EXPECT_EQ(refusal.message(),
            "Insufficient GPU memory for huge. Required: 20.00GB, Available: 15.10GB. GPU may be in use by other processes. Please "
            "retry later.");
  EXPECT_EQ(refusal.error().code, base::ErrorCode::InsufficientMemory);
  EXPECT_EQ(admission->counters().granted, 1U);
  EXPECT_EQ(admission->counters().refused, 1U);
}

TEST_F(AdmissionTest, TellsForGoodWhatCanNeverFit) {
  build({card(24_GiB), card(16_GiB, 1)});
  const Refusal refusal = refused(declared(23_GiB));
  EXPECT_EQ(refusal.kind, Refusal::Kind::Permanent);
  EXPECT_EQ(refusal.code(), "GPU_MEMORY_IMPOSSIBLE");
  EXPECT_EQ(refusal.message(), "demo needs 23.50GB; no GPU here can give more than 21.60GB.");
  EXPECT_EQ(name_of(refusal.reason), "memory");
  EXPECT_FALSE(refusal.retry_after);
  EXPECT_EQ(refusal.error().code, base::ErrorCode::ImpossibleMemory);
  EXPECT_EQ(admission->counters().impossible, 1U);
}

TEST_F(AdmissionTest, ANeedThatIsImpossibleOnTheNamedDeviceOnlyIsToldSo) {
  build({card(24_GiB), card(16_GiB, 1)}, bare());
  Requirement requirement = declared(20_GiB, "big");
  requirement.device = card(16_GiB, 1).uuid;
  const Refusal refusal = refused(requirement);
  EXPECT_EQ(refusal.kind, Refusal::Kind::Permanent);
  EXPECT_EQ(refusal.message(),
            "big needs 20.00GB; GPU " + card(16_GiB, 1).uuid.text() + ", which it asks for, cannot give more than 16.00GB.");
}

TEST_F(AdmissionTest, AWishForHeadroomOfANeighbourIsNotForGood) {
  const DeviceInfo gpu = card(24_GiB);
  AdmissionOptions greedy;
  greedy.headroom = Headroom::bytes(20_GiB);
  build({gpu}, greedy);
  const Lease neighbour = granted(declared(1_GiB));
  AdmissionParts parts;
  LedgerOptions ledger_options = options_for(dir.path());
  ledger_options.clock = &clock;
  parts.ledger = Ledger::open(ledger_options).value();
  parts.sampler = sampler;
  parts.options = bare();
  parts.clock = &clock;
  Admission own(std::move(parts));
  const auto outcome = own.admit(declared(10_GiB));
  const auto* refusal = std::get_if<Refusal>(&outcome);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->kind, Refusal::Kind::Temporary);
  EXPECT_LT(refusal->available, refusal->required);
  EXPECT_TRUE(refusal->retry_after);
}

TEST(RefusalTest, ANeedNeverReadsLikeWhatIsLessThanIt) {
  Refusal refusal;
  refusal.model = "m";
  refusal.required = 6_GiB + 1_B;
  refusal.available = 6_GiB;
  EXPECT_EQ(
      refusal.message(),
      "Insufficient GPU memory for m. Required: 6.01GB, Available: 6.00GB. GPU may be in use by other processes. Please retry "
      "later.");
  refusal.available = 6_GiB - 1_B;
  refusal.required = 6_GiB;
  EXPECT_NE(refusal.message().find("Required: 6.00GB, Available: 5.99GB"), std::string::npos) << refusal.message();
  refusal.kind = Refusal::Kind::Permanent;
  refusal.most = 6_GiB - 1_B;
  EXPECT_EQ(refusal.message(), "m needs 6.00GB; no GPU here can give more than 5.99GB.");
}

TEST(RefusalTest, AnAppThatRanOutAlthoughPromisedHasItsOwnSentence) {
  Refusal refusal;
  refusal.model = "m";
  refusal.reason = Refusal::Reason::Allocation;
  refusal.granted = 625_MiB;
  EXPECT_EQ(refusal.message(), "m ran out of GPU memory although 0.61GB were reserved for it. Please retry later.");
  EXPECT_FALSE(refusal.has_available());
  EXPECT_EQ(refusal.code(), "INSUFFICIENT_GPU_MEMORY");
}

TEST_F(AdmissionTest, ThatFitsTheOtherDeviceOnlyIsNotImpossible) {
  build({card(24_GiB), card(8_GiB, 1)}, bare());
  const Lease big = granted(declared(20_GiB));
  const Refusal refusal = refused(declared(10_GiB));
  EXPECT_EQ(refusal.kind, Refusal::Kind::Temporary);
  EXPECT_EQ(refusal.device, card(24_GiB).uuid);
  ASSERT_EQ(refusal.alternatives.size(), 1U);
  EXPECT_EQ(refusal.alternatives[0].name, card(8_GiB, 1).uuid.text());
  EXPECT_EQ(refusal.alternatives[0].bytes, 8_GiB);
}

TEST_F(AdmissionTest, WithoutADeviceConstrainsNothing) {
  build({});
  const Lease lease = granted(declared(500_GiB));
  EXPECT_EQ(lease.pass(), PassKind::Uncharged);
  EXPECT_TRUE(lease.device().empty());
  EXPECT_EQ(sampler->asked, 0);
}

TEST_F(AdmissionTest, InModeOffChargesNothing) {
  AdmissionOptions options = bare();
  options.mode = AdmissionMode::Off;
  build({card(8_GiB)}, options);
  EXPECT_EQ(granted(declared(500_GiB)).pass(), PassKind::Uncharged);
}

TEST_F(AdmissionTest, InModeObserveLetsThroughChargesAndFlags) {
  AdmissionOptions options = bare();
  options.mode = AdmissionMode::Observe;
  build({card(8_GiB)}, options);
  const Lease fits = granted(declared(6_GiB));
  EXPECT_EQ(fits.pass(), PassKind::Granted);
  const Lease over = granted(declared(6_GiB));
  EXPECT_EQ(over.pass(), PassKind::Observed);
  EXPECT_EQ(over.slot()->reserved(LedgerDevice{0}), 12_GiB);
  EXPECT_EQ(admission->counters().observed, 1U);
}

TEST_F(AdmissionTest, AddsTheMarginToLearnedFiguresOnly) {
  build({card(24_GiB)}, bare());
  EXPECT_EQ(granted(learned(5_GiB)).bytes(), 6_GiB);
  EXPECT_EQ(granted(declared(5_GiB)).bytes(), 5_GiB);
}

TEST_F(AdmissionTest, GuessesAShareOfTheDeviceWhenNothingIsKnown) {
  AdmissionOptions options;
  options.context = 512_MiB;
  build({card(20_GiB)}, options);
  Requirement nothing;
  EXPECT_EQ(granted(nothing).bytes(), 16_GiB - 512_MiB) << "the context is inside the share";
  options.headroom = Headroom::percent(50);
  build({card(20_GiB)}, options);
  EXPECT_EQ(granted(nothing).bytes(), 10_GiB - 512_MiB) << "a guess is cut to what the device can give";
}

TEST_F(AdmissionTest, ChargesNoContextOnSimulatedDevices) {
  DeviceInfo simulated = card(8_GiB);
  simulated.uuid = DeviceUuid("SIM-0-8589934592");
  AdmissionOptions options = bare();
  options.context = 512_MiB;
  build({simulated}, options);
  EXPECT_TRUE(granted(declared(8_GiB)).enforced());
}

TEST_F(AdmissionTest, UsesTheMeasuredContext) {
  AdmissionOptions options = bare();
  options.context = 512_MiB;
  build({card(8_GiB)}, options);
  admission->set_context(card(8_GiB).uuid, 1_GiB);
  const Lease lease = granted(declared(2_GiB));
  EXPECT_EQ(lease.slot()->reserved(LedgerDevice{0}), 3_GiB);
}

TEST_F(AdmissionTest, CountsStrangersThroughTheDriver) {
  build({card(24_GiB)}, bare());
  sampler->set_free(card(24_GiB), 5_GiB);
  EXPECT_EQ(refused(declared(6_GiB)).available, 5_GiB);
  EXPECT_TRUE(granted(declared(5_GiB)).enforced());
}

TEST_F(AdmissionTest, ChargesAWarmRequestItsIncrement) {
  build({card(24_GiB)}, bare());
  Requirement requirement = declared(10_GiB, "large");
  requirement.warm_bytes = 2_GiB;
  Lease cold = granted(requirement);
  cold.keep_resident("large", 8_GiB, {});
  EXPECT_EQ(granted(requirement).bytes(), 2_GiB);
}

TEST_F(AdmissionTest, TakesTheDeviceWithTheModelElseTheOneWithMostRoom) {
  build({card(24_GiB), card(20_GiB, 1)}, bare());
  Lease first = granted(declared(6_GiB, "a"));
  EXPECT_EQ(first.device(), card(24_GiB).uuid);
  first.keep_resident("a", 6_GiB, {});
  EXPECT_EQ(granted(declared(6_GiB, "b")).device(), card(20_GiB, 1).uuid) << "20 are more than 18";
  EXPECT_EQ(granted(declared(6_GiB, "a")).device(), card(24_GiB).uuid) << "the model is there";
  EXPECT_EQ(granted(declared(19_GiB, "a")).device(), card(20_GiB, 1).uuid) << "it is there, but does not fit";
}

TEST_F(AdmissionTest, PrefersOtherDevicesAfterAnOutOfMemory) {
  build({card(24_GiB), card(20_GiB, 1)}, bare());
  admission->report_out_of_memory(card(24_GiB).uuid);
  EXPECT_EQ(granted(declared(6_GiB)).device(), card(20_GiB, 1).uuid);
  EXPECT_EQ(granted(declared(22_GiB)).device(), card(24_GiB).uuid) << "preferred, not forbidden";
  clock.advance(std::chrono::seconds(31));
  EXPECT_EQ(granted(declared(6_GiB)).device(), card(24_GiB).uuid);
}

TEST_F(AdmissionTest, GoesWhereItIsTold) {
  build({card(24_GiB), card(20_GiB, 1)}, bare());
  Requirement there = declared(1_GiB);
  there.device = card(20_GiB, 1).uuid;
  EXPECT_EQ(granted(there).device(), card(20_GiB, 1).uuid);
}

TEST_F(AdmissionTest, LetsThroughChargesAndSaysOnceWhenTheDriverIsUnknown) {
  build({card(8_GiB)}, bare());
  sampler->state = SampleState::Unknown;
  const Lease one = granted(declared(6_GiB));
  const Lease two = granted(declared(6_GiB));
  EXPECT_EQ(two.pass(), PassKind::Unknown);
  EXPECT_EQ(two.slot()->reserved(LedgerDevice{0}), 12_GiB);
  EXPECT_EQ(ledger->snapshot().devices.at(0).unenforced, 2U);
  EXPECT_EQ(log->lines.size(), 1U);
  EXPECT_NE(log->lines.at(0).find("gpu"), std::string::npos);
  sampler->state = SampleState::Ok;
  refused(declared(6_GiB));
  EXPECT_EQ(log->lines.size(), 2U) << "that it can be read again is said too";
  EXPECT_EQ(admission->counters().unknown, 2U);
}

TEST_F(AdmissionTest, RefusesWhenTheDriverIsUnknownAndThatIsThePolicy) {
  AdmissionOptions options = bare();
  options.unknown = UnknownPolicy::Refuse;
  build({card(8_GiB)}, options);
  sampler->state = SampleState::Unknown;
  const Refusal refusal = refused(declared(1_GiB));
  EXPECT_EQ(refusal.kind, Refusal::Kind::Unknown);
  EXPECT_EQ(refusal.code(), "INSUFFICIENT_GPU_MEMORY");
  EXPECT_EQ(refusal.required, 1_GiB);
  EXPECT_TRUE(refusal.retry_after);
  EXPECT_FALSE(refusal.cause.empty());
  EXPECT_EQ(name_of(refusal.reason), "driver");
  EXPECT_FALSE(refusal.has_available());
  EXPECT_EQ(refusal.message(), "GPU memory for demo cannot be checked: " + refusal.cause + ". Please retry later.");
  build({card(8_GiB)}, options, false);
  EXPECT_EQ(name_of(refused(declared(1_GiB)).reason), "ledger");
}

TEST_F(AdmissionTest, AppliesThePolicyForUnknownWithoutALedgerOrAListOfDevices) {
  build({card(8_GiB)}, bare(), false);
  EXPECT_EQ(granted(declared(100_GiB)).pass(), PassKind::Unknown);
  EXPECT_NE(log->lines.at(0).find("another version"), std::string::npos);
  build({card(8_GiB)}, bare());
  sampler->list_known = false;
  EXPECT_EQ(granted(declared(100_GiB)).pass(), PassKind::Unknown);
  EXPECT_TRUE(admission->devices().empty());
  sampler->list_known = true;
  EXPECT_EQ(admission->devices().size(), 1U);
  EXPECT_EQ(refused(declared(100_GiB)).kind, Refusal::Kind::Permanent);
}

TEST_F(AdmissionTest, DecidesOnAStaleSampleAsOnAGoodOne) {
  build({card(8_GiB)}, bare());
  sampler->state = SampleState::Stale;
  EXPECT_TRUE(granted(declared(6_GiB)).enforced());
  EXPECT_EQ(refused(declared(9_GiB)).kind, Refusal::Kind::Permanent);
}

TEST_F(AdmissionTest, SharesAYoungSampleButRefusesOnAFreshOne) {
  build({card(8_GiB)}, bare());
  sampler->set_free(card(8_GiB), 2_GiB);
  { const Lease lease = granted(declared(1_GiB)); }
  const int asked = sampler->asked;
  clock.advance(std::chrono::milliseconds(2));
  { const Lease lease = granted(declared(1_GiB)); }
  EXPECT_EQ(sampler->asked, asked) << "two milliseconds old will do";
  sampler->set_free(card(8_GiB), 8_GiB);
  EXPECT_TRUE(granted(declared(6_GiB)).enforced()) << "but not for a refusal";
  EXPECT_EQ(sampler->asked, asked + 1);
  clock.advance(std::chrono::milliseconds(6));
  { const Lease lease = granted(declared(1_GiB)); }
  EXPECT_EQ(sampler->asked, asked + 2);
}

TEST_F(AdmissionTest, LetsAWrongLearnedFigureRunAloneToBeMeasuredAgain) {
  build({card(8_GiB)}, bare());
  {
    const Lease other = granted(declared(1_GiB));
    EXPECT_EQ(refused(learned(20_GiB)).kind, Refusal::Kind::Temporary) << "never permanent: the figure may be wrong";
  }
  {
    const Lease probe = granted(learned(20_GiB));
    EXPECT_EQ(probe.pass(), PassKind::ProbeRun);
    EXPECT_EQ(refused(declared(1_GiB)).kind, Refusal::Kind::Temporary) << "alone";
  }
  EXPECT_EQ(refused(learned(20_GiB)).kind, Refusal::Kind::Temporary) << "not again at once";
  clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(granted(learned(20_GiB)).pass(), PassKind::ProbeRun);
  EXPECT_EQ(admission->counters().probe_runs, 2U);
}

// The guess is one of the whole process.
TEST_F(AdmissionTest, TheConservativeShareHasTheContextAndWhatIsHeldFromTheStartInside) {
  AdmissionOptions options;
  options.context = 512_MiB;
  build({card(20_GiB)}, options);
  Requirement guess;
  guess.model = "app";
  guess.source = RequirementSource::Conservative;
  {
    const Lease lease = granted(guess);
    EXPECT_EQ(lease.bytes(), 16_GiB - 512_MiB);
    EXPECT_EQ(ledger->snapshot().devices.at(0).reserved, 16_GiB);
  }
  guess.held_from_start = 2_GiB;
  EXPECT_EQ(granted(guess).bytes(), 16_GiB - 512_MiB - 2_GiB);
}

TEST_F(AdmissionTest, NeverProbesWhatTheAppDeclares) {
  build({card(8_GiB)}, bare());
  EXPECT_EQ(refused(declared(20_GiB)).kind, Refusal::Kind::Permanent);
}

TEST_F(AdmissionTest, ProbesInSpiteOfStrangersOnlyAfterAWhile) {
  build({card(8_GiB)}, bare());
  sampler->set_free(card(8_GiB), 2_GiB);
  refused(learned(5_GiB));
  clock.advance(std::chrono::seconds(30));
  refused(learned(5_GiB));
  clock.advance(std::chrono::seconds(31));
  EXPECT_EQ(granted(learned(5_GiB)).pass(), PassKind::ProbeRun)
      << "else a constant neighbour would keep it from ever being measured again";
}

TEST_F(AdmissionTest, GivesBackCachesFirst) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(8_GiB)}, bare());
  sampler->set_free(card(8_GiB), 2_GiB);
  reclaimer->on_caches = [&] {
    sampler->set_free(card(8_GiB), 5_GiB);
    return 3_GiB;
  };
  reclaimer->idle = {{"idle", 1_GiB, {}}};
  EXPECT_TRUE(granted(declared(5_GiB)).enforced());
  EXPECT_TRUE(reclaimer->unloaded.empty());
}

TEST_F(AdmissionTest, UnloadsTheCheapestReloadPerByteFirstAndNoMoreThanNeeded) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB)}, bare());
  Lease a = granted(declared(6_GiB, "dear"));
  a.keep_resident("dear", 2_GiB, {});
  a.keep_resident("cheap", 2_GiB, {});
  a.keep_resident("cheaper", 2_GiB, {});
  const auto slot = a.slot();
  a.release();
  reclaimer->idle = {{"dear", 2_GiB, std::chrono::seconds(60)},
                     {"cheap", 2_GiB, std::chrono::seconds(4)},
                     {"cheaper", 2_GiB, std::chrono::seconds(2)}};
  reclaimer->on_unload = [&](const IdleModel& model) { return slot->remove_resident(LedgerDevice{0}, model.model); };
  EXPECT_TRUE(granted(declared(7_GiB)).enforced());
  EXPECT_EQ(reclaimer->unloaded, (std::vector<std::string>{"cheaper", "cheap"}));
}

TEST_F(AdmissionTest, DisturbsNobodyInVain) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB)}, bare());
  const Lease busy = granted(declared(6_GiB));
  reclaimer->idle = {{"small", 1_GiB, {}}};
  refused(declared(9_GiB));
  EXPECT_TRUE(reclaimer->unloaded.empty()) << "6 busy and 1 idle can never make room for 9 of 10";
  refused(declared(11_GiB));
  EXPECT_TRUE(reclaimer->unloaded.empty()) << "what can never fit needs no room";
}

TEST_F(AdmissionTest, NeverUnloadsTheModelThatIsWanted) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB)}, bare());
  sampler->set_free(card(10_GiB), 2_GiB);
  reclaimer->idle = {{"demo", 8_GiB, {}}};
  refused(declared(4_GiB, "demo"));
  EXPECT_TRUE(reclaimer->unloaded.empty());
}

TEST_F(AdmissionTest, GoesOnWhenAModelBecameBusy) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB)}, bare());
  sampler->set_free(card(10_GiB), 2_GiB);
  reclaimer->idle = {{"busy now", 8_GiB, {}}, {"idle", 8_GiB, std::chrono::seconds(9)}};
  reclaimer->on_unload = [&](const IdleModel& model) {
    if (model.model == "busy now") return Bytes();
    sampler->set_free(card(10_GiB), 10_GiB);
    return 8_GiB;
  };
  EXPECT_TRUE(granted(declared(4_GiB)).enforced());
  EXPECT_EQ(reclaimer->unloaded.size(), 2U);
}

TEST_F(AdmissionTest, MakesNoMoreRoomForARequestThatIsStopped) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB), card(10_GiB, 1)}, bare());
  sampler->set_free(card(10_GiB), 2_GiB);
  sampler->set_free(card(10_GiB, 1), 2_GiB);
  reclaimer->idle = {{"a", 4_GiB, {}}, {"b", 4_GiB, {}}};
  std::stop_source stop;
  reclaimer->on_unload = [&](const IdleModel&) {
    stop.request_stop();
    return 4_GiB;  // which the driver never shows
  };
  Requirement stopped = declared(4_GiB);
  stopped.stop = stop.get_token();
  const auto start = clock.monotonic();
  EXPECT_EQ(refused(stopped).kind, Refusal::Kind::Temporary);
  EXPECT_EQ(reclaimer->unloaded.size(), 1U);
  EXPECT_LT(clock.monotonic() - start, std::chrono::milliseconds(100));
}

TEST_F(AdmissionTest, WaitsForTheDriverToShowWhatWasFreedAndNotLongerThanItsDeadline) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB)}, bare());
  sampler->set_free(card(10_GiB), 2_GiB);
  reclaimer->idle = {{"a", 4_GiB, {}}, {"b", 4_GiB, {}}};
  reclaimer->on_unload = [](const IdleModel&) { return 4_GiB; };  // which the driver never shows
  const auto start = clock.monotonic();
  refused(declared(4_GiB));
  EXPECT_LE(clock.monotonic() - start, std::chrono::milliseconds(5000));
  EXPECT_GE(clock.monotonic() - start, std::chrono::milliseconds(1000)) << "half a second for each step";
}

TEST_F(AdmissionTest, AsksOthersWhenNothingOwnIsLeft) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB)}, bare());
  sampler->set_free(card(10_GiB), 2_GiB);
  reclaimer->on_others = [&] {
    sampler->set_free(card(10_GiB), 10_GiB);
    return 8_GiB;
  };
  EXPECT_TRUE(granted(declared(5_GiB)).enforced());
  EXPECT_EQ(reclaimer->asked_for, 3_GiB);
}

TEST_F(AdmissionTest, RefusesAtOnceWithNothingToUnload) {
  reclaimer = std::make_shared<FakeReclaimer>();
  build({card(10_GiB)}, bare());
  sampler->set_free(card(10_GiB), 2_GiB);
  const auto start = clock.monotonic();
  refused(declared(5_GiB));
  EXPECT_EQ(clock.monotonic(), start);
}

TEST_F(AdmissionTest, GrantsBytesOfTheDeadAsSoonAsTheDriverShowsThem) {
  build({card(10_GiB)}, bare());
  const Lease keep = granted(declared(1_GiB));
  Signal ready;
  Child victim([&] {
    const Joined joined = join(options_for(dir.path()), 10_GiB);
    const auto lease = try_lease(joined, ask(8_GiB));
    ready.send();
    for (;;) ::pause();
    return 0;
  });
  ready.await();
  refused(declared(5_GiB));
  victim.kill();
  clock.advance(std::chrono::milliseconds(1));
  sampler->set_free(card(10_GiB), 2_GiB);  // the driver has not given back yet
  EXPECT_EQ(refused(declared(5_GiB)).available, 1_GiB);
  clock.advance(std::chrono::milliseconds(1));
  sampler->set_free(card(10_GiB), 10_GiB);
  EXPECT_TRUE(granted(declared(5_GiB)).enforced());
}

TEST_F(AdmissionTest, NeverAsksTheDriverWithALockHeld) {
  build({card(8_GiB)}, bare());
  LedgerOptions impatient = options_for(dir.path());
  impatient.lock_deadline = std::chrono::milliseconds(20);
  const Joined other = join(impatient, 8_GiB);
  int locked_out = 0;
  sampler->on_sample = [&] {
    if (!other.ledger->charge(other.device, other.slot, ask(Bytes()), {})) ++locked_out;
  };
  { const Lease lease = granted(declared(6_GiB)); }
  refused(declared(9_GiB));
  static_cast<void>(admission->room(card(8_GiB).uuid));
  EXPECT_EQ(locked_out, 0);
  EXPECT_GT(sampler->asked, 1);
}

TEST_F(AdmissionTest, TellsTheRoomThatIsThere) {
  AdmissionOptions options = bare();
  options.headroom = Headroom::bytes(2_GiB);
  build({card(10_GiB)}, options);
  sampler->set_free(card(10_GiB), 7_GiB);
  const Admission::Room room = admission->room(card(10_GiB).uuid);
  EXPECT_EQ(room.available, 5_GiB);
  EXPECT_EQ(room.state, SampleState::Ok);
}

TEST(RetryAfter, IsTheTimeAtWhichEnoughIsExpectedBack) {
  using std::chrono::seconds;
  const std::chrono::nanoseconds now = seconds(1000);
  const std::vector<ExpectedReturn> returns{{now + seconds(4), 2_GiB}, {now + seconds(20), 4_GiB}};
  EXPECT_EQ(retry_after(3_GiB, 1_GiB, returns, now, 0), seconds(4));
  EXPECT_EQ(retry_after(6_GiB, 1_GiB, returns, now, 0), seconds(20));
  EXPECT_EQ(retry_after(6_GiB, 1_GiB, returns, now, 1), seconds(25)) << "jitter adds up to a quarter";
  EXPECT_EQ(retry_after(3_GiB, 1_GiB, {{now - seconds(5), 9_GiB}}, now, 0), seconds(1)) << "overdue";
  EXPECT_EQ(retry_after(3_GiB, 1_GiB, {}, now, 0), seconds(30));
  EXPECT_EQ(retry_after(3_GiB, 1_GiB, {{std::chrono::nanoseconds(0), 9_GiB}}, now, 0), seconds(30));
  EXPECT_EQ(retry_after(3_GiB, 1_GiB, {{now + seconds(7200), 9_GiB}}, now, 1), seconds(60));
}

}  // namespace
}  // namespace vram::test
