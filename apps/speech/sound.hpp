// The sound of a document, as speech engines take it.
#pragma once
#include <chrono>
#include <cstddef>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "media/gap.hpp"
#include "mmif/mmif.hpp"

namespace speech {

inline constexpr int kSampleRate = 16'000;
inline constexpr std::chrono::hours kLongest{8};  // of one document: 1.8 GB of samples

// Samples that follow each other in time.
struct Piece {
  std::size_t first = 0, count = 0;    // of the samples
  std::chrono::milliseconds start{0};  // time of the first one on the time axis of the file, counted from its beginning
};

// An engine hears each piece on its own: between two of them more than a second is missing, and a word that began before it does
// not end after it. Shorter gaps are filled with silence.
struct Sound {
  std::vector<float> samples;  // mono, kSampleRate, -1 to 1
  std::vector<Piece> pieces;   // ascending, not empty; together they are all samples; none of an empty sound
  media::Completeness completeness;

  std::span<const float> of(const Piece& piece) const { return std::span(samples).subspan(piece.first, piece.count); }
};
// Of samples, rounded down.
constexpr std::chrono::milliseconds length_of(std::size_t samples) {
  return std::chrono::milliseconds(samples / (kSampleRate / 1000));
}

// Whether files other than WAV can be read: the build found libav.
bool reads_all_media() noexcept;
// Of the library that reads them, for the app's metadata; empty without it.
std::string media_library();
std::string media_library_license();
// What the library prints by itself is turned down to errors; for main().
void quiet_media_library() noexcept;

// Errors: NotFound, PermissionDenied; Unsupported and Corrupt as the file is; InvalidArgument when it is longer than kLongest;
// Cancelled. What is missing of a file that can be read in part is no error: see Sound::completeness.
base::Result<Sound> read_sound(const std::string& path, const std::stop_token& stop);

// The documents with sound that an app reads: the audio documents, or the video documents where there are none (a video is often
// there together with its own sound track).
std::vector<mmif::Annotation*> documents_with_sound(const mmif::Mmif& mmif);

}  // namespace speech
