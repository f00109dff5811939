// Where the weights of a model lie. They are looked for and never fetched.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace whisper_app {

struct Weights {
  std::string name;  // "base.en", or the path when it was given: tells models apart
  std::string path;
};

class WeightsFolder {
 public:
  explicit WeightsFolder(std::string folder) : folder_(std::move(folder)) {}
  const std::string& path() const noexcept { return folder_; }

  // `model`: a name N (file ggml-N.bin of the folder), a short form (t b s m l l2 l3 tu), or the path of a file (with a '/', or
  // ending in .bin). Of a size that exists for English alone, that one is taken when `language` is en and it is there. Errors:
  // InvalidArgument for what is no name; NotFound in one line that says what to do.
  base::Result<Weights> find(const std::string& model, const std::string& language) const;
  // Names of the models that are there, sorted.
  std::vector<std::string> names() const;

 private:
  base::Result<Weights> by_path(const std::string& path) const;
  base::Error missing(const std::string& model, const std::vector<std::string>& candidates) const;
  std::string file_of(const std::string& name) const { return folder_ + "/ggml-" + name + ".bin"; }

  std::string folder_;
};

// "l3" -> "large-v3"; a name that is no short form stays.
std::string full_name(const std::string& model);

}  // namespace whisper_app
