#include "nvml_api.hpp"

#include <string>

namespace vram::nvml {
namespace {

template <class Function>
void fill(Function& entry, const base::SharedLibrary& library, const std::string& name) {
  entry = reinterpret_cast<Function>(library.symbol(name.c_str()));
}

void fill_lists(Api::ProcessLists& lists, const base::SharedLibrary& library, const std::string& name) {
  fill(lists.v3, library, name + "_v3");
  fill(lists.v2, library, name + "_v2");
  fill(lists.v1, library, name);
}

}  // namespace

Api Api::load(const base::SharedLibrary& library) {
  Api api;
  fill(api.init_v2, library, "nvmlInit_v2");
  fill(api.error_string, library, "nvmlErrorString");
  fill(api.driver_version, library, "nvmlSystemGetDriverVersion");
  fill(api.count_v2, library, "nvmlDeviceGetCount_v2");
  fill(api.by_index_v2, library, "nvmlDeviceGetHandleByIndex_v2");
  fill(api.by_uuid, library, "nvmlDeviceGetHandleByUUID");
  fill(api.name, library, "nvmlDeviceGetName");
  fill(api.uuid, library, "nvmlDeviceGetUUID");
  fill(api.pci_v3, library, "nvmlDeviceGetPciInfo_v3");
  fill(api.memory, library, "nvmlDeviceGetMemoryInfo");
  fill(api.memory_v2, library, "nvmlDeviceGetMemoryInfo_v2");
  fill(api.mig_mode, library, "nvmlDeviceGetMigMode");
  fill(api.mig_count, library, "nvmlDeviceGetMaxMigDeviceCount");
  fill(api.mig_by_index, library, "nvmlDeviceGetMigDeviceHandleByIndex");
  fill_lists(api.compute, library, "nvmlDeviceGetComputeRunningProcesses");
  fill_lists(api.graphics, library, "nvmlDeviceGetGraphicsRunningProcesses");
  fill_lists(api.mps, library, "nvmlDeviceGetMPSComputeRunningProcesses");
  api.has_confidential_sizes = library.symbol("nvmlDeviceGetConfComputeMemSizeInfo") != nullptr;
  api.has_detail_list = library.symbol("nvmlDeviceGetRunningProcessDetailList") != nullptr;
  return api;
}

}  // namespace vram::nvml
