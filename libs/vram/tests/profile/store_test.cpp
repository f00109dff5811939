#include "vram/profile.hpp"

#include <thread>

#include "base/files.hpp"
#include "profile/document.hpp"
#include "support.hpp"

namespace vram {
namespace {

using test::key_of;
using test::kGiB;
using test::kMiB;
using test::kPatience;
using test::run_of;
using namespace base::literals;

class Store : public test::ProfileTest {};

TEST_F(Store, KnowsNothingAtFirst) {
  ProfileStore store(options());
  EXPECT_FALSE(store.lookup(key_of("{}")));
  EXPECT_FALSE(store.context_bytes("sim", "Simulated GPU"));
  EXPECT_FALSE(store.model_facts("large"));
  EXPECT_TRUE(log_->warnings().empty());
}

TEST_F(Store, ARunCountsAtOnceInItsOwnProcessAndAfterARestart) {
  const auto key = key_of(R"({"model":"large"})");
  {
    ProfileStore store(options());
    EXPECT_EQ(store.record(key, run_of(6 * kGiB)), SampleVerdict::Stored);
    EXPECT_EQ(store.record(key, run_of(kGiB, RunKind::Warm)), SampleVerdict::Stored);
    EXPECT_EQ(store.lookup(key)->cold, 6_GiB);
  }
  ProfileStore store(options());
  const auto learned = store.lookup(key);
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->cold, 6_GiB);
  EXPECT_EQ(learned->warm, 1_GiB);
  EXPECT_EQ(learned->origin, ProfileOrigin::Samples);
  EXPECT_EQ(learned->cold_samples, 1U);
  EXPECT_EQ(learned->cold_duration, std::chrono::milliseconds(1500));
  EXPECT_EQ(learned->instrument, Instrument::Process);
  EXPECT_EQ(learned->device, "Simulated GPU");
  EXPECT_FALSE(store.lookup(key_of(R"({"model":"small"})")));
}

TEST_F(Store, TheFileHasWhatThePythonSdkWritesAndMore) {
  const auto key = key_of(R"({"model":"large","pretty":true})");
  ProfileStore store(options());
  store.record(key, run_of(6 * kGiB));
  ASSERT_TRUE(store.flush(kPatience));
  const std::string text = get(path_of(key));
  EXPECT_TRUE(text.starts_with("{\n  \"peak_bytes\": 6442450944,\n  \"parameters\": {\"model\":\"large\"},")) << text;
  const auto document = profile::parse_document(text);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->app, "http://apps.clams.ai/probe/v1");
  EXPECT_EQ(profile::to_text(*document), text);
}

TEST_F(Store, TwoPeaksAreKeptAndTheDevicesIsCharged) {
  const auto key = key_of("{}");
  ProfileStore store(options());
  Measurement run = run_of(37 * kGiB);
  run.in_use = 28 * kGiB;
  store.record(key, run);
  EXPECT_EQ(store.lookup(key)->cold, 37_GiB);
  EXPECT_EQ(store.lookup(key)->in_use, 28_GiB);
}

TEST_F(Store, UncleanSamplesAreCountedAndChangeNoFigure) {
  const auto key = key_of("{}");
  ProfileStore store(options());
  store.record(key, run_of(6 * kGiB));
  Measurement contended = run_of(20 * kGiB);
  contended.contended = true;
  EXPECT_EQ(store.record(key, contended), SampleVerdict::Contended);
  EXPECT_EQ(store.record(key, run_of(-kGiB)), SampleVerdict::Negative);
  EXPECT_EQ(store.record(key, run_of(1)), SampleVerdict::BelowNoise);
  EXPECT_EQ(store.lookup(key)->cold, 6_GiB);
  EXPECT_EQ(store.lookup(key)->cold_samples, 1U);
  ASSERT_TRUE(store.flush(kPatience));
  const auto document = profile::parse_document(get(path_of(key))).value();
  EXPECT_EQ(document.counters.contended + document.counters.negative + document.counters.below_noise, 3U);
  EXPECT_EQ(document.counters.runs, 1U);
}

TEST_F(Store, TheFigureFallsWhenRunsNeedLess) {
  const auto key = key_of("{}");
  ProfileStore store(options());
  store.record(key, run_of(8 * kGiB));
  for (int i = 0; i < 64; ++i) store.record(key, run_of(2 * kGiB));
  EXPECT_EQ(store.lookup(key)->cold, 2_GiB);
  ASSERT_TRUE(store.flush(kPatience));
  EXPECT_EQ(ProfileStore(options()).lookup(key)->cold, 2_GiB);
}

TEST_F(Store, OutOfMemoryRaisesAtOnceAndCleanRunsBringItDownAgain) {
  const auto key = key_of("{}");
  ProfileStore store(options());
  store.record(key, run_of(4 * kGiB));
  EXPECT_EQ(store.raise_after_oom(key, {RunKind::Cold, 4_GiB, 2_GiB, 24_GiB, Instrument::Process, "", ""}), 5_GiB);
  EXPECT_EQ(store.lookup(key)->cold, 5_GiB);
  EXPECT_TRUE(store.lookup(key)->after_out_of_memory);
  EXPECT_EQ(store.raise_after_oom(key, {RunKind::Cold, 8_GiB, 0_B, 24_GiB, Instrument::Process, "", ""}), 10_GiB);
  for (int i = 0; i < 64; ++i) store.record(key, run_of(4 * kGiB));
  EXPECT_EQ(store.lookup(key)->cold, 4_GiB);
}

TEST_F(Store, OutOfMemoryNeverRaisesAboveTheDevice) {
  const auto key = key_of("{}");
  ProfileStore store(options());
  const OutOfMemoryEvent event{RunKind::Cold, 23_GiB, 0_B, 24_GiB, Instrument::Device, "", ""};
  EXPECT_EQ(store.raise_after_oom(key, event), 24_GiB);
  EXPECT_EQ(store.raise_after_oom(key, event), 24_GiB);
  EXPECT_EQ(store.lookup(key)->warm, std::nullopt);
}

TEST_F(Store, AnotherProcessSeesWhatWasWritten) {
  const auto key = key_of("{}");
  ProfileStore one(options());
  ProfileStore two(options());
  EXPECT_FALSE(two.lookup(key));
  one.record(key, run_of(3 * kGiB));
  ASSERT_TRUE(one.flush(kPatience));
  EXPECT_EQ(two.lookup(key)->cold, 3_GiB);
  two.record(key, run_of(5 * kGiB));
  ASSERT_TRUE(two.flush(kPatience));
  EXPECT_EQ(one.lookup(key)->cold, 5_GiB);
}

TEST_F(Store, AYoungFigureIsUsedWithoutLookingAtTheFile) {
  const auto key = key_of("{}");
  base::FakeClock clock;
  ProfileOptions chosen = options();
  chosen.clock = &clock;
  chosen.recheck = std::chrono::milliseconds(100);
  ProfileStore store(std::move(chosen));
  EXPECT_FALSE(store.lookup(key));
  put(path_of(key), R"({"peak_bytes": 4096, "parameters": {}})");
  EXPECT_FALSE(store.lookup(key));
  clock.advance(std::chrono::milliseconds(101));
  EXPECT_EQ(store.lookup(key)->cold, Bytes(4096));
}

TEST_F(Store, TwoStoresLoseNoSampleOfEachOther) {
  const auto key = key_of(R"({"a":1})");
  {
    ProfileStore one(options());
    ProfileStore two(options());
    const auto work = [&](ProfileStore& store) {
      for (int i = 0; i < 30; ++i) store.record(key, run_of(kGiB));
    };
    std::thread other([&] { work(two); });
    work(one);
    other.join();
    ASSERT_TRUE(one.flush(kPatience));
    ASSERT_TRUE(two.flush(kPatience));
  }
  const auto document = profile::parse_document(get(path_of(key))).value();
  EXPECT_EQ(document.counters.runs, 60U);
  EXPECT_EQ(document.cold.size(), 60U);
}

TEST_F(Store, AFigureWithoutSamplesHoldsUntilTheFirstRun) {
  const auto key = key_of(R"({"a":1})");
  put(path_of(key), "{\"peak_bytes\": 999999999999, \"parameters\": {\"a\": 1}}");
  ProfileStore store(options());
  EXPECT_EQ(store.lookup(key)->cold, Bytes(999999999999));
  EXPECT_EQ(store.lookup(key)->origin, ProfileOrigin::Given);
  store.record(key, run_of(kGiB, RunKind::Warm));
  EXPECT_EQ(store.lookup(key)->cold, Bytes(999999999999));
  store.record(key, run_of(2 * kGiB));
  EXPECT_EQ(store.lookup(key)->cold, 2_GiB);
}

TEST_F(Store, ABareIntegerIsReadAndReplacedByAFile) {
  const auto key = key_of(R"({"a":1})");
  put(path_of(key, ".txt"), "6442450944\n");
  ProfileStore store(options());
  EXPECT_EQ(store.lookup(key)->cold, 6_GiB);
  EXPECT_EQ(store.lookup(key)->origin, ProfileOrigin::Number);
  store.record(key, run_of(2 * kGiB));
  ASSERT_TRUE(store.flush(kPatience));
  EXPECT_EQ(ProfileStore(options()).lookup(key)->cold, 2_GiB);
}

TEST_F(Store, ThePythonSdksFilesAreAPriorWhereTheParametersAreTheSame) {
  const auto key = key_of(R"({"req": 1, "b": false, "mode": "ok", "sm": ["x", "y"]})");
  const std::string other = folder() + "/memory_ec7a742fba1494ea2d0a7c2d2e23e116.json";
  const std::string same = folder() + "/memory_401e75d1b37bd08bb3d93cdfb1993827.json";
  const std::string again = folder() + "/memory_f0f851f595daffa61d086044b52e5489.json";
  put(other, R"({"peak_bytes": 111, "parameters": {"req": 2, "b": false, "mode": "ok", "sm": ["x", "y"]}})");
  put(same,
      "{\n  \"peak_bytes\": 2147483648,\n  \"parameters\": {\n    \"req\": \"1\",\n    \"b\": \"False\",\n    \"mode\": \"ok\",\n  "
      "  \"sm\": [\"x\", \"y\"],\n"
      "    \"pretty\": false, \"runningTime\": true, \"hwFetch\": true, \"tfSamplingMode\": \"representatives\"\n  }\n}");
  put(again, R"({"peak_bytes": 1073741824, "parameters": {"req": 1, "b": false, "mode": "ok", "sm": ["x", "y"]}})");
  ProfileStore store(options());
  const auto learned = store.lookup(key);
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->cold, 2_GiB);
  EXPECT_EQ(learned->origin, ProfileOrigin::PythonSdk);
  store.record(key, run_of(512 * kMiB, RunKind::Warm));
  ASSERT_TRUE(store.flush(kPatience));
  EXPECT_EQ(store.lookup(key)->cold, 2_GiB);  // still only a prior
  EXPECT_EQ(store.lookup(key)->warm, 512_MiB);
  store.record(key, run_of(kGiB));
  EXPECT_EQ(store.lookup(key)->cold, 1_GiB);
  ASSERT_TRUE(store.flush(kPatience));
  EXPECT_EQ(store.lookup(key)->cold, 1_GiB);
  EXPECT_EQ(get(again), R"({"peak_bytes": 1073741824, "parameters": {"req": 1, "b": false, "mode": "ok", "sm": ["x", "y"]}})");
  EXPECT_TRUE(log_->warnings().empty());
}

TEST_F(Store, ContextsAndModelsAreLearnedForTheApp) {
  {
    ProfileStore store(options());
    store.record_context("nvml 580", "NVIDIA H200", 500_MiB);
    store.record_context("nvml 580", "NVIDIA H200", 520_MiB);
    store.record_model("large", 3_GiB, std::chrono::milliseconds(2000));
    store.record_model("large", 0_B, std::chrono::milliseconds(4000));
    EXPECT_EQ(store.context_bytes("nvml 580", "NVIDIA H200"), 520_MiB);
  }
  ProfileStore store(options());
  EXPECT_EQ(store.context_bytes("nvml 580", "NVIDIA H200"), 520_MiB);
  EXPECT_FALSE(store.context_bytes("nvml 590", "NVIDIA H200"));
  ASSERT_TRUE(store.model_facts("large"));
  EXPECT_EQ(store.model_facts("large")->bytes, 3_GiB);
  EXPECT_EQ(store.model_facts("large")->loads, 2U);
  EXPECT_EQ(store.model_facts("large")->load_time, std::chrono::milliseconds(4000));
  for (int i = 0; i < 16; ++i) store.record_context("nvml 580", "NVIDIA H200", 400_MiB);
  EXPECT_EQ(store.context_bytes("nvml 580", "NVIDIA H200"), 400_MiB);
}

TEST_F(Store, WithoutADirectoryTheFiguresLiveInMemory) {
  ProfileOptions chosen = options();
  chosen.root.clear();
  ProfileStore store(std::move(chosen));
  const auto key = key_of("{}");
  store.record(key, run_of(kGiB));
  store.record_model("m", 1_GiB, std::chrono::milliseconds(5));
  EXPECT_EQ(store.lookup(key)->cold, 1_GiB);
  EXPECT_EQ(store.model_facts("m")->bytes, 1_GiB);
  EXPECT_TRUE(store.flush(kPatience));
  EXPECT_EQ(store.directory(), "");
}

TEST_F(Store, ManyParameterSetsStayWithinBounds) {
  ProfileOptions chosen = options();
  chosen.root.clear();
  ProfileStore store(std::move(chosen));
  for (int i = 0; i < 1500; ++i) store.record(key_of("{\"n\":" + std::to_string(i) + "}"), run_of(kGiB));
  EXPECT_TRUE(store.lookup(key_of("{\"n\":1499}")));
  EXPECT_FALSE(store.lookup(key_of("{\"n\":0}")));
}

}  // namespace
}  // namespace vram
