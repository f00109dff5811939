// What an app says of itself: who it is, what it reads and writes, which parameters it takes, how much GPU memory it needs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "mmif/value.hpp"

namespace clams {

enum class ParameterType { Integer, Number, String, Boolean, Map };
std::string_view to_string(ParameterType type) noexcept;

struct Parameter {
  std::string name;
  std::string description;
  ParameterType type = ParameterType::String;
  std::vector<mmif::Value> choices = {};  // empty: anything
  std::optional<mmif::Value> default_value =
      {};                    // none: the parameter is required; an Array for multivalued ones ("k:v" texts for maps)
  bool multivalued = false;  // maps always are, booleans never
};

struct Input {
  std::string type;  // URI
  mmif::Object properties = {};
  bool required = true;
  std::string description = {};
};
struct Output {
  std::string type;
  mmif::Object properties = {};
  std::string description = {};
};

// Fields, order and omission rules of GET / are those of clams-python 1.8.
class AppMetadata {
 public:
  std::string name;  // required, as are all without a note
  std::string description;
  std::string app_license;
  std::string identifier;   // "my-app" (becomes http://apps.clams.ai/my-app/<version>) or a URL without version
  std::string url;          // of the source code
  std::string app_version;  // empty: $CLAMS_APP_VERSION, else "unresolvable"
  std::optional<std::string> analyzer_version;
  std::vector<std::pair<std::string, std::string>> analyzer_versions;  // several models: name, version
  std::optional<std::string> analyzer_license;
  std::vector<std::variant<Input, std::vector<Input>>> inputs;  // a vector: one of them
  std::vector<Output> outputs;
  std::vector<Parameter> parameters;  // the app's own; universal ones are added by the SDK
  std::vector<std::string> dependencies;
  std::vector<std::pair<std::string, std::string>> more;
  std::vector<std::string> app_tags;
  std::int64_t est_gpu_mem_min = 0;  // MiB; 0: unknown
  std::int64_t est_gpu_mem_typ = 0;  // MiB

  AppMetadata& add_input(std::string_view type, bool required = true, mmif::Object properties = {});
  AppMetadata& add_input_one_of(std::vector<std::string> types);
  AppMetadata& add_output(std::string_view type, mmif::Object properties = {});
  AppMetadata& add_parameter(Parameter parameter);
  AppMetadata& add_tag(std::string_view tag);

  // Checks every field, settles version and identifier, adds the universal parameters. `environment_version`: value of
  // CLAMS_APP_VERSION, empty if unset. Notes for the log (est_gpu_mem_typ below _min) go to `notes`. Error Configuration names the
  // field and says what is wrong. Call once.
  base::Status complete(std::string_view environment_version, std::vector<std::string>& notes);
  bool is_complete() const noexcept { return complete_; }

  const Parameter* find_parameter(std::string_view parameter_name) const noexcept;
  // As GET / answers it. REQUIRES: complete.
  mmif::Object to_object() const;

 private:
  bool complete_ = false;
};

// pretty, runningTime, hwFetch, tfSamplingMode.
const std::vector<Parameter>& universal_parameters();
bool is_universal_parameter(std::string_view name) noexcept;

}  // namespace clams
