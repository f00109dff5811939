// From texts to typed values, by the rules of the Python SDK.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "clams/app_metadata.hpp"
#include "clams/parameters.hpp"
#include "mmif/value.hpp"

namespace clams {

// One text as the parameter's type. Error InvalidArgument in Python's words.
base::Result<mmif::Value> cast_text(ParameterType type, const std::string& text);
// All values given for a parameter: a list, an object (maps), or the first one alone.
base::Result<mmif::Value> cast_values(const Parameter& parameter, const std::vector<std::string>& values);
// REQUIRES: the parameter has a default.
base::Result<mmif::Value> cast_default(const Parameter& parameter);
// Whether a cast value is among the choices (each of its elements, for a multivalued parameter).
bool is_allowed(const Parameter& parameter, const mmif::Value& value);

// Casts everything the client gave, then fills in what is missing. Error InvalidArgument: the first bad value in the order of the
// request, else the first wrong choice or missing parameter in the order of the metadata.
base::Result<Parameters> refine(const AppMetadata& metadata, RawParameters raw);

}  // namespace clams
