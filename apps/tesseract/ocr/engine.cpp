#include "ocr/engine.hpp"

#include <tesseract/baseapi.h>
#include <tesseract/ocrclass.h>

#include <algorithm>
#include <new>

#include "collect.hpp"
#include "quiet.hpp"

namespace ocr {
namespace {

using base::Error;
using base::ErrorCode;

// "eng", "chi_sim", "script/Latin"; no way out of the data directory.
bool is_language_code(const std::string& code) {
  if (code.empty() || code.size() > 64 || code.front() == '/') return false;
  return std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '/';
  });
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::string joined(const std::vector<std::string>& list, const char* separator) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : separator) + item;
  return text;
}

Error missing_data(const std::vector<std::string>& missing, const std::vector<std::string>& installed) {
  std::vector<std::string> packages;
  packages.reserve(missing.size());
  for (const auto& language : missing) packages.push_back(debian_package_of(language));
  return Error{ErrorCode::Configuration, "no Tesseract data for language " + joined(missing, ", ") +
                                             "; install it with `apt-get install " + joined(packages, " ") +
                                             "`. Installed: " + (installed.empty() ? "none" : joined(installed, ", "))};
}

base::Status check_languages(const std::vector<std::string>& languages) {
  if (languages.empty()) return Error{ErrorCode::InvalidArgument, "no language given to read text in; for English give eng"};
  for (const auto& language : languages)
    if (!is_language_code(language))
      return Error{ErrorCode::InvalidArgument,
                   "\"" + language + "\" is no language code of Tesseract (eng, deu, chi_sim, script/Latin, …)"};
  return {};
}

base::Status check_options(const PageOptions& options) {
  if (!is_page_segmentation_mode(options.page_segmentation))
    return Error{ErrorCode::InvalidArgument,
                 "page segmentation mode " + std::to_string(options.page_segmentation) + " yields no text; use 1 or 3 to 13"};
  if (options.assumed_dpi < kLeastDpi || options.assumed_dpi > 2400)
    return Error{ErrorCode::InvalidArgument, std::to_string(options.assumed_dpi) + " dots per inch is outside 70 to 2400"};
  return {};
}

base::Status check_limits(const Limits& limits) {
  if (limits.stop.stop_requested()) return Error{ErrorCode::Cancelled, "reading the text of a page was cancelled"};
  if (limits.deadline && std::chrono::steady_clock::now() >= *limits.deadline)
    return Error{ErrorCode::Timeout, "reading the text of a page took longer than its deadline allows"};
  return {};
}

const char* thresholding_number(Thresholding method) {
  switch (method) {
    case Thresholding::Otsu: return "0";
    case Thresholding::Adaptive: return "1";
    case Thresholding::Sauvola: return "2";
  }
  return "0";
}

bool asked_to_stop(void* limits, int) { return !check_limits(*static_cast<const Limits*>(limits)); }

}  // namespace

bool is_page_segmentation_mode(int mode) noexcept {
  return std::find(std::begin(kPageSegmentationModes), std::end(kPageSegmentationModes), mode) != std::end(kPageSegmentationModes);
}

std::string tesseract_version() { return tesseract::TessBaseAPI::Version(); }

std::string debian_package_of(const std::string& language) {
  std::string package = "tesseract-ocr-" + language;
  for (char& c : package) {
    if (c == '_' || c == '/') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return package;
}

Engine::Engine(std::unique_ptr<tesseract::TessBaseAPI> api) : api_(std::move(api)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

base::Result<Engine> Engine::load(const EngineOptions& options) {
  BASE_TRY(check_languages(options.languages));
  silence_libraries();
  forbid_openmp_in_this_thread();
  auto api = std::make_unique<tesseract::TessBaseAPI>();
  const char* directory = options.data_directory.empty() ? nullptr : options.data_directory.c_str();
  const int failed = api->Init(directory, joined(options.languages, "+").c_str(), tesseract::OEM_LSTM_ONLY);
  // Tesseract is content when the first of several languages is there.
  std::vector<std::string> loaded, installed, missing;
  if (failed == 0) api->GetLoadedLanguagesAsVector(&loaded);
  api->GetAvailableLanguagesAsVector(&installed);
  for (const auto& language : options.languages)
    if (!contains(loaded, language) && !contains(installed, language)) missing.push_back(language);
  if (!missing.empty()) return missing_data(missing, installed);
  for (const auto& language : options.languages)
    if (!contains(loaded, language))
      return Error{ErrorCode::Configuration, "Tesseract cannot use its data for language " + language +
                                                 ": the file is damaged or has no LSTM model; install " +
                                                 debian_package_of(language) + " again"};
  return Engine(std::move(api));
}

std::vector<std::string> Engine::installed_languages() const {
  std::vector<std::string> languages;
  api_->GetAvailableLanguagesAsVector(&languages);
  std::sort(languages.begin(), languages.end());
  return languages;
}

base::Result<Page> Engine::recognise(const Picture& picture, const PageOptions& options, const Limits& limits) try {
  BASE_TRY(check_options(options));
  BASE_TRY(check_limits(limits));
  if (options.page_segmentation == tesseract::PSM_AUTO_OSD && !contains(installed_languages(), "osd"))
    return missing_data({"osd"}, installed_languages());
  forbid_openmp_in_this_thread();

  // Results and picture go with this call, however it ends.
  const auto clear = [](tesseract::TessBaseAPI* api) { api->Clear(); };
  const std::unique_ptr<tesseract::TessBaseAPI, decltype(clear)> cleared(api_.get(), clear);
  api_->SetVariable("thresholding_method", thresholding_number(options.thresholding));
  api_->SetPageSegMode(static_cast<tesseract::PageSegMode>(options.page_segmentation));
  api_->SetImage(picture.pix_.get());
  if (api_->GetSourceYResolution() < kLeastDpi) api_->SetSourceResolution(options.assumed_dpi);

  tesseract::ETEXT_DESC monitor;
  monitor.cancel = &asked_to_stop;
  monitor.cancel_this = const_cast<Limits*>(&limits);
  if (limits.deadline) monitor.end_time = *limits.deadline;
  const int failed = api_->Recognize(&monitor);
  BASE_TRY(check_limits(limits));
  if (failed != 0)
    return Error{ErrorCode::Internal,
                 "Tesseract failed on a picture of " + std::to_string(picture.width()) + " x " + std::to_string(picture.height()),
                 failed};

  Page page;
  page.width = picture.width();
  page.height = picture.height();
  const std::unique_ptr<tesseract::ResultIterator> it(api_->GetIterator());
  if (it) collect(*it, page);
  return page;
} catch (const std::bad_alloc&) { return Error{ErrorCode::Unavailable, "out of memory while reading the text of a page"}; }

}  // namespace ocr
