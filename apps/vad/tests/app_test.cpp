// The app as the server asks it, with the detector's real weights and a recording of real speech.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "app/silero_weights.hpp"
#include "app/vad_app.hpp"
#include "speech/testing/sounds.hpp"
#include "speech/wav.hpp"
#ifdef VAD_HAVE_MEDIA
#include "media/testing/clip.hpp"
#endif

namespace vad_app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace speech::testing;
using Frames = std::vector<std::pair<std::int64_t, std::int64_t>>;
namespace types = mmif::types;

class VadAppTest : public ::testing::Test {
 protected:
  Reply ask(const std::string& path, const std::string& query = {}) {
    return post(*service_, mmif_with({audio("d1", path)}), query);
  }

  Folder folder_;
  std::unique_ptr<clams::Service> service_ = clams::Service::create(std::make_unique<VadApp>(), {}).value();
};

void expect_near(const Frames& found, const Frames& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t n = 0; n < wanted.size(); ++n) {
    EXPECT_NEAR(static_cast<double>(found[n].first), static_cast<double>(wanted[n].first), 60) << n;
    EXPECT_NEAR(static_cast<double>(found[n].second), static_cast<double>(wanted[n].second), 60) << n;
  }
}

const Frames kSpeech = {{320, 2270}, {3270, 4410}, {5380, 7680}, {8160, 10'620}};

TEST(SileroWeights, are_those_of_the_archive) { EXPECT_EQ(silero_weights().size(), 885'098U); }

TEST_F(VadAppTest, the_recorded_speech_is_found_between_its_pauses) {
  const auto reply = ask(VAD_RECORDING);
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  expect_near(frames_of(reply), kSpeech);
  const auto& view = last_view(reply);
  for (const auto* frame : view.annotations(types::TimeFrame)) {
    EXPECT_EQ(frame->string("label"), "speech");
    EXPECT_EQ(frame->string("document"), "d1");
    EXPECT_EQ(frame->string("timeUnit"), "milliseconds");
  }
}

TEST_F(VadAppTest, requests_at_once_find_the_same) {
  std::vector<Frames> found(4);
  std::vector<std::jthread> clients;
  for (auto& frames : found) clients.emplace_back([&] { frames = frames_of(ask(VAD_RECORDING)); });
  clients.clear();
  for (const auto& frames : found) expect_near(frames, kSpeech);
}

TEST_F(VadAppTest, silence_and_tones_are_no_speech) {
  write_wav(folder_.file("a.wav"), four_passages());
  const auto reply = ask(folder_.file("a.wav"));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_TRUE(frames_of(reply).empty());
}

TEST_F(VadAppTest, an_empty_sound_has_no_speech) {
  write_wav(folder_.file("a.wav"), {});
  const auto reply = ask(folder_.file("a.wav"));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_TRUE(frames_of(reply).empty());
}

TEST_F(VadAppTest, of_a_recording_that_was_cut_off_what_is_there_is_found_and_the_rest_is_named) {
  std::filesystem::copy_file(VAD_RECORDING, folder_.file("cut.wav"));
  std::filesystem::resize_file(folder_.file("cut.wav"), std::filesystem::file_size(VAD_RECORDING) / 2);
  const auto reply = ask(folder_.file("cut.wav"));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  const auto frames = frames_of(reply);
  ASSERT_EQ(frames.size(), 2U) << "the third begins too close to the cut";
  EXPECT_LE(frames.back().second, 5510);
  EXPECT_THAT(warnings_of(reply), AllOf(HasSubstr("d1: "), HasSubstr("(50.0 %) are missing"), HasSubstr("to 0:11.000"),
                                        HasSubstr("the file ends early")));
}

TEST_F(VadAppTest, one_document_that_cannot_be_read_leaves_the_others) {
  const auto reply = post(*service_, mmif_with({audio("d1", folder_.file("none.wav")), audio("d2", VAD_RECORDING)}));
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  expect_near(frames_of(reply), kSpeech);
  EXPECT_THAT(warnings_of(reply), AllOf(HasSubstr("d1: left out"), HasSubstr(folder_.file("none.wav"))));
}

#ifdef VAD_HAVE_MEDIA
// Twice the recording; the second time is stored half a minute later than the first one ends.
TEST_F(VadAppTest, speech_after_a_jump_of_the_time_stamps_has_the_times_of_the_file) {
  auto samples = speech::read_wav(VAD_RECORDING, 16'000, std::chrono::minutes(1), {}).value().samples;
  samples.insert(samples.end(), samples.begin(), samples.end());
  media::testing::AudioTrack track{.samples = samples};
  track.jumps = {{std::chrono::seconds(11), std::chrono::seconds(29)}};
  ASSERT_TRUE(media::testing::write_clip(folder_.file("jump.mkv"), std::nullopt, track));
  const auto reply = ask(folder_.file("jump.mkv"));
  auto wanted = kSpeech;
  for (const auto& [start, end] : kSpeech) wanted.emplace_back(start + 40'000, end + 40'000);
  expect_near(frames_of(reply), wanted);
  EXPECT_THAT(warnings_of(reply), AllOf(HasSubstr("the time stamps jump"), HasSubstr("to 0:40.0")));
  // What is missing is not bridged, however long a pause may be.
  for (const auto& [start, end] : frames_of(ask(folder_.file("jump.mkv"), "minSilence=60000"))) EXPECT_LE(end - start, 11'100);
}
#endif

TEST_F(VadAppTest, pauses_that_are_too_short_to_count_join_the_segments) {
  const auto frames = frames_of(ask(VAD_RECORDING, "minSilence=1500"));
  expect_near(frames, {{320, 11'000}});  // the pause at the end is too short to end it as well
}

TEST_F(VadAppTest, speech_that_is_too_short_to_count_is_dropped) {
  const auto frames = frames_of(ask(VAD_RECORDING, "minSpeech=2100"));
  for (const auto& [start, end] : frames) EXPECT_GE(end - start, 2100);
  EXPECT_EQ(frames.size(), 2U);
}

TEST_F(VadAppTest, sound_of_another_rate_is_found_at_the_same_times) {
  const auto samples = speech::read_wav(VAD_RECORDING, 44'100, std::chrono::minutes(1), {}).value().samples;
  write_wav(folder_.file("a.wav"), samples, 44'100, 2);
  expect_near(frames_of(ask(folder_.file("a.wav"))), kSpeech);
}

TEST_F(VadAppTest, wrong_values_are_refused_by_name) {
  EXPECT_THAT(error_of(ask(VAD_RECORDING, "threshold=2")), HasSubstr("threshold"));
  EXPECT_THAT(error_of(ask(VAD_RECORDING, "minSpeech=-1")), HasSubstr("minSpeech"));
  EXPECT_THAT(error_of(ask(folder_.file("none.wav"))), HasSubstr(folder_.file("none.wav")));
}

TEST_F(VadAppTest, without_a_document_with_sound_it_warns) {
  EXPECT_THAT(warnings_of(post(*service_, mmif_with({}))), HasSubstr("no AudioDocument"));
}

}  // namespace
}  // namespace vad_app
