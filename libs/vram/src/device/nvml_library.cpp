#include "nvml_library.hpp"

#include <unistd.h>

#include <array>
#include <map>

#include "nvml_error.hpp"
#include "nvml_process_list.hpp"

namespace vram::nvml {

Result<std::shared_ptr<Library>> Library::open(const std::string& path) {
  // One per process and library, whoever opens it: "initialised once" is a fact about the process, not about an object.
  static std::mutex mutex;
  static auto& loaded = *new std::map<std::string, std::shared_ptr<Library>>;
  {
    const std::lock_guard lock(mutex);
    if (const auto found = loaded.find(path); found != loaded.end()) return found->second;
  }
  BASE_TRY_ASSIGN(base::SharedLibrary library, base::SharedLibrary::open(path));
  const Api api = Api::load(library);
  if (!api.complete())
    return Error{ErrorCode::Unsupported, "'" + path + "' is no NVML: it lacks functions that every driver since 319 has"};
  library.leak();
  const std::lock_guard lock(mutex);
  return loaded.try_emplace(path, std::make_shared<Library>(api)).first->second;
}

Status Library::ready() {
  const int self = ::getpid();
  if (initialised_by_.load() == self) return {};
  if (const int code = api_.init_v2(); code != kSuccess) return error("nvmlInit_v2", "", code);
  std::array<char, 96> buffer{};
  if (api_.driver_version != nullptr && api_.driver_version(buffer.data(), buffer.size() - 1) == kSuccess) {
    const std::lock_guard lock(version_mutex_);
    version_ = buffer.data();
  }
  initialised_by_.store(self);
  return {};
}

std::string Library::driver_version() const {
  const std::lock_guard lock(version_mutex_);
  return version_;
}

Error Library::error(std::string_view call, std::string_view what, int code) const {
  return error_of(api_, driver_version(), call, what, code);
}

std::string Library::text(int (*call)(Device, char*, unsigned), Device device) const {
  std::array<char, 97> buffer{};
  if (call == nullptr || call(device, buffer.data(), buffer.size() - 1) != kSuccess) return {};
  return buffer.data();
}

Result<Memory> Library::memory(Device device, std::string_view what) {
  int code = kFunctionNotFound;
  std::string_view call = "nvmlDeviceGetMemoryInfo_v2";
  if (api_.memory_v2 != nullptr && !memory_v2_refused_.load()) {
    MemoryV2 answer{};
    answer.version = kMemoryV2Version;
    code = api_.memory_v2(device, &answer);
    if (code == kSuccess) return Memory{answer.total, answer.free, answer.used};
    if (code == kNotSupported) return error(call, what, code);
    if (code == kStructVersion || code == kFunctionNotFound || code == kInvalidArgument) memory_v2_refused_.store(true);
  }
  if (api_.memory != nullptr) {
    Memory answer{};
    call = "nvmlDeviceGetMemoryInfo";
    code = api_.memory(device, &answer);
    if (code == kSuccess) return answer;
  }
  if (code == kUninitialized) forget();
  return error(call, what, code);
}

Result<std::vector<ProcessUse>> Library::processes(Device device, std::string_view what) const {
  ProcessMerge merge;
  int failed = kSuccess;
  bool listed = false;
  for (const Api::ProcessLists* lists : {&api_.compute, &api_.graphics, &api_.mps}) {
    const int code = list_processes(api_, *lists, device, merge);
    if (code == kSuccess)
      listed = true;
    else if (code != kFunctionNotFound && code != kNotSupported)
      failed = code;
  }
  if (!listed) return error("the list of processes", what, failed == kSuccess ? static_cast<int>(kNotSupported) : failed);
  return merge.result();
}

}  // namespace vram::nvml
