// A loaded model, and the work memory of one run. The engine knows nothing of CLAMS: samples in, text out.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "engine/memory.hpp"
#include "engine/model_file.hpp"
#include "engine/transcript.hpp"
#include "speech/engine_log.hpp"

struct whisper_context;
struct whisper_state;

namespace asr {

using speech::EngineLevel;
using speech::EngineListener;

inline constexpr int kSampleRate = 16'000;
inline constexpr int kMostDecoders = 8;

// Whether the engine was built for GPUs. Asks no driver.
bool engine_knows_gpus() noexcept;
// Whether the engine writes this language; takes codes ("en", "yue") and English names ("english").
bool is_language(const std::string& code) noexcept;

struct LoadOptions {
  bool use_gpu = true;  // where the engine was built for one
  int gpu_index = 0;    // as CUDA counts
  EngineListener log = {};
};

// Weights. Thread-safe: any number of states of one model may run at once.
class Model {
 public:
  // The file is checked first. Errors: as check_model_file; Corrupt when the engine refuses the file. Whoever loads must have made
  // sure that the weights fit: the engine ends the process when they do not.
  static base::Result<std::shared_ptr<Model>> load(const std::string& path, const LoadOptions& options);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelShape& shape() const noexcept { return shape_; }
  bool on_gpu() const noexcept { return on_gpu_; }

 private:
  friend class State;
  Model(whisper_context* context, ModelShape shape, bool on_gpu) : context_(context), shape_(shape), on_gpu_(on_gpu) {}
  whisper_context* context_;
  ModelShape shape_;
  bool on_gpu_;
};

struct RunOptions {
  std::string language = {};  // empty: detect
  bool translate = false;     // into English
  std::string prompt = {};    // text before the beginning, for names and style
  bool carry_context = true;  // what was heard so far helps with what follows
  bool continues = false;     // the state's last transcription is what was heard before; else it is forgotten
  double no_speech_threshold = 0.6;
  bool word_times = true;
  int beam = 1;     // > 1: beam search
  int best_of = 1;  // tries at each temperature above 0
  double temperature = 0;
  double temperature_step = 0.2;  // when a passage comes out badly it is tried again so much warmer, up to 1; 0: never
  unsigned threads = 1;
};
// The most that decode side by side: see memory_need.
int decoders_of(const RunOptions& options) noexcept;

struct RunHooks {
  std::stop_token stop = {};                  // asked between two passes of the network: 0.1 s to some seconds on a CPU
  std::function<void(double)> progress = {};  // 0 to 1, from the calling thread
  EngineListener log = {};
};

// Work memory for one run at a time. Belongs to one thread at a time; keeps its model alive.
class State {
 public:
  // Error InsufficientMemory when the memory is not there.
  static base::Result<State> create(std::shared_ptr<Model> model, const EngineListener& log);
  State(State&& other) noexcept;
  State& operator=(State&& other) noexcept;
  ~State();

  // `samples`: mono, kSampleRate. Errors: Cancelled; InvalidArgument for a language the model does not have; InsufficientMemory
  // (the state is then gone: make a new one); Internal with what the engine said.
  base::Result<Transcript> transcribe(std::span<const float> samples, const RunOptions& options, const RunHooks& hooks);

 private:
  State(std::shared_ptr<Model> model, whisper_state* state) : model_(std::move(model)), state_(state) {}
  base::Error failure(int code, const std::string& said, const std::stop_token& stop);
  Transcript collect(bool word_times) const;
  Segment segment(int index, const std::string& language, bool word_times) const;

  std::shared_ptr<Model> model_;
  whisper_state* state_;
};

}  // namespace asr
