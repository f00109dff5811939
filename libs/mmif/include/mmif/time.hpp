// When and where an annotation is: its start and end, and the text it covers.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mmif/mmif.hpp"

namespace mmif {

// IsoFormat: not a number but a text, "HH:MM:SS.mmm".
enum class TimeUnit { Milliseconds, Seconds, Frames, IsoFormat };
// The spellings that the Python SDK takes: "m", "ms", "msec", "millisecond(s)"; "s", "se", "sec", "second(s)"; "f", "fr",
// "frame(s)"; "i", "iso", "isoformat".
std::optional<TimeUnit> parse_time_unit(std::string_view text) noexcept;
std::string_view to_string(TimeUnit unit) noexcept;

// Frames need `fps` (> 0); without it the answer is none. Milliseconds and frames come out as whole numbers, rounded half to even.
// None from or to IsoFormat, which is no number: see milliseconds_of_iso.
std::optional<double> convert_time(double value, TimeUnit from, TimeUnit to, std::optional<double> fps = std::nullopt);

// "00:00:03.200", "100:00:00", "T01:02:03,5": hours (any number of digits), minutes and seconds below 60, and a fraction of any
// length after a point or comma, rounded to milliseconds. None for anything else.
std::optional<double> milliseconds_of_iso(std::string_view text) noexcept;
// "00:00:03.200". Hours go on beyond 24; a time before 0 bears a minus sign.
std::string iso_of_milliseconds(std::int64_t milliseconds);

struct Extent {
  double start;
  double end;
  bool operator==(const Extent&) const = default;
};
// Own "start" and "end", or "timePoint" as both, or first and last of its "targets", which may have targets themselves; the numbers
// as they stand, ISO texts as milliseconds. Error NotFound for a target that does not exist, InvalidDocument for one without an
// anchor, for targets that go round in circles, and for a text that is no ISO time.
base::Result<Extent> extent_of(const Mmif& mmif, const Annotation& annotation);
// The same in milliseconds. Each number is in the timeUnit of the annotation it stands in, else in that of the annotation which
// has it as a target, else in milliseconds; frames with the `fps` of the document, or frameRate, frames_per_second and the other
// names that the Python SDK takes. Error InvalidDocument also for a unit that is not known or does not fit: it names the unit;
// NotFound for frames without a rate.
base::Result<Extent> extent_ms(const Mmif& mmif, const Annotation& annotation);

// Text that a Span, Token, Sentence… covers: its own "text", or code points [start, end) of its document's text, or the texts of
// its targets joined by blanks.
base::Result<std::string> text_of(const Mmif& mmif, const Annotation& annotation);
// The document an annotation is about: its own "document" or that of `contains`, else that of its first target. nullptr if none.
Annotation* document_of(const Mmif& mmif, const Annotation& annotation);

}  // namespace mmif
