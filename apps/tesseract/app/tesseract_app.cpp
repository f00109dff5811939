#include "tesseract_app.hpp"

#include <algorithm>

#include "base/available_cpus.hpp"
#include "failure.hpp"
#include "ocr/picture.hpp"
#include "page_writer.hpp"
#include "video_pages.hpp"

namespace ocr_app {
namespace {

namespace types = mmif::types;

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

  void read_image(const mmif::Annotation& document) {
    const std::string name = "image " + document.id();
    const std::string path = value_or_fail(document.location_path(), name);
    const auto file = value_or_fail(ocr::ImageFile::open(path), name);
    PageWriter writer(run_, document, settings_);
    for (int n = 0; n < file.pages(); ++n) {
      run_.throw_if_cancelled();
      const auto picture = value_or_fail(file.read(n), name);
      if (picture.damaged()) run_.warn(name + " (" + path + ") is damaged; what could be decoded of it was read");
      const auto page = recognise(picture, file.pages() > 1 ? "page " + std::to_string(n + 1) + " of " + name : name);
      if (page) writer.add_page(*page, file.pages() > 1 ? std::optional(n + 1) : std::nullopt);
      run_.progress(static_cast<double>(n + 1) / file.pages(), name);
    }
  }

  void read_video(mmif::Annotation& document) {
    const std::string name = "video " + document.id();
    PageWriter writer(run_, document, settings_);
    FrameRun frames;
    frames.take = [&](const Sample& sample, const ocr::Picture& picture, double progress) {
      const auto page = recognise(picture, "the frame at " + std::to_string(sample.time.count()) + " ms of " + name);
      // Most frames of most videos hold no text: an empty document for each would bury the others.
      if (page && !page->text.empty()) writer.add_frame(*page, sample.time, sample.time_point, sample.time_frame);
      run_.progress(progress, name);
    };
    frames.warn = [this](const std::string& message) { run_.warn(message); };
    frames.stop = run_.stop_token();
    read_frames(mmif_, document, settings_.sampling, frames);
  }

 private:
  // nullopt: it took too long and was left out, with a warning.
  std::optional<ocr::Page> recognise(const ocr::Picture& picture, const std::string& what) {
    auto page = engine_.recognise(picture, settings_.page, {.stop = run_.stop_token(), .deadline = deadline_of(settings_)});
    if (page) return std::move(page).value();
    if (page.error().code != base::ErrorCode::Timeout) fail(page.error(), what);
    run_.warn(what + " was left out: reading it took longer than pageTimeout (" + std::to_string(settings_.page_timeout.count()) +
              " ms)");
    return std::nullopt;
  }

  mmif::Mmif& mmif_;
  const Settings& settings_;
  clams::Run& run_;
  ocr::Engine& engine_;
};

TesseractApp::TesseractApp() : engines_(base::available_cpus().count) {}

clams::AppMetadata TesseractApp::metadata() const {
  clams::AppMetadata metadata;
  metadata.name = "Tesseract OCR";
  metadata.description =
      std::string("Reads the text of page images (PNG, JPEG, TIFF with one or many pages)") +
      (video_is_supported() ? " and of video frames, at TimeFrames, at TimePoints or every N seconds" : "") +
      ", with Tesseract. Each page, and each frame with text in it, gets a TextDocument aligned with its source, and a BoundingBox "
      "aligned "
      "with that TextDocument for each word, line and block, with its text, place and confidence. One view per document.";
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
  Request request(mmif, settings, run, *engine);
  for (const mmif::Annotation* image : images) request.read_image(*image);
  for (mmif::Annotation* video : videos) request.read_video(*video);
}

mmif::Object TesseractApp::runtime_facts() const {
  return {{"tesseract", ocr::tesseract_version()}, {"engines_loaded", engines_.loaded()}, {"engines_idle", engines_.idle()}};
}

}  // namespace ocr_app
