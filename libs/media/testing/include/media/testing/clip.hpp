// Writes small media files for tests with libav's own encoders, so that no program and no file in the repository is needed.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/image.hpp"

namespace media::testing {

struct VideoTrack {
  std::string encoder = "mpeg4";  // or "mjpeg", "libx264", "ffv1"
  int width = 192, height = 64;   // even
  int fps = 25;
  int frames = 50;
  int key_frame_every = 12;
  int b_frames = 0;
  // Presentation times when they are not n / fps; as many as `frames`, ascending.
  std::vector<std::chrono::milliseconds> times{};
  int turn_degrees = 0;                   // clockwise quarter turns that a player makes to show it upright; .mp4 and .mov keep them
  int pixel_width = 1, pixel_height = 1;  // shape of a pixel
  // Draws frame `n` into a white Gray8 image; none: `paint_number`.
  std::function<void(int n, Image& image)> paint{};
};

struct AudioTrack {
  std::string encoder = "pcm_s16le";  // or "aac", "libmp3lame", "flac"
  int rate = 16'000;
  int channels = 1;
  std::vector<float> samples{};  // mono; every channel gets the same
  // From `at` on, the time stamps are later by `by`; ascending. Nothing is stored for the time between.
  struct Jump {
    std::chrono::milliseconds at{0}, by{0};
  };
  std::vector<Jump> jumps{};
};

// The container follows from the name: .avi .mkv .mp4 .mov .wav .mp3 .ogg .flac .ts
base::Status write_clip(const std::string& path, const std::optional<VideoTrack>& video,
                        const std::optional<AudioTrack>& audio = std::nullopt);

// One second of a tone as .mp3, with a picture attached as its cover.
base::Status write_sound_with_cover(const std::string& path);

// Ten black or white bars that spell `n` in binary, readable after lossy coding; n < 1024.
void paint_number(int n, Image& image);
int read_number(const Image& image);

// `seconds` of a sine.
std::vector<float> tone(double hertz, double seconds, int rate, float amplitude = 0.5F);

}  // namespace media::testing
