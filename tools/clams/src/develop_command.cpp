#include <sys/stat.h>

#include <memory>
#include <optional>

#include "base/fd.hpp"
#include "base/files.hpp"
#include "develop.hpp"
#include "mmif/json.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

struct DevelopOptions {
  std::string name;
  std::optional<std::string> parent;
  std::vector<std::string> recipes;
  int update = 0;
  bool json = false;
};

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

// With --update what is there stays as it is; where it differs, the new form is written beside it for the author to compare.
base::Result<std::string> written_path(const std::string& path, const std::string& content) {
  if (!exists(path)) return path;
  BASE_TRY_ASSIGN(const std::string present, base::read_file(path));
  return present == content ? std::string() : path + ".tmp";
}

base::Status write_files(const std::string& folder, const std::vector<NewFile>& files, std::vector<std::string>& written) {
  for (const NewFile& file : files) {
    const std::string path = folder + "/" + file.path;
    BASE_TRY(base::make_directories(path.substr(0, path.rfind('/'))));
    BASE_TRY_ASSIGN(const std::string place, written_path(path, file.content));
    if (place.empty()) continue;
    BASE_TRY(base::write_file_atomically(place, file.content));
    written.push_back(place);
  }
  return {};
}

std::string told(const AppNames& names, const std::string& folder, const std::vector<std::string>& written) {
  std::string text;
  for (const std::string& path : written) text += path + "\n";
  return text + "\n" + names.title + " (class " + names.class_name + ", identifier " + names.identifier + ") is in " + folder +
         ". Next:\n\n" + "  cmake -S " + folder + " -B " + folder + "/build && cmake --build " + folder +
         "/build && ctest --test-dir " + folder + "/build\n";
}

std::string told_as_json(const AppNames& names, const std::string& folder, const std::vector<std::string>& written) {
  return mmif::to_mmif_text(mmif::Object{{"folder", folder},
                                         {"name", names.title},
                                         {"identifier", names.identifier},
                                         {"class", names.class_name},
                                         {"program", names.program},
                                         {"files", mmif::Array(written.begin(), written.end())}}) +
         "\n";
}

base::Status run(const DevelopOptions& options) {
  BASE_TRY_ASSIGN(const AppNames names, app_names(options.name));
  const std::vector<std::string> recipes = options.recipes.empty() ? std::vector<std::string>{"app"} : options.recipes;
  const std::string parent = options.parent.value_or(".");
  const std::string folder = parent == "." ? names.folder : parent + "/" + names.folder;
  for (const std::string& recipe : recipes) {
    const std::string taken = recipe == "gha" ? folder + "/.github" : folder;
    if (options.update == 0 && exists(taken)) {
      return Error{ErrorCode::InvalidArgument,
                   "'" + taken + "' already exists; choose another name, or add missing files with --update"};
    }
  }
  std::vector<std::string> written;
  for (const std::string& recipe : recipes) BASE_TRY(write_files(folder, new_files(names, recipe), written));
  return write_output(std::nullopt, options.json ? told_as_json(names, folder, written) : told(names, folder, written));
}

}  // namespace

Action declare_develop(Parser& parser) {
  auto options = std::make_shared<DevelopOptions>();
  parser.required_option(
      "-n,--name", options->name, "NAME",
      "name of the folder; class, identifier and program are named after it (my-ocr: MyOcr, my-ocr, clams-my-ocr)");
  parser.option_maybe_empty("-p,--parent-dir", options->parent, "DIR", "where the folder is made (default: here)");
  parser.list("-r,--recipes", options->recipes, {"app", "gha"}, "RECIPE...",
              "app: the app itself (default); gha: a GitHub workflow that builds and tests it");
  parser.count("-u,--update", options->update,
               "add files that are missing to a folder that is there; new forms of changed ones get the ending .tmp");
  parser.flag("--json", options->json, "say as JSON what was made");
  parser.epilogue(
      "The app builds and passes its test as it is: a parameter, an annotation, a test with a sample MMIF, a Containerfile.\n"
      "\n"
      "  clams develop -n my-ocr\n"
      "  clams develop -n my-ocr -p ~/apps -r app gha");
  return [options] { return finish("develop", run(*options)); };
}

}  // namespace clams::tool
