// HTTP requests to an app: paths, verbs, health, metrics.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "app_backend.hpp"
#include "clams/server/http.hpp"
#include "metrics.hpp"

namespace clams::server {

class AppHandler final : public HttpHandler {
 public:
  // Both must outlive it.
  AppHandler(AppBackend& backend, Metrics& metrics);

  // Set once the server is there, before it runs.
  void watch(const HttpServer& server) { server_ = &server; }

  std::optional<HttpResponse> answer_now(const HttpRequest& request) override;
  bool takes_a_moment(const HttpRequest& request) const override;
  HttpResponse handle(HttpRequest request, std::stop_token stop) override;
  HttpResponse refusal(unsigned status, std::string_view reason) override;

 private:
  std::optional<HttpResponse> answer_get(const HttpRequest& request);
  HttpResponse health() const;

  AppBackend& backend_;
  Metrics& metrics_;
  const HttpServer* server_ = nullptr;
};

}  // namespace clams::server
