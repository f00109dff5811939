#include "settings.hpp"

#include <cmath>
#include <string_view>
#include <utility>

#include "clams/exceptions.hpp"

namespace ocr_app {
namespace {

using clams::ParameterType;
using std::chrono::milliseconds;

constexpr double kLongestSeconds = 1e6;

constexpr std::pair<std::string_view, std::string_view> kLanguages[] = {
    {"afr", "af"},          {"ara", "ar"},          {"bel", "be"}, {"ben", "bn"}, {"bul", "bg"}, {"cat", "ca"}, {"ces", "cs"},
    {"chi_sim", "zh-Hans"}, {"chi_tra", "zh-Hant"}, {"dan", "da"}, {"deu", "de"}, {"ell", "el"}, {"eng", "en"}, {"est", "et"},
    {"eus", "eu"},          {"fas", "fa"},          {"fin", "fi"}, {"fra", "fr"}, {"gle", "ga"}, {"glg", "gl"}, {"heb", "he"},
    {"hin", "hi"},          {"hrv", "hr"},          {"hun", "hu"}, {"hye", "hy"}, {"ind", "id"}, {"isl", "is"}, {"ita", "it"},
    {"jpn", "ja"},          {"kat", "ka"},          {"kor", "ko"}, {"lat", "la"}, {"lav", "lv"}, {"lit", "lt"}, {"nld", "nl"},
    {"nor", "no"},          {"pol", "pl"},          {"por", "pt"}, {"ron", "ro"}, {"rus", "ru"}, {"slk", "sk"}, {"slv", "sl"},
    {"spa", "es"},          {"srp", "sr"},          {"swe", "sv"}, {"tam", "ta"}, {"tel", "te"}, {"tha", "th"}, {"tur", "tr"},
    {"ukr", "uk"},          {"urd", "ur"},          {"vie", "vi"}, {"yid", "yi"}};

mmif::Array strings(std::initializer_list<const char*> items) {
  mmif::Array array;
  for (const char* item : items) array.emplace_back(item);
  return array;
}

// In a query '+' is a blank, so "eng+deu" arrives as "eng deu".
std::vector<std::string> languages_from(const std::vector<std::string>& values) {
  std::vector<std::string> languages;
  const auto add = [&languages](const std::string& code) {
    if (code.empty()) return;
    for (const auto& known : languages)
      if (known == code) return;
    languages.push_back(code);
  };
  for (const auto& value : values) {
    std::size_t begin = 0;
    while (begin <= value.size()) {
      const std::size_t end = std::min(value.find_first_of("+, ", begin), value.size());
      add(value.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (languages.empty()) throw clams::ValueError("parameter language names no language; for English give eng");
  return languages;
}

milliseconds seconds_from(const clams::Parameters& parameters, const char* name) {
  const auto seconds = parameters.get<double>(name);
  if (!(seconds >= 0 && seconds <= kLongestSeconds))
    throw clams::ValueError(std::string("parameter ") + name + " must lie between 0 and 1000000 seconds");
  const milliseconds time(std::llround(seconds * 1000));
  if (seconds > 0 && time.count() == 0)
    throw clams::ValueError(std::string("parameter ") + name + " must be 0 or at least 0.001 seconds");
  return time;
}

void set_levels(const std::vector<std::string>& levels, Settings& settings) {
  settings.words = settings.lines = settings.blocks = false;
  for (const auto& level : levels) {
    settings.words |= level == "word";
    settings.lines |= level == "line";
    settings.blocks |= level == "block";
  }
}

ocr::Thresholding thresholding_from(const std::string& name) {
  if (name == "adaptive") return ocr::Thresholding::Adaptive;
  if (name == "sauvola") return ocr::Thresholding::Sauvola;
  return ocr::Thresholding::Otsu;
}

Sampling sampling_from(const clams::Parameters& parameters) {
  Sampling sampling;
  sampling.every = seconds_from(parameters, "sampleEvery");
  const auto at = parameters.get<std::string>("sampleAt");
  sampling.at = at == "timeFrames" ? SampleAt::TimeFrames : at == "timePoints" ? SampleAt::TimePoints : SampleAt::Auto;
  const std::string mode = parameters.time_frame_sampling_mode();
  sampling.mode = mode == "all" ? SamplingMode::All : mode == "single" ? SamplingMode::Single : SamplingMode::Representatives;
  for (const auto& label : parameters.get<std::vector<std::string>>("label"))
    if (!label.empty()) sampling.labels.insert(label);
  return sampling;
}

void add_reading_parameters(clams::AppMetadata& metadata) {
  metadata.add_parameter({.name = "language",
                          .description = "Language codes of Tesseract, as `tesseract --list-langs` prints them; several at once as "
                                         "repeated values or joined by +. "
                                         "The first is the main one. Each needs its data (package tesseract-ocr-<code>).",
                          .default_value = strings({"eng"}),
                          .multivalued = true});
  mmif::Array modes;
  for (const int mode : ocr::kPageSegmentationModes) modes.emplace_back(mode);
  metadata.add_parameter({.name = "pageSegmentationMode",
                          .description = "How Tesseract divides a page, by its own numbers: 3 automatic, 1 the same with "
                                         "orientation (package tesseract-ocr-osd), 4 one column, 6 one block, "
                                         "7 one line, 8 one word, 11 sparse text.",
                          .type = ParameterType::Integer,
                          .choices = modes,
                          .default_value = 3});
  metadata.add_parameter({.name = "thresholding",
                          .description = "How grey becomes black and white: otsu (one threshold; best for pages and slates), "
                                         "adaptive (for text over uneven grounds, "
                                         "such as captions over pictures; slow on noise), sauvola.",
                          .choices = strings({"otsu", "adaptive", "sauvola"}),
                          .default_value = "otsu"});
  metadata.add_parameter({.name = "assumedResolution",
                          .description = "Dots per inch taken for pictures that name none, or fewer than 70. 70 to 2400.",
                          .type = ParameterType::Integer,
                          .default_value = 150});
  metadata.add_parameter({.name = "levels",
                          .description = "Which bounding boxes to write, beside the text; none: no boxes.",
                          .choices = strings({"word", "line", "block", "none"}),
                          .default_value = strings({"word", "line", "block"}),
                          .multivalued = true});
  metadata.add_parameter(
      {.name = "pageTimeout",
       .description =
           "Seconds that reading one page or frame may take; one that takes longer is left out with a warning. 0: no limit.",
       .type = ParameterType::Number,
       .default_value = 60});
}

void add_sampling_parameters(clams::AppMetadata& metadata) {
  metadata.add_parameter(
      {.name = "sampleEvery",
       .description =
           "Read a video's frames at 0, N, 2N, … seconds instead of at its annotations. 0: at annotations, see sampleAt.",
       .type = ParameterType::Number,
       .default_value = 0});
  metadata.add_parameter({.name = "sampleAt",
                          .description = "The annotations at which a video's frames are read: timeFrames (which of their frames: "
                                         "tfSamplingMode), timePoints, or auto: "
                                         "at TimeFrames if the video has any, else at TimePoints.",
                          .choices = strings({"auto", "timeFrames", "timePoints"}),
                          .default_value = "auto"});
  metadata.add_parameter({.name = "label",
                          .description = "Only TimeFrames or TimePoints with one of these labels; without a value, all.",
                          .default_value = mmif::Array{},
                          .multivalued = true});
}

}  // namespace

void add_parameters(clams::AppMetadata& metadata) {
  add_reading_parameters(metadata);
  add_sampling_parameters(metadata);
}

Settings settings_from(const clams::Parameters& parameters) {
  Settings settings;
  settings.engine.languages = languages_from(parameters.get<std::vector<std::string>>("language"));
  settings.page.page_segmentation = parameters.get<int>("pageSegmentationMode");
  settings.page.thresholding = thresholding_from(parameters.get<std::string>("thresholding"));
  settings.page.assumed_dpi = parameters.get<int>("assumedResolution");
  settings.page_timeout = seconds_from(parameters, "pageTimeout");
  set_levels(parameters.get<std::vector<std::string>>("levels"), settings);
  settings.language = bcp47_of(settings.engine.languages.front());
  settings.sampling = sampling_from(parameters);
  return settings;
}

std::string bcp47_of(const std::string& tesseract_language) {
  for (const auto& [code, tag] : kLanguages)
    if (code == tesseract_language) return std::string(tag);
  return tesseract_language;
}

}  // namespace ocr_app
