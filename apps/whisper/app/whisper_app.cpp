#include "app/whisper_app.hpp"

#include "app/hear.hpp"
#include "app/progress.hpp"
#include "app/transcript_writer.hpp"
#include "engine/cuda_index.hpp"
#include "engine/memory.hpp"
#include "speech/failure.hpp"
#include "speech/listen.hpp"
#include "speech/sound.hpp"

namespace whisper_app {
namespace {

namespace types = mmif::types;
using speech::value_or_fail;

asr::EngineListener to_log(const base::Logger& log) {
  return [log](asr::EngineLevel level, std::string_view line) {
    const std::string text = "whisper.cpp: " + std::string(line);
    if (level == asr::EngineLevel::Error) return log.error(text);
    if (level == asr::EngineLevel::Warning) return log.warning(text);
    log.debug(text);
  };
}

// A model on the device it was loaded to.
struct HeldModel {
  std::shared_ptr<asr::Model> model;
  std::string device;  // UUID; empty: the processor
};

// Says what a request takes from a device beside its model, while it takes it.
class DeviceUse {
 public:
  DeviceUse(clams::GpuRequest& gpu, bool on_device, base::Bytes bytes) : gpu_(gpu), bytes_(on_device ? bytes : base::Bytes()) {
    if (bytes_ > base::Bytes()) gpu_.note_allocated(bytes_);
  }
  ~DeviceUse() {
    if (bytes_ > base::Bytes()) gpu_.note_freed(bytes_);
  }
  DeviceUse(const DeviceUse&) = delete;
  DeviceUse& operator=(const DeviceUse&) = delete;

 private:
  clams::GpuRequest& gpu_;
  base::Bytes bytes_;
};

std::shared_ptr<HeldModel> load(const Weights& weights, clams::Run& run) {
  asr::LoadOptions options;
  options.log = to_log(run.log());
  const std::string& device = run.gpu().grant().device;
  // Nothing is taken from a device that was not granted: there is none, or the program was told to leave it alone.
  options.use_gpu = asr::engine_knows_gpus() && !device.empty();
  if (options.use_gpu) {
    const auto index = asr::cuda_index_of(device);
    if (!index) run.log().warning("CUDA does not know the granted device " + device + "; the model runs on the processor");
    options.use_gpu = index.has_value();
    options.gpu_index = index.value_or(0);
  }
  auto held = std::make_shared<HeldModel>();
  held->model = value_or_fail(asr::Model::load(weights.path, options));
  if (held->model->on_gpu()) held->device = device;
  if (!held->device.empty()) run.gpu().note_allocated(asr::memory_need(held->model->shape(), 1).weights);
  return held;
}

// The model, on the device that was granted. A copy on another device of this process is of no use: what is promised is memory of
// that one.
std::shared_ptr<HeldModel> model_for(const Weights& weights, clams::Run& run) {
  const std::string& device = run.gpu().grant().device;
  auto held = run.model<HeldModel>(weights.name, [&] { return load(weights, run); });
  if (held->device.empty() || device.empty() || held->device == device) return held;
  return run.model<HeldModel>(weights.name + " on " + device, [&] { return load(weights, run); });
}

}  // namespace

// One call of `annotate`.
class WhisperApp::Request {
 public:
  Request(const Settings& settings, clams::Run& run, const HeldModel& held)
      : settings_(settings),
        run_(run),
        use_(run.gpu(), !held.device.empty(), asr::memory_need(held.model->shape(), asr::decoders_of(settings.run)).state),
        state_(value_or_fail(asr::State::create(held.model, to_log(run.log())))) {}

  void transcribe(const speech::Heard& heard) {
    const std::string name = heard.document.id();
    asr::RunOptions options = settings_.run;
    options.threads = run_.cpu_threads();
    const Clock::time_point began = Clock::now();
    const auto transcript = value_or_fail(hear(state_, heard.sound, options, hooks_for(heard, began)), name);
    WriteOptions writing;
    writing.language = options.translate ? "en" : settings_.language.empty() ? transcript.language : settings_.language;
    writing.word_times = options.word_times;
    write_transcript(run_.new_view(), heard.document, transcript, writing);
    run_.progress(heard.progress_to, name);
    run_.log().info(name + ": " + summary_in_words(speech::length_of(heard.sound.samples.size()), since(began)));
  }

 private:
  using Clock = std::chrono::steady_clock;

  static std::chrono::milliseconds since(Clock::time_point began) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  }

  asr::RunHooks hooks_for(const speech::Heard& heard, Clock::time_point began) const {
    asr::RunHooks hooks;
    hooks.stop = run_.stop_token();
    hooks.log = to_log(run_.log());
    hooks.progress = [this, &heard, began](double done) {
      const auto length = speech::length_of(heard.sound.samples.size());
      run_.progress(heard.progress_from + done * (heard.progress_to - heard.progress_from),
                    heard.document.id() + ": " + progress_in_words(done, length, since(began)));
    };
    return hooks;
  }

  const Settings& settings_;
  clams::Run& run_;
  DeviceUse use_;  // before the state, so that it is dropped after it
  asr::State state_;
};

WhisperApp::WhisperApp(Options options) : options_(std::move(options)), folder_(options_.models_folder) {}

clams::AppMetadata WhisperApp::metadata() const {
  clams::AppMetadata metadata;
  metadata.name = "Whisper";
  metadata.description = std::string(
                             "Speech to text with OpenAI's Whisper models, run by whisper.cpp. Reads AudioDocuments, or "
                             "VideoDocuments where there are none") +
                         (speech::reads_all_media() ? "" : " (WAV files)") +
                         "; one view per document, with the text as a TextDocument, a Token and a TimeFrame for each word and a "
                         "Sentence for each passage. "
                         "The weights must lie on the server.";
  metadata.app_license = "Apache-2.0";
  metadata.identifier = "clams-whisper";
  metadata.url = "https://github.com/clamsproject/clams-cpp";
  metadata.app_version = CLAMS_WHISPER_APP_VERSION;
  metadata.analyzer_version = speech::engine_version();
  metadata.analyzer_license = "MIT";
  if (speech::reads_all_media())
    metadata.more = {{"media_library", speech::media_library()}, {"media_library_license", speech::media_library_license()}};
  metadata.add_input_one_of({std::string(types::AudioDocument), std::string(types::VideoDocument)});
  metadata.add_output(types::TextDocument);
  metadata.add_output(types::TimeFrame, {{"timeUnit", "milliseconds"}});
  metadata.add_output(types::Alignment);
  metadata.add_output(types::Token);
  metadata.add_output(types::Sentence);
  metadata.add_tag("ASR");
  metadata.est_gpu_mem_min = 300;  // tiny
  metadata.est_gpu_mem_typ = 800;  // small
  add_parameters(metadata);
  return metadata;
}

std::optional<clams::ModelRequirement> WhisperApp::model_requirement(const clams::Parameters& parameters) const {
  const Settings settings = settings_from(parameters);
  const auto weights = folder_.find(settings.model, settings.run.language);
  if (!weights) return std::nullopt;  // annotate says what is wrong
  const auto shape = asr::read_model_shape(weights->path);
  if (!shape) return std::nullopt;
  const auto need = asr::memory_need(*shape, asr::decoders_of(settings.run));
  return clams::ModelRequirement{.bytes = need.weights + need.state, .name = weights->name, .increment = need.state};
}

Weights WhisperApp::weights_for(const Settings& settings) const {
  auto weights = folder_.find(settings.model, settings.run.language);
  if (!weights && weights.error().code == base::ErrorCode::NotFound && options_.weights_missing)
    options_.weights_missing->with([&](std::string& message) { message = weights.error().message; });
  return value_or_fail(std::move(weights));
}

void WhisperApp::annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) {
  const Settings settings = settings_from(parameters);
  if (speech::documents_with_sound(mmif).empty()) return run.warn(speech::kNothingToHear);
  const auto held = model_for(weights_for(settings), run);
  Request request(settings, run, *held);
  speech::for_each_sound(mmif, run, [&](const speech::Heard& heard) { request.transcribe(heard); });
}

bool WhisperApp::uses_gpu() const { return asr::engine_knows_gpus() || options_.charge_without_gpu; }

mmif::Object WhisperApp::runtime_facts() const {
  mmif::Array models;
  for (const auto& name : folder_.names()) models.emplace_back(name);
  return {{"whisper_cpp", speech::engine_version()},
          {"gpu_build", asr::engine_knows_gpus()},
          {"models_folder", folder_.path()},
          {"models", std::move(models)}};
}

}  // namespace whisper_app
