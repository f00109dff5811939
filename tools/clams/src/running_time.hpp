// Running times as apps write them: Python's str(timedelta).
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace clams::tool {

// "0:00:02.345678", "0:00:02", "1 day, 2:03:04", "-1 day, 23:59:59.5"; fractions of a millisecond are cut off. nullopt for anything
// else.
std::optional<std::chrono::milliseconds> parse_running_time(std::string_view text);

}  // namespace clams::tool
