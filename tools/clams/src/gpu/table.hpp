// The table of `clams gpu`.
#pragma once
#include <string>
#include <vector>

#include "gpu/picture.hpp"
#include "gpu/text_table.hpp"

namespace clams::tool {

// Lines end with a line feed. Readable in 80 columns; wider ones get UUIDs and whole names.
std::string gpu_table(const GpuPicture& picture, const TextStyle& style);

// Lines of the two halves; also used by the live view.
std::vector<std::string> process_lines(const GpuPicture& picture, const TextStyle& style);
// Where the figures come from, e.g. "nvml driver, ledger of the host in /run/vram".
std::string source_text(const GpuPicture& picture);
// "ok 12ms", "stale 3s", "unknown", in its colour.
std::string state_text(const GpuDevice& device, const TextStyle& style);
// What is unusual about a device, one phrase each: draining, cooling, let through, why its state is not ok.
std::vector<std::string> remarks_on(const GpuDevice& device);
// "whisper-wrapper/v10" of "http://apps.clams.ai/whisper-wrapper/v10"; other names as they are.
std::string short_app_name(std::string_view app);

}  // namespace clams::tool
