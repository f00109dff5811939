#include "vram/visible_devices.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>
#include <optional>

#include "base/text.hpp"

namespace vram {
namespace {

using Positions = std::vector<std::size_t>;
using Candidates = std::vector<VisibleCandidate>;

bool contains(const Positions& positions, std::size_t one) {
  return std::find(positions.begin(), positions.end(), one) != positions.end();
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  return std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

// The driver reads numbers as strtoul does: "1abc" is 1. Nullopt for what is no number, and for negative ones.
std::optional<int> leading_number(std::string_view entry) {
  if (entry.starts_with('+')) entry.remove_prefix(1);
  int value = 0;
  const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), value);
  if (error != std::errc() || end == entry.data() || value < 0) return std::nullopt;
  return value;
}

bool is_uuid(std::string_view entry) {
  return starts_with_ignoring_case(entry, "GPU-") || starts_with_ignoring_case(entry, "MIG-");
}

// The GPUs among `within`, in PCI order, each once.
std::vector<int> gpus_of(const Candidates& candidates, const Positions& within) {
  std::vector<int> gpus;
  for (const std::size_t at : within) {
    if (gpus.empty() || gpus.back() != candidates[at].gpu) gpus.push_back(candidates[at].gpu);
  }
  return gpus;
}

Positions on_gpu(const Candidates& candidates, const Positions& within, int gpu) {
  Positions found;
  std::copy_if(within.begin(), within.end(), std::back_inserter(found), [&](std::size_t at) { return candidates[at].gpu == gpu; });
  return found;
}

// The devices an UUID or unique prefix names: one device, or all slices of one GPU. Empty if it names none or is not unique.
Positions by_uuid(const Candidates& candidates, const Positions& within, std::string_view entry) {
  Positions slices_or_gpu;
  Positions of_parent;
  std::string parent;
  for (const std::size_t at : within) {
    const VisibleCandidate& candidate = candidates[at];
    if (candidate.uuid == entry) return {at};
    if (starts_with_ignoring_case(candidate.uuid, entry)) slices_or_gpu.push_back(at);
    if (candidate.parent.empty() || !starts_with_ignoring_case(candidate.parent, entry)) continue;
    if (!of_parent.empty() && candidate.parent != parent) return {};
    parent = candidate.parent;
    of_parent.push_back(at);
  }
  if (slices_or_gpu.size() == 1 && of_parent.empty()) return slices_or_gpu;
  if (slices_or_gpu.empty()) return of_parent;
  return {};
}

void add_all(Positions& to, const Positions& more) {
  for (const std::size_t at : more) {
    if (!contains(to, at)) to.push_back(at);
  }
}

// What one entry of NVIDIA_VISIBLE_DEVICES names among all candidates.
Positions by_container_entry(const Candidates& candidates, const Positions& all, std::string_view entry) {
  if (is_uuid(entry)) return by_uuid(candidates, all, entry);
  const std::vector<std::string_view> parts = base::split(entry, ':');
  const auto gpu = leading_number(parts[0]);
  if (!gpu || parts.size() > 2) return {};
  Positions found = on_gpu(candidates, all, *gpu);
  if (parts.size() == 1) return found;
  const auto slice = leading_number(parts[1]);
  std::erase_if(found, [&](std::size_t at) { return candidates[at].parent.empty() || !slice || candidates[at].slice != *slice; });
  return found;
}

Positions container_selection(const Candidates& candidates, const Positions& all, std::string_view text,
                              VisibleSelection& selection) {
  const std::string_view value = base::trim(text);
  if (value.empty() || value == "all" || value == "void") return all;
  if (value == "none") return {};
  Positions chosen;
  const std::vector<std::string_view> entries = base::split(value, ',');
  std::vector<std::string> lost;
  for (const std::string_view raw : entries) {
    const std::string_view entry = base::trim(raw);
    const Positions found = by_container_entry(candidates, all, entry);
    if (found.empty()) lost.emplace_back(entry);
    add_all(chosen, found);
  }
  const bool all_numbers =
      std::all_of(lost.begin(), lost.end(), [](const std::string& entry) { return leading_number(entry).has_value(); });
  if (!lost.empty() && all_numbers && entries.size() == gpus_of(candidates, all).size())
    return all;  // the container tools have cut the list
  for (const std::string& entry : lost)
    selection.notes.push_back("NVIDIA_VISIBLE_DEVICES: '" + entry + "' names no device here and is left out");
  return chosen;
}

Positions by_cuda_entry(const Candidates& candidates, const Positions& within, std::string_view entry, bool uuids) {
  if (uuids != is_uuid(entry)) return {};
  if (uuids) return by_uuid(candidates, within, entry);
  const auto number = leading_number(entry);
  const std::vector<int> gpus = gpus_of(candidates, within);
  if (!number || static_cast<std::size_t>(*number) >= gpus.size()) return {};
  return on_gpu(candidates, within, gpus[static_cast<std::size_t>(*number)]);
}

bool all_alike(const Candidates& candidates, const Positions& within) {
  return std::all_of(within.begin(), within.end(),
                     [&](std::size_t at) { return candidates[at].name == candidates[within.front()].name; });
}

Positions cuda_selection(const Candidates& candidates, const Positions& within, const DeviceEnvironment& environment,
                         VisibleSelection& selection) {
  const std::string_view value = base::trim(*environment.cuda_visible_devices);
  Positions chosen;
  if (value.empty()) return chosen;
  const std::vector<std::string_view> entries = base::split(value, ',');
  const bool uuids = is_uuid(base::trim(entries.front()));
  for (const std::string_view raw : entries) {
    const std::string_view entry = base::trim(raw);
    const Positions found = by_cuda_entry(candidates, within, entry, uuids);
    if (found.empty()) {
      selection.notes.push_back("CUDA_VISIBLE_DEVICES: '" + std::string(entry) +
                                "' names no single device; the list ends before it");
      break;
    }
    if (std::any_of(found.begin(), found.end(), [&](std::size_t at) { return contains(chosen, at); })) {
      selection.notes.push_back("CUDA_VISIBLE_DEVICES: '" + std::string(entry) +
                                "' is given twice; the driver then shows no device");
      return {};
    }
    add_all(chosen, found);
  }
  if (!uuids && environment.cuda_device_order != "PCI_BUS_ID" && !within.empty() && !all_alike(candidates, within)) {
    selection.notes.push_back(
        "CUDA_VISIBLE_DEVICES holds numbers and the GPUs differ: CUDA may count them in another order than PCI order, which is "
        "taken here; set CUDA_DEVICE_ORDER=PCI_BUS_ID or give UUIDs");
  }
  return chosen;
}

void collect_mig(const std::optional<std::string>& variable, std::vector<std::string>& found) {
  if (!variable) return;
  for (const std::string_view raw : base::split(*variable, ',')) {
    const std::string_view entry = base::trim(raw);
    if (entry.starts_with("MIG-") && std::find(found.begin(), found.end(), entry) == found.end()) found.emplace_back(entry);
  }
}

}  // namespace

VisibleSelection select_visible(const Candidates& candidates, const DeviceEnvironment& environment) {
  VisibleSelection selection;
  Positions chosen(candidates.size());
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  if (environment.nvidia_visible_devices) {
    chosen = container_selection(candidates, chosen, *environment.nvidia_visible_devices, selection);
    std::sort(chosen.begin(), chosen.end());
  }
  if (environment.cuda_visible_devices) chosen = cuda_selection(candidates, chosen, environment, selection);
  std::sort(chosen.begin(), chosen.end());
  selection.chosen = std::move(chosen);
  return selection;
}

std::vector<std::string> mig_entries(const DeviceEnvironment& environment) {
  std::vector<std::string> found;
  collect_mig(environment.nvidia_visible_devices, found);
  collect_mig(environment.cuda_visible_devices, found);
  return found;
}

}  // namespace vram
