#include "nvml_process_list.hpp"

#include <algorithm>
#include <cstring>

namespace vram::nvml {
namespace {

// The driver lists at most 950 processes.
constexpr unsigned kMostEntries = 1024;
constexpr std::size_t kLargestEntry = 32;
constexpr int kTries = 3;

int read_list(Api::ProcessList call, std::size_t entry_size, Device device, ProcessMerge& merge) {
  unsigned capacity = 64;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    unsigned count = capacity;
    // Room for the largest form, whatever the driver writes.
    std::vector<std::byte> buffer((capacity + 1) * kLargestEntry);
    const int code = call(device, &count, buffer.data());
    if (code == kInsufficientSize) {
      capacity = std::min(kMostEntries, std::max(count, capacity) * 2 + 5);  // others start meanwhile
      continue;
    }
    if (code != kSuccess) return code;
    for (unsigned at = 0; at < std::min(count, capacity); ++at) {
      ProcessHead head{};
      std::memcpy(&head, buffer.data() + at * entry_size, sizeof head);
      merge.add(head.pid, head.bytes);
    }
    return kSuccess;
  }
  return kInsufficientSize;
}

}  // namespace

void ProcessMerge::add(std::uint32_t pid, std::uint64_t bytes) {
  constexpr std::uint32_t kMostPid = 1U << 22;  // Linux hands out no larger ones
  if (pid == 0 || pid > kMostPid) return;
  // Zero is what drivers 535.113 to 560 say inside a container: they do not know.
  const bool known = bytes != kNotAvailable && bytes != 0;
  ProcessUse& use = by_pid_.try_emplace(pid, ProcessUse{pid, Bytes(), false}).first->second;
  if (!known) return;
  use.known = true;
  use.bytes = std::max(use.bytes, Bytes(bytes));
}

std::vector<ProcessUse> ProcessMerge::result() const {
  std::vector<ProcessUse> list;
  for (const auto& [pid, use] : by_pid_) list.push_back(use);
  return list;
}

int list_processes(const Api& api, const Api::ProcessLists& lists, Device device, ProcessMerge& merge) {
  struct Form {
    Api::ProcessList call;
    std::size_t entry_size;
  };
  int code = kFunctionNotFound;
  for (const Form form : {Form{lists.v3, api.v3_entry_size()}, Form{lists.v2, 24}, Form{lists.v1, 16}}) {
    if (form.call == nullptr) continue;
    code = read_list(form.call, form.entry_size, device, merge);
    if (code != kFunctionNotFound && code != kStructVersion) return code;  // the driver below the library may be older
  }
  return code;
}

}  // namespace vram::nvml
