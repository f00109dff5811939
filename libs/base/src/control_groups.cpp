#include "base/control_groups.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace base {
namespace {

constexpr std::size_t kLongestFile = std::size_t{4} << 20;  // mountinfo of a host with thousands of containers

// The process's group in version 2 and in version 1's hierarchy with the controller.
struct Membership {
  std::optional<std::string> unified, own;
};

bool lists(std::string_view words, std::string_view word) {
  const auto all = split(words, ',');
  return std::find(all.begin(), all.end(), word) != all.end();
}

// "0::/group" of version 2, "4:cpu,cpuacct:/group" of version 1.
Membership membership_of(std::string_view text, std::string_view controller) {
  Membership found;
  for (const std::string_view line : split(text, '\n')) {
    const auto first = line.find(':'), second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || line.size() < second + 2 || line[second + 1] != '/') continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) found.unified = line.substr(second + 1);
    if (lists(controllers, controller)) found.own = line.substr(second + 1);
  }
  return found;
}

struct Mount {
  std::string top;    // the group that it shows at its top
  std::string point;  // where
  bool version_two = false;
};

// mountinfo writes blanks and backslashes as \040 and \134.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '\\' && i + 3 < text.size() && std::from_chars(digits, digits + 3, value, 8).ptr == digits + 3) {
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "36 35 0:30 /top /point rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct"
std::optional<Mount> mount_of(std::string_view line, std::string_view controller) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  const auto before = split(line.substr(0, dash), ' '), after = split(line.substr(dash + 3), ' ');
  if (before.size() < 5 || after.empty()) return std::nullopt;
  const bool version_two = after[0] == "cgroup2";
  const bool version_one = after[0] == "cgroup" && after.size() > 2 && lists(after[2], controller);
  if (!version_two && !version_one) return std::nullopt;
  return Mount{unescaped(before[3]), unescaped(before[4]), version_two};
}

std::vector<Mount> mounts_for(std::string_view controller, const std::string& root) {
  std::vector<Mount> mounts;
  const auto text = read_file(root + "/proc/self/mountinfo", kLongestFile);
  if (!text) return {{"/", "/sys/fs/cgroup", true}, {"/", "/sys/fs/cgroup/" + std::string(controller), false}};
  for (const std::string_view line : split(*text, '\n')) {
    auto mount = mount_of(line, controller);
    if (!mount) continue;
    std::erase_if(mounts, [&](const Mount& covered) { return covered.point == mount->point; });
    mounts.push_back(std::move(*mount));
  }
  return mounts;
}

// What of `group` lies below `top`: "" for the top itself; nullopt: it lies elsewhere.
std::optional<std::string> below(const std::string& top, const std::string& group) {
  if (top == "/") return group == "/" ? std::string() : group;
  if (!group.starts_with(top)) return std::nullopt;
  std::string rest = group.substr(top.size());
  if (!rest.empty() && rest[0] != '/') return std::nullopt;
  return rest;
}

bool leads_outside(std::string_view group) {
  const auto parts = split(group, '/');
  return std::find(parts.begin(), parts.end(), "..") != parts.end();
}

void add_folders(std::vector<GroupFolder>& list, const std::string& root, const Mount& mount, std::string rest) {
  while (rest.ends_with('/')) rest.pop_back();
  for (;;) {
    std::string name = mount.top == "/" ? rest : mount.top + rest;
    list.push_back({root + mount.point + rest, name.empty() ? "/" : std::move(name), mount.version_two});
    if (rest.empty()) return;
    rest.resize(std::min(rest.size(), rest.rfind('/')));
  }
}

// The first mount that shows the group; none: the first one's top.
void add_hierarchy(std::vector<GroupFolder>& list, const std::string& root, const std::vector<Mount>& mounts, bool version_two,
                   const std::optional<std::string>& group) {
  if (!group) return;
  const Mount* fallback = nullptr;
  for (const Mount& mount : mounts) {
    if (mount.version_two != version_two) continue;
    if (fallback == nullptr) fallback = &mount;
    const auto rest = leads_outside(*group) ? std::nullopt : below(mount.top, *group);
    if (rest) return add_folders(list, root, mount, *rest);
  }
  if (fallback != nullptr) add_folders(list, root, *fallback, "");
}

}  // namespace

std::vector<GroupFolder> control_groups(std::string_view controller, const std::string& root) {
  std::vector<GroupFolder> list;
  const auto text = read_file(root + "/proc/self/cgroup", kLongestFile);
  if (!text) return list;
  const Membership groups = membership_of(*text, controller);
  const std::vector<Mount> mounts = mounts_for(controller, root);
  add_hierarchy(list, root, mounts, true, groups.unified);
  add_hierarchy(list, root, mounts, false, groups.own);
  return list;
}

}  // namespace base
