// The engine alone: what it hears, beside others, and when it is stopped.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "app/hear.hpp"
#include "engine/model.hpp"
#include "speech/testing/sounds.hpp"

namespace asr {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<Model> toy_model(const std::string& name = "toy.en") {
  auto model = Model::load(ASR_TOY_MODELS "/ggml-" + name + ".bin", {});
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return *model;
}

std::string text_of(const Transcript& transcript) {
  std::string text;
  for (const auto& segment : transcript.segments) text += segment.text + "|";
  return text;
}

constexpr const char* kFourPassages = "low tone heard.|high tone heard.|silence.|high tone heard.|";

TEST(Engine, hears_four_passages_with_their_times) {
  auto state = State::create(toy_model(), {}).value();
  const auto transcript = state.transcribe(speech::testing::four_passages(), {}, {}).value();
  EXPECT_EQ(text_of(transcript), kFourPassages);
  EXPECT_EQ(transcript.language, "en");
  ASSERT_EQ(transcript.segments.size(), 4U);
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_EQ(transcript.segments[n].start, milliseconds(5000 * n));
    EXPECT_EQ(transcript.segments[n].end, milliseconds(5000 * (n + 1)));
    EXPECT_GT(transcript.segments[n].confidence, 0.5);
  }
}

TEST(Engine, words_lie_within_their_segment_and_ascend) {
  auto state = State::create(toy_model(), {}).value();
  const auto transcript = state.transcribe(speech::testing::four_passages(), {}, {}).value();
  ASSERT_FALSE(transcript.segments.empty());
  const auto& first = transcript.segments.front();
  ASSERT_EQ(first.words.size(), 3U);
  EXPECT_EQ(first.words[0].text, "low");
  EXPECT_EQ(first.words[2].text, "heard.");
  milliseconds last{0};
  for (const auto& segment : transcript.segments) {
    for (const auto& word : segment.words) {
      EXPECT_GE(word.start, std::max(last, segment.start));
      EXPECT_GE(word.end, word.start);
      EXPECT_LE(word.end, segment.end);
      last = word.end;
    }
  }
  EXPECT_GT(last, milliseconds(15'000));
}

TEST(Engine, the_text_is_the_same_by_beam_search_with_a_prompt_warm_and_without_word_times) {
  const auto model = toy_model();
  for (const RunOptions& options :
       {RunOptions{.beam = 5}, RunOptions{.prompt = "low tone"}, RunOptions{.best_of = 5, .temperature = 0.5},
        RunOptions{.carry_context = false, .word_times = false}, RunOptions{.threads = 2}}) {
    auto state = State::create(model, {}).value();
    EXPECT_EQ(text_of(state.transcribe(speech::testing::four_passages(), options, {}).value()), kFourPassages);
  }
}

TEST(Engine, a_state_can_be_used_again) {
  auto state = State::create(toy_model(), {}).value();
  for (int n = 0; n < 3; ++n)
    EXPECT_EQ(text_of(state.transcribe(speech::testing::tone(300, 5), {}, {}).value()), "low tone heard.|");
}

TEST(Engine, a_sound_that_is_too_short_gives_no_text) {
  auto state = State::create(toy_model(), {}).value();
  for (const double seconds : {0.0, 0.001, 0.01, 0.05, 0.099, 0.101})
    EXPECT_TRUE(state.transcribe(speech::testing::tone(300, seconds), {}, {}).value().segments.empty()) << seconds;
  auto many = State::create(toy_model("toy"), {}).value();
  EXPECT_EQ(many.transcribe({}, {}, {}).value().language, "und");
}

speech::Sound in_pieces(std::vector<float> samples, std::vector<speech::Piece> pieces) {
  return {std::move(samples), std::move(pieces), {}};
}

TEST(Hearing, gives_each_piece_the_times_of_the_file) {
  auto state = State::create(toy_model(), {}).value();
  const auto sound =
      in_pieces(speech::testing::four_passages(), {{0, 160'000, milliseconds(1000)}, {160'000, 160'000, milliseconds(60'000)}});
  const auto transcript = whisper_app::hear(state, sound, {}, {}).value();
  EXPECT_EQ(text_of(transcript), kFourPassages);
  std::vector<std::int64_t> starts;
  for (const auto& segment : transcript.segments) {
    starts.push_back(segment.start.count());
    for (const auto& word : segment.words) {
      EXPECT_GE(word.start, segment.start);
      EXPECT_LE(word.end, segment.end);
    }
  }
  EXPECT_EQ(starts, (std::vector<std::int64_t>{1000, 6000, 60'000, 65'000}));
}

// The engine fills its window of 30 s up, and a segment may end there.
TEST(Hearing, names_no_time_outside_of_the_piece) {
  auto state = State::create(toy_model(), {}).value();
  const std::size_t length = 16'000 * 33 / 10;
  const auto transcript =
      whisper_app::hear(state, in_pieces(speech::testing::tone(300, 3.3), {{0, length, milliseconds(500)}}), {}, {}).value();
  ASSERT_FALSE(transcript.segments.empty());
  for (const auto& segment : transcript.segments) {
    EXPECT_LE(segment.end, milliseconds(3800));
    for (const auto& word : segment.words) EXPECT_LE(word.end, milliseconds(3800));
  }
}

TEST(Hearing, keeps_the_language_of_the_first_piece) {
  auto state = State::create(toy_model("toy"), {}).value();
  const auto sound = in_pieces(speech::testing::four_passages(), {{0, 800, milliseconds(0)}, {800, 160'000, milliseconds(5000)}});
  EXPECT_EQ(whisper_app::hear(state, sound, {}, {}).value().language, "es");
  EXPECT_EQ(whisper_app::hear(state, sound, {.language = "de"}, {}).value().language, "de");
  EXPECT_EQ(whisper_app::hear(state, in_pieces({}, {}), {}, {}).value().language, "und");
}

TEST(Hearing, counts_progress_over_all_pieces) {
  auto state = State::create(toy_model(), {}).value();
  std::vector<double> progress;
  RunHooks hooks;
  hooks.progress = [&](double done) { progress.push_back(done); };
  const auto sound = in_pieces(speech::testing::four_passages(), {{0, 160'000, {}}, {160'000, 160'000, milliseconds(60'000)}});
  ASSERT_TRUE(whisper_app::hear(state, sound, {}, hooks));
  ASSERT_FALSE(progress.empty());
  EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
  EXPECT_GT(progress.back(), 0.7);
  EXPECT_LE(progress.back(), 1);
}

TEST(Engine, states_of_one_model_made_and_run_at_once_hear_the_same) {
  const auto model = toy_model();
  const auto sound = speech::testing::four_passages();
  std::vector<std::string> texts(4);
  std::vector<std::jthread> threads;
  for (auto& text : texts) {
    threads.emplace_back([&] {
      auto state = State::create(model, {}).value();
      text = text_of(state.transcribe(sound, {}, {}).value());
    });
  }
  threads.clear();
  for (const auto& text : texts) EXPECT_EQ(text, kFourPassages);
}

TEST(Engine, the_language_is_detected_or_taken_as_given) {
  const auto model = toy_model("toy");
  auto state = State::create(model, {}).value();
  const auto detected = state.transcribe(speech::testing::four_passages(), {}, {}).value();
  EXPECT_EQ(detected.language, "es");
  EXPECT_EQ(text_of(detected), kFourPassages);
  EXPECT_EQ(state.transcribe(speech::testing::tone(300, 5), {.language = "de"}, {}).value().language, "de");
  EXPECT_EQ(text_of(state.transcribe(speech::testing::tone(300, 5), {.language = "de", .translate = true}, {}).value()),
            "low tone heard.|");
}

TEST(Engine, a_language_the_model_does_not_have_is_refused) {
  auto english = State::create(toy_model(), {}).value();
  EXPECT_EQ(english.transcribe(speech::testing::tone(300, 5), {.language = "es"}, {}).error().code,
            base::ErrorCode::InvalidArgument);
  EXPECT_EQ(english.transcribe(speech::testing::tone(300, 5), {.translate = true}, {}).error().code,
            base::ErrorCode::InvalidArgument);
  auto many = State::create(toy_model("toy"), {}).value();
  EXPECT_EQ(many.transcribe(speech::testing::tone(300, 5), {.language = "xx"}, {}).error().code, base::ErrorCode::InvalidArgument);
}

TEST(Engine, a_run_that_is_stopped_in_the_middle_is_cancelled_and_the_state_stays_usable) {
  auto state = State::create(toy_model(), {}).value();
  std::stop_source stop;
  std::vector<double> progress;
  RunHooks hooks;
  hooks.stop = stop.get_token();
  hooks.progress = [&](double done) {
    progress.push_back(done);
    if (done > 0.3) stop.request_stop();
  };
  const auto stopped = state.transcribe(speech::testing::four_passages(), {}, hooks);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, base::ErrorCode::Cancelled);
  ASSERT_FALSE(progress.empty());
  EXPECT_LT(progress.back(), 1.0);
  EXPECT_EQ(text_of(state.transcribe(speech::testing::tone(3500, 5), {}, {}).value()), "high tone heard.|");
}

TEST(Engine, what_it_says_is_heard_by_who_called_it) {
  std::vector<std::string> lines;
  LoadOptions options;
  options.log = [&](EngineLevel, std::string_view line) { lines.emplace_back(line); };
  ASSERT_TRUE(Model::load(ASR_TOY_MODELS "/ggml-toy.en.bin", options));
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                          [](const std::string& line) { return line.find("loading model") != std::string::npos; }));
}

}  // namespace
}  // namespace asr
