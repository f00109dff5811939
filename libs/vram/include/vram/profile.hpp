// What earlier runs of the same app and parameters needed, remembered over restarts and shared by all processes of the app.
//
// One small file per parameter set (docs/formats/profile.md), read and written by two threads of the store: a request never waits
// for a disk for more than `read_deadline`, and never fails because of one. Without a usable directory the figures live in memory.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/duration.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "vram/profile_key.hpp"

namespace vram {

using base::Bytes;

// Cold: the process had not run these parameters. Warm: it still holds the model from an earlier run.
enum class RunKind { Cold, Warm };

// Which instrument spoke: counters of the framework's allocator, growth of the own process as the driver sees it, growth of the
// device.
enum class Instrument { Allocator, Process, Device };
std::string_view name_of(Instrument instrument) noexcept;  // "allocator", "process", "device"

// One finished run. The figures are the growth over what the process held before it (peak - held), in bytes, signed: a negative one
// tells that somebody else's memory moved meanwhile.
struct Measurement {
  RunKind kind = RunKind::Cold;
  std::optional<std::int64_t> in_use;   // peak in use by the framework's allocator
  std::optional<std::int64_t> visible;  // peak as the device saw it; this one is charged where it is known
  Instrument instrument = Instrument::Device;
  bool contended = false;                // ledger or foreign use moved meanwhile, and the instrument cannot tell them apart
  std::chrono::milliseconds duration{};  // wall time of the run, for Retry-After
  std::string device;                    // name of the device, "NVIDIA H200"
  std::string driver;                    // driver and version, "nvml 580.95.05"
};

// What became of a measurement. Only Stored ones enter a figure; the others are counted.
enum class SampleVerdict { Stored, Contended, Negative, BelowNoise, Absent };
std::string_view name_of(SampleVerdict verdict) noexcept;

// A run that died for lack of memory.
struct OutOfMemoryEvent {
  RunKind kind = RunKind::Cold;
  Bytes granted;  // what the run had been promised, without the context
  Bytes peak;     // what it had reached, 0 if unknown
  Bytes limit;    // never raise above this (the device's total), 0 for no limit
  Instrument instrument = Instrument::Device;
  std::string device;
  std::string driver;
};

// Where a figure comes from.
enum class ProfileOrigin {
  Samples,    // measured by this SDK
  Given,      // a `peak_bytes` without samples, or changed by hand since
  Number,     // a bare-integer memory_<hash>.txt
  PythonSdk,  // a file of the Python SDK with the same parameters: allocator bytes only, a prior
};
std::string_view name_of(ProfileOrigin origin) noexcept;  // "samples", "given", "number", "python-sdk"

// What is known about one parameter set, without context and without margin (admission applies both).
struct Learned {
  std::optional<Bytes> cold;  // `peak_bytes` of the file
  std::optional<Bytes> warm;
  std::optional<Bytes> in_use;  // the allocator's part of `cold`: how far a reclaim could shrink it
  ProfileOrigin origin = ProfileOrigin::Samples;
  std::size_t cold_samples = 0;
  std::size_t warm_samples = 0;
  bool after_out_of_memory = false;                        // a run that died is among the samples
  std::optional<std::chrono::milliseconds> cold_duration;  // medians of the samples
  std::optional<std::chrono::milliseconds> warm_duration;
  Instrument instrument = Instrument::Device;  // of the last sample
  std::string device;
  std::string driver;
};

// What a model costs, learned by loading it.
struct ModelFacts {
  Bytes bytes;                          // largest of the last 16 loads; 0 if never measured
  std::chrono::milliseconds load_time;  // median of the last 16 loads
  std::uint64_t loads = 0;
};

// How much of an app's folder is kept. Files of other programs are never counted and never removed.
struct ProfileLimits {
  std::size_t max_files = 512;  // per app, oldest go first
  std::chrono::hours max_age{24 * 180};
};

struct ProfileOptions {
  std::string root;  // see default_profile_root; empty: nothing on disk
  std::string app;   // the app's identifier
  ProfileLimits limits;
  std::chrono::milliseconds recheck{100};          // a figure younger than this is used without looking at the file
  std::chrono::milliseconds read_deadline{50};     // longest wait of lookup()
  std::chrono::milliseconds lock_deadline{2000};   // longest wait for another process that writes in the same folder
  std::chrono::milliseconds flush_deadline{2000};  // longest wait of the destructor
  const base::Clock* clock = nullptr;              // must outlive the store; null: the system's
  base::Logger logger;
  // How a file is replaced; empty: base::write_file_atomically. For tests that let the n-th write fail.
  std::function<base::Status(const std::string& path, std::string_view data)> write_file;
};

// Thread-safe. Bounded: 1024 parameter sets and 64 unwritten samples each; beyond, the oldest go.
class ProfileStore {
 public:
  explicit ProfileStore(ProfileOptions options);
  ProfileStore(const ProfileStore&) = delete;
  ProfileStore& operator=(const ProfileStore&) = delete;
  ~ProfileStore();  // flushes, at most `flush_deadline`; a thread stuck in a dead file system is left behind, never waited for

  // Under a microsecond while the figure is younger than `recheck`; else the reading thread looks at the file's time first, and the
  // last known figure is used when it does not answer by `read_deadline`. Empty: nothing known.
  std::optional<Learned> lookup(const ProfileKey& key);

  // Takes effect for lookup() at once; the file follows.
  SampleVerdict record(const ProfileKey& key, const Measurement& measurement);
  // Raises the figure at once, by a quarter above all that is known not to have sufficed. Returns the new figure.
  Bytes raise_after_oom(const ProfileKey& key, const OutOfMemoryEvent& event);

  // Bytes of an empty context of this driver on this kind of device, largest of the last 16 measured.
  std::optional<Bytes> context_bytes(std::string_view driver, std::string_view device);
  void record_context(std::string_view driver, std::string_view device, Bytes bytes);

  std::optional<ModelFacts> model_facts(std::string_view model);
  void record_model(std::string_view model, Bytes bytes, std::chrono::milliseconds load_time);

  // Waits until everything recorded before is on disk. Error Timeout, or why the last write failed.
  base::Status flush(std::chrono::milliseconds deadline);
  // The app's folder; empty without a root.
  const std::string& directory() const noexcept;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace vram
