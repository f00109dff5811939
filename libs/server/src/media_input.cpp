#include "media_input.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "base/fd.hpp"
#include "mmif/mmif.hpp"

namespace clams::server {
namespace {

struct MediaKind {
  std::string_view ending, mime;
};

// Names of IANA's registry, else those that are in use.
constexpr std::array<MediaKind, 28> kKinds{
    {{".wav", "audio/wav"},       {".mp3", "audio/mpeg"},      {".flac", "audio/flac"},    {".ogg", "audio/ogg"},
     {".oga", "audio/ogg"},       {".opus", "audio/ogg"},      {".m4a", "audio/mp4"},      {".aac", "audio/aac"},
     {".aif", "audio/aiff"},      {".aiff", "audio/aiff"},     {".wma", "audio/x-ms-wma"}, {".mp4", "video/mp4"},
     {".m4v", "video/mp4"},       {".mov", "video/quicktime"}, {".mkv", "video/matroska"}, {".webm", "video/webm"},
     {".avi", "video/x-msvideo"}, {".mpg", "video/mpeg"},      {".mpeg", "video/mpeg"},    {".ts", "video/mp2t"},
     {".mxf", "video/mxf"},       {".wmv", "video/x-ms-wmv"},  {".png", "image/png"},      {".jpg", "image/jpeg"},
     {".jpeg", "image/jpeg"},     {".tif", "image/tiff"},      {".tiff", "image/tiff"},    {".txt", "text/plain"}}};

std::string_view mime_of(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto at = std::find_if(kKinds.begin(), kKinds.end(), [&](const MediaKind& kind) { return kind.ending == ending; });
  return at == kKinds.end() ? std::string_view() : at->mime;
}

std::string_view document_type(std::string_view mime) {
  if (mime.starts_with("audio/")) return mmif::types::AudioDocument;
  if (mime.starts_with("video/")) return mmif::types::VideoDocument;
  if (mime.starts_with("image/")) return mmif::types::ImageDocument;
  return mmif::types::TextDocument;
}

// Some people name an MMIF after what it is about.
base::Result<bool> begins_as_json(const std::string& path) {
  BASE_TRY_ASSIGN(const base::Fd fd, base::open_file(path, O_RDONLY));
  std::array<char, 256> first{};
  ssize_t got = -1;
  do got = ::read(fd.get(), first.data(), first.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) return base::error_from_errno("cannot read '" + path + "'", errno);
  const std::string_view text(first.data(), static_cast<std::size_t>(got));
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && text[at] == '{';
}

}  // namespace

base::Result<std::optional<std::string>> mmif_for_media(const std::string& path) {
  const std::string_view mime = mime_of(path);
  if (mime.empty()) return std::optional<std::string>();
  BASE_TRY_ASSIGN(const bool is_json, begins_as_json(path));
  if (is_json) return std::optional<std::string>();
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(path, ignored).lexically_normal();
  auto document = mmif::Mmif::create();
  document->new_document(document_type(mime), "d1", {{"mime", mime}, {"location", "file://" + absolute.string()}});
  return std::optional(document->write().to_string());
}

}  // namespace clams::server
