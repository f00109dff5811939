#include "metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

#include "model_events.hpp"

namespace clams::server {
namespace {

double seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }
const prometheus::Histogram::BucketBoundaries kSeconds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800};

}  // namespace

struct Metrics::Impl {
  Impl(const std::string& app, const GpuMemory& gpu_memory)
      : gpu(gpu_memory),
        labels{{"app", app}},
        requests(prometheus::BuildCounter()
                     .Name("clams_requests_total")
                     .Help("Answered requests, by status and method")
                     .Labels(labels)
                     .Register(registry)),
        bytes_in(prometheus::BuildCounter()
                     .Name("clams_request_bytes_total")
                     .Help("Bytes of request bodies")
                     .Labels(labels)
                     .Register(registry)
                     .Add({})),
        bytes_out(prometheus::BuildCounter()
                      .Name("clams_response_bytes_total")
                      .Help("Bytes of response bodies")
                      .Labels(labels)
                      .Register(registry)
                      .Add({})),
        run_seconds(prometheus::BuildHistogram()
                        .Name("clams_run_seconds")
                        .Help("Time on a request thread")
                        .Labels(labels)
                        .Register(registry)
                        .Add({}, kSeconds)),
        queue_seconds(prometheus::BuildHistogram()
                          .Name("clams_queue_seconds")
                          .Help("Time of waiting for a request thread")
                          .Labels(labels)
                          .Register(registry)
                          .Add({}, kSeconds)),
        running(prometheus::BuildGauge()
                    .Name("clams_requests_running")
                    .Help("Requests that run now")
                    .Labels(labels)
                    .Register(registry)
                    .Add({})),
        body_bytes(prometheus::BuildGauge()
                       .Name("clams_request_body_bytes")
                       .Help("Memory of request bodies that are held or coming")
                       .Labels(labels)
                       .Register(registry)
                       .Add({})),
        queued(prometheus::BuildGauge()
                   .Name("clams_requests_queued")
                   .Help("Requests that wait for a thread")
                   .Labels(labels)
                   .Register(registry)
                   .Add({})),
        connections(
            prometheus::BuildGauge().Name("clams_connections").Help("Open connections").Labels(labels).Register(registry).Add({})),
        workers(prometheus::BuildGauge()
                    .Name("clams_workers")
                    .Help("Worker processes that live now")
                    .Labels(labels)
                    .Register(registry)
                    .Add({})),
        worker_starts(prometheus::BuildGauge()
                          .Name("clams_worker_starts_total")
                          .Help("Worker processes started")
                          .Labels(labels)
                          .Register(registry)
                          .Add({})),
        worker_crashes(prometheus::BuildGauge()
                           .Name("clams_worker_failures_total")
                           .Help("Worker processes that crashed or hung")
                           .Labels(labels)
                           .Register(registry)
                           .Add({})),
        gpu_bytes(prometheus::BuildGauge()
                      .Name("clams_gpu_memory_bytes")
                      .Help("Memory of a device, by kind: total, free, reserved, resident, unattributed, available")
                      .Labels(labels)
                      .Register(registry)),
        gpu_known(prometheus::BuildGauge()
                      .Name("clams_gpu_known")
                      .Help("1 while the driver can be read, else 0")
                      .Labels(labels)
                      .Register(registry)),
        decisions(prometheus::BuildGauge()
                      .Name("clams_gpu_decisions_total")
                      .Help("Requests that asked for GPU memory, by outcome")
                      .Labels(labels)
                      .Register(registry)),
        model_events(prometheus::BuildGauge()
                         .Name("clams_model_events_total")
                         .Help("Models: hits, loads, load failures, unloads by reason")
                         .Labels(labels)
                         .Register(registry)) {}

  void read_models(const vram::ModelCacheCounters& counts) {
    for (const auto& event : kModelEvents) model_events.Add({{"event", event.name}}).Set(static_cast<double>(counts.*event.count));
  }

  void read_gpu() {
    for (const auto& device : gpu.gauges()) {
      const auto set = [&](const char* kind, base::Bytes bytes) {
        gpu_bytes.Add({{"device", device.uuid}, {"kind", kind}}).Set(static_cast<double>(bytes.count()));
      };
      set("total", device.total);
      set("free", device.free);
      set("reserved", device.reserved);
      set("resident", device.resident);
      set("unattributed", device.unattributed);
      set("available", device.available);
      gpu_known.Add({{"device", device.uuid}}).Set(device.known ? 1 : 0);
    }
    const auto decided = [&](const char* outcome, std::uint64_t n) {
      decisions.Add({{"outcome", outcome}}).Set(static_cast<double>(n));
    };
    const auto c = gpu.counters();
    decided("granted", c.granted);
    decided("observed", c.observed);
    decided("unknown", c.unknown);
    decided("probe_run", c.probe_runs);
    decided("uncharged", c.uncharged);
    decided("refused", c.refused);
    decided("impossible", c.impossible);
    decided("refused_unknown", c.refused_unknown);
  }

  // Methods are the client's words: anything but the usual ones is counted under one name.
  static std::string method_label(std::string_view method) {
    for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "OPTIONS"}) {
      if (method == known) return std::string(method);
    }
    return "other";
  }

  const GpuMemory& gpu;
  prometheus::Registry registry;
  prometheus::Labels labels;
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Counter& bytes_in;
  prometheus::Counter& bytes_out;
  prometheus::Histogram& run_seconds;
  prometheus::Histogram& queue_seconds;
  prometheus::Gauge& running;
  prometheus::Gauge& body_bytes;
  prometheus::Gauge& queued;
  prometheus::Gauge& connections;
  prometheus::Gauge& workers;
  prometheus::Gauge& worker_starts;
  prometheus::Gauge& worker_crashes;
  prometheus::Family<prometheus::Gauge>& gpu_bytes;
  prometheus::Family<prometheus::Gauge>& gpu_known;
  prometheus::Family<prometheus::Gauge>& decisions;
  prometheus::Family<prometheus::Gauge>& model_events;
  // Looking a counter up by labels costs more than counting: the pointers are kept.
  std::mutex mutex;
  std::map<std::pair<unsigned, std::string>, prometheus::Counter*> by_status;
};

Metrics::Metrics(const std::string& app, const GpuMemory& gpu) : impl_(std::make_unique<Impl>(app, gpu)) {}
Metrics::~Metrics() = default;

void Metrics::observe(const Exchange& exchange) {
  {
    const std::lock_guard lock(impl_->mutex);
    auto& counter = impl_->by_status[{exchange.status, Impl::method_label(exchange.method)}];
    if (counter == nullptr)
      counter =
          &impl_->requests.Add({{"status", std::to_string(exchange.status)}, {"method", Impl::method_label(exchange.method)}});
    counter->Increment();
  }
  impl_->bytes_in.Increment(static_cast<double>(exchange.bytes_in));
  impl_->bytes_out.Increment(static_cast<double>(exchange.bytes_out));
  if (exchange.ran.count() > 0) {
    impl_->run_seconds.Observe(seconds(exchange.ran));
    impl_->queue_seconds.Observe(seconds(exchange.queued));
  }
}

std::string Metrics::text(const HttpGauges& gauges, const WorkerGauges& workers, const vram::ModelCacheCounters& models) {
  impl_->workers.Set(static_cast<double>(workers.alive));
  impl_->worker_starts.Set(static_cast<double>(workers.started));
  impl_->worker_crashes.Set(static_cast<double>(workers.crashed + workers.hung));
  impl_->running.Set(static_cast<double>(gauges.running));
  impl_->queued.Set(static_cast<double>(gauges.queued));
  impl_->body_bytes.Set(static_cast<double>(gauges.body_bytes));
  impl_->connections.Set(static_cast<double>(gauges.connections));
  impl_->read_gpu();
  impl_->read_models(models);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace clams::server
