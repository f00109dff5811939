// Little-endian integers in byte strings.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace worker {

template <class Int>
void put_int(std::string& out, Int value) {
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFFU));
}

// Reads from the front of a view; a read past the end makes `ok()` false and gives zeros or nothing.
class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : data_(data) {}
  template <class Int>
  Int take() {
    const std::string_view raw = take_bytes(sizeof(Int));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) value |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    return static_cast<Int>(value);
  }
  std::string_view take_bytes(std::size_t count) {
    if (count > data_.size()) {
      ok_ = false;
      data_ = {};
      return {};
    }
    const std::string_view result = data_.substr(0, count);
    data_.remove_prefix(count);
    return result;
  }
  std::string_view rest() { return take_bytes(data_.size()); }
  bool empty() const { return data_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::string_view data_;
  bool ok_ = true;
};

}  // namespace worker
