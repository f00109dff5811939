#include "rewind.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <vector>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "streams.hpp"
#include "workflow.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

struct RewindOptions {
  std::optional<std::string> input;
  std::optional<std::string> second;  // OUT_FILE
  std::optional<std::string> output;
  bool pretty = false;
  bool json = false;
  std::int64_t number = 0;
  std::optional<std::string> mode;
};

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string table_row(const std::string& view, const std::string& app, std::string_view timestamp, std::string_view uri) {
  return padded(view, 9) + padded(app, 9) + padded(std::string(timestamp), 31) + std::string(uri) + "\n";
}

base::Result<std::int64_t> read_number(int fd) {
  std::string line;
  char c = 0;
  while (line.size() < 64) {
    const ssize_t got = ::read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n') break;
    line += c;
  }
  const std::string_view text = base::trim(line);
  if (text.empty()) return Error{ErrorCode::InvalidArgument, "no number was given; nothing was rewound"};
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) {
    return Error{ErrorCode::InvalidArgument, "'" + std::string(text) + "' is not a number; nothing was rewound"};
  }
  return number;
}

// Table and question go to standard error: standard output is for the document. When the document came from standard input, the
// answer comes from the terminal.
base::Result<std::int64_t> ask(const mmif::Mmif& document, bool stdin_is_used) {
  base::Fd terminal;
  if (stdin_is_used) {
    auto opened = base::open_file("/dev/tty", O_RDWR);
    if (!opened) {
      return Error{ErrorCode::InvalidArgument,
                   "the document came from standard input and there is no terminal to ask at; say how far with -n"};
    }
    terminal = std::move(*opened);
  }
  BASE_TRY(base::write_all(
      STDERR_FILENO, rewind_table(document) + "\nEnter the number to delete from that point by rewinding: ", "standard error"));
  return read_number(terminal ? terminal.get() : STDIN_FILENO);
}

base::Status run(const RewindOptions& options) {
  if (options.second && options.output)
    return Error{ErrorCode::InvalidArgument, "two outputs: name OUT_FILE or --output, not both"};
  BASE_TRY_ASSIGN(std::string text, read_input(options.input));
  BASE_TRY_ASSIGN(const auto document, mmif::Mmif::parse(std::move(text)));
  const bool stdin_is_used = !options.input || *options.input == "-";
  std::int64_t number = options.number;
  if (number == 0) { BASE_TRY_ASSIGN(number, ask(*document, stdin_is_used)); }
  BASE_TRY(rewind(*document, number, options.mode == "app" ? RewindUnit::Apps : RewindUnit::Views));
  return write_output(options.second ? options.second : options.output, document->write(options.pretty));
}

}  // namespace

base::Status rewind(mmif::Mmif& document, std::int64_t number, RewindUnit unit) {
  if (number <= 0) {
    return Error{ErrorCode::InvalidArgument, "Only can rewind by a positive number of views. Got " + std::to_string(number) + "."};
  }
  std::vector<std::vector<const mmif::View*>> last;
  if (unit == RewindUnit::Apps) {
    last = executions(document);
  } else {
    for (const auto& view : document.views()) last.push_back({view.get()});
  }
  for (; number > 0 && !last.empty(); --number, last.pop_back()) {
    for (const mmif::View* view : last.back()) document.remove(*view);
  }
  return {};
}

std::string rewind_table(const mmif::Mmif& document) {
  std::map<const mmif::View*, std::size_t> run_of;
  std::size_t number = 0;
  for (const auto& run : executions(document)) {
    ++number;
    for (const mmif::View* view : run) run_of[view] = number;
  }
  std::string table = "\n" + table_row("view-num", "app-num", "timestamp", "app");
  const auto& views = document.views();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const mmif::View& view = *views[views.size() - 1 - i];
    const auto run = run_of.find(&view);
    const std::string_view timestamp = view.timestamp();
    table += table_row(std::to_string(i + 1), run == run_of.end() ? "N/A" : std::to_string(run->second),
                       timestamp.empty() ? "None" : timestamp, view.app());
  }
  return table;
}

Action declare_rewind(Parser& parser) {
  auto options = std::make_shared<RewindOptions>();
  parser.argument("IN_FILE", options->input, "MMIF to rewind; standard input if '-' or not given");
  parser.argument("OUT_FILE", options->second, "where the MMIF goes; standard output if '-' or not given");
  parser.option("-o,--output", options->output, "FILE", "the same as OUT_FILE");
  parser.integer("-n,--number", options->number, "N",
                 "how many views or runs to remove; without it a table is shown and the number asked for");
  parser.choice("-m,--mode", options->mode, {"app", "view"}, "MODE",
                "what N counts: view, or app for runs of apps (all views with one app and timestamp) (default: view)");
  parser.flag("-p,--pretty", options->pretty, "lay the MMIF out with indentation");
  parser.flag("--json", options->json, "accepted for scripts: MMIF is JSON");
  parser.epilogue(
      "Views that stay are not touched: their bytes are those of the input. A file is replaced as a whole, so input and output may "
      "be the same.\n"
      "\n"
      "  clams rewind news.mmif -n 1 -o shorter.mmif\n"
      "  clams rewind -m app -n 2 - < news.mmif > shorter.mmif\n"
      "  clams rewind news.mmif news.mmif");
  return [options] { return finish("rewind", run(*options)); };
}

}  // namespace clams::tool
