#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/duration.hpp"
#include "gpu/terminal.hpp"
#include "mmif/json.hpp"
#include "profiles/commands.hpp"
#include "profiles/listing_text.hpp"
#include "streams.hpp"
#include "vram/profile_key.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

struct ProfilesOptions {
  std::optional<std::string> app;
  bool json = false;
  std::string hash;
  std::int64_t max_files = static_cast<std::int64_t>(vram::ProfileLimits{}.max_files);
  std::int64_t max_days = vram::ProfileLimits{}.max_age.count() / 24;
  bool python_sdk = false;

  std::string_view app_name() const { return app ? std::string_view(*app) : std::string_view(); }
};
using Shared = std::shared_ptr<ProfilesOptions>;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

base::Result<std::string> root_folder() {
  std::string root = vram::default_profile_root({variable("CLAMS_PROFILE_DIR"), variable("XDG_CACHE_HOME"), variable("HOME")});
  if (root.empty())
    return Error{ErrorCode::Configuration,
                 "there is no profile directory: none of CLAMS_PROFILE_DIR, XDG_CACHE_HOME and HOME is set"};
  return root;
}

base::Status list(const ProfilesOptions& options) {
  BASE_TRY_ASSIGN(const std::string root, root_folder());
  BASE_TRY_ASSIGN(const auto listing, vram::list_profiles(root, options.app_name()));
  if (!options.json) {
    for (const std::string& skipped : listing.skipped) complain("profiles list", "skipped: " + skipped);
  }
  return write_output(std::nullopt, options.json ? listing_json(listing)
                                                 : listing_text(listing, base::system_clock().wall(), style_of(STDOUT_FILENO)));
}

base::Status show(const ProfilesOptions& options) {
  BASE_TRY_ASSIGN(const std::string root, root_folder());
  BASE_TRY_ASSIGN(const std::string text, vram::show_profile(root, options.hash, options.app_name()));
  if (options.json) return write_output(std::nullopt, text.ends_with('\n') ? text : text + "\n");
  BASE_TRY_ASSIGN(const auto listing, vram::list_profiles(root, options.app_name()));
  for (const vram::ProfileFile& file : listing.files) {
    if (file.hash.starts_with(options.hash)) return write_output(std::nullopt, profile_text(file, base::system_clock().wall()));
  }
  return write_output(std::nullopt, text);  // readable, but no profile: at least its text
}

base::Status tell_removed(const vram::PruneReport& report, const ProfilesOptions& options) {
  if (options.json)
    return write_output(std::nullopt, mmif::to_plain_text(mmif::Object{{"files", report.files}, {"bytes", report.bytes}}) + "\n");
  return write_output(std::nullopt, "removed " + std::to_string(report.files) + (report.files == 1 ? " file, " : " files, ") +
                                        base::to_string(base::Bytes(report.bytes)) + "\n");
}

base::Status prune(const ProfilesOptions& options) {
  if (options.max_files < 0 || options.max_days < 0)
    return Error{ErrorCode::InvalidArgument, "--max-files and --max-days cannot be negative"};
  BASE_TRY_ASSIGN(const std::string root, root_folder());
  vram::PruneOptions prune_options;
  prune_options.limits.max_files = static_cast<std::size_t>(options.max_files);
  prune_options.limits.max_age = std::chrono::hours(24) * options.max_days;
  prune_options.include_python_sdk = options.python_sdk;
  BASE_TRY_ASSIGN(const auto report, vram::prune_profiles(root, prune_options, base::system_clock().wall(), options.app_name()));
  return tell_removed(report, options);
}

base::Status clear(const ProfilesOptions& options) {
  BASE_TRY_ASSIGN(const std::string root, root_folder());
  BASE_TRY_ASSIGN(const auto report, vram::clear_profiles(root, options.python_sdk, options.app_name()));
  return tell_removed(report, options);
}

void declare_common(Parser& parser, const Shared& options) {
  parser.option("--app", options->app, "ID", "only this app: its identifier, or the name of its folder (default: all)");
  parser.flag("--json", options->json, "print JSON");
}

Action declare_list(Parser& parser, const Shared& options) {
  declare_common(parser, options);
  return [options] { return finish("profiles list", list(*options)); };
}

Action declare_show(Parser& parser, const Shared& options) {
  parser.required_argument("HASH", options->hash, "beginning of a profile's hash, as 'list' shows it");
  declare_common(parser, options);
  parser.epilogue("--json prints the file as it is.");
  return [options] { return finish("profiles show", show(*options)); };
}

Action declare_prune(Parser& parser, const Shared& options) {
  declare_common(parser, options);
  parser.integer("--max-files", options->max_files, "N", "how many profiles of each app stay (default: 512)");
  parser.integer("--max-days", options->max_days, "N", "how old a profile may be (default: 180)");
  parser.flag("--include-python-sdk", options->python_sdk, "files that the Python SDK wrote too");
  return [options] { return finish("profiles prune", prune(*options)); };
}

Action declare_clear(Parser& parser, const Shared& options) {
  declare_common(parser, options);
  parser.flag("--include-python-sdk", options->python_sdk, "files that the Python SDK wrote too");
  parser.epilogue("Apps learn again: the next request for each set of parameters is charged as one that nothing is known about.");
  return [options] { return finish("profiles clear", clear(*options)); };
}

}  // namespace

Action declare_profiles(Parser& parser) {
  auto options = std::make_shared<ProfilesOptions>();
  declare_common(parser, options);
  parser.subcommand({"list", "what is known about each app and set of parameters",
                     [options](Parser& below) { return declare_list(below, options); }});
  parser.subcommand({"show", "one profile", [options](Parser& below) { return declare_show(below, options); }});
  parser.subcommand({"prune", "remove profiles that are too old or too many",
                     [options](Parser& below) { return declare_prune(below, options); }});
  parser.subcommand({"clear", "forget what was learned", [options](Parser& below) { return declare_clear(below, options); }});
  parser.epilogue(
      "Profiles lie in $CLAMS_PROFILE_DIR, else $XDG_CACHE_HOME/clams/memory_profiles, else ~/.cache/clams/memory_profiles. PEAK "
      "is what a process needs\n"
      "that has not run these parameters, WARM what it needs again while it holds the model.\n"
      "\n"
      "  clams profiles list\n"
      "  clams profiles show 3fa9\n"
      "  clams profiles clear --app http://apps.clams.ai/whisper-wrapper/v10");
  return [options] { return finish("profiles", list(*options)); };
}

}  // namespace clams::tool
