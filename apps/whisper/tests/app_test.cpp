// The app as the server asks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "app/whisper_app.hpp"
#include "clams/metadata_reader.hpp"
#include "engine/memory.hpp"
#include "engine/model_file.hpp"
#include "speech/sound.hpp"
#include "speech/testing/sounds.hpp"
#ifdef ASR_HAVE_MEDIA
#include "media/testing/clip.hpp"
#endif

namespace whisper_app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace speech::testing;
namespace types = mmif::types;

std::unique_ptr<clams::Service> make_service(const std::string& folder = ASR_TOY_MODELS, Options options = {},
                                             clams::ServiceOptions service = {}) {
  options.models_folder = folder;
  return clams::Service::create(std::make_unique<WhisperApp>(options), std::move(service)).value();
}

constexpr const char* kText = "low tone heard. high tone heard. silence. high tone heard.";

class WhisperAppTest : public ::testing::Test {
 protected:
  std::string four_passages_wav() {
    const auto path = folder_.file("four.wav");
    if (!std::filesystem::exists(path)) write_wav(path, four_passages());
    return path;
  }
  std::string request() { return mmif_with({audio("d1", four_passages_wav())}); }

  Folder folder_;
  std::unique_ptr<clams::Service> service_ = make_service();
};

TEST_F(WhisperAppTest, writes_text_tokens_times_sentences_and_alignments_as_the_python_wrapper) {
  const auto reply = post(*service_, request(), "model=toy&language=en");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(text_of(reply), kText);
  const auto& view = last_view(reply);
  const auto texts = view.annotations(types::TextDocument);
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0]->text_language(), "en");
  const auto tokens = view.annotations(types::Token);
  const auto frames = view.annotations(types::TimeFrame);
  const auto sentences = view.annotations(types::Sentence);
  const auto alignments = view.annotations(types::Alignment);
  ASSERT_EQ(tokens.size(), 10U);
  EXPECT_EQ(frames.size(), tokens.size());
  EXPECT_EQ(sentences.size(), 4U);
  ASSERT_EQ(alignments.size(), tokens.size() + 1);
  EXPECT_EQ(alignments[0]->string("source"), "d1");
  EXPECT_EQ(alignments[0]->string("target"), texts[0]->id());
  const std::string text = kText;
  for (std::size_t n = 0; n < tokens.size(); ++n) {
    const auto start = static_cast<std::size_t>(*tokens[n]->integer("start")),
               end = static_cast<std::size_t>(*tokens[n]->integer("end"));
    EXPECT_EQ(text.substr(start, end - start), tokens[n]->string("text"));
    EXPECT_EQ(tokens[n]->string("document"), texts[0]->id());
    EXPECT_EQ(alignments[n + 1]->string("source"), frames[n]->id());
    EXPECT_EQ(alignments[n + 1]->string("target"), tokens[n]->id());
    EXPECT_EQ(frames[n]->string("label"), "speech");
    EXPECT_EQ(frames[n]->string("document"), "d1");
    EXPECT_EQ(frames[n]->string("timeUnit"), "milliseconds");
  }
  ASSERT_NE(sentences[1]->find("targets"), nullptr);
  EXPECT_EQ(*sentences[1]->find("targets"), mmif::Value(mmif::Array{tokens[3]->id(), tokens[4]->id(), tokens[5]->id()}));
  EXPECT_EQ(sentences[1]->string("text"), "high tone heard.");
}

TEST_F(WhisperAppTest, contains_of_the_view_is_that_of_the_python_wrapper) {
  const auto reply = post(*service_, request(), "model=toy&language=en-US");
  const auto* contains = last_view(reply).metadata().find("contains")->object();
  ASSERT_NE(contains, nullptr);
  std::vector<std::string> keys;
  for (const auto& [key, value] : *contains) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre(types::TextDocument, types::Token, types::TimeFrame, types::Alignment, types::Sentence));
  EXPECT_EQ(*contains->find(types::TextDocument), mmif::Value(mmif::Object{{"@lang", "en-US"}}));
  EXPECT_EQ(*contains->find(types::Token), mmif::Value(mmif::Object{{"document", "v_0:td_1"}}));
  EXPECT_EQ(*contains->find(types::TimeFrame),
            mmif::Value(mmif::Object{{"timeUnit", "milliseconds"}, {"document", "d1"}, {"label", "speech"}}));
  EXPECT_EQ(*contains->find(types::Alignment), mmif::Value(mmif::Object{}));
}

TEST_F(WhisperAppTest, without_word_times_each_sentence_has_a_time) {
  const auto reply = post(*service_, request(), "model=toy&language=en&wordTimestamps=false");
  EXPECT_THAT(frames_of(reply),
              ElementsAre(std::pair(0, 5000), std::pair(5000, 10'000), std::pair(10'000, 15'000), std::pair(15'000, 20'000)));
  const auto& view = last_view(reply);
  EXPECT_EQ(view.annotations(types::Token).size(), 10U);
  const auto alignments = view.annotations(types::Alignment);
  ASSERT_EQ(alignments.size(), 5U);
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_EQ(alignments[n + 1]->string("source"), view.annotations(types::TimeFrame)[n]->id());
    EXPECT_EQ(alignments[n + 1]->string("target"), view.annotations(types::Sentence)[n]->id());
  }
}

TEST_F(WhisperAppTest, the_detected_language_is_recorded_and_a_translation_is_english) {
  EXPECT_EQ(last_view(post(*service_, request(), "model=toy")).annotations(types::TextDocument)[0]->text_language(), "es");
  EXPECT_EQ(last_view(post(*service_, request(), "model=toy&task=translate")).annotations(types::TextDocument)[0]->text_language(),
            "en");
  EXPECT_EQ(last_view(post(*service_, request(), "model=toy&language=pt-BR")).annotations(types::TextDocument)[0]->text_language(),
            "pt-BR");
}

TEST_F(WhisperAppTest, a_model_may_be_given_as_a_path) {
  const auto reply = post(*service_, request(), "model=" ASR_TOY_MODELS "/ggml-toy.en.bin");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(text_of(reply), kText);
  // Under its name it is the same model.
  EXPECT_EQ(post(*service_, request(), "model=toy.en").status, 200U);
  EXPECT_EQ(service_->gpu().model_counters().loads, 1U);
}

TEST_F(WhisperAppTest, requests_at_once_share_one_load_and_give_identical_text) {
  std::vector<std::string> texts(4);
  std::vector<std::jthread> clients;
  const std::string body = request();
  for (auto& text : texts) clients.emplace_back([&] { text = text_of(post(*service_, body, "model=toy&language=en")); });
  clients.clear();
  for (const auto& text : texts) EXPECT_EQ(text, kText);
  EXPECT_EQ(service_->gpu().model_counters().loads, 1U);
}

TEST_F(WhisperAppTest, each_document_gets_a_view_and_videos_are_left_where_there_is_audio) {
  write_wav(folder_.file("low.wav"), tone(300, 5));
  const auto two =
      post(*service_, mmif_with({audio("d1", four_passages_wav()), video("d2", "/none.mp4"), audio("d3", folder_.file("low.wav"))}),
           "model=toy&language=en");
  ASSERT_EQ(two.status, 200U) << two.bytes;
  ASSERT_EQ(two.mmif->views().size(), 2U);
  EXPECT_EQ(text_of(two), "low tone heard.");
}

TEST_F(WhisperAppTest, without_a_document_with_sound_it_warns) {
  const auto reply = post(*service_, mmif_with({}), "model=toy");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(warnings_of(reply), HasSubstr("no AudioDocument"));
}

TEST_F(WhisperAppTest, an_empty_sound_gives_an_empty_text) {
  write_wav(folder_.file("empty.wav"), {});
  const auto reply = post(*service_, mmif_with({audio("d1", folder_.file("empty.wav"))}), "model=toy&language=en");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(text_of(reply), "");
}

TEST_F(WhisperAppTest, an_empty_sound_is_named) {
  write_wav(folder_.file("empty.wav"), {});
  const auto reply = post(*service_, mmif_with({audio("d1", folder_.file("empty.wav"))}), "model=toy&language=en");
  EXPECT_THAT(warnings_of(reply), HasSubstr("d1: there is no sound in it"));
}

TEST_F(WhisperAppTest, of_a_sound_that_was_cut_off_what_is_there_is_written_and_the_rest_is_named) {
  std::filesystem::resize_file(four_passages_wav(), 44 + 2 * 160'000);
  const auto reply = post(*service_, request(), "model=toy&language=en");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(text_of(reply), "low tone heard. high tone heard.");
  EXPECT_THAT(warnings_of(reply), AllOf(HasSubstr("d1: "), HasSubstr("10.000 s of 20.000 s (50.0 %)"),
                                        HasSubstr("0:10.000 to 0:20.000"), HasSubstr("the file ends early")));
  for (const auto& [start, end] : frames_of(reply)) EXPECT_LE(end, 10'000);
}

TEST_F(WhisperAppTest, a_whole_sound_is_no_warning) {
  const auto reply = post(*service_, request(), "model=toy&language=en");
  EXPECT_EQ(reply.mmif->views().size(), 1U) << reply.bytes;
}

TEST_F(WhisperAppTest, one_document_that_cannot_be_read_leaves_the_others) {
  write_wav(folder_.file("low.wav"), tone(300, 5));
  std::ofstream(folder_.file("text.wav")) << "this is no sound";
  const auto reply = post(*service_,
                          mmif_with({audio("d1", four_passages_wav()), audio("d2", folder_.file("none.wav")),
                                     audio("d3", folder_.file("text.wav")), audio("d4", folder_.file("low.wav"))}),
                          "model=toy&language=en");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  ASSERT_EQ(reply.mmif->views().size(), 3U) << "two documents and the warnings";
  EXPECT_EQ(text_of(reply), "low tone heard.");
  EXPECT_THAT(warnings_of(reply), AllOf(HasSubstr("d2: left out"), HasSubstr(folder_.file("none.wav")), HasSubstr("d3: left out"),
                                        Not(HasSubstr("d1: ")), Not(HasSubstr("d4: "))));
}

TEST_F(WhisperAppTest, documents_of_which_none_can_be_read_are_an_error_that_names_each) {
  const auto reply = post(*service_, mmif_with({audio("d1", folder_.file("none.wav")), audio("d2", folder_.file("gone.wav"))}),
                          "model=toy&language=en");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), AllOf(HasSubstr("none of the 2 documents"), HasSubstr("d1: "), HasSubstr(folder_.file("none.wav")),
                                     HasSubstr("d2: "), HasSubstr(folder_.file("gone.wav"))));
}

TEST_F(WhisperAppTest, a_missing_sound_is_named) {
  const auto reply = post(*service_, mmif_with({audio("d1", folder_.file("none.wav"))}), "model=toy&language=en");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply), HasSubstr(folder_.file("none.wav")));
}

TEST_F(WhisperAppTest, missing_weights_are_told_in_one_line_with_what_to_do) {
  Options options;
  options.weights_missing = std::make_shared<base::Guarded<std::string>>();
  const auto service = make_service(folder_.path(), options);
  const auto reply = post(*service, request(), "model=b&language=en");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(error_of(reply),
              AllOf(HasSubstr("FileNotFoundError"), HasSubstr(folder_.path()), HasSubstr("ggml-base.en.bin or ggml-base.bin"),
                    HasSubstr("CLAMS_WHISPER_MODELS"), Not(HasSubstr("\n"))));
  EXPECT_THAT(options.weights_missing->with([](const std::string& text) { return text; }), HasSubstr("ggml-base.bin"));
}

TEST_F(WhisperAppTest, a_broken_model_file_is_refused_and_the_app_goes_on) {
  for (const std::string name : {"ggml-toy.bin", "ggml-toy.en.bin"})
    std::filesystem::create_symlink(std::string(ASR_TOY_MODELS "/") + name, folder_.file(name));
  std::filesystem::copy_file(ASR_TOY_MODELS "/ggml-toy.bin", folder_.file("ggml-cut.bin"));
  std::filesystem::resize_file(folder_.file("ggml-cut.bin"), 7'000'000);
  std::ofstream(folder_.file("ggml-text.bin")) << "this is no model";
  const auto service = make_service(folder_.path());
  EXPECT_THAT(error_of(post(*service, request(), "model=cut")),
              AllOf(HasSubstr("ValueError"), HasSubstr("ggml-cut.bin"), HasSubstr("cut off")));
  EXPECT_THAT(error_of(post(*service, request(), "model=text")),
              AllOf(HasSubstr("ValueError"), HasSubstr("no model of whisper.cpp")));
  EXPECT_EQ(text_of(post(*service, request(), "model=toy&language=en")), kText);
}

TEST_F(WhisperAppTest, wrong_values_are_refused_by_name) {
  EXPECT_THAT(error_of(post(*service_, request(), "model=toy&language=klingon")), HasSubstr("klingon"));
  EXPECT_THAT(error_of(post(*service_, request(), "model=toy.en&language=de")), HasSubstr("English only"));
  EXPECT_THAT(error_of(post(*service_, request(), "model=a%20b")), HasSubstr("is no model"));
  EXPECT_THAT(error_of(post(*service_, request(), "model=toy&beamSize=9")), HasSubstr("beamSize"));
  EXPECT_THAT(error_of(post(*service_, request(), "model=toy&temperatureIncrement=0.001")), HasSubstr("temperatureIncrement"));
  EXPECT_THAT(error_of(post(*service_, request(), "model=toy&task=sing")), HasSubstr("task"));
}

TEST_F(WhisperAppTest, a_request_that_is_stopped_says_so_and_the_model_stays) {
  ASSERT_EQ(post(*service_, request(), "model=toy&language=en").status, 200U);
  std::stop_source stop;
  clams::RequestContext context;
  context.stop = stop.get_token();
  context.progress = [&](double, std::string_view) { stop.request_stop(); };
  const auto answer = service_->annotate(request(), clams::RawParameters::from_query("model=toy&language=en"), context);
  EXPECT_NE(answer.status, 200U);
  EXPECT_EQ(text_of(post(*service_, request(), "model=toy&language=en")), kText);
  EXPECT_EQ(service_->gpu().model_counters().loads, 1U);
}

TEST_F(WhisperAppTest, the_requirement_is_known_before_anything_is_loaded) {
  const WhisperApp app({.models_folder = ASR_TOY_MODELS});
  const auto need = [&](const std::string& query) {
    return app.model_requirement(clams::refine_parameters(service_->metadata(), clams::RawParameters::from_query(query)).value());
  };
  const auto cold = need("model=toy");
  ASSERT_TRUE(cold);
  EXPECT_EQ(cold->name, "toy");
  ASSERT_TRUE(cold->increment);
  const auto shape = asr::read_model_shape(ASR_TOY_MODELS "/ggml-toy.bin").value();
  EXPECT_EQ(*cold->increment, asr::memory_need(shape, 1).state);
  EXPECT_EQ(cold->bytes, asr::memory_need(shape, 1).weights + *cold->increment);
  EXPECT_EQ(need("model=toy&language=en")->name, "toy.en");
  EXPECT_GT(need("model=toy&beamSize=5")->bytes, cold->bytes);
  EXPECT_FALSE(need("model=base"));
}

#ifdef ASR_EMPTY_MODELS
TEST_F(WhisperAppTest, a_model_that_can_never_fit_a_device_is_refused_before_it_is_loaded) {
  std::filesystem::create_symlink(ASR_EMPTY_MODELS "/for-tests-ggml-large.bin", folder_.file("ggml-large.bin"));
  clams::ServiceOptions options;
  options.gpu.gpu = "sim:2GiB";
  options.gpu.directory.explicit_directory = folder_.file("ledger");
  const auto service = make_service(folder_.path(), {.charge_without_gpu = true}, options);
  const auto reply = post(*service, request(), "model=large");
  EXPECT_EQ(reply.status, 507U) << reply.bytes;
  EXPECT_THAT(reply.bytes, HasSubstr("large"));
  EXPECT_EQ(service->gpu().model_counters().loads, 0U);
}
#endif

#ifdef ASR_HAVE_MEDIA
TEST_F(WhisperAppTest, the_sound_of_a_video_is_heard) {
  const auto path = folder_.file("clip.mp4");
  auto samples = four_passages();
  ASSERT_TRUE(media::testing::write_clip(path, media::testing::VideoTrack{.frames = 500},
                                         media::testing::AudioTrack{.encoder = "aac", .samples = samples}));
  const auto reply = post(*service_, mmif_with({video("d1", path)}), "model=toy&language=en");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(text_of(reply), kText);
}

// The second half of the sound is stored ten seconds later.
TEST_F(WhisperAppTest, words_after_a_jump_of_the_time_stamps_have_the_times_of_the_file) {
  const auto path = folder_.file("jump.mkv");
  media::testing::AudioTrack track{.samples = four_passages()};
  track.jumps = {{std::chrono::seconds(10), std::chrono::seconds(10)}};
  ASSERT_TRUE(media::testing::write_clip(path, std::nullopt, track));
  const auto reply = post(*service_, mmif_with({audio("d1", path)}), "model=toy&language=en&wordTimestamps=false");
  ASSERT_EQ(reply.status, 200U) << reply.bytes;
  EXPECT_EQ(text_of(reply), kText);
  const auto frames = frames_of(reply);
  ASSERT_EQ(frames.size(), 4U);
  const std::vector<std::pair<double, double>> wanted{{0, 5000}, {5000, 10'000}, {20'000, 25'000}, {25'000, 30'000}};
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_NEAR(static_cast<double>(frames[n].first), wanted[n].first, 100) << n;
    EXPECT_NEAR(static_cast<double>(frames[n].second), wanted[n].second, 100) << n;
  }
  EXPECT_THAT(warnings_of(reply), AllOf(HasSubstr("10.0"), HasSubstr("the time stamps jump"), HasSubstr("(33.3 %)")));
}
#endif

}  // namespace
}  // namespace whisper_app
