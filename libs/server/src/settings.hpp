// The table of settings: one row each, whatever place it comes from.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"

namespace clams::server {

struct Setting {
  std::string name;   // flag without dashes: "max-body" is --max-body, CLAMS_MAX_BODY and max-body in the file
  std::string value;  // how its value is called in --help; empty for a switch
  std::string help;
  std::string group;
  std::function<base::Status(Config&, const std::string& text)> apply;  // a switch gets "true" or "false"

  std::string flag() const { return "--" + name; }
  std::string variable() const;
};

const std::vector<Setting>& settings();

// Groups of the page of help.
inline constexpr std::string_view kServingGroup = "Serving", kGpuGroup = "GPU memory", kLogGroup = "Log and settings";

}  // namespace clams::server
