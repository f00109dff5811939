// What the tests of profiles share: a fresh directory each, a log that can be read, keys and measurements in one line.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "vram/profile.hpp"

namespace vram::test {

class RecordingLog final : public base::LogSink {
 public:
  void write(base::LogLevel level, std::string_view, std::string_view message) noexcept override {
    const std::lock_guard lock(mutex_);
    if (level == base::LogLevel::Warning) warnings_.emplace_back(message);
  }
  bool enabled(base::LogLevel) const noexcept override { return true; }
  std::vector<std::string> warnings() const {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> warnings_;
};

class ProfileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "vram_profile_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override {
    if (!HasFailure()) std::filesystem::remove_all(root_);
  }

  ProfileOptions options(std::string app = "http://apps.clams.ai/probe/v1") const {
    ProfileOptions result;
    result.root = root_;
    result.app = std::move(app);
    result.recheck = std::chrono::milliseconds(0);
    result.read_deadline = std::chrono::seconds(20);  // a loaded machine must not turn a read into "unknown"
    result.logger = base::Logger(log_);
    return result;
  }
  std::string folder() const { return root_ + "/http---apps.clams.ai-probe-v1"; }
  std::string path_of(const ProfileKey& key, const std::string& ending = ".json") const {
    return folder() + "/memory_" + key.hash() + ending;
  }
  void put(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::string get(const std::string& path) const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string root_;
  std::shared_ptr<RecordingLog> log_ = std::make_shared<RecordingLog>();
};

inline ProfileKey key_of(std::string_view json) { return ProfileKey::from_json(json).value(); }

inline Measurement run_of(std::int64_t visible, RunKind kind = RunKind::Cold) {
  Measurement result;
  result.kind = kind;
  result.visible = visible;
  result.instrument = Instrument::Process;
  result.duration = std::chrono::milliseconds(1500);
  result.device = "Simulated GPU";
  result.driver = "sim";
  return result;
}

inline constexpr std::int64_t kMiB = 1 << 20;
inline constexpr std::int64_t kGiB = 1 << 30;
inline constexpr std::chrono::seconds kPatience{60};  // a guard against hanging, never a measure

}  // namespace vram::test
