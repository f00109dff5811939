#include "app/silero_weights.hpp"

// The assembler takes the file in as it is; an array in C++ would be compiled for seconds.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "clams_silero_weights_begin:\n"
    ".incbin \"" SILERO_WEIGHTS_FILE
    "\"\n"
    "clams_silero_weights_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char clams_silero_weights_begin[];
extern const char clams_silero_weights_end[];
}

namespace vad_app {

std::span<const char> silero_weights() noexcept { return {clams_silero_weights_begin, clams_silero_weights_end}; }

}  // namespace vad_app
