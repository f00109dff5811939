#include <array>
#include <csignal>
#include <cstring>

#include "worker/child_process.hpp"

namespace worker {

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

std::string ExitReason::words() const {
  if (exited) return "exited with status " + std::to_string(status);
  if (out_of_memory) return "was killed by the kernel for want of memory";
  if (signal == 0) return "ended in an unknown way (its status was collected by somebody else)";
  return "was killed by signal " + std::to_string(signal) + " (" + signal_name(signal) + (dumped_core ? ", core dumped)" : ")");
}

}  // namespace worker
