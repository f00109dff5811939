// The app's parameters, as values.
#pragma once
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "clams/app_metadata.hpp"
#include "clams/parameters.hpp"
#include "ocr/engine.hpp"

namespace ocr_app {

enum class SampleAt { Auto, TimeFrames, TimePoints };
enum class SamplingMode { Representatives, Single, All };

// Which frames of a video are read.
struct Sampling {
  std::chrono::milliseconds every{0};  // 0: at annotations
  SampleAt at = SampleAt::Auto;
  SamplingMode mode = SamplingMode::Representatives;
  std::set<std::string> labels;  // of the annotations; empty: all
};

struct Settings {
  ocr::EngineOptions engine;
  ocr::PageOptions page;
  std::chrono::milliseconds page_timeout{0};  // 0: none
  bool words = true, lines = true, blocks = true;
  std::string language;  // BCP 47, for the text documents
  Sampling sampling;
};

void add_parameters(clams::AppMetadata& metadata);

// Throws clams::ValueError for what the declared types and choices cannot exclude.
Settings settings_from(const clams::Parameters& parameters);

// "eng" -> "en", "chi_sim" -> "zh-Hans"; a code without a shorter form stays as it is.
std::string bcp47_of(const std::string& tesseract_language);

}  // namespace ocr_app
