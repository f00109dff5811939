# Writes files into a C++ source as a table, so that the installed program needs none of them:
#   cmake -DOUTPUT=x.cpp -DENTRIES=name=file,… -P embed.cmake
string(REPLACE "," ";" entries "${ENTRIES}")
set(source "#include \"embedded_files.hpp\"\n\nnamespace clams::tool {\n\nstd::span<const EmbeddedFile> embedded_files() noexcept {\n  static constexpr EmbeddedFile kFiles[] = {\n")
foreach(entry IN LISTS entries)
  string(REGEX MATCH "^([^=]*)=(.*)$" matched "${entry}")
  set(name "${CMAKE_MATCH_1}")
  set(file "${CMAKE_MATCH_2}")
  file(READ "${file}" content)
  string(APPEND source "      {\"${name}\", R\"embedded(${content})embedded\"},\n")
endforeach()
string(APPEND source "  };\n  return kFiles;\n}\n\n}  // namespace clams::tool\n")
file(WRITE "${OUTPUT}" "${source}")
