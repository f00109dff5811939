// HTTP requests to an app: paths, verbs, health, readiness, metrics.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "app_backend.hpp"
#include "clams/server/http.hpp"
#include "lifecycle.hpp"
#include "metrics.hpp"

namespace clams::server {

class AppHandler final : public HttpHandler {
 public:
  // Both must outlive it. `python_texts`: a body that the Python SDK could not read either is refused in its words.
  AppHandler(AppBackend& backend, Metrics& metrics, bool python_texts = false);

  // Set once the server is there, before it runs.
  void watch(const HttpServer& server, const Lifecycle& lifecycle) {
    server_ = &server;
    lifecycle_ = &lifecycle;
  }

  std::optional<HttpResponse> answer_now(const HttpRequest& request) override;
  bool takes_a_moment(const HttpRequest& request) const override;
  HttpResponse handle(HttpRequest request, std::stop_token stop) override;
  HttpResponse refusal(unsigned status, std::string_view reason) override;

 private:
  std::optional<HttpResponse> answer_get(const HttpRequest& request);
  HttpResponse health() const;
  HttpResponse ready() const;

  AppBackend& backend_;
  Metrics& metrics_;
  bool python_texts_;
  const HttpServer* server_ = nullptr;
  const Lifecycle* lifecycle_ = nullptr;
};

}  // namespace clams::server
