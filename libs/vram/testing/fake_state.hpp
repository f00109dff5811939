// What the fake driver libraries pretend, and what they share between processes: the state file, the table of use, the counts of
// calls. docs/design/fake-driver.md describes the files.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/fd.hpp"
#include "base/files.hpp"
#include "device/usage_table.hpp"

namespace vram::testing {

struct FakeProcess {
  unsigned pid = 0;
  std::optional<base::Bytes> bytes;  // nullopt: the driver says "not available"
};

struct FakeDevice {
  std::string uuid;
  std::string parent;  // of a slice
  std::string name = "Fake GPU";
  std::string pci = "0000:01:00.0";
  base::Bytes total, others, reserved, context;
  bool mig = false;
  std::vector<FakeProcess> processes;
};

struct FakeRule {
  std::string call;    // exact, or a prefix and '*'
  std::string device;  // empty: any
  int code = 0;
  std::chrono::milliseconds hang{};
  bool fixed = false;  // the hang does not end when the rule goes
  bool matches(std::string_view name, std::string_view uuid) const;
};

struct FakeState {
  std::string driver_version = "570.124.06";
  int cuda_version = 12080;
  std::chrono::milliseconds release_lag{};
  std::vector<FakeDevice> devices;  // in the driver's order, slices after their GPU
  std::vector<FakeRule> errors, hangs;

  static FakeState parse(std::string_view text);
  const FakeDevice* find(std::string_view uuid) const;
};

// The pretended driver of one state file. Thread-safe.
class FakeDriver {
 public:
  // Of $FAKE_GPU_STATE as it is now; null without one, or while the file cannot be read. The file is read again when it has
  // changed.
  static std::shared_ptr<FakeDriver> current();

  std::shared_ptr<const FakeState> state();
  // Counts the call, hangs and fails as the rules say: 0, or the code to return.
  int enter(std::string_view call, std::string_view uuid);

  base::Bytes free_of(const FakeDevice& device);
  // False: the device does not have the bytes.
  bool take(const FakeDevice& device, base::Bytes bytes);
  void give(const FakeDevice& device, base::Bytes bytes);
  std::vector<FakeProcess> processes_of(const FakeDevice& device);

 private:
  explicit FakeDriver(std::string path) : path_(std::move(path)) {}
  bool open();
  void count(std::string_view call);
  base::Fd lock_names() const;
  std::optional<std::size_t> position(const FakeDevice& device);

  const std::string path_;
  std::mutex mutex_;
  std::shared_ptr<const FakeState> state_;
  std::string stamp_;
  std::shared_ptr<UsageTable> usage_;
  base::MappedFile counters_;
};

}  // namespace vram::testing
