// An app in worker processes: HTTP, limits and GPU memory here, the app's code there.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "app_backend.hpp"
#include "clams/app_metadata.hpp"
#include "worker/worker_pool.hpp"

namespace clams::server {

struct HostedOptions {
  worker::ChildCommand command;
  std::string name;  // for log lines
  unsigned workers = 1;
  unsigned per_worker = 1;              // requests at once in each
  std::optional<AppMetadata> metadata;  // known beforehand (an app of this program): then nothing waits for the first worker
  bool models_are_told = false;         // the workers tell which models they hold
  std::chrono::milliseconds start_timeout{300'000};
  std::optional<std::chrono::milliseconds> request_timeout;
  bool rerun = false;                        // a request whose worker died runs once more
  std::optional<base::Bytes> worker_growth;  // a worker whose host or device memory grew by more is replaced after its request
  unsigned vram_error_status = 503;
  GpuMemoryOptions gpu;  // app and estimate are filled in from the metadata
  base::Logger log;
};

// The workers speak the protocol of docs/formats/worker-protocol.md, kinds "http" and "requirement".
class HostedBackend final : public AppBackend {
 public:
  // Starts the first worker and asks it for the metadata. Errors: Configuration when the app cannot be started (the log has what it
  // printed), or as GpuMemory::open.
  static base::Result<std::unique_ptr<HostedBackend>> start(HostedOptions options);
  ~HostedBackend() override;

  const std::string& identifier() const noexcept override { return identifier_; }
  const std::string& version() const noexcept override { return version_; }
  GpuMemory& gpu() noexcept override { return *gpu_; }
  std::optional<HttpResponse> describe(const HttpRequest& request) override;
  HttpResponse annotate(HttpRequest request, std::stop_token stop, unsigned cpu_threads) override;
  WorkerGauges workers() const override;

  void reload() { pool_->reload(); }
  void resize(unsigned workers) { pool_->resize(workers, options_.per_worker); }
  void drain(std::chrono::milliseconds timeout);
  void stop_now() { pool_->stop_now(); }

 private:
  class Observer;
  class IdleWorkers;
  HostedBackend(HostedOptions options, std::shared_ptr<Observer> observer);
  base::Status begin();
  base::Status read_metadata();
  base::Status open_gpu();
  void replace_first_worker();
  worker::Outcome ask(worker::Request request);
  struct Work;
  std::optional<HttpResponse> attempt(Work& work);
  std::variant<std::shared_ptr<GpuRequest>, vram::Refusal> admit(Work& work, const worker::Seat& seat, const GpuNeed& need);
  bool end_for_room(Work& work, worker::Seat& seat, const vram::Refusal& refusal);
  GpuNeed need_of(const Work& work, const worker::Seat& seat);
  HttpResponse no_seat(const base::Error& error, const base::Logger& log) const;
  worker::Request job_of(const Work& work) const;
  std::optional<HttpResponse> attempt_without_gpu(Work& work);
  std::optional<HttpResponse> answer_or_rerun(Work& work, worker::Outcome outcome, GpuRequest& gpu);
  HttpResponse answer(worker::Outcome outcome, GpuRequest& gpu, const base::Logger& log);
  void forget_runs_of(std::uint64_t worker_id);
  HttpResponse refused(const vram::Refusal& refusal, const base::Logger& log) const;

  HostedOptions options_;
  std::shared_ptr<Observer> observer_;
  std::unique_ptr<worker::WorkerPool> pool_;
  std::shared_ptr<GpuMemory> gpu_;
  std::string identifier_, version_;
  std::string compact_, pretty_;  // GET / and GET /?pretty=1, byte for byte as the app gave them
  AppMetadata metadata_;          // its parameters, to know which profile a request belongs to

  struct Ran {
    std::map<std::string, base::Bytes> kept;  // by profile: what its first run here left held
    bool holds = false;
  };
  mutable std::mutex ran_mutex_;
  std::map<std::uint64_t, Ran> ran_;  // by worker id
};

}  // namespace clams::server
