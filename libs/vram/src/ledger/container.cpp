#include "vram/container.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/files.hpp"
#include "base/text.hpp"

namespace vram {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

struct Mount {
  std::string point;
  bool whole = false;  // the root of its file system, not a folder of it: what a bind mount of a folder never is
};

// A blank, tab, line feed or backslash in a path is a backslash and three octal digits (proc_pid_mountinfo(5)).
std::string without_escapes(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      path += text[i];
      continue;
    }
    int code = 0;
    for (std::size_t digit = i + 1; digit <= i + 3; ++digit) code = code * 8 + (text[digit] - '0');
    path += static_cast<char>(code);
    i += 3;
  }
  return path;
}

bool contains(const std::string& point, std::string_view path) {
  if (!path.starts_with(point)) return false;
  return point == "/" || path.size() == point.size() || path[point.size()] == '/';
}

// The deepest mount above the path; of several at one place the last, which covers the others.
Mount mount_of(std::string_view path, std::string_view table) {
  constexpr std::size_t kRoot = 3, kPoint = 4;
  Mount deepest;
  for (const std::string_view line : base::split(table, '\n')) {
    const auto fields = base::split(line, ' ');
    if (fields.size() <= kPoint) continue;
    std::string point = without_escapes(fields[kPoint]);
    if (contains(point, path) && point.size() >= deepest.point.size()) deepest = {std::move(point), fields[kRoot] == "/"};
  }
  return deepest;
}

}  // namespace

ContainerSigns ContainerSigns::from_environment() {
  ContainerSigns signs;
  signs.container = variable("container");
  signs.kubernetes_service = variable("KUBERNETES_SERVICE_HOST");
  signs.apptainer = variable("APPTAINER_CONTAINER") + variable("SINGULARITY_CONTAINER");
  return signs;
}

bool is_container(const ContainerSigns& signs) {
  if (!signs.container.empty() || !signs.kubernetes_service.empty() || !signs.apptainer.empty()) return true;
  return exists(signs.root + "/.dockerenv") || exists(signs.root + "/run/.containerenv");
}

bool lies_in_container(std::string_view directory, std::string_view mount_table) {
  constexpr std::array<std::string_view, 4> kFresh = {"/dev", "/dev/shm", "/run", "/tmp"};
  const Mount mount = mount_of(directory, mount_table);
  if (mount.point == "/") return true;
  return mount.whole && std::find(kFresh.begin(), kFresh.end(), mount.point) != kFresh.end();
}

std::string container_warning(const std::string& directory) {
  std::error_code problem;
  const std::string path = std::filesystem::canonical(directory, problem).string();
  const auto table = base::read_file("/proc/self/mountinfo");
  if (problem || !table || !lies_in_container(path, *table)) return {};
  return "GPU memory is shared out among the apps of this container only: the ledger's directory '" + directory +
         "' is not mounted from the host; to count every app of the host, run the container with --volume /run/vram:/run/vram";
}

}  // namespace vram
