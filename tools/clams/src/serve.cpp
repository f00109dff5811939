#include "serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "clams/serve.hpp"

namespace clams::tool {

std::string python_package_folder() {
  std::array<char, 4096> buffer{};
  const ssize_t length = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  std::string path(buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  for (int i = 0; i < 2; ++i) path.resize(std::min(path.rfind('/'), path.size()));
  return path + "/share/clams-cpp/python";
}

int run_serve(const std::vector<std::string>& words) {
  std::vector<const char*> argv{"clams serve"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return serve_python_app(static_cast<int>(argv.size()), argv.data(), python_package_folder());
}

Action declare_serve(Parser& parser) {
  const auto words = std::make_shared<std::vector<std::string>>();
  parser.rest("APP.PY [FLAG...] [-- ARGUMENT...]", *words,
              "the app's app.py, or its folder; flags of the server; the app's own arguments (clams serve --help lists the flags)");
  parser.epilogue("Example: clams serve path/to/app.py --python venv --port 5000 --workers 2");
  return [words] { return run_serve(*words); };
}

}  // namespace clams::tool
