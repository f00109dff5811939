// Sound without libav: WAV files.
#include "speech/sound.hpp"
#include "speech/wav.hpp"

namespace speech {

bool reads_all_media() noexcept { return false; }
std::string media_library() { return {}; }
std::string media_library_license() { return {}; }
void quiet_media_library() noexcept {}

base::Result<Sound> read_sound(const std::string& path, const std::stop_token& stop) {
  BASE_TRY_ASSIGN(auto wav, read_wav(path, kSampleRate, kLongest, stop));
  Sound sound{std::move(wav.samples), {}, std::move(wav.completeness)};
  if (!sound.samples.empty()) sound.pieces.push_back({0, sound.samples.size(), {}});
  return sound;
}

}  // namespace speech
