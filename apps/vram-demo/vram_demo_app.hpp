// An app that does nothing but hold GPU memory: to see admission at work, and the example of the guide for app authors.
#pragma once
#include "clams/app.hpp"

class VramDemoApp final : public clams::App {
 public:
  clams::AppMetadata metadata() const override;
  std::optional<clams::ModelRequirement> model_requirement(const clams::Parameters& parameters) const override;
  void annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) override;
};
