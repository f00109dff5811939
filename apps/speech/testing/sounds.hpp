// Sounds and documents for tests of the speech apps.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "clams/service.hpp"
#include "mmif/mmif.hpp"

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

// MMIF with these documents; a path becomes a file URL as it is.
std::string audio(const std::string& id, const std::string& path);
std::string video(const std::string& id, const std::string& path);
std::string mmif_with(const std::vector<std::string>& documents);

struct Reply {
  unsigned status = 0;
  std::string bytes;
  std::unique_ptr<mmif::Mmif> mmif;  // null when the answer is none
};
// `query`: parameters as in a URL.
Reply post(clams::Service& service, const std::string& body, const std::string& query = {}, std::stop_token stop = {});

// Of the last view, where the answer has views.
const mmif::View& last_view(const Reply& reply);
// Message of the error view; says so when there is none.
std::string error_of(const Reply& reply);
std::string warnings_of(const Reply& reply);
// The text of the first text document of the last view.
std::string text_of(const Reply& reply);
// Start and end of the last view's TimeFrames.
std::vector<std::pair<std::int64_t, std::int64_t>> frames_of(const Reply& reply);

}  // namespace speech::testing
