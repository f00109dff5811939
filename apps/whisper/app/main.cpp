// clams-whisper. $CLAMS_WHISPER_MODELS: the folder with the weights.
#include <cstdlib>
#include <string>
#include <string_view>

#include "app/whisper_app.hpp"
#include "clams/main.hpp"
#include "speech/sound.hpp"

namespace {

constexpr int kFailed = 1, kConfiguration = 78;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

std::string models_folder() {
  if (auto folder = environment("CLAMS_WHISPER_MODELS"); !folder.empty()) return folder;
  std::string data = environment("XDG_DATA_HOME");
  if (data.empty()) data = environment("HOME") + "/.local/share";
  return data + "/clams/whisper";
}

// Whether the program was told to run on simulated devices.
bool on_simulated_device(int argc, char** argv) {
  bool simulated = std::string_view(environment("CLAMS_GPU")).starts_with("sim:");
  for (int n = 1; n < argc; ++n) {
    const std::string_view word = argv[n];
    if (word == "--gpu" && n + 1 < argc) simulated = std::string_view(argv[n + 1]).starts_with("sim:");
    if (word.starts_with("--gpu=")) simulated = word.substr(6).starts_with("sim:");
  }
  return simulated;
}

}  // namespace

int main(int argc, char** argv) {
  speech::quiet_media_library();
  whisper_app::Options options{.models_folder = models_folder(),
                               .charge_without_gpu = on_simulated_device(argc, argv),
                               .weights_missing = std::make_shared<base::Guarded<std::string>>()};
  const int status = clams::run_program(argc, argv, {{"", [&] { return std::make_unique<whisper_app::WhisperApp>(options); }}});
  const std::string missing = options.weights_missing->with([](const std::string& message) { return message; });
  return status == kFailed && !missing.empty() ? kConfiguration : status;  // the run has printed it
}
