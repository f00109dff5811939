#include "engine/memory.hpp"

#include <algorithm>

namespace asr {
namespace {

using base::Bytes;
using Count = std::uint64_t;

constexpr Count kFloat = 4, kHalf = 2;
constexpr int kF32 = 0, kF16 = 1;
constexpr Count kTensorAlignment = 256;  // of CUDA buffers; the CPU's is smaller
// Each state opens its own cuBLAS, whose work space is 32 MiB on the newest cards, and a pool for intermediate halves.
constexpr Bytes kDeviceAllowance = base::operator""_MiB(64);

Count count(int n) noexcept { return static_cast<Count>(n); }
Count padded(Count n, Count step) noexcept { return (n + step - 1) / step * step; }

// Adds up tensors as they lie in a buffer.
class Sum {
 public:
  void add(int type, Count elements, Count times = 1) noexcept {
    total_ += padded(ggml_bytes(type, elements), kTensorAlignment) * times;
  }
  Bytes total() const noexcept { return Bytes(total_); }

 private:
  Count total_ = 0;
};

// Queries, keys, values, output, with their biases (keys have none) and the norm before them.
void add_attention(Sum& sum, int type, Count state, Count times) noexcept {
  sum.add(type, state * state, 4 * times);
  sum.add(kF32, state, 5 * times);
}

void add_feed_forward(Sum& sum, int type, Count state, Count times) noexcept {
  sum.add(type, 4 * state * state, 2 * times);
  sum.add(kF32, 4 * state, times);
  sum.add(kF32, state, 3 * times);
}

Bytes weights_of(const ModelShape& s) noexcept {
  const Count state = count(s.audio_state);
  const int convolution = s.weight_type == kF32 ? kF32 : kF16;
  Sum sum;
  sum.add(kF32, state * count(s.audio_context));
  sum.add(convolution, 3 * count(s.mel_bands) * state);
  sum.add(convolution, 3 * state * state);
  sum.add(kF32, state, 6);  // biases of the convolutions, norms after encoder and decoder
  sum.add(kF32, state * count(s.text_context));
  sum.add(s.weight_type, state * count(s.vocabulary));
  add_attention(sum, s.weight_type, state, count(s.audio_layers) + 2 * count(s.text_layers));
  add_feed_forward(sum, s.weight_type, state, count(s.audio_layers) + count(s.text_layers));
  return sum.total();
}

// Keys and values as halves.
Bytes cache(Count state, Count layers, Count positions) noexcept { return Bytes(2 * kHalf * state * layers * positions); }

// Work buffers of the four graphs. Which tensors live at once is the engine's affair; each graph's figure is a constant plus so
// many rows of one value per channel, found by building the graphs for five sizes of models.
Bytes graphs(const ModelShape& s) noexcept {
  const Count state = count(s.audio_state), audio = count(s.audio_context), text = count(s.text_context);
  constexpr Count kBookkeeping = 1'700'000;  // of a graph, at most
  const Count mel = kFloat * 2 * audio * count(s.mel_bands);
  const Count convolution = 3 * mel + 4 * kFloat * audio * state;
  const Count encoder = 7 * kFloat * audio * state;
  const Count cross = kFloat * audio * state;
  const Count decoder = kFloat * text * count(s.vocabulary) + 2 * kFloat * text * state;
  return Bytes(convolution + encoder + cross + decoder + 4 * kBookkeeping);
}

}  // namespace

Bytes state_buffers(const ModelShape& s, int decoders) noexcept {
  const Count state = count(s.text_state), layers = count(s.text_layers);
  const Count text = padded(count(s.text_context), 256), audio = padded(count(s.audio_context), 256);
  const Count copies = decoders > 1 ? count(decoders) + 2 : 1;
  return cache(state, layers, text * copies) + cache(state, layers, audio) + cache(count(s.audio_state), 1, audio) + graphs(s);
}

MemoryNeed memory_need(const ModelShape& shape, int decoders) noexcept {
  return {weights_of(shape), state_buffers(shape, std::max(decoders, 1)) + kDeviceAllowance};
}

}  // namespace asr
