#include "app/vad_app.hpp"

#include <cmath>

#include "app/detector.hpp"
#include "clams/exceptions.hpp"
#include "speech/engine_log.hpp"
#include "speech/failure.hpp"
#include "speech/listen.hpp"
#include "speech/sound.hpp"

namespace vad_app {
namespace {

namespace types = mmif::types;
using clams::ParameterType;
using speech::value_or_fail;
using std::chrono::milliseconds;

milliseconds time_from(const clams::Parameters& parameters, const char* name) {
  constexpr std::int64_t kDay = 86'400'000;
  const auto value = parameters.get<std::int64_t>(name);
  if (value < 0 || value > kDay)
    throw clams::ValueError(std::string(name) + " must lie between 0 and " + std::to_string(kDay) + " milliseconds");
  return milliseconds(value);
}

DetectOptions options_from(const clams::Parameters& parameters) {
  DetectOptions options;
  options.threshold = parameters.get<double>("threshold");
  if (!(options.threshold > 0 && options.threshold < 1)) throw clams::ValueError("threshold must lie between 0 and 1");
  options.shortest_speech = time_from(parameters, "minSpeech");
  options.shortest_silence = time_from(parameters, "minSilence");
  options.longest_speech = time_from(parameters, "maxSpeech");
  options.padding = time_from(parameters, "padding");
  return options;
}

void add_time(clams::AppMetadata& metadata, const char* name, const char* description, int otherwise) {
  metadata.add_parameter({.name = name, .description = description, .type = ParameterType::Integer, .default_value = otherwise});
}

speech::EngineListener to_log(const base::Logger& log) {
  return [log](speech::EngineLevel level, std::string_view line) {
    const std::string text = "whisper.cpp: " + std::string(line);
    if (level == speech::EngineLevel::Error) return log.error(text);
    log.debug(text);
  };
}

// In the time of the file. A detector that hears pieces apart cannot join speech over what is missing between them.
std::vector<Interval> speech_in(Detector& detector, const speech::Heard& heard, const DetectOptions& options,
                                const speech::EngineListener& log) {
  std::vector<Interval> all;
  for (const auto& piece : heard.sound.pieces) {
    for (const auto& found : value_or_fail(detector.detect(heard.sound.of(piece), options, log), heard.document.id()))
      all.push_back({found.start + piece.start, found.end + piece.start});
  }
  return all;
}

void write_segments(mmif::View& view, const mmif::Annotation& document, const std::vector<Interval>& intervals) {
  view.new_contain(types::TimeFrame, {{"timeUnit", "milliseconds"}, {"document", document.id()}});
  for (const auto& interval : intervals)
    view.new_annotation(types::TimeFrame, {{"label", "speech"}, {"start", interval.start.count()}, {"end", interval.end.count()}});
}

}  // namespace

clams::AppMetadata VadApp::metadata() const {
  clams::AppMetadata metadata;
  metadata.name = "Voice activity";
  metadata.description = std::string(
                             "Finds where somebody speaks, with the Silero voice detector run by whisper.cpp. Reads "
                             "AudioDocuments, or VideoDocuments where there are none") +
                         (speech::reads_all_media() ? "" : " (WAV files)") +
                         "; one view per document, with a TimeFrame labelled speech for each segment.";
  metadata.app_license = "Apache-2.0";
  metadata.identifier = "clams-vad";
  metadata.url = "https://github.com/clamsproject/clams-cpp";
  metadata.app_version = CLAMS_VAD_APP_VERSION;
  metadata.analyzer_version = "silero-vad 6.2.0, whisper.cpp " + speech::engine_version();
  metadata.analyzer_license = "MIT";
  if (speech::reads_all_media())
    metadata.more = {{"media_library", speech::media_library()}, {"media_library_license", speech::media_library_license()}};
  metadata.add_input_one_of({std::string(types::AudioDocument), std::string(types::VideoDocument)});
  metadata.add_output(types::TimeFrame, {{"timeUnit", "milliseconds"}, {"label", "speech"}});
  metadata.add_parameter({.name = "threshold",
                          .description = "Probability from which a moment counts as speech, between 0 and 1.",
                          .type = ParameterType::Number,
                          .default_value = 0.5});
  add_time(metadata, "minSpeech", "Milliseconds; shorter speech is dropped.", 250);
  add_time(metadata, "minSilence", "Milliseconds; a shorter pause does not end a segment.", 100);
  add_time(metadata, "maxSpeech", "Milliseconds; a longer segment is cut at a pause. 0: any length.", 0);
  add_time(metadata, "padding", "Milliseconds added before and after each segment.", 30);
  return metadata;
}

void VadApp::annotate(mmif::Mmif& mmif, const clams::Parameters& parameters, clams::Run& run) {
  const DetectOptions options = options_from(parameters);
  const auto log = to_log(run.log());
  Detector detector = value_or_fail(Detector::create(log));
  speech::for_each_sound(mmif, run, [&](const speech::Heard& heard) {
    run.throw_if_cancelled();
    write_segments(run.new_view(), heard.document, speech_in(detector, heard, options, log));
    run.progress(heard.progress_to, heard.document.id());
  });
}

}  // namespace vad_app
