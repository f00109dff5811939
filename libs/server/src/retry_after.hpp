// Retry-After of what is refused for another reason than GPU memory, in seconds.
#pragma once

namespace clams::server {

inline constexpr const char* kRetryAfterMoment = "1";   // a queue, a body's memory, a connection: free with the next answer
inline constexpr const char* kRetryAfterRestart = "5";  // this server stops, or its workers cannot start: a successor, or a repair

}  // namespace clams::server
