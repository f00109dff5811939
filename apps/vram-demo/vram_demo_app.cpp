#include "vram_demo_app.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/duration.hpp"
#include "vram/out_of_memory.hpp"

namespace {

using clams::ParameterType;

std::int64_t monotonic_ns() { return base::system_clock().monotonic().count(); }

base::Bytes bytes_of(const clams::Parameters& parameters, std::string_view name) {
  const auto count = parameters.get<std::int64_t>(name);
  if (count < 0) throw clams::ValueError("parameter \"" + std::string(name) + "\" must not be negative");
  return base::Bytes(static_cast<std::uint64_t>(count));
}

// Tests end whatever is held by making this file: no time that they could name is neither too short nor too long.
bool told_to_release() {
  static const char* const file = std::getenv("VRAM_DEMO_RELEASE");
  return file != nullptr && ::access(file, F_OK) == 0;
}

void hold(std::chrono::milliseconds time, clams::Run& run) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until && !told_to_release()) {
    run.throw_if_cancelled();
    std::this_thread::sleep_for(
        std::min(std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()) +
                     std::chrono::milliseconds(1),
                 std::chrono::milliseconds(20)));
  }
}

// What goes wrong, after the memory was taken.
void fail(const std::string& how, clams::Run& run) {
  if (how == "throw") throw clams::RuntimeError("failed because it was asked to");
  if (how == "oom") throw vram::OutOfMemory("ran out of memory because it was asked to");
  if (how == "crash") std::abort();
  if (how == "hang") hold(std::chrono::hours(24), run);
}

}  // namespace

clams::AppMetadata VramDemoApp::metadata() const {
  clams::AppMetadata m;
  m.name = "VRAM demo";
  m.description = "Holds GPU memory for a while: shows how requests are admitted, refused and learned from.";
  m.app_license = "Apache-2.0";
  m.identifier = "vram-demo";
  m.url = "https://github.com/clamsproject/clams-cpp";
  m.add_input(mmif::types::VideoDocument, false).add_output(mmif::types::Annotation);
  m.add_parameter({.name = "bytes",
                   .description = "GPU memory to declare; 0 declares nothing.",
                   .type = ParameterType::Integer,
                   .default_value = 0});
  m.add_parameter({.name = "model",
                   .description = "Name of the model in the requirement and in messages.",
                   .type = ParameterType::String,
                   .default_value = "demo"});
  m.add_parameter({.name = "allocate",
                   .description = "GPU memory to take while it runs, in bytes.",
                   .type = ParameterType::Integer,
                   .default_value = 0});
  m.add_parameter({.name = "hold_ms",
                   .description = "How long to hold it, in milliseconds.",
                   .type = ParameterType::Integer,
                   .default_value = 0});
  m.add_parameter({.name = "fail",
                   .description = "What goes wrong after the memory was taken.",
                   .type = ParameterType::String,
                   .choices = {"none", "throw", "oom", "crash", "hang"},
                   .default_value = "none"});
  return m;
}

std::optional<clams::ModelRequirement> VramDemoApp::model_requirement(const clams::Parameters& parameters) const {
  const base::Bytes bytes = bytes_of(parameters, "bytes");
  if (bytes == base::Bytes()) return std::nullopt;
  return clams::ModelRequirement{.bytes = bytes, .name = parameters.get<std::string>("model")};
}

void VramDemoApp::annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) {
  const base::Bytes wanted = bytes_of(parameters, "allocate");
  std::unique_ptr<vram::DeviceBlock> block;
  if (wanted > base::Bytes() && !run.gpu().grant().device.empty()) {
    auto taken = run.gpu().allocate(wanted);
    if (!taken && taken.error().code == base::ErrorCode::InsufficientMemory) throw vram::OutOfMemory(taken.error().message);
    if (!taken) throw clams::RuntimeError(taken.error().message);
    block = std::move(*taken);
  }
  hold(std::chrono::milliseconds(parameters.get<std::int64_t>("hold_ms")), run);
  fail(parameters.get<std::string>("fail"), run);
  block.reset();

  const clams::GpuGrant& grant = run.gpu().grant();
  mmif::Object properties{{"granted_at_ns", grant.granted_at.count()},
                          {"released_at_ns", monotonic_ns()},
                          {"bytes", parameters.get<std::int64_t>("bytes")},
                          {"allocated", grant.device.empty() ? 0 : parameters.get<std::int64_t>("allocate")},
                          {"pid", static_cast<std::int64_t>(::getpid())},
                          {"device", grant.device},
                          {"source", grant.source}};
  if (!mmif.documents().empty()) properties.set("document", mmif.documents().front()->id());
  run.new_view().new_annotation(mmif::types::Annotation, std::move(properties));
}
