#include "profile/manage.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.hpp"
#include "profile/folder.hpp"

namespace vram {
namespace {

using profile::FileKind;

constexpr std::chrono::hours kTemporaryAge{1};

struct Found {
  std::string path;
  FileKind kind;
  std::chrono::nanoseconds modified;
  std::uint64_t size;
};

base::Result<std::vector<std::string>> folders(const std::string& root, std::string_view app) {
  auto names = base::list_directory(root);
  if (!names && names.error().code == base::ErrorCode::NotFound) return std::vector<std::string>{};
  if (!names) return names.error();
  const std::string wanted = profile_folder(app);
  if (!app.empty()) std::erase_if(*names, [&](const std::string& name) { return name != wanted && name != app; });
  return names;
}

std::vector<Found> files_of(const std::string& folder) {
  std::vector<Found> result;
  const auto names = base::list_directory(folder);
  if (!names) return result;
  for (const std::string& name : *names) {
    const FileKind kind = profile::kind_of(name);
    const auto print = profile::fingerprint(folder + "/" + name);
    if (kind == FileKind::Foreign || !print) continue;
    result.push_back(
        {folder + "/" + name, kind, std::chrono::nanoseconds(print->modified_ns), static_cast<std::uint64_t>(print->size)});
  }
  return result;
}

bool is_ours(FileKind kind, bool include_python_sdk) {
  return kind == FileKind::Profile || kind == FileKind::Number || (kind == FileKind::PythonSdk && include_python_sdk);
}

base::Status remove(const Found& file, PruneReport& report) {
  if (::unlink(file.path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return base::error_from_errno("cannot remove '" + file.path + "'", errno);
  }
  ++report.files;
  report.bytes += file.size;
  return {};
}

base::Result<ProfileFile> describe(const std::string& root, const std::string& folder, const std::string& name) {
  const std::string path = root + "/" + folder + "/" + name;
  BASE_TRY_ASSIGN(const std::string text, profile::read_regular_file(path));
  auto document = profile::kind_of(name) == FileKind::Number || name.ends_with(".txt") ? profile::parse_number(text)
                                                                                       : profile::parse_document(text);
  if (!document) return base::Error{document.error().code, "'" + path + "': " + document.error().message};
  if (profile::kind_of(name) == FileKind::PythonSdk) document->origin = ProfileOrigin::PythonSdk;
  ProfileFile file{folder,
                   name,
                   profile::hash_of(name),
                   document->app,
                   document->parameters,
                   document->learned(),
                   document->counters.runs,
                   document->counters.contended + document->counters.negative + document->counters.below_noise,
                   document->counters.out_of_memory,
                   std::chrono::milliseconds(document->updated_ms),
                   text.size()};
  if (const auto print = profile::fingerprint(path); print && document->updated_ms == 0)
    file.updated = std::chrono::nanoseconds(print->modified_ns);
  return file;
}

void add(PruneReport& total, const PruneReport& one) {
  total.files += one.files;
  total.bytes += one.bytes;
}

}  // namespace

base::Result<PruneReport> profile::prune_folder(const std::string& folder, const PruneOptions& options,
                                                std::chrono::nanoseconds now) {
  PruneReport report;
  if (!fingerprint(folder)) return report;
  std::vector<Found> files = files_of(folder);
  std::sort(files.begin(), files.end(), [](const Found& a, const Found& b) { return a.modified > b.modified; });
  std::vector<Found> condemned;
  std::size_t kept = 0;
  for (const Found& file : files) {
    const auto age = now - file.modified;
    if (file.kind == FileKind::Temporary && age > kTemporaryAge) condemned.push_back(file);
    if (!is_ours(file.kind, options.include_python_sdk)) continue;
    if (age > options.limits.max_age || kept == options.limits.max_files) {
      condemned.push_back(file);
    } else {
      ++kept;
    }
  }
  if (condemned.empty()) return report;
  BASE_TRY_ASSIGN(const auto right, FolderLock::acquire(folder, options.lock_deadline));
  for (const Found& file : condemned) {
    // Written again since the listing: it is not old any more.
    const auto print = fingerprint(file.path);
    if (print && print->modified_ns == file.modified.count()) BASE_TRY(remove(file, report));
  }
  return report;
}

base::Result<ProfileListing> list_profiles(const std::string& root, std::string_view app) {
  ProfileListing listing;
  BASE_TRY_ASSIGN(const auto names, folders(root, app));
  for (const std::string& folder : names) {
    const auto files = base::list_directory(root + "/" + folder);
    if (!files) {
      // NotFound also stands for what is not a directory.
      if (files.error().code != base::ErrorCode::NotFound) listing.skipped.push_back("skipped: " + files.error().message);
      continue;
    }
    for (const std::string& name : *files) {
      if (!is_ours(profile::kind_of(name), true)) continue;
      auto file = describe(root, folder, name);
      if (file) {
        listing.files.push_back(std::move(file).value());
      } else if (file.error().code != base::ErrorCode::NotFound) {
        listing.skipped.push_back("skipped: " + file.error().message);
      }
    }
  }
  return listing;
}

base::Result<std::string> show_profile(const std::string& root, std::string_view hash, std::string_view app) {
  std::vector<std::string> matches;
  BASE_TRY_ASSIGN(const auto names, folders(root, app));
  for (const std::string& folder : names) {
    for (const Found& file : files_of(root + "/" + folder)) {
      const std::string name = file.path.substr(file.path.rfind('/') + 1);
      if (is_ours(file.kind, true) && !hash.empty() && profile::hash_of(name).starts_with(hash)) matches.push_back(file.path);
    }
  }
  const std::string asked = "'" + std::string(hash) + "'";
  if (matches.empty())
    return base::Error{base::ErrorCode::NotFound, "no profile in '" + root + "' has a hash that begins with " + asked};
  if (matches.size() > 1) {
    return base::Error{
        base::ErrorCode::InvalidArgument,
        std::to_string(matches.size()) + " profiles have a hash that begins with " + asked + "; name the app or more digits"};
  }
  return profile::read_regular_file(matches.front());
}

base::Result<PruneReport> prune_profiles(const std::string& root, const PruneOptions& options, std::chrono::nanoseconds now,
                                         std::string_view app) {
  PruneReport total;
  BASE_TRY_ASSIGN(const auto names, folders(root, app));
  for (const std::string& folder : names) {
    BASE_TRY_ASSIGN(const auto one, profile::prune_folder(root + "/" + folder, options, now));
    add(total, one);
  }
  return total;
}

base::Result<PruneReport> clear_profiles(const std::string& root, bool include_python_sdk, std::string_view app) {
  PruneReport total;
  BASE_TRY_ASSIGN(const auto names, folders(root, app));
  for (const std::string& folder : names) {
    const std::string path = root + "/" + folder;
    if (files_of(path).empty()) continue;
    BASE_TRY_ASSIGN(const auto right, profile::FolderLock::acquire(path, PruneOptions{}.lock_deadline));
    for (const Found& file : files_of(path)) {
      if (is_ours(file.kind, include_python_sdk) || file.kind == FileKind::Facts || file.kind == FileKind::Temporary) {
        BASE_TRY(remove(file, total));
      }
    }
  }
  return total;
}

}  // namespace vram
