#include "reading_commands.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "cues.hpp"
#include "streams.hpp"
#include "subtitle_format.hpp"
#include "texts.hpp"
#include "transcripts.hpp"

namespace clams::tool {
namespace {

using base::Error;
using base::ErrorCode;

struct ReadingOptions {
  std::optional<std::string> input, output, view, document, format;
  bool times = false;
  std::int64_t width = 42;
};

base::Result<std::unique_ptr<mmif::Mmif>> read_document(const ReadingOptions& options) {
  BASE_TRY_ASSIGN(std::string text, read_input(options.input));
  return mmif::Mmif::parse(std::move(text));
}

std::string clock_text(double milliseconds) {
  const auto seconds = static_cast<long long>(milliseconds / 1000);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "[%02lld:%02lld:%02lld] ", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return text.data();
}

base::Status write_texts(const ReadingOptions& options) {
  BASE_TRY_ASSIGN(const auto document, read_document(options));
  const SummaryGraph graph(*document);
  BASE_TRY_ASSIGN(const auto texts, texts_of(*document, graph, options.view));
  std::string out;
  for (const TimedText& text : texts) {
    if (!out.empty()) out += "\n";
    out += (options.times && text.start ? clock_text(*text.start) : "") + text.text + "\n";
  }
  return write_output(options.output, out);
}

// The sentences, a line each, where the app gave any: the way to see when what was said.
base::Status write_lines(const ReadingOptions& options) {
  BASE_TRY_ASSIGN(const auto document, read_document(options));
  const SummaryGraph graph(*document);
  const auto transcripts = transcripts_of(*document, graph, {.document = options.document, .view = options.view});
  // Texts on a screen are no transcript.
  if (!transcripts && !options.document) return write_texts(options);
  if (!transcripts) return transcripts.error();
  std::string out;
  for (const Transcript& transcript : *transcripts) {
    if (!out.empty()) out += "\n";
    for (const Passage& passage : transcript.passages) {
      const auto start = passage.start();
      out += (options.times && start ? clock_text(*start) : "") + passage.text + "\n";
    }
  }
  return write_output(options.output, out);
}

std::string documents_in(const std::vector<Transcript>& transcripts) {
  std::string out;
  for (const Transcript& transcript : transcripts) {
    const std::string id = transcript.document == nullptr ? "view " + transcript.view->id() : transcript.document->id();
    out += (out.empty() ? "" : ", ") + id;
  }
  return out;
}

bool wants_subrip(const ReadingOptions& options) {
  if (options.format) return *options.format == "srt";
  return options.output && options.output->ends_with(".srt");
}

base::Status write_subtitles(const ReadingOptions& options) {
  if (options.width < 10 || options.width > 200)
    return Error{ErrorCode::InvalidArgument, "--width is a number of characters from 10 to 200"};
  BASE_TRY_ASSIGN(const auto document, read_document(options));
  const SummaryGraph graph(*document);
  BASE_TRY_ASSIGN(const auto transcripts, transcripts_of(*document, graph, {.document = options.document, .view = options.view}));
  if (transcripts.size() > 1)
    return Error{ErrorCode::InvalidArgument, "the file has transcripts of " + documents_in(transcripts) +
                                                 "; one file of subtitles is for one of them: say which with --document or --view"};
  CueLimits limits;
  limits.line = static_cast<std::size_t>(options.width);
  const Cues cues = cues_of(transcripts.front().passages, limits);
  if (cues.cues.empty())
    return Error{ErrorCode::InvalidDocument, "the transcript in view " + transcripts.front().view->id() +
                                                 " has no times: neither its words nor its sentences are aligned with TimeFrames"};
  if (cues.without_time > 0)
    complain("subtitles", "note: " + std::to_string(cues.without_time) + " of " +
                              std::to_string(transcripts.front().passages.size()) + " passages have no time and are left out");
  return write_output(options.output, wants_subrip(options) ? srt_text(cues.cues) : vtt_text(cues.cues));
}

void declare_files(Parser& parser, ReadingOptions& options) {
  parser.argument("IN_FILE", options.input, "MMIF to read; standard input if '-' or not given");
  parser.option("-o,--output", options.output, "FILE", "where the text is written; standard output if not given");
  parser.option("--view", options.view, "ID", "read this view; without it the last run of an app that wrote what is asked for");
}

}  // namespace

Action declare_text(Parser& parser) {
  auto options = std::make_shared<ReadingOptions>();
  auto lines = std::make_shared<bool>(false);
  declare_files(parser, *options);
  parser.option("--document", options->document, "ID", "only what was said in this sound or video; implies --lines");
  parser.flag("--lines", *lines, "one line for each sentence of a transcript");
  parser.flag("--times", options->times, "begin each text, or each line, with its time");
  parser.epilogue(
      "Works for what any app wrote: texts are found by their types. Several texts are separated by an empty line.\n"
      "\n"
      "  clams-cpp text talk.mmif > talk.txt\n"
      "  clams-cpp text --lines --times talk.mmif\n"
      "  clams-cpp text --times screens.mmif");
  return [options, lines] { return finish("text", *lines || options->document ? write_lines(*options) : write_texts(*options)); };
}

Action declare_subtitles(Parser& parser) {
  auto options = std::make_shared<ReadingOptions>();
  declare_files(parser, *options);
  parser.option("--document", options->document, "ID", "the sound or video, where there are transcripts of several");
  parser.choice("-f,--format", options->format, {"vtt", "srt"}, "FORMAT", "vtt (WebVTT) or srt (SubRip) (default: by the ending of the output, else vtt)");
  parser.integer("--width", options->width, "N", "characters in a line; a cue has at most two lines (default: 42)");
  parser.epilogue(
      "Works for the output of any speech recogniser that gives times of words or sentences: they are found by their types.\n"
      "\n"
      "  clams-cpp subtitles talk.mmif > talk.vtt\n"
      "  clams-cpp subtitles --format srt talk.mmif -o talk.srt");
  return [options] { return finish("subtitles", write_subtitles(*options)); };
}

}  // namespace clams::tool
