// Sound of a media file as mono samples, in blocks.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/gap.hpp"
#include "media/limits.hpp"

namespace media {

struct AudioInfo {
  int source_rate = 0;                    // Hz, in the file
  int channels = 0;                       // in the file
  std::chrono::milliseconds duration{0};  // 0 if the file does not say
  std::chrono::milliseconds start{0};     // first sample's time, counted from the beginning of the file as VideoReader counts
  std::string codec;                      // "aac"
};

// Samples that follow each other in time: from sample number `first` on, sample n lies at `time` + (n - first) / rate.
struct AudioStretch {
  std::uint64_t first = 0;
  std::chrono::milliseconds time{0};
  bool operator==(const AudioStretch&) const = default;
};

// The first (or default) audio stream, all channels mixed to one, resampled to `Options::rate`, floats in [-1, 1].
// The time axis is that of the file: its time stamps decide, not the number of samples. Where up to a second of sound is missing
// (packets that are damaged or lost), silence stands for it; where more is missing, the samples go on without it and a new stretch
// begins. Time stamps that step back, as in files that were joined, are taken as if they went on, and named.
// Memory: one decoded packet and its resampled form, whatever the length. Threads as for VideoReader.
class AudioReader {
 public:
  struct Options {
    int rate = 16'000;  // Hz, 1000 to 384000
  };

  // Errors as for VideoReader::open ("no audio stream").
  static base::Result<AudioReader> open(const std::string& path) { return open(path, Options{}); }
  static base::Result<AudioReader> open(const std::string& path, Options options, const Limits& limits = {});
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;
  ~AudioReader();

  const AudioInfo& info() const noexcept;

  // Fills `block` and returns how many samples it holds: fewer than asked only at the end, 0 from then on. Damaged packets are
  // skipped and named by `completeness`.
  base::Result<std::size_t> read(std::span<float> block, const Limits& limits = {});
  // All that is left. Error InvalidArgument when it is longer than `longest` (an hour takes 230 MB).
  base::Result<std::vector<float>> read_all(std::chrono::milliseconds longest = std::chrono::hours(4), const Limits& limits = {});

  // Of what was read so far; both are final once `read` has come to the end. The first stretch begins with sample 0. A file that
  // does not state its length (MPEG transport streams, MP3 and AAC without a head, a WAV header that was never filled in) is taken
  // to end where its data ends.
  const std::vector<AudioStretch>& stretches() const noexcept;
  const Completeness& completeness() const noexcept;

 private:
  class Impl;
  explicit AudioReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace media
