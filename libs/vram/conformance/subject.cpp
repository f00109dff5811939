#include "subject.hpp"

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "vram/testing/fake_gpu.hpp"

namespace conformance {

using namespace vram;

std::unique_ptr<testing::Holder> Subject::holder(const DeviceUuid& device, Bytes bytes) const {
  return std::make_unique<testing::Holder>(program, std::vector<std::string>{"--hold", to_string(choice), options.directory,
                                                                             device.text(), std::to_string(bytes.count())});
}

Subject make_subject(Kind kind, const std::string& program, const std::string& directory) {
  Subject subject{kind, program, {}, {}, Bytes()};
  subject.options.directory = directory;
  switch (kind) {
    case Kind::Simulated:
      subject.choice = {DeviceChoice::Kind::Simulated, {Bytes(std::uint64_t{24} << 30), Bytes(std::uint64_t{16} << 30)}};
      break;
    case Kind::Fake: {
      testing::FakeGpu fake(directory + "/fake-gpu");
      fake.devices = {
          {.others = Bytes(std::uint64_t{1} << 30), .context = Bytes(std::uint64_t{300} << 20)},
          {.uuid = "GPU-22222222-2222-2222-2222-222222222222", .total = Bytes(std::uint64_t{16} << 30), .pci = "0000:02:00.0"}};
      if (!fake.write()) std::fprintf(stderr, "cannot write %s\n", fake.path().c_str());
      ::setenv("FAKE_GPU_STATE", fake.path().c_str(), 1);
      ::setenv("VRAM_NVML_PATH", CLAMS_FAKE_NVML, 1);
      ::setenv("VRAM_CUDA_PATH", CLAMS_FAKE_CUDA, 1);
      subject.options.environment = DeviceEnvironment::from_environment();
      break;
    }
    case Kind::Real:
      subject.options.environment = DeviceEnvironment::from_environment();
      subject.slack = Bytes(std::uint64_t{256} << 20);
      break;
  }
  return subject;
}

int hold(const std::string& choice_text, const std::string& directory, const std::string& uuid, Bytes bytes) {
  const auto choice = DeviceChoice::parse(choice_text);
  if (!choice) return 2;
  auto allocator = open_allocator(*choice, {DeviceEnvironment::from_environment(), directory, {}});
  const auto refuse = [](const Error& error) {
    std::cout << "refused " << base::traits_of(error.code).name << " " << error.message << std::endl;
    return 1;
  };
  if (!allocator) return refuse(allocator.error());
  const auto context = (*allocator)->allocate(DeviceUuid(uuid), Bytes());
  if (!context) return refuse(context.error());
  auto block = (*allocator)->allocate(DeviceUuid(uuid), bytes);
  if (!block) return refuse(block.error());
  std::unique_ptr<DeviceBlock> held = std::move(block).value();
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    if (line != "free") continue;
    held.reset();
    std::cout << "freed" << std::endl;
  }
  return 0;
}

}  // namespace conformance
