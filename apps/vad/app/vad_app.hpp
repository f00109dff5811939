// The CLAMS app: speech segments of audio and video documents.
#pragma once
#include "clams/app.hpp"

namespace vad_app {

// Thread-safe: each request has a detector of its own.
class VadApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override;
  void annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) override;
  bool uses_gpu() const override { return false; }
};

}  // namespace vad_app
