// Sound as a build without libav reads it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "speech/sound.hpp"
#include "speech/testing/sounds.hpp"

namespace speech {
namespace {

using namespace speech::testing;

TEST(WavOnly, a_wav_file_is_read_and_everything_else_is_refused_with_the_reason) {
  const Folder folder;
  write_wav(folder.file("a.wav"), tone(440, 1, 8'000), 8'000);
  const auto sound = read_sound(folder.file("a.wav"), {});
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_EQ(sound->samples.size(), 16'000U);
  ASSERT_EQ(sound->pieces.size(), 1U);
  EXPECT_EQ(sound->pieces[0].count, 16'000U);
  EXPECT_EQ(sound->pieces[0].start, std::chrono::milliseconds(0));
  EXPECT_TRUE(sound->completeness.complete());
  std::ofstream(folder.file("a.mp4")) << "something that is no WAV file";
  EXPECT_THAT(read_sound(folder.file("a.mp4"), {}).error().message, ::testing::HasSubstr("without libav"));
}

TEST(WavOnly, the_build_says_what_it_reads) {
  EXPECT_FALSE(reads_all_media());
  EXPECT_TRUE(media_library().empty());
}

TEST(DocumentsWithSound, are_the_audio_documents_or_else_the_videos) {
  const auto both = mmif::Mmif::parse(mmif_with({video("d1", "/v.mp4"), audio("d2", "/a.wav")})).value();
  ASSERT_EQ(documents_with_sound(*both).size(), 1U);
  EXPECT_EQ(documents_with_sound(*both)[0]->id(), "d2");
  const auto videos = mmif::Mmif::parse(mmif_with({video("d1", "/v.mp4"), video("d2", "/w.mp4")})).value();
  EXPECT_EQ(documents_with_sound(*videos).size(), 2U);
}

}  // namespace
}  // namespace speech
