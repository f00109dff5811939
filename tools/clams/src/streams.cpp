#include "streams.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/fd.hpp"
#include "base/files.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

bool is_standard(const std::optional<std::string>& name) { return !name || *name == "-"; }

base::Status write_standard_output(const mmif::Written& document) {
  for (const std::string_view slice : document.slices) BASE_TRY(base::write_all(STDOUT_FILENO, slice, "standard output"));
  return {};
}

// A rename over a link would replace the link, not what it points to.
std::string target_of(const std::string& name) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(name.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : name;
}

std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

base::Result<std::string> read_input(const std::optional<std::string>& name) {
  if (!name && ::isatty(STDIN_FILENO) == 1) {
    return Error{ErrorCode::NotFound, "No input provided: name a file, or pipe a document to standard input"};
  }
  if (is_standard(name)) return base::read_all(STDIN_FILENO, "standard input");
  auto text = base::read_file(*name);
  if (!text && text.error().code == ErrorCode::NotFound) {
    return Error{ErrorCode::NotFound, "Input path does not exist: " + *name + "; check the name", text.error().native};
  }
  return text;
}

base::Status write_output(const std::optional<std::string>& name, const mmif::Written& document) {
  if (is_standard(name)) return write_standard_output(document);
  struct stat info {};
  const bool exists = ::stat(name->c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode))
    return Error{ErrorCode::InvalidArgument, "cannot write '" + *name + "': it is a directory; name a file in it"};
  if (exists && !S_ISREG(info.st_mode)) {
    BASE_TRY_ASSIGN(const base::Fd fd, base::open_file(*name, O_WRONLY));
    for (const std::string_view slice : document.slices) BASE_TRY(base::write_all(fd.get(), slice, *name));
    return {};
  }
  return base::write_file_atomically(exists ? target_of(*name) : *name, document.to_string(), exists ? info.st_mode & 0777 : 0666);
}

base::Status write_output(const std::optional<std::string>& name, const std::string& text) {
  return write_output(name, mmif::Written{{std::string_view(text)}, nullptr});
}

void complain(std::string_view command, std::string_view message) {
  std::string line = "clams";
  if (!command.empty()) line.append(" ").append(command);
  line.append(": ").append(on_one_line(message)).append("\n");
  (void)base::write_all(STDERR_FILENO, line, "standard error");
}

int finish(std::string_view command, const base::Status& status) {
  if (status) return 0;
  complain(command, status.error().message);
  return base::traits_of(status.error().code).exit_status;
}

}  // namespace clams::tool
