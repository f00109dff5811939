#include "commands.hpp"

#include "completion.hpp"
#include "envelop.hpp"
#include "rewind.hpp"
#include "source.hpp"

namespace clams::tool {

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands{
      {"source", "make an MMIF that lists documents, to start a workflow with", declare_source},
      {"rewind", "remove the last views or runs of apps from an MMIF", declare_rewind},
      {"envelop", "put parameters and an MMIF into one JSON text to post to an app", declare_envelop},
      {"completion", "print a script that lets bash, zsh or fish complete this command", declare_completion},
  };
  return kCommands;
}

}  // namespace clams::tool
