// Which SDK's behaviour the commands follow, and our own version.
#pragma once
#include <string>
#include <string_view>

namespace clams::tool {

inline constexpr std::string_view kPythonSdkVersion = "1.8.0";
std::string_view own_version() noexcept;

// Our own version, and a second line that ends as the Python command's: "clams-python 1.8.0 (based on MMIF spec: 1.2.0)".
std::string version_text();

}  // namespace clams::tool
