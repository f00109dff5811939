#pragma once
#include "clams/app.hpp"

class @APP_CLASS@ final : public clams::App {
 public:
  clams::AppMetadata metadata() const override;
  // Called from several threads at once, one request each.
  void annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) override;
  // Remove this once the app computes on a GPU: then its requests are promised GPU memory before they run.
  bool uses_gpu() const override { return false; }
};
