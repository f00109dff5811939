#include "vram/amdgpu_probe.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>

#include "base/duration.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace vram {
namespace {

constexpr std::string_view kVendor = "0x1002";
constexpr std::uint64_t kApuRatio = 4;

struct Card {
  std::string directory;  // …/class/drm/card0/device
  std::string pci;        // "0000:03:00.0"
  std::string name;
};

Result<std::string> read_text(const std::string& path) {
  BASE_TRY_ASSIGN(const std::string text, base::read_file(path, std::size_t{1} << 16));
  return std::string(base::trim(text));
}

Result<std::uint64_t> read_number(const std::string& path) {
  BASE_TRY_ASSIGN(const std::string text, read_text(path));
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return Error{ErrorCode::Corrupt, "amdgpu: '" + path + "' holds no number"};
  return value;
}

// The value of "KEY=value" (uevent) or "key value" (topology) among the lines of a file.
std::optional<std::string> field(const std::string& text, std::string_view key, char separator) {
  for (const std::string_view line : base::split(text, '\n')) {
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == separator)
      return std::string(base::trim(line.substr(key.size() + 1)));
  }
  return std::nullopt;
}

bool is_card(std::string_view name) {
  return name.starts_with("card") && name.size() > 4 &&
         name.find_first_not_of("0123456789", 4) == std::string_view::npos;  // not "card0-DP-1"
}

class AmdgpuProbe final : public Probe {
 public:
  explicit AmdgpuProbe(std::string root) : root_(std::move(root)) {}
  std::string_view driver() const noexcept override { return "amdgpu"; }
  Result<std::vector<DeviceInfo>> devices() override;
  Result<MemorySample> sample(const DeviceUuid& device) override;
  Result<std::vector<ProcessUse>> processes(const DeviceUuid& device) override;

 private:
  std::vector<Card> cards() const;
  Result<Card> card_of(const DeviceUuid& device) const;
  Result<MemorySample> memory_of(const Card& card) const;
  std::optional<std::string> kfd_gpu_id(const std::string& pci) const;

  const std::string root_;
};

std::vector<Card> AmdgpuProbe::cards() const {
  std::vector<Card> list;
  const std::string drm = root_ + "/class/drm";
  auto names = base::list_directory(drm);
  if (!names) return list;
  for (const std::string& name : *names) {
    if (!is_card(name)) continue;
    Card card{drm + "/" + name + "/device", "", "AMD GPU"};
    const auto vendor = read_text(card.directory + "/vendor");
    if (!vendor || *vendor != kVendor || !read_number(card.directory + "/mem_info_vram_total")) continue;
    const auto uevent = read_text(card.directory + "/uevent");
    const auto slot = uevent ? field(*uevent, "PCI_SLOT_NAME", '=') : std::nullopt;
    card.pci = slot.value_or(name);
    if (auto product = read_text(card.directory + "/product_name"); product && !product->empty()) card.name = *product;
    list.push_back(std::move(card));
  }
  std::sort(list.begin(), list.end(), [](const Card& a, const Card& b) { return a.pci < b.pci; });
  return list;
}

Result<Card> AmdgpuProbe::card_of(const DeviceUuid& device) const {
  for (Card& card : cards()) {
    if (device.text() == "AMD-" + card.pci) return std::move(card);
  }
  return Error{ErrorCode::NotFound, "amdgpu: no device '" + device.text() + "'; it may have been unplugged or its driver unloaded"};
}

Result<MemorySample> AmdgpuProbe::memory_of(const Card& card) const {
  const auto asked = base::system_clock().monotonic();
  BASE_TRY_ASSIGN(std::uint64_t total, read_number(card.directory + "/mem_info_vram_total"));
  BASE_TRY_ASSIGN(std::uint64_t used, read_number(card.directory + "/mem_info_vram_used"));
  const auto gtt_total = read_number(card.directory + "/mem_info_gtt_total");
  const auto gtt_used = read_number(card.directory + "/mem_info_gtt_used");
  if (gtt_total && gtt_used && *gtt_total / kApuRatio >= total) {
    total += *gtt_total;
    used += *gtt_used;
  }
  return MemorySample{Bytes(total), Bytes(total) - Bytes(used), asked};
}

Result<std::vector<DeviceInfo>> AmdgpuProbe::devices() {
  std::vector<DeviceInfo> infos;
  const auto version = read_text(root_ + "/module/amdgpu/version");  // only out-of-tree drivers have one
  for (const Card& card : cards()) {
    BASE_TRY_ASSIGN(const MemorySample memory, memory_of(card));
    infos.push_back({DeviceUuid("AMD-" + card.pci), card.name, static_cast<int>(infos.size()), memory.total, version.value_or("")});
  }
  return infos;
}

Result<MemorySample> AmdgpuProbe::sample(const DeviceUuid& device) {
  BASE_TRY_ASSIGN(const Card card, card_of(device));
  return memory_of(card);
}

// The number under which the compute driver knows a card: its topology gives domain and bus/device/function as one word.
std::optional<std::string> AmdgpuProbe::kfd_gpu_id(const std::string& pci) const {
  const std::string nodes = root_ + "/class/kfd/kfd/topology/nodes";
  const auto names = base::list_directory(nodes);
  if (!names) return std::nullopt;
  for (const std::string& name : *names) {
    const auto properties = read_text(nodes + "/" + name + "/properties");
    const auto id = read_text(nodes + "/" + name + "/gpu_id");
    if (!properties || !id || *id == "0") continue;
    unsigned domain = 0, location = 0;
    const std::string domain_text = field(*properties, "domain", ' ').value_or("0");
    const std::string location_text = field(*properties, "location_id", ' ').value_or("0");
    std::from_chars(domain_text.data(), domain_text.data() + domain_text.size(), domain);
    std::from_chars(location_text.data(), location_text.data() + location_text.size(), location);
    std::array<char, 32> address{};
    std::snprintf(address.data(), address.size(), "%04x:%02x:%02x.%x", domain, location >> 8 & 0xff, location >> 3 & 0x1f,
                  location & 7);
    if (pci == address.data()) return *id;
  }
  return std::nullopt;
}

Result<std::vector<ProcessUse>> AmdgpuProbe::processes(const DeviceUuid& device) {
  BASE_TRY_ASSIGN(const Card card, card_of(device));
  const auto id = kfd_gpu_id(card.pci);
  if (!id)
    return Error{ErrorCode::Unsupported,
                 "amdgpu: the compute driver (kfd) does not know " + device.text() + ", so its processes cannot be listed"};
  std::vector<ProcessUse> list;
  const std::string directory = root_ + "/class/kfd/kfd/proc";
  const auto pids = base::list_directory(directory);
  if (!pids) return list;
  for (const std::string& pid : *pids) {
    const auto bytes = read_number(directory + "/" + pid + "/vram_" + *id);
    std::int64_t number = 0;
    if (std::from_chars(pid.data(), pid.data() + pid.size(), number).ec != std::errc() || !bytes) continue;  // it ended meanwhile
    list.push_back({number, Bytes(*bytes), true});
  }
  return list;
}

}  // namespace

std::shared_ptr<Probe> make_amdgpu_probe(std::string sysfs_root) { return std::make_shared<AmdgpuProbe>(std::move(sysfs_root)); }

}  // namespace vram
