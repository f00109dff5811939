// The sound of a document, as speech engines take it.
#pragma once
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mmif/mmif.hpp"

namespace speech {

inline constexpr int kSampleRate = 16'000;
inline constexpr std::chrono::hours kLongest{8};  // of one document: 1.8 GB of samples

struct Sound {
  std::vector<float> samples;          // mono, kSampleRate, -1 to 1
  std::chrono::milliseconds start{0};  // time of the first sample, counted from the beginning of the file
};

// Whether files other than WAV can be read: the build found libav.
bool reads_all_media() noexcept;
// Of the library that reads them, for the app's metadata; empty without it.
std::string media_library();
std::string media_library_license();
// What the library prints by itself is turned down to errors; for main().
void quiet_media_library() noexcept;

// Errors: NotFound, PermissionDenied; Unsupported and Corrupt as the file is; InvalidArgument when it is longer than kLongest;
// Cancelled.
base::Result<Sound> read_sound(const std::string& path, const std::stop_token& stop);

// The documents with sound that an app reads: the audio documents, or the video documents where there are none (a video is often
// there together with its own sound track).
std::vector<mmif::Annotation*> documents_with_sound(const mmif::Mmif& mmif);

}  // namespace speech
