// The app's parameters, as values.
#pragma once
#include <string>

#include "clams/app_metadata.hpp"
#include "clams/parameters.hpp"
#include "engine/model.hpp"

namespace whisper_app {

struct Settings {
  std::string model;     // name, short form or path
  std::string language;  // as given: "en-US"; empty: detect
  asr::RunOptions run;   // language without its region
};

void add_parameters(clams::AppMetadata& metadata);

// Throws clams::ValueError for what the declared types and choices cannot exclude.
Settings settings_from(const clams::Parameters& parameters);

}  // namespace whisper_app
