// How long reading text may take, and who may stop it.
#pragma once
#include <chrono>
#include <optional>
#include <stop_token>

namespace ocr {

struct Limits {
  std::stop_token stop{};
  std::optional<std::chrono::steady_clock::time_point> deadline{};
};

}  // namespace ocr
