#include "command_line.hpp"
#include "commands.hpp"

int main(int argc, char** argv) { return clams::tool::run_command_line(argc, argv, clams::tool::commands()); }
