// A test with a fake driver of its own: state file and copies of the libraries in a fresh directory. A copy is a library of its own
// to the loader and to the process-wide "initialised once", so tests do not see each other.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "temporary_directory.hpp"
#include "vram/nvml_probe.hpp"
#include "vram/testing/fake_gpu.hpp"
#include "vram/testing/holder.hpp"

namespace vram {

using base::literals::operator""_GiB;
using base::literals::operator""_MiB;

class FakeDriverTest : public ::testing::Test {
 protected:
  FakeDriverTest() : gpu(directory_.path() + "/state") {
    gpu.devices = {{}};
    ::setenv("FAKE_GPU_STATE", gpu.path().c_str(), 1);
    write();
  }
  void write() {
    const auto written = gpu.write();
    if (!written) ADD_FAILURE() << written.error().message;
  }
  std::string copy_of(const std::string& library) {
    const std::string to = directory_.path() + "/" + std::filesystem::path(library).filename().string();
    std::filesystem::copy_file(library, to, std::filesystem::copy_options::skip_existing);
    return to;
  }
  std::shared_ptr<Probe> nvml(const std::string& library = CLAMS_FAKE_NVML, DeviceEnvironment environment = {}) {
    environment.nvml_path = copy_of(library);
    auto probe = open_nvml_probe({environment, {}, directory_.path() + "/meminfo"});
    if (!probe) ADD_FAILURE() << probe.error().message;
    return probe ? *probe : nullptr;
  }
  // A process that holds a context and `bytes` of CUDA memory.
  std::unique_ptr<testing::Holder> cuda_child(const std::string& device, Bytes bytes) {
    ::setenv("VRAM_CUDA_PATH", CLAMS_FAKE_CUDA, 1);
    return std::make_unique<testing::Holder>(
        VRAM_CONFORMANCE, std::vector<std::string>{"--hold", "auto", directory_.path(), device, std::to_string(bytes.count())});
  }
  const DeviceUuid first{"GPU-11111111-1111-1111-1111-111111111111"};
  const DeviceUuid second{"GPU-22222222-2222-2222-2222-222222222222"};

  TemporaryDirectory directory_;
  testing::FakeGpu gpu;
};

}  // namespace vram
