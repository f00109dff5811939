// The CLAMS app: text of page images and of video frames.
#pragma once
#include <chrono>

#include "clams/app.hpp"
#include "ocr/engine_pool.hpp"
#include "settings.hpp"

namespace ocr_app {

// Thread-safe. Engines are loaded by the first request of a language and kept: as many as there are cores.
class TesseractApp final : public clams::App {
 public:
  TesseractApp();
  clams::AppMetadata metadata() const override;
  void annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) override;
  mmif::Object runtime_facts() const override;

 private:
  class Request;
  ocr::EnginePool engines_;
};

}  // namespace ocr_app
