// What /metrics tells.
#pragma once
#include <memory>
#include <string>

#include "clams/server/http.hpp"

namespace clams::server {

// Thread-safe.
class Metrics {
 public:
  explicit Metrics(const std::string& app);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void observe(const Exchange& exchange);
  // Prometheus text format 0.0.4.
  std::string text(const HttpGauges& gauges);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clams::server
