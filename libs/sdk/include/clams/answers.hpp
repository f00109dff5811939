// Answers that more than one way of serving gives.
#pragma once
#include "clams/service.hpp"
#include "vram/refusal.hpp"

namespace clams {

// The refusal of docs/guides/gpu-clients.md: JSON with its numbers, Retry-After when it is temporary. `temporary_status`: 503, or
// 500 as the Python SDK.
Answer refusal_answer(const vram::Refusal& refusal, unsigned temporary_status);

}  // namespace clams
