// An app that runs on this process's request threads.
#pragma once
#include "app_backend.hpp"
#include "cpu_budget.hpp"

namespace clams::server {

class ServiceBackend final : public AppBackend {
 public:
  // `service` must outlive it.
  ServiceBackend(Service& service, std::shared_ptr<CpuBudget> cpus, base::Logger log)
      : service_(service), cpus_(std::move(cpus)), log_(std::move(log)) {}
  const std::string& identifier() const noexcept override { return service_.metadata().identifier; }
  const std::string& version() const noexcept override { return service_.metadata().app_version; }
  GpuMemory& gpu() noexcept override { return service_.gpu(); }
  bool reads_gpu(const HttpRequest& request) const override { return asks_for_runtime(request.query); }
  std::optional<HttpResponse> describe(const HttpRequest& request) override {
    return to_response(service_.describe(request.query));
  }
  HttpResponse annotate(HttpRequest request, std::stop_token stop) override;

 private:
  Service& service_;
  const std::shared_ptr<CpuBudget> cpus_;
  base::Logger log_;
};

}  // namespace clams::server
