#include "source.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.hpp"
#include "streams.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

struct DocumentKind {
  std::string_view name;
  std::string_view type;
};
constexpr std::array<DocumentKind, 4> kKinds{{{"video", mmif::types::VideoDocument},
                                              {"audio", mmif::types::AudioDocument},
                                              {"text", mmif::types::TextDocument},
                                              {"image", mmif::types::ImageDocument}}};

Error wrong(std::string message) { return Error{ErrorCode::InvalidArgument, std::move(message)}; }

const DocumentKind* kind_of(std::string_view mime) {
  const std::string_view kind = mime.substr(0, mime.find('/'));
  const auto at = std::find_if(kKinds.begin(), kKinds.end(), [&](const DocumentKind& known) { return known.name == kind; });
  return at == kKinds.end() ? nullptr : &*at;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Scheme in lower case and what follows its colon (RFC 3986 section 3.1); no scheme: nullopt and the whole text.
struct Location {
  std::optional<std::string> scheme;
  std::string_view rest;
};
Location split_location(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.'; };
  if (colon == std::string_view::npos || colon == 0 || std::isalpha(static_cast<unsigned char>(text[0])) == 0)
    return {std::nullopt, text};
  const std::string_view scheme = text.substr(0, colon);
  if (!std::all_of(scheme.begin(), scheme.end(), fits)) return {std::nullopt, text};
  return {lower(scheme), text.substr(colon + 1)};
}

// The path of a file location. A written-out URI ends at '?' or '#'; a plain path may have both in its name.
std::string_view path_of(const Location& location) {
  std::string_view path = location.rest;
  if (path.starts_with("//")) {
    const std::size_t root = path.find('/', 2);
    path = root == std::string_view::npos ? std::string_view() : path.substr(root);
  }
  return location.scheme ? path.substr(0, path.find_first_of("?#")) : path;
}

// As pathlib.PurePosixPath writes a path: "a//b/./c/" is "a/b/c", nothing is ".", ".." stays.
std::string pure_path(std::string_view path) {
  const bool two_slashes = path.starts_with("//") && !path.starts_with("///");
  std::string out = two_slashes ? "//" : path.starts_with('/') ? "/" : "";
  bool first = true;
  for (const std::string_view part : base::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (!first) out += '/';
    out += part;
    first = false;
  }
  return out.empty() ? "." : out;
}

std::string joined(const std::string& prefix, const std::string& path) {
  if (path == ".") return prefix;
  return prefix.ends_with('/') ? prefix + path : prefix + "/" + path;
}

base::Result<std::string> file_location(const Location& location, const std::optional<std::string>& prefix) {
  const std::string path = pure_path(path_of(location));
  const bool absolute = path.starts_with('/');
  if (prefix && absolute) return wrong("when prefix is used, file location must not be an absolute path; given \"" + path + "\".");
  if (!prefix && !absolute)
    return wrong("file location must be an absolute path, or --prefix must be used; given \"" + path + "\".");
  return "file://" + (prefix ? joined(*prefix, path) : path);
}

base::Result<std::string> location_uri(std::string_view text, const std::string& default_scheme,
                                       const std::optional<std::string>& prefix) {
  const Location location = split_location(text);
  const std::string scheme = location.scheme.value_or(default_scheme);
  if (scheme == "file") return file_location(location, prefix);
  const bool complete = location.scheme && location.rest.starts_with("//");
  return scheme + "://" + std::string(complete ? location.rest.substr(2) : text);
}

}  // namespace

base::Result<std::unique_ptr<mmif::Mmif>> source_mmif(const SourceOptions& options) {
  std::optional<std::string> prefix;
  if (options.prefix && !options.prefix->empty()) {
    prefix = pure_path(*options.prefix);
    if (!prefix->starts_with('/')) return wrong("prefix must be an absolute path; given \"" + *prefix + "\".");
  }
  const std::string scheme = lower(options.scheme && !options.scheme->empty() ? *options.scheme : "file");
  auto document = mmif::Mmif::create();
  for (std::size_t i = 0; i < options.documents.size(); ++i) {
    const std::string_view argument = base::trim(options.documents[i]);
    if (argument.empty()) continue;
    const std::size_t colon = argument.find(':');
    const std::string_view mime = argument.substr(0, colon);
    const DocumentKind* kind = kind_of(mime);
    if (colon == std::string_view::npos || kind == nullptr) {
      return wrong("Invalid MIME types, or no MIME type and/or path provided, in argument " + std::to_string(i) + " to source");
    }
    BASE_TRY_ASSIGN(const std::string location, location_uri(argument.substr(colon + 1), scheme, prefix));
    document->new_document(kind->type, "d" + std::to_string(i + 1), {{"mime", mime}, {"location", location}});
  }
  return document;
}

Action declare_source(Parser& parser) {
  auto options = std::make_shared<SourceOptions>();
  auto json = std::make_shared<bool>(false);
  parser.arguments("DOCUMENT", options->documents, true,
                   "TYPE:LOCATION; TYPE is video, audio, text, image or a MIME type of one of them (video/mp4); LOCATION is an "
                   "absolute path or a URI");
  parser.option_maybe_empty("-p,--prefix", options->prefix, "DIR",
                            "absolute directory put before file paths, which are relative then: where the app will see the files");
  parser.option("-o,--output", options->output, "FILE", "where the MMIF goes; standard output if not given");
  parser.option_maybe_empty("-s,--scheme", options->scheme, "SCHEME", "scheme of locations without one (default: file)");
  parser.flag("--json", *json, "accepted for scripts: MMIF is JSON");
  parser.epilogue(
      "Documents get the ids d1, d2, … by their place. Locations are not checked: the files may be on another machine.\n"
      "\n"
      "  clams source video:/data/news.mp4 text/plain:/data/news.txt > news.mmif\n"
      "  clams source -p /data video/mp4:news.mp4 -o news.mmif\n"
      "  clams source audio:https://example.org/talk.mp3");
  return [options, json] {
    const auto document = source_mmif(*options);
    if (!document) return finish("source", document.error());
    return finish("source", write_output(options->output, (*document)->write(true)));
  };
}

}  // namespace clams::tool
