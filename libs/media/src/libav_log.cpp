#include "media/libav_log.hpp"

#include <string>

#include "libav.hpp"

namespace media {
namespace {

std::string version_text(unsigned version) {
  return std::to_string(AV_VERSION_MAJOR(version)) + "." + std::to_string(AV_VERSION_MINOR(version)) + "." +
         std::to_string(AV_VERSION_MICRO(version));
}

}  // namespace

void set_libav_log(LibavLog level) noexcept {
  switch (level) {
    case LibavLog::Quiet: return av_log_set_level(AV_LOG_QUIET);
    case LibavLog::Errors: return av_log_set_level(AV_LOG_ERROR);
    case LibavLog::Warnings: return av_log_set_level(AV_LOG_WARNING);
  }
}

const char* libav_version() noexcept {
  static const std::string text =
      "libavcodec " + version_text(avcodec_version()) + ", libavformat " + version_text(avformat_version());
  return text.c_str();
}

const char* libav_license() noexcept { return avcodec_license(); }

}  // namespace media
