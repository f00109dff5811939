// The base class of every app.
#pragma once
#include <exception>
#include <optional>
#include <string>

#include "clams/app_metadata.hpp"
#include "clams/exceptions.hpp"
#include "clams/model_requirement.hpp"
#include "clams/parameters.hpp"
#include "clams/run.hpp"
#include "mmif/mmif.hpp"
#include "vram/out_of_memory.hpp"  // for apps that throw it

namespace clams {

// Where an app runs (docs/guides/executors.md).
enum class Execution {
  InProcess,  // on the server's own threads: for engines that cannot take the process down
  Isolated,   // in one worker process that holds each model once and runs several requests at once; the server survives what the
              // engine does
  Exclusive,  // in several worker processes, one request at a time in each: for engines that cannot run two at once in a process
};

// One object serves all requests: `annotate` is called from several threads at once unless the app is exclusive. Exceptions that
// leave `annotate` become an error view; they never end the server.
class App {
 public:
  virtual ~App() = default;
  // Called once, before anything else.
  virtual AppMetadata metadata() const = 0;
  // Reads `mmif`, adds views (Run::new_view) and annotations.
  virtual void annotate(mmif::Mmif& mmif, const Parameters& parameters, Run& run) = 0;
  // Bytes that a request with these parameters needs on a GPU; nullopt (the default) when the app cannot tell: then it is learned.
  // Must be quick; called for each request.
  virtual std::optional<ModelRequirement> model_requirement(const Parameters& parameters) const {
    (void)parameters;
    return std::nullopt;
  }
  // Isolated is for engines that may crash or abort, above all on a GPU. --executor overrules it.
  virtual Execution execution() const { return Execution::InProcess; }
  // An app that never touches a GPU says so: its requests are not asked for GPU memory.
  virtual bool uses_gpu() const { return true; }
  // Whether an exception means that the GPU's memory ran out, besides vram::OutOfMemory: engines have their own classes.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): it is a pointer, and who overrides this keeps it
  virtual bool is_out_of_gpu_memory(std::exception_ptr error) const {
    (void)error;
    return false;
  }
  // Whether `annotate` may be run a second time with the same document, after it ran out of GPU memory or its worker process died.
  virtual bool may_rerun() const { return false; }
  // The app's own part of GET /?includeRuntime=true: small facts, read without waiting.
  virtual mmif::Object runtime_facts() const { return {}; }
};

}  // namespace clams
