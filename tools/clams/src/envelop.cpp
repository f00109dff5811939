#include "envelop.hpp"

#include <unistd.h>

#include <memory>
#include <optional>

#include "mmif/json.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

struct EnvelopOptions {
  std::string parameters;
  std::optional<std::string> mmif;
  std::optional<std::string> output;
  bool json = false;
};

// White space between tokens as json.dumps has it; the tokens stay. REQUIRES: valid JSON.
void append_on_one_line(std::string& out, std::string_view json) {
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\') out += json[++i];
      in_string = c != '"';
      continue;
    }
    switch (c) {
      case ' ':
      case '\t':
      case '\n':
      case '\r': continue;
      case ',': out += ", "; continue;
      case ':': out += ": "; continue;
      case '"': in_string = true; [[fallthrough]];
      default: out += c;
    }
  }
}

base::Result<mmif::Value> read_json(std::string_view what, std::string_view text) {
  auto value = mmif::parse_json(text);
  if (!value) return Error{ErrorCode::InvalidDocument, std::string(what) + " is not JSON: " + value.error().message};
  return value;
}

base::Status run(const EnvelopOptions& options) {
  if (!options.mmif && ::isatty(STDIN_FILENO) == 1) {
    return Error{ErrorCode::NotFound, "Error: no MMIF input provided (pass a file path or pipe to stdin)"};
  }
  if (options.parameters == "-" && options.mmif.value_or("-") == "-") {
    return Error{ErrorCode::InvalidArgument,
                 "standard input cannot be both the parameters and the MMIF; name a file for one of them"};
  }
  BASE_TRY_ASSIGN(const std::string parameters, read_input(options.parameters));
  BASE_TRY_ASSIGN(const std::string mmif, read_input(options.mmif));
  BASE_TRY_ASSIGN(const std::string text, envelope(parameters, mmif));
  return write_output(options.output, text);
}

}  // namespace

base::Result<std::string> envelope(std::string_view parameters, std::string_view mmif) {
  BASE_TRY_ASSIGN(const mmif::Value values, read_json("the parameters file", parameters));
  if (values.object() == nullptr) {
    return Error{ErrorCode::InvalidDocument,
                 "\"parameters\" must be a JSON object, got " + std::string(mmif::python_type_name(values))};
  }
  BASE_TRY(read_json("the MMIF", mmif));
  std::string out;
  out.reserve(mmif.size() + parameters.size() * 2 + 64);
  out = "{\"parameters\": " + mmif::to_mmif_text(values) + ", \"mmif\": ";
  append_on_one_line(out, mmif);
  out += "}\n";
  return out;
}

Action declare_envelop(Parser& parser) {
  auto options = std::make_shared<EnvelopOptions>();
  parser.required_argument("PARAMS_FILE", options->parameters, "JSON object with the parameters of the app; standard input if '-'");
  parser.argument("MMIF_FILE", options->mmif, "the MMIF; standard input if '-' or not given");
  parser.option("-o,--output", options->output, "FILE", "where the envelope goes; standard output if not given");
  parser.flag("--json", options->json, "accepted for scripts: the envelope is JSON");
  parser.epilogue(
      "An app takes the envelope where it takes an MMIF; parameters of the query win over those within.\n"
      "\n"
      "  clams envelop params.json news.mmif | curl --data-binary @- http://localhost:5000/");
  return [options] { return finish("envelop", run(*options)); };
}

}  // namespace clams::tool
