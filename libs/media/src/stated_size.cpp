#include "stated_size.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>
#include <system_error>

namespace media {
namespace {

// A head this long is damage.
constexpr int kMostChunks = 1000;

// Chunks of a name and a length, one behind the other.
struct ChunkForm {
  std::uint64_t begin;         // of the first chunk in the file
  std::uint64_t name, length;  // bytes of both
  std::uint64_t aligned;       // chunks begin at multiples of it
  bool length_counts_head;
};
constexpr ChunkForm kRiff{12, 4, 4, 2, false};
constexpr ChunkForm kWave64{40, 16, 8, 8, true};

std::uint64_t little(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t n = bytes.size(); n-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[n]);
  return value;
}

std::string read_at(std::ifstream& in, std::uint64_t at, std::size_t count) {
  std::string bytes(count, '\0');
  in.clear();
  in.seekg(static_cast<std::streamoff>(at));
  in.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return bytes;
}

bool is_filled_in(std::uint64_t length, std::uint64_t largest) {
  constexpr std::uint64_t kHead = 4096, kHalf = 0x7FFFF000;
  if (length == 0 || length > largest - 2 * kHead) return false;
  return largest > std::numeric_limits<std::uint32_t>::max() || length < kHalf - kHead || length > kHalf + 2 * kHead;
}

std::optional<StatedSize> data_chunk(std::ifstream& in, std::uint64_t size, const ChunkForm& form) {
  std::optional<std::uint64_t> long_length;  // of RF64
  std::uint64_t at = form.begin;
  for (int n = 0; n < kMostChunks; ++n) {
    const std::string head = read_at(in, at, form.name + form.length);
    if (head.size() < form.name + form.length) return std::nullopt;
    const std::uint64_t head_bytes = form.name + form.length;
    std::uint64_t length = little(std::string_view(head).substr(form.name));
    if (form.length_counts_head) length -= std::min(length, head_bytes);
    if (head.starts_with("ds64")) {
      if (const auto lengths = read_at(in, at + head_bytes, 16); lengths.size() == 16)
        long_length = little(std::string_view(lengths).substr(8));
    }
    if (head.starts_with("data")) {
      const std::uint64_t largest = form.length == 4 && !long_length ? std::numeric_limits<std::uint32_t>::max()
                                                                     : std::uint64_t{std::numeric_limits<std::int64_t>::max()};
      const std::uint64_t stated = long_length.value_or(length), begin = at + head_bytes;
      if (!is_filled_in(stated, largest)) return std::nullopt;
      return StatedSize{stated, std::min(stated, size - std::min(size, begin))};
    }
    if (length > size) return std::nullopt;
    at += (head_bytes + length + form.aligned - 1) / form.aligned * form.aligned;
  }
  return std::nullopt;
}

}  // namespace

std::optional<StatedSize> read_stated_size(const std::string& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) return std::nullopt;
  const std::string head = read_at(in, 0, 40);
  if (head.size() < 12) return std::nullopt;
  const std::string_view form = std::string_view(head).substr(8, 4);
  if ((head.starts_with("RIFF") || head.starts_with("RF64")) && form == "WAVE") return data_chunk(in, size, kRiff);
  if (head.starts_with("riff") && head.size() == 40 && head.substr(24, 4) == "wave") return data_chunk(in, size, kWave64);
  if (!head.starts_with("RIFF") || form != "AVI ") return std::nullopt;
  const std::uint64_t stated = 8 + little(std::string_view(head).substr(4, 4));
  if (!is_filled_in(stated, std::numeric_limits<std::uint32_t>::max())) return std::nullopt;
  return StatedSize{stated, std::min(stated, size)};
}

bool ogg_has_end_mark(const std::string& path) {
  constexpr std::uint64_t kLongestPage = 65'307;
  constexpr std::size_t kFlags = 5;  // of a page, from its "OggS"
  constexpr unsigned kLast = 4;
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) return true;
  const std::string tail = read_at(in, size - std::min(size, 2 * kLongestPage), 2 * kLongestPage);
  const std::size_t page = tail.rfind("OggS");
  if (page == std::string::npos) return true;
  return page + kFlags < tail.size() && (static_cast<unsigned char>(tail[page + kFlags]) & kLast) != 0;
}

bool is_whole_transport_stream(const std::string& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  return error || size % 188 == 0 || size % 192 == 0 || size % 204 == 0;
}

}  // namespace media
