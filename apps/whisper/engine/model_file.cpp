#include "engine/model_file.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <optional>

namespace asr {
namespace {

constexpr std::uint32_t kMagic = 0x67676d6c;
constexpr int kQuantisationVersion = 1000;  // ftype = version of the quantisation x 1000 + type of the file

struct GgmlType {
  int file_type;  // how the header says it; -1: occurs in tensors only
  int type;
  std::uint64_t block, bytes;  // so many values take so many bytes
};
constexpr GgmlType kTypes[] = {{0, 0, 1, 4},       {1, 1, 1, 2},       {2, 2, 32, 18},     {3, 3, 32, 20},
                               {8, 6, 32, 22},     {9, 7, 32, 24},     {7, 8, 32, 34},     {10, 10, 256, 84},
                               {11, 11, 256, 110}, {12, 12, 256, 144}, {13, 13, 256, 176}, {14, 14, 256, 210}};

std::optional<int> type_of_file(int file_type) {
  for (const auto& entry : kTypes)
    if (entry.file_type == file_type % kQuantisationVersion) return entry.type;
  return std::nullopt;
}

base::Error corrupt(const std::string& path, const std::string& what) {
  return {base::ErrorCode::Corrupt, "the model file " + path + " cannot be used: " + what + "; fetch it again"};
}

base::Error no_model(const std::string& path) {
  return {base::ErrorCode::Corrupt,
          path + " is no model of whisper.cpp; take a file named ggml-*.bin (docs/guides/whisper.md says where they come from)"};
}

// A file read front to back; after a short read everything else fails too.
class Walker {
 public:
  explicit Walker(const std::string& path) : in_(path, std::ios::binary) {
    if (!in_) return;
    in_.seekg(0, std::ios::end);
    size_ = static_cast<std::uint64_t>(in_.tellg());
    in_.seekg(0);
  }
  bool is_open() const { return in_.is_open(); }
  std::uint64_t left() const { return size_ - at_; }
  std::uint64_t position() const { return at_; }
  bool take(std::int32_t& value) {
    if (left() < sizeof value || !in_.read(reinterpret_cast<char*>(&value), sizeof value)) return false;
    at_ += sizeof value;
    return true;
  }
  bool skip(std::uint64_t bytes) {
    if (left() < bytes || !in_.seekg(static_cast<std::streamoff>(bytes), std::ios::cur)) return false;
    at_ += bytes;
    return true;
  }

 private:
  std::ifstream in_;
  std::uint64_t size_ = 0, at_ = 0;
};

bool within(int value, int lowest, int highest) { return value >= lowest && value <= highest; }

bool plausible(const ModelShape& s) {
  return within(s.vocabulary, 50000, 100000) && within(s.audio_context, 1, 10000) && within(s.audio_state, 32, 16384) &&
         s.audio_state % 32 == 0 && within(s.audio_heads, 1, 256) && s.audio_state % s.audio_heads == 0 &&
         within(s.audio_layers, 1, 256) && within(s.text_context, 8, 10000) && s.text_state == s.audio_state &&
         within(s.text_heads, 1, 256) && s.text_state % s.text_heads == 0 && within(s.text_layers, 1, 256) &&
         within(s.mel_bands, 1, 512);
}

base::Result<ModelShape> take_shape(Walker& file, const std::string& path) {
  if (!file.is_open()) return base::error_from_errno("cannot open the model file " + path, errno);
  std::int32_t magic = 0;
  if (!file.take(magic) || static_cast<std::uint32_t>(magic) != kMagic) return no_model(path);
  ModelShape s;
  std::int32_t file_type = 0;
  for (std::int32_t* field : {&s.vocabulary, &s.audio_context, &s.audio_state, &s.audio_heads, &s.audio_layers, &s.text_context,
                              &s.text_state, &s.text_heads, &s.text_layers, &s.mel_bands, &file_type})
    if (!file.take(*field)) return corrupt(path, "its header is cut off");
  const auto type = file_type < 0 ? std::nullopt : type_of_file(file_type);
  if (!type) return corrupt(path, "its weights are of an unknown kind (" + std::to_string(file_type) + ")");
  s.weight_type = *type;
  if (!plausible(s)) return corrupt(path, "its header holds impossible figures");
  return s;
}

base::Status check_filters(Walker& file, const std::string& path, const ModelShape& shape) {
  std::int32_t bands = 0, bins = 0;
  if (!file.take(bands) || !file.take(bins) || bands != shape.mel_bands || !within(bins, 1, 4096) ||
      !file.skip(std::uint64_t{4} * static_cast<std::uint64_t>(bands) * static_cast<std::uint64_t>(bins)))
    return corrupt(path, "its mel filters are damaged or cut off");
  return {};
}

base::Status check_vocabulary(Walker& file, const std::string& path, const ModelShape& shape) {
  std::int32_t words = 0;
  if (!file.take(words) || !within(words, 1, shape.vocabulary)) return corrupt(path, "its vocabulary has an impossible size");
  for (std::int32_t n = 0; n < words; ++n) {
    std::int32_t length = 0;
    if (!file.take(length) || !within(length, 0, 4096) || !file.skip(static_cast<std::uint64_t>(length)))
      return corrupt(path, "its vocabulary is damaged or cut off at word " + std::to_string(n));
  }
  return {};
}

base::Status check_tensor(Walker& file, const std::string& path) {
  const std::string place = "its weights are damaged or cut off at byte " + std::to_string(file.position());
  std::int32_t dimensions = 0, name = 0, type = 0;
  if (!file.take(dimensions) || !file.take(name) || !file.take(type) || !within(dimensions, 1, 4) || !within(name, 1, 255))
    return corrupt(path, place);
  std::uint64_t elements = 1;
  for (std::int32_t d = 0; d < dimensions; ++d) {
    std::int32_t length = 0;
    if (!file.take(length) || !within(length, 1, 1 << 24)) return corrupt(path, place);
    elements *= static_cast<std::uint64_t>(length);
    if (elements > std::uint64_t{1} << 40) return corrupt(path, place);
  }
  const std::uint64_t bytes = ggml_bytes(type, elements);
  if (bytes == 0 || !file.skip(static_cast<std::uint64_t>(name)) || !file.skip(bytes)) return corrupt(path, place);
  return {};
}

}  // namespace

std::uint64_t ggml_bytes(int type, std::uint64_t elements) noexcept {
  for (const auto& entry : kTypes)
    if (entry.type == type) return (elements + entry.block - 1) / entry.block * entry.bytes;
  return 0;
}

base::Result<ModelShape> read_model_shape(const std::string& path) {
  errno = 0;
  Walker file(path);
  return take_shape(file, path);
}

base::Status check_model_file(const std::string& path) {
  errno = 0;
  Walker file(path);
  BASE_TRY_ASSIGN(const ModelShape shape, take_shape(file, path));
  BASE_TRY(check_filters(file, path, shape));
  BASE_TRY(check_vocabulary(file, path, shape));
  while (file.left() > 0) BASE_TRY(check_tensor(file, path));
  return {};
}

}  // namespace asr
