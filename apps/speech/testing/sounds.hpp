// Sounds and documents for tests of the speech apps.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "testing/reply.hpp"

namespace speech::testing {

// A fresh folder, removed with what is in it unless the test has failed.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// A sine, half as loud as can be; 0 Hz is silence.
std::vector<float> tone(double hertz, double seconds, int rate = 16'000);
// 5 s each of a low tone, a high tone, silence and a high tone: what the toy model tells apart.
std::vector<float> four_passages();

// A WAV file of 16-bit samples, the same in every channel.
void write_wav(const std::string& path, const std::vector<float>& samples, int rate = 16'000, int channels = 1);
// The same from raw sample bytes: `kind` 1 integers, 3 floats.
void write_raw_wav(const std::string& path, const std::string& bytes, int kind, int bits, int channels, int rate);

using app_testing::audio;
using app_testing::error_of;
using app_testing::last_view;
using app_testing::mmif_with;
using app_testing::post;
using app_testing::Reply;
using app_testing::video;
using app_testing::warnings_of;

// The last view that holds no warnings; null where there is none.
const mmif::View* annotated_view(const Reply& reply);
// The text of the first text document of that view.
std::string text_of(const Reply& reply);
// Start and end of that view's TimeFrames.
std::vector<std::pair<std::int64_t, std::int64_t>> frames_of(const Reply& reply);

}  // namespace speech::testing
