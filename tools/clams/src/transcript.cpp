#include "transcript.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/text.hpp"
#include "python_number.hpp"
#include "streams.hpp"
#include "summary_graph.hpp"
#include "summary_parts.hpp"

namespace clams::tool {
namespace {

struct Cue {
  std::optional<std::int64_t> start, end;  // milliseconds
  std::string text;                        // on one line
};

std::optional<std::int64_t> milliseconds(const mmif::Value* value) {
  const auto number = PythonNumber::from(value);
  if (!number) return std::nullopt;
  return std::max<std::int64_t>(number->truncated(), 0);
}

std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::vector<Cue> cues_of(const mmif::Array& entries) {
  std::vector<Cue> cues;
  for (const mmif::Value& entry : entries) {
    const mmif::Object& fields = *entry.object();
    std::string text = on_one_line(fields.find("text")->as_string());
    if (!text.empty())
      cues.push_back({milliseconds(fields.find("start-time")), milliseconds(fields.find("end-time")), std::move(text)});
  }
  return cues;
}

std::string clock(std::int64_t ms, char before_fraction) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%02lld:%02lld:%02lld%c%03lld", static_cast<long long>(ms / 3'600'000),
                static_cast<long long>(ms / 60'000 % 60), static_cast<long long>(ms / 1000 % 60), before_fraction,
                static_cast<long long>(ms % 1000));
  return text.data();
}

// WebVTT reads these as markup; "-->" would be a line of times.
std::string without_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string subtitles(const std::vector<Cue>& cues, TranscriptFormat format) {
  const bool vtt = format == TranscriptFormat::WebVtt;
  std::string out = vtt ? "WEBVTT\n\n" : "";
  int number = 0;
  for (const Cue& cue : cues) {
    if (!cue.start || !cue.end) continue;
    // A cue that ends with its beginning would never be shown.
    const std::int64_t end = std::max(*cue.end, *cue.start + 1);
    if (!vtt) out += std::to_string(number + 1) + "\n";
    out += clock(*cue.start, vtt ? '.' : ',') + " --> " + clock(end, vtt ? '.' : ',') + "\n";
    out += (vtt ? without_markup(cue.text) : cue.text) + "\n\n";
    ++number;
  }
  return number == 0 ? "" : out;
}

struct TranscriptOptions {
  std::optional<std::string> input, output, format;
};

TranscriptFormat format_of(const TranscriptOptions& options) {
  const std::string_view output = options.output ? std::string_view(*options.output) : std::string_view();
  const bool srt = options.format ? *options.format == "srt" : output.ends_with(".srt");
  const bool vtt = options.format ? *options.format == "vtt" : output.ends_with(".vtt");
  return srt ? TranscriptFormat::SubRip : vtt ? TranscriptFormat::WebVtt : TranscriptFormat::Text;
}

base::Status run(const TranscriptOptions& options) {
  BASE_TRY_ASSIGN(std::string input, read_input(options.input));
  BASE_TRY_ASSIGN(const auto document, mmif::Mmif::parse(std::move(input)));
  const SummaryGraph graph(*document);
  std::vector<std::string> notes;
  const mmif::Array entries = summarize_transcript(*document, graph, notes);
  for (const std::string& note : notes) complain("transcript", "note: " + note);
  BASE_TRY_ASSIGN(const std::string text, transcript_text(entries, format_of(options)));
  return write_output(options.output, text);
}

}  // namespace

base::Result<std::string> transcript_text(const mmif::Array& entries, TranscriptFormat format) {
  const std::vector<Cue> cues = cues_of(entries);
  if (cues.empty())
    return base::Error{base::ErrorCode::NotFound, "no view of this MMIF has a transcript; run a speech recogniser on it first"};
  if (format == TranscriptFormat::Text) {
    std::string out;
    for (const Cue& cue : cues) out += cue.text + "\n";
    return out;
  }
  std::string out = subtitles(cues, format);
  if (out.empty())
    return base::Error{base::ErrorCode::NotFound, "the transcript has no times, so there are no subtitles; -f txt prints its text"};
  return out;
}

Action declare_transcript(Parser& parser) {
  auto options = std::make_shared<TranscriptOptions>();
  parser.argument("MMIF_FILE", options->input, "the MMIF; standard input if '-' or not given");
  parser.option("-o,--output", options->output, "FILE", "where the text goes; standard output if not given");
  parser.choice("-f,--format", options->format, {"txt", "srt", "vtt"}, "FORMAT",
                "txt: a line for each sentence; srt, vtt: subtitles (default: by the ending of --output, else txt)");
  parser.epilogue(
      "The transcript is that of 'clams summarize': of the last view with speech, whichever recogniser wrote it.\n"
      "\n"
      "  clams transcript talk.mmif\n"
      "  clams transcript talk.mmif -o talk.srt");
  return [options] { return finish("transcript", run(*options)); };
}

}  // namespace clams::tool
