// The weights of Silero VAD 6.2.0 (MIT, https://github.com/snakers4/silero-vad), in ggml's form, as part of the program.
#pragma once
#include <span>

namespace vad_app {

std::span<const char> silero_weights() noexcept;

}  // namespace vad_app
