// libav's headers, owners for its types, and what differs between FFmpeg 5.1, 6 and 7.
#pragma once
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libavutil/parseutils.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}
#include <cstdint>
#include <memory>
#include <string>

namespace media {

struct LibavDelete {
  void operator()(AVFormatContext* p) const noexcept { avformat_close_input(&p); }
  void operator()(AVCodecContext* p) const noexcept { avcodec_free_context(&p); }
  void operator()(AVFrame* p) const noexcept { av_frame_free(&p); }
  void operator()(AVPacket* p) const noexcept { av_packet_free(&p); }
  void operator()(SwrContext* p) const noexcept { swr_free(&p); }
  void operator()(SwsContext* p) const noexcept { sws_freeContext(p); }
};
template <class T>
using Libav = std::unique_ptr<T, LibavDelete>;

inline constexpr AVRational kMicroseconds{1, AV_TIME_BASE};

inline std::string libav_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

inline bool is_key_frame(const AVFrame& frame) noexcept {
#ifdef AV_FRAME_FLAG_KEY
  return (frame.flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame.key_frame != 0;
#endif
}

// In the stream's time base; 0 if unknown.
inline std::int64_t duration_of(const AVFrame& frame) noexcept {
#if LIBAVUTIL_VERSION_MAJOR >= 58
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

}  // namespace media
