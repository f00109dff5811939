// The refusals that a connection decides itself. Included by http_server.cpp only.
#pragma once
#include "connection.hpp"
#include "retry_after.hpp"

namespace clams::server {

// Named, because g++ 12 builds wrong frames for coroutines that are awaited with braced temporaries as arguments.
inline constexpr Refusal kTooManyConnections{503, "this server has as many connections as it accepts"};
inline constexpr Refusal kDraining{503, "draining"};
inline constexpr Refusal kQueueFull{429, "the queue is full"};
inline constexpr Refusal kBodyTooLarge{413, "the request body is larger than this server accepts"};
inline constexpr Refusal kNoMemory{503, kNoBodyMemory};
inline constexpr Refusal kDidNotEnd{503, "the server is stopping and the request did not end in time"};

}  // namespace clams::server
