#include "engine/cuda_index.hpp"

#include <array>
#include <cstdio>

#include "base/shared_library.hpp"

namespace asr {
namespace {

// From the driver API: CUresult, CUdevice and CUuuid.
using Init = int (*)(unsigned);
using GetCount = int (*)(int*);
using GetUuid = int (*)(std::array<unsigned char, 16>*, int);

std::string text_of(const std::array<unsigned char, 16>& bytes) {
  std::string text;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::array<char, 3> pair{};
    std::snprintf(pair.data(), pair.size(), "%02x", static_cast<unsigned>(bytes[n]));
    text += (n == 4 || n == 6 || n == 8 || n == 10 ? "-" : "") + std::string(pair.data());
  }
  return text;
}

template <class Function>
Function find(const base::SharedLibrary& driver, const char* name, const char* older) {
  void* symbol = driver.symbol(name);
  if (symbol == nullptr) symbol = driver.symbol(older);
  return reinterpret_cast<Function>(symbol);
}

}  // namespace

std::optional<int> cuda_index_of(const std::string& uuid) {
  auto driver = base::SharedLibrary::open("libcuda.so.1");
  if (!driver) return std::nullopt;
  driver->leak();
  const auto init = find<Init>(*driver, "cuInit", "cuInit");
  const auto count_devices = find<GetCount>(*driver, "cuDeviceGetCount", "cuDeviceGetCount");
  const auto uuid_of = find<GetUuid>(*driver, "cuDeviceGetUuid_v2", "cuDeviceGetUuid");  // the newer one tells MIG slices apart
  int devices = 0;
  if (init == nullptr || count_devices == nullptr || uuid_of == nullptr || init(0) != 0 || count_devices(&devices) != 0)
    return std::nullopt;
  for (int index = 0; index < devices; ++index) {
    std::array<unsigned char, 16> bytes{};
    if (uuid_of(&bytes, index) == 0 && uuid.ends_with(text_of(bytes))) return index;
  }
  return std::nullopt;
}

}  // namespace asr
