#include "app_handler.hpp"

#include <algorithm>

#include "mmif/json.hpp"
#include "retry_after.hpp"

namespace clams::server {
namespace {

using mmif::Object;

constexpr std::string_view kAllow = "GET, HEAD, OPTIONS, POST, PUT";
constexpr std::string_view kNotFoundPage =
    "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the "
    "server. If you entered the URL manually please "
    "check your spelling and try again.</p>\n";

// "/", also as "//" or "/%2F".
bool is_root(std::string_view path) {
  while (!path.empty()) {
    if (path[0] == '/')
      path.remove_prefix(1);
    else if (path.starts_with("%2F") || path.starts_with("%2f"))
      path.remove_prefix(3);
    else
      return false;
  }
  return true;
}

HttpResponse not_found() { return text_response(404, "text/html; charset=utf-8", std::string(kNotFoundPage)); }

HttpResponse method_not_allowed(std::string_view allow) {
  HttpResponse response =
      text_response(405, "application/json", "{\"message\": \"The method is not allowed for the requested URL.\"}\n");
  response.headers.emplace_back("Allow", std::string(allow));
  return response;
}

}  // namespace

HttpResponse text_response(unsigned status, std::string content_type, std::string text) {
  HttpResponse response;
  response.status = status;
  response.content_type = std::move(content_type);
  response.body = BodySlices::of(std::move(text));
  return response;
}

HttpResponse to_response(Answer answer) {
  HttpResponse response;
  response.status = answer.status;
  response.content_type = std::move(answer.content_type);
  response.headers = std::move(answer.headers);
  response.body = BodySlices{std::move(answer.body.slices), std::move(answer.body.owner)};
  return response;
}

AppHandler::AppHandler(AppBackend& backend, Metrics& metrics, bool python_texts)
    : backend_(backend), metrics_(metrics), python_texts_(python_texts) {}

HttpResponse AppHandler::health() const {
  const bool draining = server_ != nullptr && server_->draining();
  const bool degraded = backend_.readiness() == Readiness::CannotStart;
  const Object body{{"status", draining   ? "draining"
                               : degraded ? "degraded"
                                          : "ok"},
                    {"app", backend_.identifier()},
                    {"version", backend_.version()}};
  HttpResponse response = text_response(draining ? 503 : 200, "application/json", mmif::to_plain_text(body) + "\n");
  if (draining) response.headers.emplace_back("Retry-After", kRetryAfterRestart);
  return response;
}

bool AppHandler::takes_a_moment(const HttpRequest& request) const {
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  return is_get && is_root(request.path) && backend_.reads_gpu(request);
}

// Whether a load balancer should send requests here; `health` says whether this process should be replaced.
HttpResponse AppHandler::ready() const {
  const auto reasons = lifecycle_ == nullptr ? std::vector<std::string_view>() : lifecycle_->unready();
  Object body{{"ready", reasons.empty()}};
  if (!reasons.empty()) {
    mmif::Array list;
    for (const std::string_view reason : reasons) list.emplace_back(reason);
    body.set("reasons", std::move(list));
  }
  HttpResponse response = text_response(reasons.empty() ? 200 : 503, "application/json", mmif::to_plain_text(body) + "\n");
  if (!reasons.empty()) response.headers.emplace_back("Retry-After", kRetryAfterRestart);
  return response;
}

std::optional<HttpResponse> AppHandler::answer_get(const HttpRequest& request) {
  if (is_root(request.path)) return backend_.describe(request);
  if (request.path == "/health") return health();
  if (request.path == "/ready") return ready();
  if (request.path == "/metrics") {
    return text_response(
        200, "text/plain; version=0.0.4; charset=utf-8",
        metrics_.text(server_ == nullptr ? HttpGauges() : server_->gauges(), backend_.workers(), backend_.model_events()));
  }
  return not_found();
}

std::optional<HttpResponse> AppHandler::answer_now(const HttpRequest& request) {
  const bool root = is_root(request.path);
  const bool own_page = request.path == "/health" || request.path == "/ready" || request.path == "/metrics";
  if (!root && !own_page) return not_found();
  if (request.method == "GET" || request.method == "HEAD") return answer_get(request);
  if (request.method == "OPTIONS") {
    HttpResponse response = text_response(200, "text/html; charset=utf-8", "");
    response.headers.emplace_back("Allow", root ? std::string(kAllow) : "GET, HEAD, OPTIONS");
    return response;
  }
  if (own_page) return method_not_allowed("GET, HEAD, OPTIONS");
  if (request.method != "POST" && request.method != "PUT") return method_not_allowed(kAllow);
  return std::nullopt;
}

HttpResponse AppHandler::handle(HttpRequest request, std::stop_token stop) {
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (!is_get || !is_root(request.path)) {
    if (auto answer = answer_now(request)) return std::move(*answer);  // an unknown path or method, with a body
  } else if (auto answer = backend_.describe(request)) {
    return std::move(*answer);
  }
  return backend_.annotate(std::move(request), std::move(stop));
}

HttpResponse AppHandler::refusal(unsigned status, std::string_view reason) {
  if (python_texts_ && status == 415)
    return text_response(status, "text/plain; charset=utf-8",
                         "Invalid input data. See below for validation error.\n\n" + std::string(reason));
  const auto code = [&]() -> std::string_view {
    switch (status) {
      case 408: return "REQUEST_TIMEOUT";
      case 413: return "BODY_TOO_LARGE";
      case 415: return "UNSUPPORTED_CONTENT_ENCODING";
      case 429: return "QUEUE_FULL";
      case 431: return "HEADER_TOO_LARGE";
      case 503: return "UNAVAILABLE";
      default: return "BAD_REQUEST";
    }
  }();
  return text_response(status, "application/json", mmif::to_plain_text(Object{{"error", reason}, {"code", code}}) + "\n");
}

}  // namespace clams::server
