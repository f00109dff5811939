// How many CPUs this process may use.
#pragma once
#include <functional>
#include <string>

namespace base {

struct AvailableCpus {
  unsigned count = 1;    // whole CPUs, a part of one rounded up; at least 1
  unsigned machine = 1;  // CPUs that are online
  std::string limit;     // what keeps it below the machine's: "cpu.max of the control group /a"; empty: nothing does

  // "2 of 64 CPUs (cpu.max of the control group /a)", "8 CPUs".
  std::string words() const;
};

// What is looked at; the default is this process on this machine.
struct CpuSources {
  std::string root = {};                        // replaces "/" in every path (tests)
  std::function<unsigned()> affinity = {};      // CPUs in the process's affinity mask, 0: not known; empty: the kernel is asked
  std::function<unsigned()> machine_cpus = {};  // CPUs that are online; empty: the kernel is asked
};

// The smallest of: CPUs online; the affinity mask of the process (taskset, Slurm, docker --cpuset-cpus; of its first thread, for
// any number of CPUs); the cpuset of its control group; and time limits of its control group and of all those above it: cpu.max of
// version 2, cpu.cfs_quota_us / cpu.cfs_period_us of version 1 (docker --cpus, Kubernetes limits, systemd CPUQuota). Never fails:
// what cannot be read or makes no sense limits nothing. Reads a dozen small files of the kernel's: for the start, and every few
// seconds.
AvailableCpus available_cpus(const CpuSources& sources = {});

}  // namespace base
