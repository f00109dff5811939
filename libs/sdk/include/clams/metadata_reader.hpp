// Metadata of an app that runs elsewhere, as it tells it.
#pragma once
#include <string_view>

#include "base/result.hpp"
#include "clams/app_metadata.hpp"
#include "clams/parameters.hpp"

namespace clams {

// Identity, parameters (universal ones included) and memory estimates of a GET / answer; the rest is left out. Error
// InvalidDocument names the field.
base::Result<AppMetadata> read_app_metadata(std::string_view json);

// Parameters typed and completed by the metadata, as an app gets them. Error InvalidArgument in the words of the Python SDK.
base::Result<Parameters> refine_parameters(const AppMetadata& metadata, RawParameters raw);

// Whether a text counts as true for a boolean parameter: all but False, false, F, f and 0.
bool is_true_text(std::string_view text) noexcept;

}  // namespace clams
