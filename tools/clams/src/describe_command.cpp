#include <sys/stat.h>

#include <memory>

#include "describe.hpp"
#include "mmif/json.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

struct DescribeOptions {
  std::optional<std::string> input;
  std::optional<std::string> output;
  std::optional<std::string> schema;
  bool pretty = false;
  bool json = false;
};

bool is_directory(const std::optional<std::string>& name) {
  struct stat info {};
  return name && *name != "-" && ::stat(name->c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

base::Result<mmif::Object> describe_input(const std::optional<std::string>& input) {
  if (is_directory(input)) return describe_directory(*input);
  BASE_TRY_ASSIGN(std::string text, read_input(input));
  BASE_TRY_ASSIGN(const auto document, mmif::Mmif::parse(std::move(text)));
  BASE_TRY_ASSIGN(const Description description, describe(*document));
  return description.to_object();
}

base::Status run(const DescribeOptions& options) {
  if (options.schema) return write_output(std::nullopt, std::string(description_schema(*options.schema)));
  BASE_TRY_ASSIGN(mmif::Object description, describe_input(options.input));
  return write_output(options.output, mmif::to_mmif_text(std::move(description), options.pretty) + "\n");
}

}  // namespace

Action declare_describe(Parser& parser) {
  auto options = std::make_shared<DescribeOptions>();
  parser.argument("MMIF_FILE", options->input,
                  "an MMIF, or a directory: all its *.mmif files together; standard input if '-' or not given");
  parser.option("-o,--output", options->output, "FILE", "where the JSON goes; standard output if not given");
  parser.flag("-p,--pretty", options->pretty, "lay the JSON out with indentation");
  parser.choice("--help-schema", options->schema, {"mmif-file", "mmif-dir"}, "NAME",
                "print the JSON schema of the output for a file or a directory");
  parser.flag("--json", options->json, "accepted for scripts: the output is JSON");
  parser.epilogue(
      "A run of an app is all views with its app and timestamp. For a file:\n"
      "  workflowId              documents, then name/version/hash of parameters for each run\n"
      "  stats                   appCount, errorViews, warningViews, emptyViews, annotationCountByType\n"
      "  apps                    app, viewIds, appConfiguration, appProfiling.runningTimeMS, annotationCountByType\n"
      "For a directory:\n"
      "  mmifCountByStatus       total, successful, withErrors, withWarnings, invalid\n"
      "  workflows               workflowId, mmifs, mmifCount, apps with mean, least, most and deviation of running times\n"
      "  annotationCountByType   over all files without errors\n"
      "\n"
      "  clams describe -p news.mmif\n"
      "  clams describe results/ -o results.json");
  return [options] { return finish("describe", run(*options)); };
}

}  // namespace clams::tool
