// Which of CUDA's devices a UUID means.
#pragma once
#include <optional>
#include <string>

namespace asr {

// As CUDA counts in this process, CUDA_VISIBLE_DEVICES considered; nullopt without CUDA or without that device. Initialises the
// CUDA driver: only for a process that is about to use it.
std::optional<int> cuda_index_of(const std::string& uuid);

}  // namespace asr
