// clams develop: the skeleton of a new app.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "parser.hpp"

namespace clams::tool {

// The names of a new app, all made from the one that was given.
struct AppNames {
  std::string folder;      // "app-foo-bar"
  std::string identifier;  // "foo-bar", without "app" at its ends
  std::string program;     // "clams-foo-bar"
  std::string class_name;  // "FooBar"
  std::string title;       // "Foo Bar"
};
// Words are found as the Python command finds them ("myOCRApp" is my, ocr). Characters that make trouble in file names become '-'.
// Error InvalidArgument for a path and for a name without an ASCII letter or digit.
base::Result<AppNames> app_names(std::string_view given);

struct NewFile {
  std::string path;  // within the app's folder
  std::string content;
};
// `recipe`: "app" or "gha".
std::vector<NewFile> new_files(const AppNames& names, const std::string& recipe);

Action declare_develop(Parser& parser);

}  // namespace clams::tool
