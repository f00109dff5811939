#include <string>
#include <string_view>

#include "clams/server/environment.hpp"
#include "command_line.hpp"
#include "commands.hpp"
#include "serve.hpp"
#include "streams.hpp"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "serve") return clams::tool::run_serve({argv + 2, argv + argc});
  // The other commands that read settings from the environment. A typo there is as silent as in a server's.
  if (argc > 1 && (std::string_view(argv[1]) == "gpu" || std::string_view(argv[1]) == "profiles")) {
    const auto line = clams::server::look_at_environment(clams::server::environment_variables()).unknown_line();
    if (!line.empty()) clams::tool::complain(argv[1], line);
  }
  return clams::tool::run_command_line(argc, argv, clams::tool::commands());
}
