#include "metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

#include "metric_families.hpp"
#include "model_events.hpp"
#include "process_metrics.hpp"

namespace clams::server {
namespace {

double seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }
const prometheus::Histogram::BucketBoundaries kSeconds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800};

}  // namespace

struct Metrics::Impl {
  Impl(std::string identifier, std::string version, const GpuMemory& gpu_memory)
      : app(std::move(identifier)),
        app_version(std::move(version)),
        gpu(gpu_memory),
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
        request_seconds(prometheus::BuildHistogram()
                            .Name("clams_request_seconds")
                            .Help("Time of requests that annotate, from their first byte to the last of the answer, by outcome")
                            .Labels(labels)
                            .Register(registry)) {
    for (const char* outcome : {"ok", "rejected", "refused", "impossible", "failed", "timeout", "gone"})
      by_outcome.emplace(outcome, &request_seconds.Add({{"outcome", outcome}}, kSeconds));
  }

  Labels own(Labels more = {}) const {
    Labels all{{"app", app}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  void add_build(MetricFamilies& families) const {
    families.gauge("clams_build_info", "1; version of clams-cpp and of the app as labels")
        .add(own({{"app_version", app_version}, {"version", CLAMS_CPP_VERSION}}), 1);
  }

  void add_workers(MetricFamilies& families, const WorkerGauges& workers) const {
    families.gauge("clams_workers", "Worker processes that live now").add(own(), static_cast<double>(workers.alive));
    families.counter("clams_worker_starts_total", "Worker processes started").add(own(), static_cast<double>(workers.started));
    families.counter("clams_worker_failures_total", "Worker processes that crashed or hung")
        .add(own(), static_cast<double>(workers.crashed + workers.hung));
  }

  void add_models(MetricFamilies& families, const vram::ModelCacheCounters& counts) const {
    families.counter("clams_model_events_total", "Models: hits, loads, load failures, unloads by reason");
    for (const auto& event : kModelEvents) families.add(own({{"event", event.name}}), static_cast<double>(counts.*event.count));
  }

  void add_decisions(MetricFamilies& families) const {
    families.counter("clams_gpu_decisions_total", "Decisions on GPU memory, by outcome; a request may be decided more than once");
    const auto c = gpu.counters();
    const auto decided = [&](const char* outcome, std::uint64_t n) {
      families.add(own({{"outcome", outcome}}), static_cast<double>(n));
    };
    decided("granted", c.granted);
    decided("observed", c.observed);
    decided("unknown", c.unknown);
    decided("probe_run", c.probe_runs);
    decided("uncharged", c.uncharged);
    decided("refused", c.refused);
    decided("impossible", c.impossible);
    decided("refused_unknown", c.refused_unknown);
    families.counter("clams_gpu_refusals_total", "Requests that were answered with a refusal for GPU memory, by code and reason");
    for (const auto& row : gpu.refusals())
      families.add(own({{"code", std::string(row.code)}, {"reason", std::string(row.reason)}}), static_cast<double>(row.count));
  }

  // What a device has is no property of this app: without its label, so that every server of the host shows the same series.
  void add_devices(MetricFamilies& families) const {
    const auto devices = gpu.gauges();
    const auto each_kind = [](const GpuMemory::DeviceGauges& device, const auto& set) {
      set("total", device.total);
      set("free", device.free);
      set("reserved", device.reserved);
      set("resident", device.resident);
      set("unattributed", device.unattributed);
      set("available", device.available);
    };
    families.gauge(
        "clams_gpu_device_bytes",
        "Memory of a device, whoever uses it, by kind: total, free, reserved, resident, unattributed, available, headroom");
    for (const auto& device : devices) {
      const auto set = [&](const char* kind, base::Bytes bytes) {
        families.add({{"device", device.uuid}, {"kind", kind}}, static_cast<double>(bytes.count()));
      };
      each_kind(device, set);
      set("headroom", device.headroom);
    }
    families.gauge("clams_gpu_memory_bytes",
                   "Deprecated, removed in the next version: use clams_gpu_device_bytes; figures of the device, not of the app");
    for (const auto& device : devices) {
      each_kind(device, [&](const char* kind, base::Bytes bytes) {
        families.add(own({{"device", device.uuid}, {"kind", kind}}), static_cast<double>(bytes.count()));
      });
    }
    families.gauge("clams_gpu_known", "1 while the driver can be read, else 0");
    for (const auto& device : devices) families.add(own({{"device", device.uuid}}), device.known ? 1 : 0);
  }

  void add_held(MetricFamilies& families) const {
    const auto held = gpu.app_gauges();
    families.gauge("clams_gpu_app_bytes",
                   "Memory of a device that this app's processes hold, by kind: reserved, resident, materialised");
    for (const auto& device : held) {
      base::Bytes resident;
      for (const auto& [model, bytes] : device.models) resident += bytes;
      const auto set = [&](const char* kind, base::Bytes bytes) {
        families.add(own({{"device", device.uuid}, {"kind", kind}}), static_cast<double>(bytes.count()));
      };
      set("reserved", device.reserved);
      set("resident", resident);
      set("materialised", device.materialised);
    }
    families.gauge("clams_model_bytes", "Memory of a device that is reserved for a loaded model of this app");
    for (const auto& device : held) {
      for (const auto& [model, bytes] : device.models)
        families.add(own({{"device", device.uuid}, {"model", model}}), static_cast<double>(bytes.count()));
    }
  }

  // Requests that annotate, by what became of them. A refusal asks the client to come again, whatever its status.
  static const char* outcome_of(const Exchange& exchange) {
    constexpr unsigned kClientGone = 499;
    if (exchange.status < 400) return "ok";
    if (exchange.refused) return "refused";
    switch (exchange.status) {
      case kClientGone: return "gone";
      case 504: return "timeout";
      case 507: return "impossible";
      default: return exchange.status < 500 ? "rejected" : "failed";
    }
  }

  // Methods are the client's words: anything but the usual ones is counted under one name.
  static std::string method_label(std::string_view method) {
    for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "OPTIONS"}) {
      if (method == known) return std::string(method);
    }
    return "other";
  }

  const std::string app, app_version;
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
  prometheus::Family<prometheus::Histogram>& request_seconds;
  std::map<std::string, prometheus::Histogram*> by_outcome;  // written by the constructor only
  // Looking a counter up by labels costs more than counting: the pointers are kept.
  std::mutex mutex;
  std::map<std::pair<unsigned, std::string>, prometheus::Counter*> by_status;
};

Metrics::Metrics(const std::string& app, const std::string& version, const GpuMemory& gpu)
    : impl_(std::make_unique<Impl>(app, version, gpu)) {}
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
  if (exchange.method == "POST" || exchange.method == "PUT")
    impl_->by_outcome.at(Impl::outcome_of(exchange))->Observe(seconds(exchange.total));
  if (exchange.ran.count() > 0) {
    impl_->run_seconds.Observe(seconds(exchange.ran));
    impl_->queue_seconds.Observe(seconds(exchange.queued));
  }
}

std::string Metrics::text(const HttpGauges& gauges, const WorkerGauges& workers, const vram::ModelCacheCounters& models) {
  impl_->running.Set(static_cast<double>(gauges.running));
  impl_->queued.Set(static_cast<double>(gauges.queued));
  impl_->body_bytes.Set(static_cast<double>(gauges.body_bytes));
  impl_->connections.Set(static_cast<double>(gauges.connections));
  MetricFamilies families;
  impl_->add_build(families);
  impl_->add_workers(families, workers);
  impl_->add_models(families, models);
  impl_->add_decisions(families);
  impl_->add_devices(families);
  impl_->add_held(families);
  add_process_metrics(families);
  auto all = impl_->registry.Collect();
  for (auto& family : std::move(families).take()) all.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace clams::server
