// vram_conformance --probe sim|fake|real [--figures]: the suite that simulated, fake and real devices all pass. Exit status 0:
// passed, or there is no real device here; 1: something failed; 2: wrong use.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "suite.hpp"

namespace {

using conformance::Kind;

int usage() {
  std::fprintf(stderr, "usage: vram_conformance --probe sim|fake|real [--figures]\n");
  return 2;
}

bool has_device(const conformance::Subject& subject) {
  const auto probe = subject.open();
  if (!probe) return false;
  const auto devices = (*probe)->devices();
  if (!devices) std::printf("the driver is here but cannot be read: %s\n", devices.error().message.c_str());
  return !devices || !devices->empty();
}

int run(Kind kind, const std::string& name, bool figures, const std::string& program) {
  std::string pattern = (std::filesystem::temp_directory_path() / "vram-conformance-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    std::fprintf(stderr, "cannot make a temporary directory '%s'\n", pattern.c_str());
    return 1;
  }
  const conformance::Subject subject = conformance::make_subject(kind, program, pattern);
  conformance::Report report;
  if (kind == Kind::Real && !has_device(subject)) {
    std::printf("no GPU here: the suite was not run on a real device\n");
  } else {
    conformance::run_suite(subject, report);
    std::printf("%s: %d cases, %d failed\n", name.c_str(), report.cases(), report.failures());
    if (figures) conformance::print_figures(subject);
  }
  if (report.failures() == 0)
    std::filesystem::remove_all(pattern);
  else
    std::printf("files kept in %s\n", pattern.c_str());
  return report.failures() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 5 && words[0] == "--hold") {
    return conformance::hold(words[1], words[2], words[3], vram::Bytes(std::strtoull(words[4].c_str(), nullptr, 10)));
  }
  if (words.size() < 2 || words[0] != "--probe" || words.size() > 3 || (words.size() == 3 && words[2] != "--figures"))
    return usage();
  const bool figures = words.size() == 3;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  if (words[1] == "sim") return run(Kind::Simulated, words[1], figures, program);
  if (words[1] == "fake") return run(Kind::Fake, words[1], figures, program);
  if (words[1] == "real") return run(Kind::Real, words[1], figures, program);
  return usage();
}
