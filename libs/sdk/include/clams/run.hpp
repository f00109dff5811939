// What an app has at hand while it works on one request.
#pragma once
#include <chrono>
#include <functional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "clams/exceptions.hpp"
#include "clams/parameters.hpp"
#include "mmif/mmif.hpp"

namespace clams {

class Service;

// Belongs to the thread that runs `annotate`; `log`, `progress`, `cancelled` and `stop_token` may be used from threads that the app starts.
class Run {
 public:
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  virtual ~Run() = default;

  // A new view, signed with the app's identifier, the parameters of the request and the time.
  virtual mmif::View& new_view() = 0;
  // Signs a view that the app made with Mmif::new_view, or signs again with parameters that the app has resolved.
  virtual void sign(mmif::View& view) = 0;
  virtual void sign(mmif::View& view, const Parameters& parameters) = 0;

  // A note for the client, in a warnings view. The same text from the same place is told once.
  virtual void warn(std::string_view message, std::string_view category = "UserWarning", std::source_location where = std::source_location::current()) = 0;

  virtual const base::Logger& log() const noexcept = 0;
  // 0 to 1; shown on a terminal in one-shot mode, logged at debug level otherwise.
  virtual void progress(double fraction, std::string_view what = {}) const = 0;

  // The client has gone, the deadline passed or the server is going down: stop soon; the answer will not be used.
  virtual std::stop_token stop_token() const noexcept = 0;
  bool cancelled() const noexcept { return stop_token().stop_requested(); }
  // Throws Cancelled.
  void throw_if_cancelled() const {
    if (cancelled()) throw Cancelled("the request was cancelled");
  }

  // CPU threads this request may use (>= 1): the sum over running requests stays at the number of cores.
  virtual unsigned cpu_threads() const noexcept = 0;
  virtual std::string_view request_id() const noexcept = 0;

 protected:
  Run() = default;
};

}  // namespace clams
