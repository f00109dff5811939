// An app in worker processes: HTTP, limits and GPU memory here, the app's code there.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "app_backend.hpp"
#include "clams/app_metadata.hpp"
#include "cpu_budget.hpp"
#include "worker/worker_pool.hpp"
#include "worker_records.hpp"

namespace clams::server {

struct HostedOptions {
  worker::ChildCommand command;
  std::string name;                     // for log lines
  unsigned workers = 1;                 // processes at most
  bool workers_follow_memory = false;   // on a GPU: fewer where not so many fit, as known by now
  unsigned per_worker = 1;              // requests at once in each
  std::optional<AppMetadata> metadata;  // known beforehand (an app of this program): then nothing waits for the first worker
  bool models_are_told = false;         // the workers tell which models they hold
  std::chrono::milliseconds start_timeout{300'000};
  std::function<bool()> stop_asked = {};  // asked a few times a second while `start` waits for the first worker
  std::optional<std::chrono::milliseconds> request_timeout;
  bool rerun = false;                        // a request whose worker died runs once more
  bool app_may_rerun = false;                // the app says so: then also one that ran out of GPU memory
  std::optional<base::Bytes> worker_growth;  // a worker whose host or device memory grew by more is replaced after its request
  unsigned vram_error_status = 503;
  std::shared_ptr<CpuBudget> cpus;  // what the running requests of all workers share
  GpuMemoryOptions gpu;             // app and estimate are filled in from the metadata
  base::Logger log;
};

// The workers speak the protocol of docs/formats/worker-protocol.md, kinds "http" and "requirement".
class HostedBackend final : public AppBackend {
 public:
  // Starts the first worker and asks it for the metadata. Errors: Cancelled when `stop_asked` said so, Configuration when the app
  // cannot be started (the log has what it printed), or as GpuMemory::open.
  static base::Result<std::unique_ptr<HostedBackend>> start(HostedOptions options);
  ~HostedBackend() override;
  HostedBackend(const HostedBackend&) = delete;
  HostedBackend& operator=(const HostedBackend&) = delete;

  const std::string& identifier() const noexcept override { return identifier_; }
  const std::string& version() const noexcept override { return version_; }
  GpuMemory& gpu() noexcept override { return *gpu_; }
  bool reads_gpu(const HttpRequest& request) const override { return query_of(request.query).runtime; }
  std::optional<HttpResponse> describe(const HttpRequest& request) override;
  bool wants_shared_bodies() const noexcept override { return true; }
  HttpResponse annotate(HttpRequest request, std::stop_token stop) override;
  WorkerGauges workers() const override;
  vram::ModelCacheCounters model_events() override;
  Readiness readiness() const override;
  void reload() override;
  bool reloaded() const override;

  // Processes at most from now on.
  void resize(unsigned workers);
  void drain(std::chrono::milliseconds timeout);
  void stop_now() { pool_->stop_now(); }

 private:
  class Observer;
  class WorkerReclaimer;
  // What GET / is asked for.
  struct Query {
    bool pretty = false, runtime = false;
    bool for_app = false;  // it has the one name that an app's SDK may stumble over
  };
  static Query query_of(std::string_view text);
  HostedBackend(HostedOptions options, std::shared_ptr<Observer> observer, std::shared_ptr<WorkerRecords> records);
  base::Status begin();
  base::Status read_metadata();
  base::Status open_gpu();
  void replace_first_worker();
  base::Result<worker::Outcome> ask(worker::Request request);

  // Number of workers, while running (hosted_workers.cpp).
  void tend_workers(const std::stop_token& stop);
  void plan_workers();
  void end_idle_workers();
  std::chrono::milliseconds tending_interval() const;
  bool holds_memory(std::uint64_t worker_id) const;

  // One request (hosted_request.cpp).
  struct Work;
  struct Charge;
  void describe_needs(Work& work) const;
  std::optional<HttpResponse> attempt(Work& work);
  base::Result<worker::Seat> seat_for(Work& work);
  bool held_by_another(const std::string& model, std::uint64_t worker_id) const;
  std::variant<std::shared_ptr<GpuRequest>, vram::Refusal> admit(Work& work, const worker::Seat& seat, const GpuNeed& need);
  bool end_for_room(Work& work, worker::Seat& seat, const vram::Refusal& refusal);
  bool wait_for_warm_worker(Work& work, worker::Seat& seat, const std::string& key, const vram::Refusal& refusal);
  std::optional<GpuNeed> need_of(const Work& work, const worker::Seat& seat);
  HttpResponse no_seat(const base::Error& error, const base::Logger& log) const;
  worker::Request job_of(const Work& work) const;
  std::optional<HttpResponse> attempt_without_gpu(Work& work);
  std::optional<HttpResponse> answer_or_rerun(Work& work, worker::Outcome outcome, GpuRequest& gpu);
  HttpResponse answer(worker::Outcome outcome, GpuRequest& gpu, const base::Logger& log);
  bool succeeded(const worker::Outcome& outcome) const;
  void learn_cold(const GpuNeed& need, const worker::Outcome& outcome, const GpuRequest& gpu);
  HttpResponse refused(const vram::Refusal& refusal, const base::Logger& log) const;
  std::string model_of_kin(const std::string& kin) const;
  void remember_model(const std::string& kin, const std::string& model);

  HostedOptions options_;
  std::shared_ptr<Observer> observer_;
  std::shared_ptr<WorkerRecords> records_;
  std::unique_ptr<worker::WorkerPool> pool_;
  std::atomic<bool> pool_is_there_ = false;  // its starter asks for memory, and the reclaimer for the pool, before `start` returns
  std::shared_ptr<GpuMemory> gpu_;
  std::string identifier_, version_;
  std::string compact_, pretty_;  // GET / and GET /?pretty=1, byte for byte as the app gave them
  AppMetadata metadata_;          // its parameters, to know which profile a request belongs to

  std::uint64_t ready_before_ = 0;  // workers that were ready before those that run requests
  std::atomic<std::uint64_t> ready_at_reload_ = 0;
  std::atomic<unsigned> most_workers_;
  unsigned planned_workers_ = 0;  // of the tending thread
  // What the latest request needed whose worker held nothing for it; 0: none yet.
  std::atomic<std::uint64_t> cold_bytes_ = 0;
  mutable std::mutex models_mutex_;
  std::map<std::string, std::string> model_of_kin_;  // under models_mutex_; as declared by earlier requests
  std::jthread tending_;                             // last: it uses all of the above
};

}  // namespace clams::server
