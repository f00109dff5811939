#include "version.hpp"

#include "mmif/mmif.hpp"

namespace clams::tool {

std::string_view own_version() noexcept { return CLAMS_CPP_VERSION; }

std::string version_text() {
  return "clams-cpp " + std::string(own_version()) + "\nclams-python " + std::string(kPythonSdkVersion) +
         " (based on MMIF spec: " + std::string(mmif::kSpecVersion) + ")\n";
}

}  // namespace clams::tool
