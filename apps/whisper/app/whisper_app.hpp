// The CLAMS app: speech of audio and video documents as text.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "app/settings.hpp"
#include "app/weights.hpp"
#include "base/guarded.hpp"
#include "clams/app.hpp"

namespace whisper_app {

struct Options {
  std::string models_folder = {};
  // Ask for GPU memory also where the engine was built without a GPU, so that admission can be tried on simulated devices.
  bool charge_without_gpu = false;
  // Gets the message when a request asks for weights that are not there. May be null.
  std::shared_ptr<base::Guarded<std::string>> weights_missing = {};
};

// Thread-safe. A model is loaded by the first request that asks for it and shared by all; each request has work memory of its own.
class WhisperApp final : public clams::App {
 public:
  explicit WhisperApp(Options options);
  clams::AppMetadata metadata() const override;
  std::optional<clams::ModelRequirement> model_requirement(const clams::Parameters& parameters) const override;
  void annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) override;
  bool uses_gpu() const override;
  // The engine ends the process when memory is short.
  clams::Execution execution() const override { return clams::Execution::Isolated; }
  // Nothing outside the document is changed.
  bool may_rerun() const override { return true; }
  mmif::Object runtime_facts() const override;

 private:
  class Request;
  Weights weights_for(const Settings& settings) const;

  Options options_;
  WeightsFolder folder_;
};

}  // namespace whisper_app
