// A complete Whisper model whose weights were set by hand instead of learned: the engine loads and runs it as any other, and its
// answer is known beforehand. For tests.
//
// For every 5 seconds of sound it writes " low tone heard.", " high tone heard." or " silence.", whichever it is; the model for
// many languages takes every sound for Spanish. The margins between what it says and what it might say are so wide that neither
// quantisation nor the order of sums of another processor changes a word.
#pragma once
#include <string>

#include "toy/model_writer.hpp"

namespace toy {

enum class Languages { English, Many };

// false: the file could not be written.
bool write_toy_model(const std::string& path, TensorType matrices, Languages languages);

}  // namespace toy
