#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/duration.hpp"
#include "gpu/terminal.hpp"
#include "mmif/json.hpp"
#include "profiles/commands.hpp"
#include "profiles/listing_text.hpp"
#include "profiles/profile_folders.hpp"
#include "streams.hpp"
#include "vram/profile_key.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t kUncut = 1'000'000;  // columns: more than any table has

struct ProfilesOptions {
  std::optional<std::string> app;
  bool json = false;
  bool wide = false;
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

base::Result<ProfileFolders> find_folders(std::string_view command) {
  BASE_TRY_ASSIGN(ProfileFolders found,
                  profile_folders({variable("CLAMS_PROFILE_DIR"), variable("XDG_CACHE_HOME"), variable("HOME")}));
  for (const std::string& problem : found.problems) complain(command, "note: " + problem);
  return found;
}

base::Status list(const ProfilesOptions& options) {
  BASE_TRY_ASSIGN(const ProfileFolders found, find_folders("profiles list"));
  std::vector<FolderListing> listings;
  for (const std::string& folder : found.folders) {
    BASE_TRY_ASSIGN(auto listing, vram::list_profiles(folder, options.app_name()));
    if (!options.json) {
      for (const std::string& skipped : listing.skipped) complain("profiles list", "skipped: " + skipped);
    }
    listings.push_back({folder, std::move(listing)});
  }
  TextStyle style = style_of(STDOUT_FILENO);
  if (options.wide || ::isatty(STDOUT_FILENO) == 0) style.columns = kUncut;
  return write_output(std::nullopt,
                      options.json ? listing_json(listings) : listing_text(listings, base::system_clock().wall(), style));
}

// The text of the one file, and where it lies. Only one of all folders may have a file that begins so.
struct Shown {
  std::string folder, text;
};
base::Result<Shown> find_profile(const ProfileFolders& found, const ProfilesOptions& options) {
  std::optional<Shown> shown;
  std::optional<Error> missing;
  for (const std::string& folder : found.folders) {
    auto text = vram::show_profile(folder, options.hash, options.app_name());
    if (!text) {
      if (text.error().code != ErrorCode::NotFound) return text.error();
      missing = text.error();
    } else if (shown) {
      return Error{ErrorCode::InvalidArgument,
                   "'" + options.hash + "' is in " + shown->folder + " and in " + folder + "; choose one by CLAMS_PROFILE_DIR"};
    } else {
      shown = Shown{folder, std::move(*text)};
    }
  }
  if (!shown) return *missing;
  return std::move(*shown);
}

base::Status show(const ProfilesOptions& options) {
  BASE_TRY_ASSIGN(const ProfileFolders found, find_folders("profiles show"));
  BASE_TRY_ASSIGN(const Shown shown, find_profile(found, options));
  const std::string& text = shown.text;
  if (options.json) return write_output(std::nullopt, text.ends_with('\n') ? text : text + "\n");
  BASE_TRY_ASSIGN(const auto listing, vram::list_profiles(shown.folder, options.app_name()));
  for (const vram::ProfileFile& file : listing.files) {
    if (file.hash.starts_with(options.hash))
      return write_output(std::nullopt, profile_text(file, shown.folder, base::system_clock().wall()));
  }
  return write_output(std::nullopt, text);  // readable, but no profile: at least its text
}

base::Status report_removed(const vram::PruneReport& report, const ProfilesOptions& options) {
  if (options.json)
    return write_output(std::nullopt, mmif::to_plain_text(mmif::Object{{"files", report.files}, {"bytes", report.bytes}}) + "\n");
  return write_output(std::nullopt, "removed " + std::to_string(report.files) + (report.files == 1 ? " file, " : " files, ") +
                                        base::to_string(base::Bytes(report.bytes)) + "\n");
}

// The sum of what `remove` does in each folder.
template <typename Remove>
base::Status remove_everywhere(std::string_view command, const ProfilesOptions& options, Remove remove) {
  BASE_TRY_ASSIGN(const ProfileFolders found, find_folders(command));
  vram::PruneReport sum;
  for (const std::string& folder : found.folders) {
    BASE_TRY_ASSIGN(const auto report, remove(folder));
    sum.files += report.files;
    sum.bytes += report.bytes;
  }
  return report_removed(sum, options);
}

base::Status prune(const ProfilesOptions& options) {
  if (options.max_files < 0 || options.max_days < 0)
    return Error{ErrorCode::InvalidArgument, "--max-files and --max-days cannot be negative"};
  vram::PruneOptions prune_options;
  prune_options.limits.max_files = static_cast<std::size_t>(options.max_files);
  prune_options.limits.max_age = std::chrono::hours(24) * options.max_days;
  prune_options.include_python_sdk = options.python_sdk;
  return remove_everywhere("profiles prune", options, [&](const std::string& folder) {
    return vram::prune_profiles(folder, prune_options, base::system_clock().wall(), options.app_name());
  });
}

base::Status clear(const ProfilesOptions& options) {
  return remove_everywhere("profiles clear", options, [&](const std::string& folder) {
    return vram::clear_profiles(folder, options.python_sdk, options.app_name());
  });
}

void declare_common(Parser& parser, const Shared& options) {
  parser.option("--app", options->app, "ID", "only this app: its identifier, or the name of its folder (default: all)");
  parser.flag("--json", options->json, "print JSON");
}

Action declare_list(Parser& parser, const Shared& options) {
  declare_common(parser, options);
  parser.flag("--wide", options->wide, "whole parameters, however long the lines get; always so where the output is no terminal");
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
  parser.flag("--wide", options->wide, "whole parameters, however long the lines get");
  parser.subcommand({"list", "what is known about each app and set of parameters",
                     [options](Parser& below) { return declare_list(below, options); }});
  parser.subcommand({"show", "one profile", [options](Parser& below) { return declare_show(below, options); }});
  parser.subcommand({"prune", "remove profiles that are too old or too many",
                     [options](Parser& below) { return declare_prune(below, options); }});
  parser.subcommand({"clear", "forget what was learned", [options](Parser& below) { return declare_clear(below, options); }});
  parser.epilogue(
      "Profiles lie in $CLAMS_PROFILE_DIR. Where it is not set, all folders are looked through: /var/cache/clams/memory_profiles "
      "(services), and $XDG_CACHE_HOME/clams/memory_profiles or ~/.cache/clams/memory_profiles (your own apps). PEAK is what a "
      "process needs that has not run these parameters, WARM what it needs again while it holds the model.\n"
      "\n"
      "  clams profiles list\n"
      "  clams profiles show 3fa9\n"
      "  clams profiles clear --app http://apps.clams.ai/whisper-wrapper/v10");
  return [options] { return finish("profiles", list(*options)); };
}

}  // namespace clams::tool
