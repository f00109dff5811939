// Text in shared memory, stored word by word: readers in other processes never see half a word, and the thread sanitizer agrees. A
// reader may see a mix of an old and a new text while it changes; where that matters the owner wraps it in a sequence.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace vram::layout {

template <std::size_t kBytes>
struct AtomicText {
  static_assert(kBytes % 8 == 0);
  std::atomic<std::uint64_t> words[kBytes / 8];

  // Cut to what fits, the rest zero; always ends with a zero byte. UTF-8 is cut between characters.
  void store(std::string_view text) noexcept {
    std::size_t length = text.size() < kBytes ? text.size() : kBytes - 1;
    while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
    for (std::size_t i = 0; i < kBytes / 8; ++i) {
      char piece[8] = {};
      if (i * 8 < length) std::memcpy(piece, text.data() + i * 8, length - i * 8 < 8 ? length - i * 8 : 8);
      std::uint64_t word = 0;
      std::memcpy(&word, piece, 8);
      words[i].store(word, std::memory_order_relaxed);
    }
  }
  std::string load() const {
    char text[kBytes];
    for (std::size_t i = 0; i < kBytes / 8; ++i) {
      const std::uint64_t word = words[i].load(std::memory_order_relaxed);
      std::memcpy(text + i * 8, &word, 8);
    }
    return std::string(text, strnlen(text, kBytes));
  }
};

}  // namespace vram::layout
