// What an app says that a request needs on a GPU.
#pragma once
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace clams {

// GPU memory that one request needs, beyond what every process that uses the device pays once (the CUDA context).
struct ModelRequirement {
  base::Bytes bytes;                          // to load the model and to run
  std::string name = {};                      // of the model, for messages: "large-v3"
  std::optional<base::Bytes> increment = {};  // to run when the model is already held or being loaded (Run::model)
  std::optional<std::string> device = {};     // UUID or index, when the app wants a certain one
};

}  // namespace clams
