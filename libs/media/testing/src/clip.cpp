#include "media/testing/clip.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "libav.hpp"

extern "C" {
#include <libavutil/display.h>
}

namespace media::testing {
namespace {

using base::Error;
using base::ErrorCode;

constexpr int kBits = 10;

base::Status ok(int code, const std::string& what) {
  if (code >= 0) return {};
  return Error{ErrorCode::Io, "test clip: " + what + ": " + libav_text(code), code};
}

// A container being written, with one encoder per track.
class ClipWriter {
 public:
  ~ClipWriter() {
    if (format_ == nullptr) return;
    avio_closep(&format_->pb);
    avformat_free_context(format_);
  }

  base::Status open(const std::string& path) {
    BASE_TRY(ok(avformat_alloc_output_context2(&format_, nullptr, nullptr, path.c_str()), path));
    return ok(avio_open(&format_->pb, path.c_str(), AVIO_FLAG_WRITE), path);
  }

  struct Track {
    Libav<AVCodecContext> codec;
    AVStream* stream = nullptr;
  };

  base::Result<Track> add(const std::string& encoder, const std::function<void(AVCodecContext&)>& configure) {
    const AVCodec* codec = avcodec_find_encoder_by_name(encoder.c_str());
    if (codec == nullptr) return Error{ErrorCode::NotFound, "test clip: this libavcodec has no encoder " + encoder};
    Track track{Libav<AVCodecContext>(avcodec_alloc_context3(codec)), avformat_new_stream(format_, codec)};
    configure(*track.codec);
    track.codec->thread_count = 1;
    if ((format_->oformat->flags & AVFMT_GLOBALHEADER) != 0) track.codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    BASE_TRY(ok(avcodec_open2(track.codec.get(), codec, nullptr), encoder));
    track.stream->time_base = track.codec->time_base;
    BASE_TRY(ok(avcodec_parameters_from_context(track.stream->codecpar, track.codec.get()), encoder));
    return track;
  }

  base::Status begin() { return ok(avformat_write_header(format_, nullptr), "header"); }
  base::Status end() { return ok(av_write_trailer(format_), "trailer"); }

  // nullptr: no more frames.
  base::Status write(Track& track, const AVFrame* frame) {
    BASE_TRY(ok(avcodec_send_frame(track.codec.get(), frame), "encode"));
    Libav<AVPacket> packet(av_packet_alloc());
    while (avcodec_receive_packet(track.codec.get(), packet.get()) >= 0) {
      packet->stream_index = track.stream->index;
      av_packet_rescale_ts(packet.get(), track.codec->time_base, track.stream->time_base);
      BASE_TRY(ok(av_interleaved_write_frame(format_, packet.get()), "write"));
    }
    return {};
  }

 private:
  AVFormatContext* format_ = nullptr;
};

void configure_video(const VideoTrack& video, AVCodecContext& codec) {
  codec.width = video.width;
  codec.height = video.height;
  codec.pix_fmt = video.encoder == "mjpeg" ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  codec.color_range = video.encoder == "mjpeg" ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  codec.time_base = video.times.empty() ? AVRational{1, video.fps} : AVRational{1, 1000};
  codec.framerate = AVRational{video.fps, 1};
  codec.gop_size = video.key_frame_every;
  codec.max_b_frames = video.b_frames;
  codec.bit_rate = 4'000'000;
  codec.sample_aspect_ratio = AVRational{video.pixel_width, video.pixel_height};
  if (video.encoder == "libx264") av_opt_set(codec.priv_data, "x264-params", "scenecut=0:log-level=none", 0);
}

// As phones write it. REQUIRES: quarter turns.
base::Status set_turn(int degrees, AVStream& stream) {
  std::int32_t matrix[9] = {};
  av_display_rotation_set(matrix, degrees);
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  AVPacketSideData* side = av_packet_side_data_new(&stream.codecpar->coded_side_data, &stream.codecpar->nb_coded_side_data,
                                                   AV_PKT_DATA_DISPLAYMATRIX, sizeof matrix, 0);
  std::uint8_t* data = side == nullptr ? nullptr : side->data;
#else
  std::uint8_t* data = av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, sizeof matrix);
#endif
  if (data == nullptr) return Error{ErrorCode::Unavailable, "test clip: out of memory"};
  std::memcpy(data, matrix, sizeof matrix);
  return {};
}

void copy_into(const Image& image, bool full_range, AVFrame& frame) {
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const int value = image.row(y)[x];
      frame.data[0][y * frame.linesize[0] + x] = static_cast<std::uint8_t>(full_range ? value : 16 + value * 219 / 255);
    }
  for (int plane = 1; plane <= 2; ++plane)
    for (int y = 0; y < image.height / 2; ++y)
      std::fill_n(frame.data[plane] + y * frame.linesize[plane], image.width / 2, std::uint8_t{128});
}

base::Status write_video(ClipWriter& writer, ClipWriter::Track& track, const VideoTrack& video) {
  Libav<AVFrame> frame(av_frame_alloc());
  frame->format = track.codec->pix_fmt;
  frame->width = video.width;
  frame->height = video.height;
  BASE_TRY(ok(av_frame_get_buffer(frame.get(), 0), "frame"));
  for (int n = 0; n < video.frames; ++n) {
    Image image{PixelFormat::Gray8, video.width, video.height, static_cast<std::size_t>(video.width), {}};
    image.pixels.assign(image.stride * static_cast<std::size_t>(video.height), 255);
    video.paint ? video.paint(n, image) : paint_number(n, image);
    BASE_TRY(ok(av_frame_make_writable(frame.get()), "frame"));
    copy_into(image, video.encoder == "mjpeg", *frame);
    frame->pts = video.times.empty() ? n : video.times[static_cast<std::size_t>(n)].count();
    BASE_TRY(writer.write(track, frame.get()));
  }
  return writer.write(track, nullptr);
}

void configure_audio(const AudioTrack& audio, AVCodecContext& codec) {
  codec.sample_rate = audio.rate;
  av_channel_layout_default(&codec.ch_layout, audio.channels);
  codec.sample_fmt = audio.encoder == "pcm_s16le" || audio.encoder == "flac" ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_FLTP;
  codec.time_base = AVRational{1, audio.rate};
  codec.bit_rate = 128'000;
}

void copy_into(const float* samples, int count, int channels, AVFrame& frame) {
  for (int channel = 0; channel < channels; ++channel)
    for (int i = 0; i < count; ++i) {
      if (frame.format == AV_SAMPLE_FMT_FLTP)
        reinterpret_cast<float*>(frame.data[channel])[i] = samples[i];
      else
        reinterpret_cast<std::int16_t*>(frame.data[0])[i * channels + channel] =
            static_cast<std::int16_t>(std::lround(samples[i] * 32767));
    }
}

// Samples by which the time stamp of sample `at` is later than its number.
std::int64_t jumped(const AudioTrack& audio, int at) {
  std::int64_t by = 0;
  for (const auto& jump : audio.jumps)
    if (at >= jump.at.count() * audio.rate / 1000) by += jump.by.count() * audio.rate / 1000;
  return by;
}

base::Status write_audio(ClipWriter& writer, ClipWriter::Track& track, const AudioTrack& audio) {
  const int block = track.codec->frame_size > 0 ? track.codec->frame_size : 1024;
  const int total = static_cast<int>(audio.samples.size());
  for (int done = 0; done < total; done += block) {
    Libav<AVFrame> frame(av_frame_alloc());
    frame->format = track.codec->sample_fmt;
    frame->nb_samples = std::min(block, total - done);
    frame->sample_rate = audio.rate;
    av_channel_layout_copy(&frame->ch_layout, &track.codec->ch_layout);
    BASE_TRY(ok(av_frame_get_buffer(frame.get(), 0), "samples"));
    copy_into(audio.samples.data() + done, frame->nb_samples, audio.channels, *frame);
    frame->pts = done + jumped(audio, done);
    BASE_TRY(writer.write(track, frame.get()));
  }
  return writer.write(track, nullptr);
}

}  // namespace

base::Status write_clip(const std::string& path, const std::optional<VideoTrack>& video, const std::optional<AudioTrack>& audio) {
  ClipWriter writer;
  BASE_TRY(writer.open(path));
  ClipWriter::Track video_track, audio_track;
  if (video) {
    BASE_TRY_ASSIGN(video_track, writer.add(video->encoder, [&](AVCodecContext& codec) { configure_video(*video, codec); }));
    video_track.stream->avg_frame_rate = AVRational{video->fps, 1};
    video_track.stream->sample_aspect_ratio = video_track.codec->sample_aspect_ratio;
    if (video->turn_degrees != 0) BASE_TRY(set_turn(video->turn_degrees, *video_track.stream));
  }
  if (audio) {
    BASE_TRY_ASSIGN(audio_track, writer.add(audio->encoder, [&](AVCodecContext& codec) { configure_audio(*audio, codec); }));
  }
  BASE_TRY(writer.begin());
  if (video) BASE_TRY(write_video(writer, video_track, *video));
  if (audio) BASE_TRY(write_audio(writer, audio_track, *audio));
  return writer.end();
}

base::Status write_sound_with_cover(const std::string& path) {
  const AudioTrack sound{.encoder = "libmp3lame", .samples = tone(440, 1, 16'000)};
  const VideoTrack cover{.encoder = "mjpeg", .width = 64, .height = 64, .frames = 1};
  ClipWriter writer;
  BASE_TRY(writer.open(path));
  BASE_TRY_ASSIGN(auto audio_track, writer.add(sound.encoder, [&](AVCodecContext& codec) { configure_audio(sound, codec); }));
  BASE_TRY_ASSIGN(auto cover_track, writer.add(cover.encoder, [&](AVCodecContext& codec) { configure_video(cover, codec); }));
  cover_track.stream->disposition |= AV_DISPOSITION_ATTACHED_PIC;
  BASE_TRY(writer.begin());
  BASE_TRY(write_video(writer, cover_track, cover));
  BASE_TRY(write_audio(writer, audio_track, sound));
  return writer.end();
}

void paint_number(int n, Image& image) {
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const int bit = x * kBits / image.width;
      image.pixels[static_cast<std::size_t>(y) * image.stride + static_cast<std::size_t>(x)] = (n >> bit & 1) != 0 ? 255 : 0;
    }
}

int read_number(const Image& image) {
  const int channels = bytes_per_pixel(image.format);
  int n = 0;
  for (int bit = 0; bit < kBits; ++bit) {
    const int x = (2 * bit + 1) * image.width / (2 * kBits);
    if (image.row(image.height / 2)[x * channels] > 127) n |= 1 << bit;
  }
  return n;
}

std::vector<float> tone(double hertz, double seconds, int rate, float amplitude) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * rate));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = amplitude * static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
  return samples;
}

}  // namespace media::testing
