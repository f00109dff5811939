#include "vram/device_choice.hpp"

#include "base/text.hpp"

namespace vram {
namespace {

using base::Bytes;
using base::Error;
using base::ErrorCode;
using base::Result;
using base::literals::operator""_MiB;

constexpr std::string_view kPrefix = "sim:";

Error bad_choice(std::string_view text, std::string_view why) {
  return {ErrorCode::InvalidArgument, "'" + std::string(text) + "' does not name devices (" + std::string(why) +
                                          "); use auto, none, or simulated devices such as sim:24GiB,sim:16GiB"};
}

std::string exact_text(Bytes size) {
  constexpr std::uint64_t kGib = std::uint64_t{1} << 30, kMib = std::uint64_t{1} << 20;
  const std::uint64_t count = size.count();
  if (count % kGib == 0) return std::to_string(count / kGib) + "GiB";
  if (count % kMib == 0) return std::to_string(count / kMib) + "MiB";
  return std::to_string(count);
}

Result<DeviceChoice> parse_simulated(std::string_view text) {
  DeviceChoice choice{DeviceChoice::Kind::Simulated, {}};
  for (std::string_view item : base::split(text, ',')) {
    item = base::trim(item);
    if (item.starts_with(kPrefix)) item.remove_prefix(kPrefix.size());
    auto size = base::parse_memory_size(item);
    if (!size) return bad_choice(text, size.error().message);
    if (*size < 1_MiB) return bad_choice(text, "a simulated device has at least 1MiB");
    choice.simulated.push_back(*size);
  }
  if (choice.simulated.size() > DeviceChoice::kMaxSimulated) return bad_choice(text, "there can be at most 16 simulated devices");
  return choice;
}

}  // namespace

Result<DeviceChoice> DeviceChoice::parse(std::string_view text) {
  const std::string_view trimmed = base::trim(text);
  if (trimmed == "auto") return DeviceChoice{};
  if (trimmed == "none") return DeviceChoice{Kind::None, {}};
  if (trimmed.starts_with(kPrefix)) return parse_simulated(trimmed);
  return bad_choice(
      text, trimmed.empty() ? "it is empty" : "it is none of auto, none, sim:SIZE; choose real ones by CUDA_VISIBLE_DEVICES");
}

std::string simulated_list_text(const std::vector<Bytes>& sizes) {
  std::string text;
  for (const Bytes size : sizes) text += (text.empty() ? "sim:" : ",sim:") + exact_text(size);
  return text;
}

std::string to_string(const DeviceChoice& choice) {
  switch (choice.kind) {
    case DeviceChoice::Kind::None: return "none";
    case DeviceChoice::Kind::Simulated: return simulated_list_text(choice.simulated);
    case DeviceChoice::Kind::Auto: break;
  }
  return "auto";
}

}  // namespace vram
