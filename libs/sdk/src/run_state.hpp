// The SDK's side of a Run.
#pragma once
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "clams/run.hpp"
#include "clams/service.hpp"

namespace clams {

// "{message : UserWarning('text'), category : 'UserWarning', filename : 'app.cpp', lineno : 12, line : None}": as Python records a
// warning.
std::string warning_record(std::string_view message, std::string_view category, const CodePlace& where);

class RunState final : public Run {
 public:
  RunState(mmif::Mmif& mmif, const AppMetadata& metadata, const Parameters& parameters, const RequestContext& context,
           GpuRequest& gpu)
      : mmif_(mmif), metadata_(metadata), parameters_(parameters), context_(context), gpu_(gpu) {}

  mmif::View& new_view() override;
  void sign(mmif::View& view) override { sign(view, parameters_); }
  void sign(mmif::View& view, const Parameters& parameters) override;
  void warn(std::string_view message, std::string_view category, CodePlace where) override;
  const base::Logger& log() const noexcept override { return context_.log; }
  void progress(double fraction, std::string_view what) const override;
  std::stop_token stop_token() const noexcept override { return context_.stop; }
  unsigned cpu_threads() const noexcept override {
    return std::max(1U, context_.cpu_share ? context_.cpu_share() : context_.cpu_threads);
  }
  std::string_view request_id() const noexcept override { return context_.request_id; }

  GpuRequest& gpu() noexcept override { return gpu_; }

  // In order, each once.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 protected:
  std::shared_ptr<void> model_of(const std::string& key, std::type_index type, vram::ModelLoader loader,
                                 std::optional<std::chrono::milliseconds> idle) override;

 private:
  mmif::Mmif& mmif_;
  const AppMetadata& metadata_;
  const Parameters& parameters_;
  const RequestContext& context_;
  GpuRequest& gpu_;
  std::vector<std::string> warnings_;
  std::set<std::string> seen_;
};

}  // namespace clams
