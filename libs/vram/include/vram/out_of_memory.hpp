// How a C++ app says that the GPU's memory ran out.
#pragma once
#include <stdexcept>
#include <string>

namespace vram {

// Thrown by an app when an allocation on the device failed. The SDK raises the learned figure, frees what it can and answers with
// the temporary refusal, or runs the request once more when the app allows that.
class OutOfMemory : public std::runtime_error {
 public:
  explicit OutOfMemory(const std::string& what) : std::runtime_error(what) {}
};

}  // namespace vram
