// Which profile a request belongs to: its app and the refined parameters that can change how much memory a run needs.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vram {

// Refined parameters in the one text form that is hashed (docs/formats/profile.md). A value; safe to share between threads once
// made.
class ProfileKey {
 public:
  // `parameters`: the JSON text of an object, as refined by the SDK. Universal parameters (pretty, runningTime, hwFetch,
  // tfSamplingMode) and names that begin with '#' are left out. Error InvalidArgument: not an object, not UTF-8, nested deeper than
  // 64, a number beyond a double. NaN and infinities have no JSON form: hand them as strings.
  static base::Result<ProfileKey> from_json(std::string_view parameters);

  const std::string& text() const noexcept { return text_; }  // {"a":1,"b":[true,"x"]}
  const std::string& hash() const noexcept { return hash_; }  // first 16 hex digits of SHA-256 of text()
  // The same with every value cast to text ("1", 1 and 1.0 agree): how a file of the Python SDK is compared.
  const std::string& loose_text() const noexcept { return loose_; }
  friend bool operator==(const ProfileKey& a, const ProfileKey& b) noexcept { return a.text_ == b.text_; }

 private:
  std::string text_;
  std::string hash_;
  std::string loose_;
};

// Folder of an app below the root: the identifier with '/' and ':' as '-'. "http://apps.clams.ai/x/v1" ->
// "http---apps.clams.ai-x-v1". An identifier that could not be a folder's name (empty, "." or "..", control characters, too long)
// gives one that can, different for each.
std::string profile_folder(std::string_view app_identifier);

// What the program found in its environment; empty where unset.
struct ProfileEnvironment {
  std::string clams_profile_dir;
  std::string xdg_cache_home;
  std::string home;
};
// ${CLAMS_PROFILE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/clams/memory_profiles}; empty when none of them is set.
std::string default_profile_root(const ProfileEnvironment& environment);

}  // namespace vram
