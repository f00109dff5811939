// An app that runs on this process's request threads.
#pragma once
#include "app_backend.hpp"

namespace clams::server {

class ServiceBackend final : public AppBackend {
 public:
  // `service` must outlive it.
  ServiceBackend(Service& service, base::Logger log) : service_(service), log_(std::move(log)) {}
  const std::string& identifier() const noexcept override { return service_.metadata().identifier; }
  const std::string& version() const noexcept override { return service_.metadata().app_version; }
  GpuMemory& gpu() noexcept override { return service_.gpu(); }
  bool reads_gpu(const HttpRequest& request) const override { return asks_for_runtime(request.query); }
  std::optional<HttpResponse> describe(const HttpRequest& request) override {
    return to_response(service_.describe(request.query));
  }
  HttpResponse annotate(HttpRequest request, std::stop_token stop, unsigned cpu_threads) override;

 private:
  Service& service_;
  base::Logger log_;
};

}  // namespace clams::server
