// When and where an annotation is: its start and end, and the text it covers.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mmif/mmif.hpp"

namespace mmif {

enum class TimeUnit { Milliseconds, Seconds, Frames };
// "ms", "msec", "millisecond(s)", "s", "sec", "second(s)", "f", "frame(s)".
std::optional<TimeUnit> parse_time_unit(std::string_view text) noexcept;
std::string_view to_string(TimeUnit unit) noexcept;

// Frames need `fps` (> 0); without it the answer is none. Milliseconds and frames come out as whole numbers, rounded half to even.
std::optional<double> convert_time(double value, TimeUnit from, TimeUnit to, std::optional<double> fps = std::nullopt);

struct Extent {
  double start;
  double end;
  bool operator==(const Extent&) const = default;
};
// Own "start" and "end", or "timePoint" as both, or first and last of its "targets", which may have targets themselves. Error
// NotFound for a target that does not exist, InvalidDocument for one without an anchor or for targets that go round in circles.
base::Result<Extent> extent_of(const Mmif& mmif, const Annotation& annotation);
// The same in milliseconds: timeUnit of the annotation or its targets (milliseconds if none says); frames with the `fps` of its
// document.
base::Result<Extent> extent_ms(const Mmif& mmif, const Annotation& annotation);

// Text that a Span, Token, Sentence… covers: its own "text", or code points [start, end) of its document's text, or the texts of
// its targets joined by blanks.
base::Result<std::string> text_of(const Mmif& mmif, const Annotation& annotation);
// The document an annotation is about: its own "document" or that of `contains`, else that of its first target. nullptr if none.
Annotation* document_of(const Mmif& mmif, const Annotation& annotation);

}  // namespace mmif
