// Words, model files, names of weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/progress.hpp"
#include "app/weights.hpp"
#include "base/fd.hpp"
#include "engine/model_file.hpp"
#include "engine/words.hpp"
#include "speech/testing/sounds.hpp"

namespace {

using asr::Token;
using asr::words_of;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts(const std::vector<asr::Word>& words) {
  std::vector<std::string> list;
  for (const auto& word : words) list.push_back(word.text);
  return list;
}

std::vector<Token> tokens(const std::vector<std::string>& pieces) {
  std::vector<Token> list;
  for (const auto& piece : pieces) list.push_back({piece, milliseconds(100 * list.size()), milliseconds(100 * list.size() + 90)});
  return list;
}

TEST(Words, begin_at_blanks_and_keep_their_punctuation) {
  const auto words = words_of(tokens({" Ask", " not", " what", " coun", "try", "!"}), "en", milliseconds(0), milliseconds(1000));
  EXPECT_THAT(texts(words), ElementsAre("Ask", "not", "what", "country!"));
  EXPECT_EQ(words[3].start, milliseconds(300));
  EXPECT_EQ(words[3].end, milliseconds(590));
}

TEST(Words, of_languages_without_blanks_are_tokens_with_the_punctuation_behind_them) {
  EXPECT_THAT(texts(words_of(tokens({"你", "好", "，", "世界", "。"}), "zh", milliseconds(0), milliseconds(1000))),
              ElementsAre("你", "好，", "世界。"));
}

TEST(Words, a_character_that_is_spread_over_tokens_stays_whole) {
  EXPECT_THAT(texts(words_of(tokens({" gro", "\xC3", "\x9F", "e", "\xE4\xBD", "\xA0"}), "de", milliseconds(0), milliseconds(1000))),
              ElementsAre("große你"));
  EXPECT_THAT(texts(words_of(tokens({"\xE4\xBD", "\xA0", "好"}), "ja", milliseconds(0), milliseconds(1000))),
              ElementsAre("你", "好"));
}

TEST(Words, times_ascend_and_stay_in_their_segment_whatever_the_engine_says) {
  const std::vector<Token> odd = {{" a", milliseconds(900), milliseconds(200)},
                                  {" b", milliseconds(100), milliseconds(5000)},
                                  {" c", milliseconds(-10), milliseconds(-5)}};
  milliseconds last(500);
  for (const auto& word : words_of(odd, "en", milliseconds(500), milliseconds(1000))) {
    EXPECT_GE(word.start, last);
    EXPECT_GE(word.end, word.start);
    EXPECT_LE(word.end, milliseconds(1000));
    last = word.end;
  }
}

TEST(Words, of_nothing_are_none) {
  EXPECT_TRUE(words_of({}, "en", milliseconds(0), milliseconds(1)).empty());
  EXPECT_TRUE(words_of(tokens({" ", "  "}), "en", milliseconds(0), milliseconds(1)).empty());
}

class ModelFile : public ::testing::Test {
 protected:
  std::string copy_with(std::size_t at, const std::string& bytes) {
    auto content = base::read_file(ASR_TOY_MODELS "/ggml-toy.en.bin").value();
    content.replace(at, bytes.size(), bytes);
    std::ofstream(folder_.file("odd.bin"), std::ios::binary) << content;
    return folder_.file("odd.bin");
  }
  std::string cut(std::uintmax_t size) {
    std::filesystem::copy_file(ASR_TOY_MODELS "/ggml-toy.en.bin", folder_.file("cut.bin"),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(folder_.file("cut.bin"), size);
    return folder_.file("cut.bin");
  }
  speech::testing::Folder folder_;
};

TEST_F(ModelFile, of_the_toy_says_what_it_is) {
  const auto english = asr::read_model_shape(ASR_TOY_MODELS "/ggml-toy.en.bin").value();
  EXPECT_EQ(english.vocabulary, 51864);
  EXPECT_FALSE(english.multilingual());
  EXPECT_EQ(english.weight_type, 8);
  const auto many = asr::read_model_shape(ASR_TOY_MODELS "/ggml-toy.bin").value();
  EXPECT_TRUE(many.multilingual());
  EXPECT_EQ(many.weight_type, 1);
  EXPECT_TRUE(asr::check_model_file(ASR_TOY_MODELS "/ggml-toy.bin"));
}

TEST_F(ModelFile, that_is_cut_anywhere_is_found_out) {
  const auto whole = std::filesystem::file_size(ASR_TOY_MODELS "/ggml-toy.en.bin");
  for (const std::uintmax_t size :
       {std::uintmax_t{0}, std::uintmax_t{3}, std::uintmax_t{20}, std::uintmax_t{50}, std::uintmax_t{5'000},
        std::uintmax_t{100'000}, std::uintmax_t{400'000}, whole / 2, whole - 1}) {
    const auto status = asr::check_model_file(cut(size));
    ASSERT_FALSE(status) << size;
    EXPECT_EQ(status.error().code, base::ErrorCode::Corrupt) << size;
  }
}

TEST_F(ModelFile, with_absurd_figures_is_refused) {
  const std::string huge = "\xFF\xFF\xFF\x7F", negative = "\xFF\xFF\xFF\xFF", zero(4, '\0');
  for (const std::size_t field : {4U, 8U, 12U, 16U, 20U, 24U, 28U, 32U, 36U, 40U}) {
    for (const auto& value : {huge, negative, zero}) EXPECT_FALSE(asr::read_model_shape(copy_with(field, value))) << field;
  }
  EXPECT_FALSE(asr::read_model_shape(copy_with(44, huge)));
  EXPECT_FALSE(asr::read_model_shape(copy_with(44, negative)));
  // The length of the first word of the vocabulary, behind the filters.
  EXPECT_THAT(asr::check_model_file(copy_with(48 + 8 + 80 * 201 * 4 + 4, huge)).error().message, HasSubstr("vocabulary"));
}

TEST_F(ModelFile, that_is_not_there_is_not_found) {
  EXPECT_EQ(asr::read_model_shape(folder_.file("none.bin")).error().code, base::ErrorCode::NotFound);
}

TEST(Progress, names_what_is_done_and_what_is_left) {
  EXPECT_EQ(whisper_app::progress_in_words(0.179, milliseconds(749'000), milliseconds(9'000)), "2:14 of 12:29, 0:41 left");
  EXPECT_EQ(whisper_app::progress_in_words(0, milliseconds(749'000), milliseconds(0)), "0:00 of 12:29");
  EXPECT_EQ(whisper_app::progress_in_words(1, milliseconds(3'723'000), milliseconds(60'000)), "1:02:03 of 1:02:03, 0:00 left");
}

TEST(Progress, ends_with_how_fast_it_was) {
  EXPECT_EQ(whisper_app::summary_in_words(milliseconds(749'000), milliseconds(80'000)),
            "12:29 of sound in 1:20, 9.4 times as fast as it plays");
  EXPECT_EQ(whisper_app::summary_in_words(milliseconds(0), milliseconds(0)),
            "0:00 of sound in 0:00, 0.0 times as fast as it plays");
}

class WeightsTest : public ::testing::Test {
 protected:
  void have(const std::string& name) { std::ofstream(folder_.file("ggml-" + name + ".bin")) << "x"; }
  std::string found(const std::string& model, const std::string& language = {}) {
    const auto weights = whisper_app::WeightsFolder(folder_.path()).find(model, language);
    return weights ? weights->name : "(none)";
  }
  speech::testing::Folder folder_;
};

TEST_F(WeightsTest, short_forms_stand_for_sizes) {
  for (const char* name : {"tiny", "base", "small", "medium", "large", "large-v2", "large-v3", "large-v3-turbo"}) have(name);
  EXPECT_EQ(found("t"), "tiny");
  EXPECT_EQ(found("b"), "base");
  EXPECT_EQ(found("s"), "small");
  EXPECT_EQ(found("m"), "medium");
  EXPECT_EQ(found("l"), "large");
  EXPECT_EQ(found("l2"), "large-v2");
  EXPECT_EQ(found("l3"), "large-v3");
  EXPECT_EQ(found("turbo"), "large-v3-turbo");
  EXPECT_EQ(found("tu"), "large-v3-turbo");
}

TEST_F(WeightsTest, capitals_of_a_name_make_no_difference_where_no_file_has_them) {
  have("tiny");
  have("large-v3-turbo");
  EXPECT_EQ(found("TINY"), "tiny");
  EXPECT_EQ(found("Tiny"), "tiny");
  EXPECT_EQ(found("T"), "tiny");
  EXPECT_EQ(found("Turbo"), "large-v3-turbo");
  have("MyOwn");
  EXPECT_EQ(found("MyOwn"), "MyOwn");
  EXPECT_THAT(whisper_app::WeightsFolder(folder_.path()).find("BASE", "").error().message, HasSubstr("put ggml-base.bin there"));
}

TEST_F(WeightsTest, english_prefers_the_model_for_english_alone) {
  have("base");
  EXPECT_EQ(found("base", "en"), "base");
  have("base.en");
  EXPECT_EQ(found("base", "en"), "base.en");
  EXPECT_EQ(found("base", "es"), "base");
  EXPECT_EQ(found("base.en"), "base.en");
}

TEST_F(WeightsTest, large_is_the_newest_large_where_no_file_has_that_name) {
  have("large-v3");
  EXPECT_EQ(found("large"), "large-v3");
}

TEST_F(WeightsTest, other_names_are_files_too) {
  have("small-q5_1");
  EXPECT_EQ(found("small-q5_1"), "small-q5_1");
  EXPECT_EQ(found("small"), "(none)");
  EXPECT_EQ(found(""), "(none)");
  EXPECT_EQ(found("../x"), "(none)");
}

TEST_F(WeightsTest, a_path_to_a_file_of_the_folder_is_that_model) {
  have("base");
  EXPECT_EQ(found(folder_.file("ggml-base.bin")), "base");
  std::ofstream(folder_.file("mine.bin")) << "x";
  EXPECT_EQ(found(folder_.file("mine.bin")), std::filesystem::canonical(folder_.file("mine.bin")).string());
}

TEST_F(WeightsTest, the_message_names_what_is_there) {
  have("tiny");
  EXPECT_THAT(whisper_app::WeightsFolder(folder_.path()).find("base", "").error().message,
              HasSubstr("models that are there: tiny"));
}

}  // namespace
