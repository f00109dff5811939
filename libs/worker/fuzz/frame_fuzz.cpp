// libFuzzer target: the frame decoder on arbitrary bytes; what it takes must survive another round.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "worker/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frame = worker::decode(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!frame) return 0;
  const auto bytes = worker::encode(*frame);
  if (!bytes) std::abort();
  const auto again = worker::decode(*bytes);
  if (!again || *again != *frame) std::abort();
  return 0;
}
