// WAV files read without libav.
#include "speech/wav.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "base/fd.hpp"
#include "speech/testing/sounds.hpp"

namespace speech {
namespace {

using namespace speech::testing;
using std::chrono::milliseconds;

constexpr milliseconds kLong{3'600'000};

class Wav : public ::testing::Test {
 protected:
  base::Result<std::vector<float>> read(const std::string& name = "a.wav", milliseconds longest = kLong) {
    BASE_TRY_ASSIGN(auto sound, read_wav(folder_.file(name), 16'000, longest, {}));
    return std::move(sound.samples);
  }
  media::Completeness completeness() {
    const auto sound = read_wav(folder_.file("a.wav"), 16'000, kLong, {});
    EXPECT_TRUE(sound) << (sound ? "" : sound.error().message);
    return sound->completeness;
  }
  // Of the chunk with the samples, behind a head of 44 bytes.
  void state_length(std::uint32_t bytes) {
    auto content = base::read_file(folder_.file("a.wav")).value();
    for (int n = 0; n < 4; ++n) content[40 + static_cast<std::size_t>(n)] = static_cast<char>(bytes >> (8 * n) & 0xFFU);
    std::ofstream(folder_.file("a.wav"), std::ios::binary) << content;
  }
  Folder folder_;
};

// Largest difference of the middle parts: a resampled sound has edges of its own.
float difference(const std::vector<float>& a, const std::vector<float>& b) {
  float largest = 0;
  for (std::size_t n = 200; n + 200 < std::min(a.size(), b.size()); ++n) largest = std::max(largest, std::fabs(a[n] - b[n]));
  return largest;
}

TEST_F(Wav, of_16_bits_is_read_sample_by_sample_and_channels_are_mixed) {
  const auto sound = tone(440, 0.5);
  for (const int channels : {1, 2}) {
    write_wav(folder_.file("a.wav"), sound, 16'000, channels);
    const auto samples = read().value();
    ASSERT_EQ(samples.size(), sound.size());
    EXPECT_LT(difference(samples, sound), 1e-4F);
  }
}

TEST_F(Wav, of_8_24_and_32_bits_and_of_floats_is_read) {
  const float half = 0.5F;
  std::string floats(4, '\0');
  std::memcpy(floats.data(), &half, 4);
  const std::vector<std::tuple<std::string, int, int>> kinds = {
      {std::string(1, '\xC0'), 1, 8}, {std::string("\0\0\x40", 3), 1, 24}, {std::string("\0\0\0\x40", 4), 1, 32}, {floats, 3, 32}};
  for (const auto& [bytes, kind, bits] : kinds) {
    write_raw_wav(folder_.file("a.wav"), bytes + bytes, kind, bits, 1, 16'000);
    EXPECT_EQ(read().value(), (std::vector<float>{0.5F, 0.5F})) << kind << " " << bits;
  }
}

TEST_F(Wav, of_another_rate_sounds_the_same) {
  for (const int rate : {8'000, 22'050, 44'100, 48'000}) {
    write_wav(folder_.file("a.wav"), tone(440, 0.5, rate), rate);
    const auto samples = read().value();
    EXPECT_NEAR(static_cast<double>(samples.size()), 8000, 2) << rate;
    EXPECT_LT(difference(samples, tone(440, 0.5)), 0.01F) << rate;
  }
}

TEST_F(Wav, what_the_new_rate_cannot_hold_is_taken_out) {
  const auto samples = resample(tone(15'000, 0.5, 48'000), 48'000, 16'000);
  EXPECT_LT(difference(samples, std::vector<float>(samples.size())), 0.02F);
}

TEST_F(Wav, that_is_cut_off_gives_what_is_there_and_names_what_is_missing) {
  for (const int channels : {1, 2}) {
    write_wav(folder_.file("a.wav"), tone(440, 1), 16'000, channels);
    EXPECT_TRUE(completeness().complete());
    EXPECT_EQ(completeness().expected, milliseconds(1000));
    std::filesystem::resize_file(folder_.file("a.wav"), 44 + static_cast<std::uintmax_t>(channels) * 2 * 4000 + 1);
    EXPECT_EQ(read().value().size(), 4000U);
    EXPECT_EQ(completeness().expected, milliseconds(1000));
    EXPECT_EQ(completeness().gaps,
              (std::vector<media::Gap>{{milliseconds(250), milliseconds(1000), media::Gap::Reason::EndsEarly}}));
  }
}

TEST_F(Wav, that_is_cut_off_right_behind_its_head_is_missing_whole) {
  write_wav(folder_.file("a.wav"), tone(440, 1));
  std::filesystem::resize_file(folder_.file("a.wav"), 44);
  EXPECT_TRUE(read().value().empty());
  EXPECT_DOUBLE_EQ(completeness().missing_share(), 1);
}

TEST_F(Wav, whose_length_was_never_filled_in_is_whole) {
  write_wav(folder_.file("a.wav"), tone(440, 1));
  for (const std::uint32_t bytes : {0xFFFFFFFFU, 0xFFFFFFFFU - 36, 0x7FFFFFFFU, 0x7FFFF000U, 0x80000000U, 0U}) {
    state_length(bytes);
    if (bytes == 0) {  // the length of the file is not filled in either
      auto content = base::read_file(folder_.file("a.wav")).value();
      content.replace(4, 4, std::string("\x24\0\0\0", 4));
      std::ofstream(folder_.file("a.wav"), std::ios::binary) << content;
    }
    EXPECT_EQ(read().value().size(), 16'000U) << bytes;
    EXPECT_TRUE(completeness().complete()) << bytes;
  }
}

TEST_F(Wav, chunks_between_format_and_samples_are_passed_over) {
  write_wav(folder_.file("a.wav"), tone(440, 0.1));
  auto bytes = base::read_file(folder_.file("a.wav")).value();
  bytes.insert(36, std::string("LIST\x03\0\0\0abc\0", 12));
  std::ofstream(folder_.file("b.wav"), std::ios::binary) << bytes;
  EXPECT_EQ(read("b.wav").value().size(), 1600U);
}

TEST_F(Wav, what_cannot_be_read_is_told) {
  EXPECT_EQ(read("none.wav").error().code, base::ErrorCode::NotFound);
  std::ofstream(folder_.file("text.wav")) << "no sound at all, only text";
  EXPECT_EQ(read("text.wav").error().code, base::ErrorCode::Unsupported);
  write_raw_wav(folder_.file("a.wav"), "abcd", 6, 8, 1, 8'000);  // A-law
  EXPECT_EQ(read().error().code, base::ErrorCode::Unsupported);
  std::ofstream(folder_.file("head.wav"), std::ios::binary) << std::string("RIFF\x04\0\0\0WAVE", 12);
  EXPECT_EQ(read("head.wav").error().code, base::ErrorCode::Corrupt);
}

TEST_F(Wav, that_is_too_long_is_refused_and_one_that_is_stopped_is_cancelled) {
  write_wav(folder_.file("a.wav"), tone(440, 2));
  EXPECT_EQ(read("a.wav", milliseconds(1000)).error().code, base::ErrorCode::InvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(read_wav(folder_.file("a.wav"), 16'000, kLong, stop.get_token()).error().code, base::ErrorCode::Cancelled);
}

}  // namespace
}  // namespace speech
