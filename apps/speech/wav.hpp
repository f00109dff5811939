// WAV files, read without any library.
#pragma once
#include <chrono>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/gap.hpp"

namespace speech {

struct WavSound {
  std::vector<float> samples;  // mono
  media::Completeness completeness;
};

// Integer samples of 8, 16, 24 or 32 bits and floats of 32 bits, any number of channels (mixed to one), resampled to `rate`. A file
// that was cut off gives what is there, and how much its head states beyond it; one whose length was never filled in is whole.
// Errors: NotFound, PermissionDenied; Unsupported for another format; Corrupt; InvalidArgument when it is longer than `longest`;
// Cancelled.
base::Result<WavSound> read_wav(const std::string& path, int rate, std::chrono::milliseconds longest, const std::stop_token& stop);

// Band-limited: what the lower of the two rates cannot hold is taken out. Rates in Hz, > 0.
std::vector<float> resample(std::span<const float> samples, int from, int to);

}  // namespace speech
