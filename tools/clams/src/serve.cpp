#include "serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "clams/serve.hpp"
#include "streams.hpp"

namespace clams::tool {

std::string python_package_folder() {
  std::array<char, 4096> buffer{};
  const ssize_t length = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  std::string path(buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  for (int i = 0; i < 2; ++i) path.resize(std::min(path.rfind('/'), path.size()));
  return path + "/share/clams-cpp/python";
}

namespace {

bool asks_for_help(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::any_of(words.begin(), end, [](const std::string& word) { return word == "-h" || word == "--help"; });
}

// The program alone serves nothing: workers run a Python package that lies beside it.
base::Status find_package(const std::string& folder) {
  if (::access((folder + "/clams_worker/__main__.py").c_str(), R_OK) == 0) return {};
  return base::Error{base::ErrorCode::Configuration,
                     "'" + folder +
                         "/clams_worker' is missing: the program was copied without what belongs to it; copy "
                         "PREFIX/bin/clams-cpp and PREFIX/share/clams-cpp of an installation together"};
}

}  // namespace

int run_serve(const std::vector<std::string>& words) {
  const std::string package = python_package_folder();
  if (const base::Status found = find_package(package); !found && !asks_for_help(words)) return finish("serve", found.error());
  std::vector<const char*> argv{"clams serve"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return serve_python_app(static_cast<int>(argv.size()), argv.data(), package);
}

Action declare_serve(Parser& parser) {
  const auto words = std::make_shared<std::vector<std::string>>();
  parser.rest("APP.PY [FLAG...] [-- ARGUMENT...]", *words,
              "the app's app.py, or its folder; flags of the server; the app's own arguments (clams serve --help lists the flags)");
  parser.epilogue("Example: clams serve path/to/app.py --python venv --port 5000 --workers 2");
  return [words] { return run_serve(*words); };
}

}  // namespace clams::tool
