// A card that a test keeps behind a unix socket: "alloc MB PID" -> "ok" or "oom", "free" -> any line.
#pragma once
#include <cstdint>
#include <string>

#include "base/fd.hpp"

// One connection, one allocation. Throws clams::RuntimeError when the card cannot be reached.
class CardSocket {
 public:
  explicit CardSocket(const std::string& path);
  bool alloc(std::uint64_t megabytes);
  void free();

 private:
  std::string ask(const std::string& line);
  base::Fd fd_;
};
