// Sound by libav: whatever it decodes.
#include <algorithm>

#include "media/audio.hpp"
#include "media/libav_log.hpp"
#include "speech/sound.hpp"

namespace speech {
namespace {

std::vector<Piece> pieces_of(const std::vector<media::AudioStretch>& stretches, std::size_t samples) {
  std::vector<Piece> pieces;
  for (std::size_t n = 0; n < stretches.size(); ++n) {
    const auto first = std::min<std::size_t>(stretches[n].first, samples);
    const auto end = n + 1 < stretches.size() ? std::min<std::size_t>(stretches[n + 1].first, samples) : samples;
    if (end > first) pieces.push_back({first, end - first, stretches[n].time});
  }
  return pieces;
}

}  // namespace

bool reads_all_media() noexcept { return true; }
std::string media_library() { return media::libav_version(); }
std::string media_library_license() { return media::libav_license(); }
void quiet_media_library() noexcept { media::set_libav_log(media::LibavLog::Errors); }

base::Result<Sound> read_sound(const std::string& path, const std::stop_token& stop) {
  const media::Limits limits{.stop = stop};
  BASE_TRY_ASSIGN(auto reader, media::AudioReader::open(path, {.rate = kSampleRate}, limits));
  Sound sound;
  BASE_TRY_ASSIGN(sound.samples, reader.read_all(kLongest, limits));
  sound.pieces = pieces_of(reader.stretches(), sound.samples.size());
  sound.completeness = reader.completeness();
  return sound;
}

}  // namespace speech
