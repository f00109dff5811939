#include <string>

#include "describe.hpp"
#include "embedded_files.hpp"

namespace clams::tool {

std::string_view description_schema(std::string_view name) {
  const std::string file = "schema/" + std::string(name) + ".json";
  for (const EmbeddedFile& embedded : embedded_files()) {
    if (embedded.name == file) return embedded.content;
  }
  return {};
}

}  // namespace clams::tool
