// Files of this folder that are part of the program: templates of `clams develop`, schemas of `clams describe`. Made by
// embed.cmake.
#pragma once
#include <span>
#include <string_view>

namespace clams::tool {

struct EmbeddedFile {
  std::string_view name;  // "app/CMakeLists.txt", "schema/mmif-file.json"
  std::string_view content;
};

std::span<const EmbeddedFile> embedded_files() noexcept;

}  // namespace clams::tool
