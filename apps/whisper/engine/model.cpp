#include "engine/model.hpp"

#include <whisper.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"
#include "engine/words.hpp"

namespace asr {
namespace {

using std::chrono::milliseconds;

// The engine gives no text for less; and it reads a spectrum it never made when there is nothing, and past the end when there are
// fewer samples than half a Fourier window has.
constexpr std::size_t kFewestSamples = kSampleRate / 10;
constexpr int kStateIsGone = -7;  // whisper_full_with_state has freed the state it was given

milliseconds time_of(std::int64_t hundredths) { return milliseconds(hundredths * 10); }

// 1. whisper_init_state opens a backend for the state; 2. opening one sets ggml's log function, a variable of the process, without
// a lock; 3. two states made at once race for it (seen by the thread sanitizer). So they are made one after the other; loading a
// model opens a backend too.
std::mutex& backend_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::string with_reason(const std::string& what, const std::string& said) { return said.empty() ? what : what + " (" + said + ")"; }

whisper_full_params parameters_of(const RunOptions& o, const RunHooks& hooks) {
  whisper_full_params p = whisper_full_default_params(o.beam > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
  p.n_threads = static_cast<int>(std::clamp(o.threads, 1U, 64U));
  p.print_progress = p.print_realtime = p.print_timestamps = p.print_special = false;
  p.language = o.language.c_str();
  p.translate = o.translate;
  p.initial_prompt = o.prompt.empty() ? nullptr : o.prompt.c_str();
  p.no_context = !o.carry_context || !o.continues;  // the state keeps what it heard, of another document too
  // The engine's own switch clears what was heard before the call, not what is heard within it. With a prompt the length of the past
  // must stay: the prompt would be left out with it.
  if (!o.carry_context && o.prompt.empty()) p.n_max_text_ctx = 0;
  p.no_speech_thold = static_cast<float>(o.no_speech_threshold);
  p.token_timestamps = o.word_times;
  p.greedy.best_of = o.best_of;
  p.beam_search.beam_size = o.beam;
  p.temperature = static_cast<float>(o.temperature);
  p.temperature_inc = static_cast<float>(o.temperature_step);
  p.abort_callback = [](void* data) { return static_cast<const RunHooks*>(data)->stop.stop_requested(); };
  p.encoder_begin_callback = [](whisper_context*, whisper_state*, void* data) {
    return !static_cast<const RunHooks*>(data)->stop.stop_requested();
  };
  p.progress_callback = [](whisper_context*, whisper_state*, int percent, void* data) {
    const auto* h = static_cast<const RunHooks*>(data);
    if (h->progress) h->progress(std::clamp(percent, 0, 100) / 100.0);
  };
  // The engine takes the pointer as one to something it may change; these functions only read.
  auto* data = const_cast<RunHooks*>(&hooks);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  p.abort_callback_user_data = p.encoder_begin_callback_user_data = p.progress_callback_user_data = data;
  return p;
}

base::Error cancelled() { return {base::ErrorCode::Cancelled, "the transcription was stopped"}; }

base::Status check_language(const ModelShape& shape, const RunOptions& options) {
  if (!options.language.empty() && !is_language(options.language))
    return base::Error{base::ErrorCode::InvalidArgument,
                       "Whisper does not know the language \"" + options.language +
                           "\"; give a code such as en, es or zh, or nothing to have it detected"};
  if (shape.multilingual()) return {};
  const bool english = options.language.empty() || whisper_lang_id(options.language.c_str()) == whisper_lang_id("en");
  if (!english || options.translate)
    return base::Error{base::ErrorCode::InvalidArgument,
                       "this model knows English only; take one for many languages (base instead of base.en)"};
  return {};
}

}  // namespace

bool engine_knows_gpus() noexcept { return ASR_ENGINE_KNOWS_GPUS != 0; }

bool is_language(const std::string& code) noexcept { return whisper_lang_id(code.c_str()) >= 0; }

int decoders_of(const RunOptions& o) noexcept {
  // Without any temperature above 0 best_of is never used.
  const bool sampled = o.temperature > 0 || o.temperature_step > 0;
  return std::max({1, o.beam, sampled ? o.best_of : 1});
}

base::Result<std::shared_ptr<Model>> Model::load(const std::string& path, const LoadOptions& options) {
  BASE_TRY(check_model_file(path));
  BASE_TRY_ASSIGN(const ModelShape shape, read_model_shape(path));
  const bool on_gpu = options.use_gpu && engine_knows_gpus();
  auto parameters = whisper_context_default_params();
  parameters.use_gpu = on_gpu;
  parameters.gpu_device = options.gpu_index;
  parameters.flash_attn = true;  // memory_need counts on it
  speech::EngineLog log(options.log);
  const std::lock_guard lock(backend_mutex());
  whisper_context* context = whisper_init_from_file_with_params_no_state(path.c_str(), parameters);
  if (context == nullptr)
    return base::Error{base::ErrorCode::Corrupt, with_reason("whisper.cpp cannot load the model file " + path, log.errors())};
  return std::shared_ptr<Model>(new Model(context, shape, on_gpu));
}

Model::~Model() { whisper_free(context_); }

base::Result<State> State::create(std::shared_ptr<Model> model, const EngineListener& log) {
  speech::EngineLog heard(log);
  const std::lock_guard lock(backend_mutex());
  whisper_state* state = whisper_init_state(model->context_);
  if (state == nullptr)
    return base::Error{base::ErrorCode::InsufficientMemory,
                       with_reason("there is no memory for one more transcription", heard.errors())};
  return State(std::move(model), state);
}

State::State(State&& other) noexcept : model_(std::move(other.model_)), state_(std::exchange(other.state_, nullptr)) {}

State& State::operator=(State&& other) noexcept {
  std::swap(model_, other.model_);
  std::swap(state_, other.state_);
  return *this;
}

State::~State() {
  if (state_ != nullptr) whisper_free_state(state_);
}

base::Result<Transcript> State::transcribe(std::span<const float> samples, const RunOptions& options, const RunHooks& hooks) {
  if (state_ == nullptr) return base::Error{base::ErrorCode::Internal, "this state ran out of memory and is gone"};
  BASE_TRY(check_language(model_->shape(), options));
  if (hooks.stop.stop_requested()) return cancelled();
  RunOptions given = options;
  if (!model_->shape().multilingual()) given.language = "en";
  if (samples.size() < kFewestSamples) return Transcript{given.language.empty() ? "und" : given.language, {}};
  speech::EngineLog log(hooks.log);
  const int code = whisper_full_with_state(model_->context_, state_, parameters_of(given, hooks), samples.data(),
                                           static_cast<int>(std::min<std::size_t>(samples.size(), INT32_MAX)));
  // A stop before the encoder ends the run with code 0 and half a text.
  if (hooks.stop.stop_requested() && code != kStateIsGone) return cancelled();
  if (code != 0) return failure(code, log.errors(), hooks.stop);
  return collect(options.word_times);
}

base::Error State::failure(int code, const std::string& said, const std::stop_token& stop) {
  if (code == kStateIsGone) {
    state_ = nullptr;
    return {base::ErrorCode::InsufficientMemory, with_reason("there is no memory for so many decoders", said)};
  }
  if (stop.stop_requested()) return cancelled();
  return {base::ErrorCode::Internal, with_reason("the transcription failed with whisper.cpp's code " + std::to_string(code), said)};
}

Transcript State::collect(bool word_times) const {
  Transcript transcript;
  const int language = whisper_full_lang_id_from_state(state_);
  transcript.language = !model_->shape().multilingual() || language < 0 ? "en" : whisper_lang_str(language);
  const int segments = whisper_full_n_segments_from_state(state_);
  for (int n = 0; n < segments; ++n) transcript.segments.push_back(segment(n, transcript.language, word_times));
  std::erase_if(transcript.segments, [](const Segment& s) { return s.words.empty(); });
  return transcript;
}

Segment State::segment(int index, const std::string& language, bool word_times) const {
  Segment segment;
  segment.start = time_of(whisper_full_get_segment_t0_from_state(state_, index));
  segment.end = std::max(segment.start, time_of(whisper_full_get_segment_t1_from_state(state_, index)));
  segment.text = std::string(base::trim(whisper_full_get_segment_text_from_state(state_, index)));
  std::vector<Token> tokens;
  double logarithms = 0;
  for (int n = 0; n < whisper_full_n_tokens_from_state(state_, index); ++n) {
    const whisper_token_data data = whisper_full_get_token_data_from_state(state_, index, n);
    if (data.id >= whisper_token_eot(model_->context_)) continue;  // time stamps and other marks
    tokens.push_back(
        {whisper_full_get_token_text_from_state(model_->context_, state_, index, n), time_of(data.t0), time_of(data.t1)});
    logarithms += std::log(std::max(data.p, 1e-9F));
  }
  if (!tokens.empty()) segment.confidence = std::exp(logarithms / static_cast<double>(tokens.size()));
  segment.words = words_of(tokens, language, segment.start, segment.end);
  if (!word_times)
    for (auto& word : segment.words) word.start = word.end = milliseconds(0);
  return segment;
}

}  // namespace asr
