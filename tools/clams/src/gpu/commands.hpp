// `clams gpu` and what is below it.
#pragma once
#include <memory>

#include "gpu/settings.hpp"
#include "parser.hpp"

namespace clams::tool {

Action declare_gpu(Parser& parser);

// Their --gpu may also stand before the name of the subcommand: `flags` is shared with `clams gpu`.
Action declare_gpu_run(Parser& parser, const std::shared_ptr<GpuFlags>& flags);
Action declare_gpu_reserve(Parser& parser, const std::shared_ptr<GpuFlags>& flags);
Action declare_gpu_simulate(Parser& parser, const std::shared_ptr<GpuFlags>& flags);

}  // namespace clams::tool
