// A media file where a single run expects an MMIF.
#pragma once
#include <optional>
#include <string>

#include "base/result.hpp"

namespace clams::server {

// An MMIF with `path` as its one document, when the file is a sound, a video, a picture or a plain text by the ending of its name
// (".wav", ".mp4", ".png", ".txt", …; capitals do not matter). None: the file is to be read as an MMIF, because its first character
// that is no blank is "{", or its ending is no such one. Error as base::open_file.
base::Result<std::optional<std::string>> mmif_for_media(const std::string& path);

}  // namespace clams::server
