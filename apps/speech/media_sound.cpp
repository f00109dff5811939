// Sound by libav: whatever it decodes.
#include "media/audio.hpp"
#include "media/libav_log.hpp"
#include "speech/sound.hpp"

namespace speech {

bool reads_all_media() noexcept { return true; }
std::string media_library() { return media::libav_version(); }
std::string media_library_license() { return media::libav_license(); }
void quiet_media_library() noexcept { media::set_libav_log(media::LibavLog::Errors); }

base::Result<Sound> read_sound(const std::string& path, const std::stop_token& stop) {
  const media::Limits limits{.stop = stop};
  BASE_TRY_ASSIGN(auto reader, media::AudioReader::open(path, {.rate = kSampleRate}, limits));
  Sound sound;
  sound.start = reader.info().start;
  BASE_TRY_ASSIGN(sound.samples, reader.read_all(kLongest, limits));
  return sound;
}

}  // namespace speech
