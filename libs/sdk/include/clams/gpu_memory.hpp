// GPU memory in the request path of an app: requirement, admission, measurement, profile. One object per program.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <typeindex>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "clams/model_requirement.hpp"
#include "mmif/value.hpp"
#include "vram/admission.hpp"
#include "vram/device_environment.hpp"
#include "vram/ledger.hpp"
#include "vram/ledger_directory.hpp"
#include "vram/model_cache.hpp"
#include "vram/open_probe.hpp"
#include "vram/profile_key.hpp"

namespace clams {

class App;
class Parameters;

struct GpuMemoryOptions {
  std::string gpu = "auto";                       // auto, none, sim:24GiB,…
  vram::AdmissionOptions admission = {};          // mode, unknown, headroom, margin, first share
  std::chrono::milliseconds model_idle{300'000};  // negative: never
  vram::DeviceEnvironment devices = {};
  vram::LedgerDirectoryOptions directory = {};
  bool in_container = false;      // then a ledger that only this container sees is worth a warning
  std::string profile_root = {};  // see vram::default_profile_root; empty: figures live in memory
  std::string app = {};           // identifier
  base::Bytes estimate = {};      // est_gpu_mem_typ of the metadata, else _min; 0: none
  std::shared_ptr<vram::Reclaimer> reclaimer =
      {};                                        // what can be given back so that a request fits; null: this process's idle models
  std::function<void()> on_models_changed = {};  // a model was loaded or unloaded; called outside every lock
  // In a worker: told what this process has stated that it holds on the device, after taking and before giving back. Must be quick.
  std::function<void(const std::string& device, base::Bytes held)> on_held = {};
  base::Logger log = {};
};

// What a request is known to need, before it is decided.
struct GpuNeed {
  std::optional<ModelRequirement> declared;
  std::string model;       // known to be used, where nothing is declared; empty: none is known
  std::string parameters;  // JSON text of the refined parameters: which profile it belongs to; empty: none, nothing is learned
  bool models_are_told = false;  // the worker tells which models it holds (GpuMemory::worker_models)
  bool held = false;             // the worker that will run it has run these parameters and still holds what they need
  base::Bytes kept = {};         // then: what that run left held, which is not needed a second time
};

// What a worker process said of one device after a request (all bytes of that process).
struct WorkerDeviceReport {
  std::string device;  // UUID, or "cuda:N" = the N-th device
  std::optional<base::Bytes> held_before, held_after, peak_allocated, peak_reserved, materialised, context;
};

// What a running request holds.
struct GpuGrant {
  std::string device;                     // UUID; empty without a GPU
  std::string source;                     // "declared", "learned", "conservative"; empty without a GPU
  base::Bytes bytes;                      // charged for this request
  std::chrono::nanoseconds granted_at{};  // CLOCK_MONOTONIC
  vram::PassKind pass = vram::PassKind::Uncharged;
};

// A grant that the front made for a request that runs here, in its worker process.
struct GpuAssignment {
  GpuGrant grant;
  base::Bytes resident = {};  // what of it a loaded model is expected to keep; 0: unknown
  std::uint64_t number = 0;   // GpuRequest::number in the front
};

class GpuRequest;
struct GpuMemoryState;
struct GpuRequestState;

// Thread-safe.
class GpuMemory {
 public:
  // Looks for devices and joins the ledger. Without a GPU everything is let through. Error Configuration when CLAMS_VRAM_DIR or the
  // choice of devices cannot be used; a ledger that cannot be joined for another reason is told in the log, and the policy for
  // unknown applies.
  static base::Result<std::shared_ptr<GpuMemory>> open(GpuMemoryOptions options);
  ~GpuMemory();
  GpuMemory(const GpuMemory&) = delete;
  GpuMemory& operator=(const GpuMemory&) = delete;

  // Whether there is a device, as known by now; a driver that does not answer counts as one.
  bool has_gpu() const;
  // Steps 1 to 4 of docs/ARCHITECTURE.md: requirement, sample, check and reserve. The request ends when the object goes.
  std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> admit(const App& app, const Parameters& parameters);
  // The same for a request that the process of `slot` will run (null: this process).
  std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> admit(const GpuNeed& need,
                                                                 const std::shared_ptr<vram::ProcessSlot>& slot);
  // In a worker process: the front has decided already.
  std::unique_ptr<GpuRequest> assume(const GpuAssignment& assignment);
  // A line in the ledger for a worker process. Error Unavailable when this process has no ledger.
  base::Result<vram::WorkerSlot> prepare_worker(std::string_view app);
  // A model that a worker has begun to hold on a device, or holds in another size: it comes out of the charge of the request that
  // loads it (null: on top). And one that it gave back.
  void worker_loaded(const std::shared_ptr<vram::ProcessSlot>& slot, const std::string& device, const std::string& model,
                     base::Bytes bytes, GpuRequest* loading);
  void worker_unloaded(const std::shared_ptr<vram::ProcessSlot>& slot, const std::string& model);
  // Memory for the start of a worker, as earlier starts of this app needed it; null when none did. Kept until the worker is ready.
  // No more room is made for it once `stop` is requested.
  std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> admit_start(const std::shared_ptr<vram::ProcessSlot>& slot,
                                                                       std::stop_token stop = {});
  // What a new worker holds before its first request, its context included, as far as known.
  base::Bytes start_bytes() const;
  // The worker with this pid is dead.
  void worker_ended(std::int64_t pid);
  // What a start needed, by the worker's first report.
  void learn_start(const std::vector<WorkerDeviceReport>& reports, std::chrono::milliseconds took);
  // What the worker holds from its start on comes out of what was promised for the start (null: on top).
  void worker_ready(const std::shared_ptr<vram::ProcessSlot>& slot, const std::vector<WorkerDeviceReport>& reports,
                    std::unique_ptr<GpuRequest> start);
  // What a worker holds between requests, charged as resident under its app's name.
  void worker_holds(const std::shared_ptr<vram::ProcessSlot>& slot, const std::vector<WorkerDeviceReport>& reports);
  // What the process of a slot keeps on a device between requests.
  base::Bytes held_by(const vram::ProcessSlot& slot, const vram::DeviceUuid& device) const;
  // The same of one model that it told.
  base::Bytes held_by(const vram::ProcessSlot& slot, const vram::DeviceUuid& device, std::string_view model) const;
  // UUIDs of the devices in index order, for CUDA_VISIBLE_DEVICES of workers; empty without real devices.
  std::vector<std::string> device_uuids() const;

  // "gpu" of GET /?includeVRAM=true, by samples that are at most 100 ms old: waits for the driver that long at most, then shows the
  // last ones with their age. Not for an I/O thread.
  mmif::Object status() const;
  // For the log at a start: the devices with total and headroom, where the ledger and the profiles lie. Empty without a device.
  std::string start_line() const;
  // One line per device, for hwFetch.
  std::vector<std::string> describe_devices() const;
  struct DeviceGauges {
    std::string uuid;
    base::Bytes total, free = {}, reserved = {}, resident = {}, unattributed = {}, available = {}, headroom = {};
    bool known = false;
  };
  // What each device has, whoever uses it. Touches no driver.
  std::vector<DeviceGauges> gauges() const;
  struct AppGauges {
    std::string uuid;
    base::Bytes reserved, materialised;
    std::map<std::string, base::Bytes> models;  // loaded ones; bytes of all processes together
  };
  // What this program and its workers hold, on each device; nobody else's.
  std::vector<AppGauges> app_gauges() const;
  // A request was answered with a refusal. `refusals`: how many, by code and reason.
  void count_refusal(const vram::Refusal& refusal) noexcept;
  struct RefusalCount {
    std::string_view code, reason;
    std::uint64_t count = 0;
  };
  std::vector<RefusalCount> refusals() const;
  vram::AdmissionCounters counters() const;
  vram::ModelCacheCounters model_counters() const;
  vram::ModelCache& models() noexcept;
  // In a worker: the number of the request that loaded the model last; 0: unknown.
  std::uint64_t loader_of(const std::string& model) const;

 private:
  friend class GpuRequest;
  explicit GpuMemory(std::unique_ptr<GpuMemoryState> state);
  std::variant<std::unique_ptr<GpuRequest>, vram::Refusal> admit(const GpuNeed& ask, bool on_gpu,
                                                                 const std::shared_ptr<vram::ProcessSlot>& slot);
  std::unique_ptr<GpuMemoryState> state_;
};

// One admitted request: used by the thread that runs it.
class GpuRequest {
 public:
  ~GpuRequest();  // gives the charge back
  GpuRequest(const GpuRequest&) = delete;
  GpuRequest& operator=(const GpuRequest&) = delete;

  const GpuGrant& grant() const noexcept { return grant_; }

  // Memory on the granted device, taken through the driver or the simulated device. Counted while it is held. Error
  // InsufficientMemory. The block must not outlive the request.
  base::Result<std::unique_ptr<vram::DeviceBlock>> allocate(base::Bytes bytes);
  // For memory that an engine takes by itself: said after it was taken and before it is freed, it is not counted twice while the
  // request runs.
  void note_allocated(base::Bytes bytes);
  void note_freed(base::Bytes bytes);
  // The engine's own counters: peak in use by its allocator and peak taken from the device during this request (0: unknown).
  void report_peak(base::Bytes in_use, base::Bytes visible);

  base::Result<std::shared_ptr<void>> model(const std::string& key, std::type_index type, vram::ModelLoader loader,
                                            std::optional<std::chrono::milliseconds> idle, std::stop_token stop,
                                            std::exception_ptr* thrown);

  // The run is over and succeeded: what it needed goes into the profile.
  void finished();
  // The same by what the worker that ran it reported; of a run that failed nothing goes into the profile. Returns the reports, with
  // what the driver showed for the device it ran on where the worker told nothing.
  std::vector<WorkerDeviceReport> finished(std::vector<WorkerDeviceReport> reports, bool succeeded);
  // What this request took by itself, as a worker reports it to its front.
  std::optional<WorkerDeviceReport> report() const;
  const std::string& model_name() const noexcept;  // of the requirement
  const std::string& used_model() const noexcept;  // the first that `model` gave; empty: none
  bool loaded_model() const noexcept;              // it ran the loader of that model itself
  bool waited_in_vain() const noexcept;            // for a load of another request, which failed
  bool succeeded() const noexcept;                 // finished() was called
  // The first three of a request that ran in a worker. Before finished() and ran_out().
  void worker_used(const std::string& model, bool loaded, bool waited_in_vain);
  std::uint64_t number() const noexcept;  // tells the requests of a front apart, also in its workers
  // Tells parameter sets apart; empty when they have no profile.
  std::string profile() const;
  // It ran out of memory: the figure is raised, caches and idle models are given up. The refusal that the client gets.
  vram::Refusal ran_out();

 private:
  friend class GpuMemory;
  explicit GpuRequest(std::unique_ptr<GpuRequestState> state);
  std::unique_ptr<GpuRequestState> state_;
  GpuGrant grant_;
};

}  // namespace clams
