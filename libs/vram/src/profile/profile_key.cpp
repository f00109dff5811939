#include "vram/profile_key.hpp"

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "profile/canonical_json.hpp"

namespace vram {
namespace {

constexpr std::array<std::string_view, 4> kUniversal{"pretty", "runningTime", "hwFetch", "tfSamplingMode"};
constexpr std::size_t kHashDigits = 16;
constexpr std::size_t kMaxFolder = 200;

std::string short_hash(std::string_view text) { return base::sha256_hex(text).substr(0, kHashDigits); }

bool matters(std::string_view name) {
  return !name.starts_with('#') && std::find(kUniversal.begin(), kUniversal.end(), name) == kUniversal.end();
}

base::Result<std::string> reduced(std::string_view parameters, profile::Form form) {
  auto members = profile::parse_members(parameters, form);
  if (!members) return base::Error{base::ErrorCode::InvalidArgument, "the parameters of a profile are " + members.error().message};
  std::erase_if(*members, [](const auto& member) { return !matters(member.first); });
  return profile::object_text(*members);
}

}  // namespace

base::Result<ProfileKey> ProfileKey::from_json(std::string_view parameters) {
  ProfileKey key;
  BASE_TRY_ASSIGN(key.text_, reduced(parameters, profile::Form::Exact));
  BASE_TRY_ASSIGN(key.loose_, reduced(parameters, profile::Form::Loose));
  key.hash_ = short_hash(key.text_);
  return key;
}

std::string profile_folder(std::string_view app_identifier) {
  std::string folder(app_identifier);
  std::replace_if(
      folder.begin(), folder.end(), [](char c) { return c == '/' || c == ':'; }, '-');
  const bool odd =
      std::any_of(folder.begin(), folder.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!odd && !folder.empty() && folder != "." && folder != ".." && folder.size() <= kMaxFolder) return folder;
  std::replace_if(
      folder.begin(), folder.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '-');
  return folder.substr(0, kMaxFolder) + "-" + short_hash(app_identifier);
}

std::string default_profile_root(const ProfileEnvironment& environment) {
  if (!environment.clams_profile_dir.empty()) return environment.clams_profile_dir;
  if (!environment.xdg_cache_home.empty()) return environment.xdg_cache_home + "/clams/memory_profiles";
  if (!environment.home.empty()) return environment.home + "/.cache/clams/memory_profiles";
  return {};
}

}  // namespace vram
