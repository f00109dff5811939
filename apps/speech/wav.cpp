#include "speech/wav.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string_view>
#include <system_error>

namespace speech {
namespace {

struct Format {
  unsigned kind = 0;  // 1 integers, 3 floats
  unsigned channels = 0, rate = 0, bits = 0;
  unsigned bytes() const { return bits / 8; }
};

std::uint32_t little(const char* bytes, unsigned count) {
  std::uint32_t value = 0;
  for (unsigned n = count; n-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[n]);
  return value;
}

float sample_of(const char* bytes, const Format& format) {
  const std::uint32_t raw = little(bytes, format.bytes());
  if (format.kind == 3) return std::bit_cast<float>(raw);
  if (format.bits == 8) return (static_cast<float>(raw) - 128.0F) / 128.0F;
  // To the top of 32 bits, so that the sign is where it belongs.
  return static_cast<float>(static_cast<std::int32_t>(raw << (32 - format.bits))) / 2147483648.0F;
}

base::Result<Format> format_of(const std::string& chunk, const std::string& path) {
  if (chunk.size() < 16) return base::Error{base::ErrorCode::Corrupt, path + " is a damaged WAV file: its format is cut off"};
  Format f;
  f.kind = little(chunk.data(), 2);
  f.channels = little(chunk.data() + 2, 2);
  f.rate = little(chunk.data() + 4, 4);
  f.bits = little(chunk.data() + 14, 2);
  if (f.kind == 0xFFFE && chunk.size() >= 26) f.kind = little(chunk.data() + 24, 2);
  const bool readable =
      (f.kind == 1 && (f.bits == 8 || f.bits == 16 || f.bits == 24 || f.bits == 32)) || (f.kind == 3 && f.bits == 32);
  if (!readable || f.channels == 0 || f.channels > 64 || f.rate < 1000 || f.rate > 384'000)
    return base::Error{base::ErrorCode::Unsupported, path + " is a WAV file of a kind that is not read (format " +
                                                         std::to_string(f.kind) + ", " + std::to_string(f.bits) + " bits, " +
                                                         std::to_string(f.channels) + " channels, " + std::to_string(f.rate) +
                                                         " Hz); convert it to 16-bit PCM"};
  return f;
}

// The file from where it stands to the end of the samples, mixed to one channel.
base::Result<std::vector<float>> samples_of(std::ifstream& in, std::uint64_t bytes, const Format& f,
                                            std::chrono::milliseconds longest, const std::string& path,
                                            const std::stop_token& stop) {
  const std::size_t frame = std::size_t{f.channels} * f.bytes();
  const auto most = static_cast<std::uint64_t>(longest.count()) * f.rate / 1000;
  std::vector<float> samples;
  std::string block(frame * 65'536, '\0');
  for (std::uint64_t left = bytes / frame; left > 0;) {
    if (stop.stop_requested()) return base::Error{base::ErrorCode::Cancelled, "reading " + path + " was stopped"};
    const auto wanted = std::min<std::uint64_t>(left, 65'536) * frame;
    in.read(block.data(), static_cast<std::streamsize>(wanted));
    const std::size_t frames = static_cast<std::size_t>(in.gcount()) / frame;
    if (frames == 0) break;
    left -= frames;
    for (std::size_t n = 0; n < frames; ++n) {
      float sum = 0;
      for (unsigned c = 0; c < f.channels; ++c) sum += sample_of(block.data() + n * frame + c * f.bytes(), f);
      samples.push_back(sum / static_cast<float>(f.channels));
    }
    if (samples.size() > most)
      return base::Error{base::ErrorCode::InvalidArgument,
                         path + " is longer than " + std::to_string(longest.count() / 3'600'000) + " hours; cut it into parts"};
  }
  return samples;
}

std::uint64_t file_size(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

// A writer into a pipe does not know the length and leaves 0, or writes about 2 or 4 GiB.
bool is_filled_in(std::uint64_t length) {
  constexpr std::uint64_t kHalf = 0x7FFFF000, kWhole = 0xFFFFF000, kHead = 4096;
  return length != 0 && length < kWhole - kHead && (length < kHalf - kHead || length > kHalf + 2 * kHead);
}

media::Completeness completeness_of(std::size_t samples, std::uint64_t stated_bytes, const Format& f) {
  const auto time = [&f](std::uint64_t count) { return std::chrono::milliseconds(count * 1000 / f.rate); };
  media::Completeness result{{}, time(samples), {}};
  const std::uint64_t stated = stated_bytes / (std::uint64_t{f.channels} * f.bytes());
  if (!is_filled_in(stated_bytes) || stated <= samples) return result;
  result.expected = time(stated);
  media::add_gap(result.gaps, {time(samples), time(stated), media::Gap::Reason::EndsEarly});
  return result;
}

}  // namespace

base::Result<WavSound> read_wav(const std::string& path, int rate, std::chrono::milliseconds longest, const std::stop_token& stop) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return base::error_from_errno("cannot open " + path, errno);
  std::string head(12, '\0');
  in.read(head.data(), 12);
  if (!in || !head.starts_with("RIFF") || head.substr(8) != "WAVE")
    return base::Error{base::ErrorCode::Unsupported,
                       path + " is no WAV file; this build reads nothing else (it was made without libav)"};
  const bool longer_than_stated = file_size(path) > 8 + std::uint64_t{little(head.data() + 4, 4)};
  Format format;
  for (std::string chunk(8, '\0'); in.read(chunk.data(), 8);) {
    const std::uint64_t length = little(chunk.data() + 4, 4);
    if (chunk.starts_with("data")) {
      if (format.kind == 0) break;
      // 0 in a file that goes on: never filled in.
      const std::uint64_t bytes = length == 0 && longer_than_stated ? UINT32_MAX : length;
      BASE_TRY_ASSIGN(const auto samples, samples_of(in, bytes, format, longest, path, stop));
      return WavSound{resample(samples, static_cast<int>(format.rate), rate), completeness_of(samples.size(), bytes, format)};
    }
    if (chunk.starts_with("fmt ")) {
      std::string body(std::min<std::uint64_t>(length, 64), '\0');
      in.read(body.data(), static_cast<std::streamsize>(body.size()));
      body.resize(static_cast<std::size_t>(in.gcount()));
      BASE_TRY_ASSIGN(format, format_of(body, path));
      in.seekg(static_cast<std::streamoff>(length - std::min<std::uint64_t>(length, 64) + (length & 1)), std::ios::cur);
    } else {
      in.seekg(static_cast<std::streamoff>(length + (length & 1)), std::ios::cur);  // chunks begin at even places
    }
  }
  return base::Error{base::ErrorCode::Corrupt, path + " is a damaged WAV file: it has no samples"};
}

std::vector<float> resample(std::span<const float> samples, int from, int to) {
  if (from == to) return {samples.begin(), samples.end()};
  constexpr double kZeros = 16;  // of the kernel on each side
  const double step = static_cast<double>(from) / to;
  const double cut = std::min(1.0, 1.0 / step);  // of the lower rate, in units of the source's
  const double reach = kZeros / cut;
  std::vector<float> result(static_cast<std::size_t>(static_cast<double>(samples.size()) / step));
  const auto count = static_cast<std::int64_t>(samples.size());
  for (std::size_t n = 0; n < result.size(); ++n) {
    const double centre = static_cast<double>(n) * step;
    double sum = 0;
    const auto last = std::min(count - 1, static_cast<std::int64_t>(std::floor(centre + reach)));
    for (auto k = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(centre - reach))); k <= last; ++k) {
      const double x = (static_cast<double>(k) - centre) * cut;
      const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * x / kZeros);
      const double kernel = x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
      sum += samples[static_cast<std::size_t>(k)] * kernel * window * cut;
    }
    result[n] = static_cast<float>(sum);
  }
  return result;
}

}  // namespace speech
