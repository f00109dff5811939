#include "app/settings.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "clams/exceptions.hpp"

namespace whisper_app {
namespace {

using clams::ParameterType;

// "pt-BR" -> "pt"
std::string without_region(const std::string& language) {
  std::string code = language.substr(0, language.find_first_of("-_"));
  std::transform(code.begin(), code.end(), code.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return code;
}

double number_between(const clams::Parameters& parameters, const char* name, double lowest, double highest) {
  const double value = parameters.get<double>(name);
  if (std::isfinite(value) && value >= lowest && value <= highest) return value;
  throw clams::ValueError(std::string(name) + " must lie between " + mmif::Number(lowest).text() + " and " +
                          mmif::Number(highest).text());
}

int decoders(const clams::Parameters& parameters, const char* name) {
  const auto value = parameters.get<std::int64_t>(name);
  if (value >= 1 && value <= asr::kMostDecoders) return static_cast<int>(value);
  throw clams::ValueError(std::string(name) + " must lie between 1 and " + std::to_string(asr::kMostDecoders));
}

void add_what(clams::AppMetadata& metadata) {
  metadata.add_parameter(
      {.name = "model",
       .description =
           "Which model: tiny, base, small, medium, large, large-v2, large-v3 or turbo, in short t, b, s, m, l, l2, l3 or tu; with "
           "a "
           "suffix as its file has it (base.en, small-q5_1); or the path of a model file. A size N is the file ggml-N.bin in the "
           "folder of models on the server; for language en, ggml-N.en.bin is preferred.",
       .default_value = "tiny"});
  metadata.add_parameter(
      {.name = "language",
       .description =
           "Language of the speech: a code such as en, es or zh. A region (en-US) is recorded and otherwise ignored. Empty: "
           "detected from the first 30 seconds.",
       .default_value = ""});
  metadata.add_parameter({.name = "task",
                          .description = "transcribe: text in the language that is spoken; translate: text in English.",
                          .choices = {"transcribe", "translate"},
                          .default_value = "transcribe"});
  metadata.add_parameter({.name = "wordTimestamps",
                          .description = "Time of each word: a TimeFrame aligned with its Token. Otherwise each Sentence has one.",
                          .type = ParameterType::Boolean,
                          .default_value = true});
}

void add_how(clams::AppMetadata& metadata) {
  metadata.add_parameter({.name = "initialPrompt",
                          .description = "Text that might have come before: names and spellings to expect.",
                          .default_value = ""});
  metadata.add_parameter({.name = "conditionOnPreviousText",
                          .description = "Whether what was heard so far helps with what follows. Without it errors do not spread, "
                                         "but names may change their spelling.",
                          .type = ParameterType::Boolean,
                          .default_value = true});
  metadata.add_parameter({.name = "noSpeechThreshold",
                          .description = "Probability of silence from which a badly heard passage counts as silence, 0 to 1.",
                          .type = ParameterType::Number,
                          .default_value = 0.6});
  metadata.add_parameter({.name = "beamSize",
                          .description = "Readings followed side by side, 1 to 8. More than one takes more memory and time.",
                          .type = ParameterType::Integer,
                          .default_value = 1});
  metadata.add_parameter({.name = "bestOf",
                          .description = "Tries at each temperature above 0, 1 to 8. More than one takes more memory.",
                          .type = ParameterType::Integer,
                          .default_value = 1});
  metadata.add_parameter({.name = "temperature",
                          .description = "Chance in the choice of words, 0 to 1.",
                          .type = ParameterType::Number,
                          .default_value = 0});
  metadata.add_parameter(
      {.name = "temperatureIncrement",
       .description = "A passage that came out badly is tried again at so much more temperature, up to 1. 0: it is not.",
       .type = ParameterType::Number,
       .default_value = 0.2});
}

}  // namespace

void add_parameters(clams::AppMetadata& metadata) {
  add_what(metadata);
  add_how(metadata);
}

Settings settings_from(const clams::Parameters& parameters) {
  Settings settings;
  settings.model = parameters.get<std::string>("model");
  settings.language = parameters.get<std::string>("language");
  auto& run = settings.run;
  run.language = without_region(settings.language);
  if (!run.language.empty() && !asr::is_language(run.language))
    throw clams::ValueError("Whisper does not know the language \"" + settings.language +
                            "\"; give a code such as en, es or zh, or nothing to have it detected");
  run.translate = parameters.get<std::string>("task") == "translate";
  run.word_times = parameters.get<bool>("wordTimestamps");
  run.prompt = parameters.get<std::string>("initialPrompt");
  run.carry_context = parameters.get<bool>("conditionOnPreviousText");
  run.no_speech_threshold = number_between(parameters, "noSpeechThreshold", 0, 1);
  run.beam = decoders(parameters, "beamSize");
  run.best_of = decoders(parameters, "bestOf");
  run.temperature = number_between(parameters, "temperature", 0, 1);
  run.temperature_step = number_between(parameters, "temperatureIncrement", 0, 1);
  // A step that is nearly nothing would mean thousands of tries.
  if (run.temperature_step > 0 && run.temperature_step < 0.05)
    throw clams::ValueError("temperatureIncrement must be 0 or at least 0.05");
  return settings;
}

}  // namespace whisper_app
