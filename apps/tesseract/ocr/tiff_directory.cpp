#include "tiff_directory.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_set>

namespace ocr {
namespace {

// As many as libtiff counts.
constexpr int kMostPages = 65'535;

class Chain {
 public:
  explicit Chain(std::FILE* file) : file_(file) {
    std::array<unsigned char, 4> head{};
    std::rewind(file);
    if (std::fread(head.data(), 1, head.size(), file) != head.size()) return;
    big_endian_ = head[0] == 'M';
    big_ = (big_endian_ ? head[3] : head[2]) == 43;
  }

  std::optional<std::uint64_t> first() const { return number(big_ ? 8 : 4, big_ ? 8 : 4); }

  // Where the directory after the one at `at` lies, 0 for none; nullopt when this one does not lie within the file.
  std::optional<std::uint64_t> after(std::uint64_t at) const {
    const auto entries = number(at, big_ ? 8 : 2);
    if (!entries || *entries == 0 || *entries > 65'535) return std::nullopt;
    return big_ ? number(at + 8 + *entries * 20, 8) : number(at + 2 + *entries * 12, 4);
  }

 private:
  std::optional<std::uint64_t> number(std::uint64_t at, std::size_t size) const {
    std::array<unsigned char, 8> bytes{};
    if (at > INT64_MAX || ::fseeko(file_, static_cast<off_t>(at), SEEK_SET) != 0) return std::nullopt;
    if (std::fread(bytes.data(), 1, size, file_) != size) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[big_endian_ ? i : size - 1 - i];
    return value;
  }

  std::FILE* file_;
  bool big_endian_ = false, big_ = false;
};

}  // namespace

TiffPages pages_of_tiff(std::FILE* file) {
  const Chain chain(file);
  TiffPages pages;
  std::unordered_set<std::uint64_t> seen;
  for (auto at = chain.first(); at && pages.readable < kMostPages;) {
    if (*at == 0) {
      pages.whole = true;
      break;
    }
    if (!seen.insert(*at).second) break;  // round in a circle
    const auto next = chain.after(*at);
    if (!next) break;
    ++pages.readable;
    at = next;
  }
  return pages;
}

}  // namespace ocr
