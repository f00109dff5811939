#include "tesseract_app.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "base/available_cpus.hpp"
#include "clams/exceptions.hpp"
#include "failure.hpp"
#include "ocr/picture.hpp"
#include "page_writer.hpp"
#include "video_pages.hpp"

namespace ocr_app {
namespace {

namespace types = mmif::types;

// "page 2", "pages 2, 5, 7, …"
std::string listed(const std::vector<int>& pages) {
  constexpr std::size_t kMost = 20;
  std::string text = pages.size() == 1 ? "page " : "pages ";
  for (std::size_t n = 0; n < std::min(pages.size(), kMost); ++n) text += (n > 0 ? ", " : "") + std::to_string(pages[n]);
  return text + (pages.size() > kMost ? ", …" : "");
}

std::optional<std::chrono::steady_clock::time_point> deadline_of(const Settings& settings) {
  if (settings.page_timeout == std::chrono::milliseconds(0)) return std::nullopt;
  return std::chrono::steady_clock::now() + settings.page_timeout;
}

}  // namespace

// One call of `annotate`.
class TesseractApp::Request {
 public:
  Request(mmif::Mmif& mmif, const Settings& settings, clams::Run& run, ocr::Engine& engine)
      : mmif_(mmif), settings_(settings), run_(run), engine_(engine) {}

  // Each document by itself: one that cannot be read is named in a warning and costs none of the others. It is an error only where
  // nothing at all could be read.
  void read_all(const std::vector<mmif::Annotation*>& images, const std::vector<mmif::Annotation*>& videos) {
    for (const mmif::Annotation* image : images) attempt("image " + image->id(), [&] { read_image(*image); });
    for (mmif::Annotation* video : videos) attempt("video " + video->id(), [&] { read_video(*video); });
    if (failures_.empty()) return;
    if (failures_.size() == images.size() + videos.size()) std::rethrow_exception(failures_.front().error);
    for (const Failure& failure : failures_) run_.warn(failure.name + " could not be read and was left out: " + failure.reason);
  }

 private:
  struct Failure {
    std::string name, reason;
    std::exception_ptr error;
  };

  template <class Read>
  void attempt(const std::string& name, const Read& read) {
    try {
      run_.throw_if_cancelled();
      read();
    } catch (const clams::Cancelled&) { throw; } catch (const clams::AppError& error) {
      failures_.push_back({name, error.text(), std::current_exception()});
    }
  }

  void read_image(const mmif::Annotation& document) {
    const std::string name = "image " + document.id();
    const std::string path = value_or_fail(document.location_path(), name);
    const auto file = value_or_fail(ocr::ImageFile::open(path), name);
    PageWriter writer(run_, document, settings_);
    std::vector<int> failed;
    std::string reason;  // of the first
    for (int n = 0; n < file.pages(); ++n) {
      run_.throw_if_cancelled();
      auto failure = read_page(file, n, name, writer);
      if (failure && failed.empty()) reason = std::move(*failure);
      if (failure) failed.push_back(n + 1);
      run_.progress(static_cast<double>(n + 1) / file.pages(), name);
    }
    if (static_cast<int>(failed.size()) == file.pages()) throw clams::ValueError(name + ": " + reason);
    if (!failed.empty())
      run_.warn(std::to_string(failed.size()) + " of " + std::to_string(file.pages()) + " pages of " + name +
                (failed.size() == 1 ? " was" : " were") + " left out (" + listed(failed) + "): " + reason);
    if (file.pages_lost())
      run_.warn("the list of pages of " + name + " (" + path + ") breaks off after page " + std::to_string(file.pages()) +
                ": pages after it are lost");
  }

  // Why the page could not be read; none where it was, or was left out with a warning.
  std::optional<std::string> read_page(const ocr::ImageFile& file, int n, const std::string& name, PageWriter& writer) {
    const auto picture = file.read(n);
    if (!picture) return picture.error().message;
    const bool several = file.pages() > 1;
    const std::string what = several ? "page " + std::to_string(n + 1) + " of " + name : name;
    if (picture->damaged()) run_.warn(what + " (" + file.path() + ") is damaged; what could be decoded of it was read");
    const auto page = recognise(*picture, what);
    if (!page) return page.error().message;
    if (*page) writer.add_page(**page, several ? std::optional(n + 1) : std::nullopt);
    return std::nullopt;
  }

  void read_video(mmif::Annotation& document) {
    const std::string name = "video " + document.id();
    PageWriter writer(run_, document, settings_);
    FrameRun frames;
    frames.take = [&](const Sample& sample, const ocr::Picture& picture, double progress) {
      const std::string what = "the frame at " + std::to_string(sample.time.count()) + " ms of " + name;
      const auto page = recognise(picture, what);
      if (!page) run_.warn(what + " was left out: " + page.error().message);
      // Most frames of most videos hold no text: an empty document for each would bury the others.
      if (page && *page && !(*page)->text.empty()) writer.add_frame(**page, sample.time, sample.time_point, sample.time_frame);
      run_.progress(progress, name);
    };
    frames.warn = [this](const std::string& message) { run_.warn(message); };
    frames.stop = run_.stop_token();
    read_frames(mmif_, document, settings_.sampling, frames);
  }

  // None: it took too long and was left out, with a warning. An error is about this picture alone; what would fail for each picture
  // is thrown.
  base::Result<std::optional<ocr::Page>> recognise(const ocr::Picture& picture, const std::string& what) {
    auto page = engine_.recognise(picture, settings_.page, {.stop = run_.stop_token(), .deadline = deadline_of(settings_)});
    if (page) return std::optional(std::move(page).value());
    switch (page.error().code) {
      case base::ErrorCode::Timeout:
        run_.warn(what + " was left out: reading it took longer than pageTimeout (" +
                  std::to_string(settings_.page_timeout.count()) + " ms)");
        return std::optional<ocr::Page>();
      case base::ErrorCode::Internal:
      case base::ErrorCode::Unavailable: return std::move(page).error();
      default: fail(page.error(), what);
    }
  }

  mmif::Mmif& mmif_;
  const Settings& settings_;
  clams::Run& run_;
  ocr::Engine& engine_;
  std::vector<Failure> failures_;
};

TesseractApp::TesseractApp() : engines_(base::available_cpus().count) {}

clams::AppMetadata TesseractApp::metadata() const {
  clams::AppMetadata metadata;
  metadata.name = "Tesseract OCR";
  metadata.description =
      std::string("Reads the text of page images (PNG, JPEG, TIFF with one or many pages)") +
      (video_is_supported() ? " and of video frames, at TimeFrames, at TimePoints or every N seconds" : "") +
      ", with Tesseract. Each page, and each frame with text in it, gets a TextDocument aligned with its source, and a BoundingBox "
      "aligned with that TextDocument for each word, line and block, with its text, place and confidence; places are pixels of the "
      "picture as viewers show it, upright and with square pixels. One view per document. What cannot be read is named in a "
      "warning.";
  metadata.app_license = "Apache-2.0";
  metadata.identifier = "clams-tesseract";
  metadata.url = "https://github.com/clamsproject/clams-cpp";
  metadata.app_version = CLAMS_TESSERACT_VERSION;
  metadata.analyzer_version = ocr::tesseract_version();
  metadata.analyzer_license = "Apache-2.0";
  if (video_is_supported()) {
    metadata.add_input_one_of({std::string(types::ImageDocument), std::string(types::VideoDocument)});
    metadata.add_input(types::TimeFrame, false);
    metadata.add_input(types::TimePoint, false);
    metadata.more = {{"video_library", video_library()}, {"video_library_license", video_library_license()}};
    metadata.add_output(types::TimePoint, {{"timeUnit", "milliseconds"}});
  } else {
    metadata.add_input(types::ImageDocument);
  }
  metadata.add_output(types::TextDocument);
  metadata.add_output(types::BoundingBox);
  metadata.add_output(types::Alignment);
  metadata.add_tag("OCR");
  add_parameters(metadata);
  return metadata;
}

void TesseractApp::annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) {
  const Settings settings = settings_from(parameters);
  const auto images = mmif.documents(types::ImageDocument);
  const auto videos = mmif.documents(types::VideoDocument);
  if (images.empty() && videos.empty()) {
    run.warn("there is no ImageDocument and no VideoDocument to read text from");
    return;
  }
  const auto engine = value_or_fail(engines_.acquire(settings.engine, {.stop = run.stop_token()}));
  Request(mmif, settings, run, *engine).read_all(images, videos);
}

mmif::Object TesseractApp::runtime_facts() const {
  return {{"tesseract", ocr::tesseract_version()}, {"engines_loaded", engines_.loaded()}, {"engines_idle", engines_.idle()}};
}

}  // namespace ocr_app
