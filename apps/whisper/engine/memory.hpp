// What a model takes on a device, known before anything is loaded.
#pragma once
#include "base/bytes.hpp"
#include "engine/model_file.hpp"

namespace asr {

struct MemoryNeed {
  base::Bytes weights;  // once for a model
  base::Bytes state;    // for each request that runs, at its largest
};

// `decoders`: the most that decode side by side, beam size or best_of (>= 1). With more than one the engine takes the cache of
// past tokens anew, decoders + 2 times as large, in the middle of a run: `state` has that room from the start.
// Sums what whisper.cpp 1.8.5 allocates with flash attention; tests compare it with what the engine says it took. On a GPU
// `state` contains an allowance for the library of matrix products, which takes its work space by itself.
MemoryNeed memory_need(const ModelShape& shape, int decoders) noexcept;

// One state without that allowance: what the engine's own log adds up to.
base::Bytes state_buffers(const ModelShape& shape, int decoders) noexcept;

}  // namespace asr
