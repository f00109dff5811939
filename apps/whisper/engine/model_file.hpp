// Model files of whisper.cpp (ggml-*.bin), looked at without loading them.
#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace asr {

// The header of a model file.
struct ModelShape {
  int vocabulary = 0;     // tokens: 51864 English only, 51865 many languages, 51866 large-v3
  int audio_context = 0;  // encoder positions, 1500 = 30 s
  int audio_state = 0, audio_heads = 0, audio_layers = 0;
  int text_context = 0;  // decoder positions, 448
  int text_state = 0, text_heads = 0, text_layers = 0;
  int mel_bands = 0;
  int weight_type = 0;  // ggml's number of the type of the large matrices: 1 f16, 8 q8_0, …

  bool multilingual() const noexcept { return vocabulary >= 51865; }
};

// Reads 48 bytes. Errors: NotFound, PermissionDenied, Io; Corrupt when the file is no model of this kind or its figures are absurd.
base::Result<ModelShape> read_model_shape(const std::string& path);

// Reads the whole structure, weights excepted: the engine would fill in what a cut file lacks with whatever memory holds, or
// allocate by a damaged length. Errors as read_model_shape; Corrupt names the place. A model without any weights, as upstream
// has them for tests, is in order.
base::Status check_model_file(const std::string& path);

// Bytes of `elements` values of one of ggml's types; 0 for a type that models do not have.
std::uint64_t ggml_bytes(int type, std::uint64_t elements) noexcept;

}  // namespace asr
