#include <string_view>

#include "command_line.hpp"
#include "commands.hpp"
#include "serve.hpp"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "serve") return clams::tool::run_serve({argv + 2, argv + argc});
  return clams::tool::run_command_line(argc, argv, clams::tool::commands());
}
