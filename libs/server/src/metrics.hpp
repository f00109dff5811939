// What /metrics shows. Every name stands in docs/guides/production.md.
#pragma once
#include <memory>
#include <string>

#include "app_backend.hpp"
#include "clams/server/http.hpp"

namespace clams::server {

// Thread-safe.
class Metrics {
 public:
  // `gpu` must outlive it.
  Metrics(const std::string& app, const std::string& version, const GpuMemory& gpu);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void observe(const Exchange& exchange);
  // Prometheus text format 0.0.4. Touches no driver.
  std::string text(const HttpGauges& gauges, const WorkerGauges& workers, const vram::ModelCacheCounters& models);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clams::server
