#include "commands.hpp"

#include "completion.hpp"
#include "describe.hpp"
#include "develop.hpp"
#include "envelop.hpp"
#include "gpu/commands.hpp"
#include "profiles/commands.hpp"
#include "reading_commands.hpp"
#include "rewind.hpp"
#include "serve.hpp"
#include "source.hpp"
#include "summarize.hpp"

namespace clams::tool {

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands{
      {"source", "make an MMIF that lists documents, to start a workflow with", declare_source},
      {"rewind", "remove the last views or runs of apps from an MMIF", declare_rewind},
      {"describe", "tell which apps made an MMIF, or a directory of them, how and for how long", declare_describe},
      {"summarize", "make a summary of an MMIF: documents, views, transcript, time frames, entities", declare_summarize},
      {"text", "print the texts of an MMIF: a transcript, or what was read on screens and pages", declare_text},
      {"subtitles", "make subtitles, WebVTT or SubRip, from the transcript of an MMIF", declare_subtitles},
      {"envelop", "put parameters and an MMIF into one JSON text to post to an app", declare_envelop},
      {"develop", "write the skeleton of a new app in C++ that builds and passes its test", declare_develop},
      {"serve", "serve an app that was written for the Python SDK, unchanged", declare_serve},
      {"gpu", "show GPUs and who was promised their memory; run programs under a lease; steer simulated GPUs", declare_gpu},
      {"profiles", "look after what was learned about the GPU memory that apps need", declare_profiles},
      {"completion", "print a script that lets bash, zsh or fish complete this command", declare_completion},
  };
  return kCommands;
}

}  // namespace clams::tool
