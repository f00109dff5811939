// Made-up pictures for the tests of what is drawn from them.
#pragma once
#include "gpu/picture.hpp"

namespace clams::tool::testing {

using namespace base::literals;

inline GpuDevice device(int index, base::Bytes total, base::Bytes free) {
  GpuDevice one;
  one.info = {vram::DeviceUuid("GPU-" + std::to_string(index)), "NVIDIA H200", index, total};
  one.state = vram::SampleState::Ok;
  one.age = std::chrono::milliseconds(12);
  one.free = free;
  one.headroom = base::scaled(total, 0.1);
  return one;
}

// A card with everything on it, and one whose driver does not answer.
inline GpuPicture busy_picture() {
  GpuPicture picture;
  picture.driver = "nvml";
  picture.ledger = "/run/vram";
  GpuDevice first = device(0, 24_GiB, 16_GiB);
  first.info.uuid = vram::DeviceUuid("GPU-11111111-1111-1111-1111-111111111111");
  first.reserved = 9_GiB;
  first.draining = 1_GiB;
  first.unattributed = 3_GiB;
  first.available = base::scaled(24_GiB, 0.9) - 13_GiB;
  first.requests = 2;
  first.cooling = true;
  first.resident = {{"http://apps.clams.ai/whisper-wrapper/v10", "large-v3", 5_GiB, true, std::chrono::seconds(4), 4711}};
  GpuDevice second = device(1, 16_GiB, 16_GiB);
  second.info.uuid = vram::DeviceUuid("GPU-22222222-2222-2222-2222-222222222222");
  second.info.name = "NVIDIA RTX A4000 Laptop GPU";
  second.state = vram::SampleState::Unknown;
  second.reason = "the driver has not answered in time";
  second.free.reset();
  picture.devices = {first, second};
  picture.processes = {
      {4711, "http://apps.clams.ai/whisper-wrapper/v10", 0, first.info.uuid, 9_GiB, 5_GiB, {"large-v3"}, 2, true, false},
      {812, "Xorg", 0, first.info.uuid, {}, 2_GiB, {}, 0, false, false},
      {4500, "doctr", 0, first.info.uuid, 1_GiB, {}, {}, 0, true, true},
      {4712, "tesseract", std::nullopt, {}, {}, {}, {}, 0, true, false}};
  return picture;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace clams::tool::testing
