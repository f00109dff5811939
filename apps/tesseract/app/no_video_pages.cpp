// In a build without libmedia.
#include "clams/exceptions.hpp"
#include "video_pages.hpp"

namespace ocr_app {

void read_frames(const mmif::Mmif&, mmif::Annotation& video, const Sampling&, const FrameRun&) {
  throw clams::RuntimeError(
      "video " + video.id() +
      " cannot be read: this program was built without libav; install libavformat-dev, libavcodec-dev, libswscale-dev and "
      "libswresample-dev and build it again");
}

bool video_is_supported() noexcept { return false; }
void quiet_video_library() noexcept {}
std::string video_library() { return {}; }
std::string video_library_license() { return {}; }

}  // namespace ocr_app
