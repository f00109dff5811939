// Where the limits of this process's control groups stand, in version 1, version 2 and both at once.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace base {

// A folder of a control group's files.
struct GroupFolder {
  std::string path;  // where to read, below the root that was given
  std::string name;  // the group as a person knows it: "/system.slice/clams.service"
  bool version_two = false;
};

// Folders of the groups that this process is in for `controller` ("cpu", "memory", "cpuset"): its own group first, then each one
// above it up to the top of what is mounted. Limits of all of them count. Version 2 comes before version 1; where both are mounted
// (hybrid) both are listed, and only one of them has the controller's files.
//
// 1. /proc/self/cgroup names the group. 2. /proc/self/mountinfo says which group a mount shows at its top and where. 3. The rest of
// the name leads from there. In a container the name may lie outside of what is mounted: then the top of the mount is the
// container's own group. Without mountinfo the usual places count (/sys/fs/cgroup, /sys/fs/cgroup/CONTROLLER).
//
// Never fails: what cannot be read or makes no sense is left out. `root` replaces "/" in every path (tests).
std::vector<GroupFolder> control_groups(std::string_view controller, const std::string& root = {});

}  // namespace base
