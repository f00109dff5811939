// Whether a ledger counts the apps of the host, or those of one container: a container sees the host's directory only where
// somebody mounts it.
#pragma once
#include <string>
#include <string_view>

namespace vram {

// What engines leave in the containers that they run. Variables are empty where they are unset.
struct ContainerSigns {
  std::string container = {};           // set by podman, LXC and systemd-nspawn
  std::string kubernetes_service = {};  // KUBERNETES_SERVICE_HOST
  std::string apptainer = {};           // APPTAINER_CONTAINER, or SINGULARITY_CONTAINER
  std::string root = "/";               // where Docker leaves /.dockerenv and podman /run/.containerenv

  // Reads the environment of this process: for programs, before they start threads.
  static ContainerSigns from_environment();
};
bool is_container(const ContainerSigns& signs);

// Whether `directory` (absolute, without symbolic links) lies on a file system that an engine makes for one container: its root, or
// a fresh one on /dev, /dev/shm, /run, /tmp. `mount_table` is the text of /proc/self/mountinfo; a text that names no mount above
// the directory means false.
bool lies_in_container(std::string_view directory, std::string_view mount_table);

// One line for the log about the ledger's directory in a container, with what to do; empty where it is a mount of the host's or the
// table of mounts cannot be read.
std::string container_warning(const std::string& directory);

}  // namespace vram
