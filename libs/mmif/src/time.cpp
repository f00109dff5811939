#include "mmif/time.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <utility>

#include "utf8.hpp"

namespace mmif {
namespace {

using base::Error;
using base::ErrorCode;
constexpr int kMaxTargetDepth = 64;
constexpr int kMaxTargets = 1'000'000;  // targets that share targets lead to ever more visits

// How far a walk along targets may go.
class Reach {
 public:
  // REQUIRES: depth from 0. An error when the walk should end here.
  base::Status visit(const Annotation& annotation, int depth) {
    if (depth > kMaxTargetDepth)
      return Error{ErrorCode::InvalidDocument,
                   "the targets of annotation " + annotation.id() + " are nested too deeply or go round in circles"};
    if (--left_ < 0)
      return Error{ErrorCode::InvalidDocument, "the targets that lead to annotation " + annotation.id() + " are too many"};
    return {};
  }

 private:
  int left_ = kMaxTargets;
};

// Nearest whole number, ties to even, as Python's round().
double rounded(double value) {
  const double floor = std::floor(value);
  const double rest = value - floor;
  if (rest != 0.5) return rest < 0.5 ? floor : floor + 1;
  return std::fmod(floor, 2) == 0 ? floor : floor + 1;
}

// The number that 1 to 15 digits make.
std::optional<double> digits(std::string_view text) noexcept {
  if (text.empty() || text.size() > 15) return std::nullopt;
  double value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::vector<const Annotation*> targets_of(const Mmif& mmif, const Annotation& annotation, const Value& targets,
                                          std::string& missing) {
  std::vector<const Annotation*> found;
  if (targets.array() == nullptr) return found;
  for (const Value& id : *targets.array()) {
    const Annotation* target = mmif.find(id.as_string());
    if (target == nullptr) {
      missing = "annotation " + annotation.id() + " has the target '" + std::string(id.as_string()) + "', which does not exist";
      return {};
    }
    found.push_back(target);
  }
  return found;
}

// What an annotation holds at a time property: a number, an ISO text, or neither.
std::optional<double> time_property(const Annotation& annotation, std::string_view name) {
  if (const auto number = annotation.number(name)) return number;
  return milliseconds_of_iso(annotation.string(name));
}

// Own times, without targets; none if there are none.
std::optional<Extent> own_extent(const Annotation& annotation) {
  if (const auto point = time_property(annotation, "timePoint")) return Extent{*point, *point};
  const auto start = time_property(annotation, "start"), end = time_property(annotation, "end");
  return start && end ? std::optional(Extent{*start, *end}) : std::nullopt;
}

// A text where a time should stand, which is no ISO time.
std::optional<std::string> wrong_text(const Annotation& annotation) {
  for (const char* name : {"timePoint", "start", "end"})
    if (const std::string_view text = annotation.string(name); !text.empty() && !milliseconds_of_iso(text))
      return "annotation " + annotation.id() + " has '" + std::string(text) + "' as its " + name +
             ", which is neither a number nor a time like 00:00:03.200";
  return std::nullopt;
}

// How the times of one annotation become those of its extent; `unit`: timeUnit of the annotations on the way to it, or empty.
using Read = std::function<base::Result<Extent>(const Annotation& annotation, const Extent& own, std::string_view unit)>;

class ExtentWalk {
 public:
  ExtentWalk(const Mmif& mmif, Read read) : mmif_(mmif), read_(std::move(read)) {}

  base::Result<Extent> of(const Annotation& annotation, std::string_view unit = {}, int depth = 0) {
    if (const std::string_view own = annotation.string("timeUnit"); !own.empty()) unit = own;
    const auto key = std::pair(&annotation, std::string(unit));
    if (const auto at = known_.find(key); at != known_.end()) return at->second;
    BASE_TRY(reach_.visit(annotation, depth));
    if (const auto own = own_extent(annotation)) return read_(annotation, *own, unit);
    BASE_TRY_ASSIGN(const Extent whole, of_targets(annotation, unit, depth));
    return known_.emplace(key, whole).first->second;
  }

 private:
  base::Result<Extent> of_targets(const Annotation& annotation, std::string_view unit, int depth) {
    const Value* targets = annotation.find("targets");
    if (targets == nullptr || targets->array() == nullptr || targets->array()->empty())
      return Error{
          ErrorCode::InvalidDocument,
          wrong_text(annotation).value_or("annotation " + annotation.id() + " has no start and end, no timePoint and no targets")};
    std::string missing;
    const auto list = targets_of(mmif_, annotation, *targets, missing);
    if (!missing.empty()) return Error{ErrorCode::NotFound, missing};
    std::optional<Extent> whole;
    for (const Annotation* target : list) {
      BASE_TRY_ASSIGN(const Extent part, of(*target, unit, depth + 1));
      whole = whole ? Extent{std::min(whole->start, part.start), std::max(whole->end, part.end)} : part;
    }
    return *whole;
  }

  const Mmif& mmif_;
  Read read_;
  Reach reach_;
  std::map<std::pair<const Annotation*, std::string>, Extent> known_;
};

// Frames per second of a document, under the names that the Python SDK looks for. 0 or less is none.
std::optional<double> frame_rate_of(const Annotation* document) {
  if (document == nullptr) return std::nullopt;
  for (const char* name :
       {"fps", "framerate", "frameRate", "frame_rate", "frame-rate", "framespersecond", "framesPerSecond", "frames_per_second",
        "frames-per-second", "framepersecond", "framePerSecond", "frame_per_second", "frame-per-second"})
    if (const auto rate = document->number(name); rate && *rate > 0) return rate;
  return std::nullopt;
}

bool has_iso_texts(const Annotation& annotation) {
  for (const char* name : {"timePoint", "start", "end"})
    if (!annotation.string(name).empty()) return true;
  return false;
}

// In milliseconds.
base::Result<Extent> converted(const Mmif& mmif, const Annotation& annotation, const Extent& own, std::string_view text) {
  const bool iso = has_iso_texts(annotation);
  const auto wrong = [&](const std::string& what) {
    return Error{ErrorCode::InvalidDocument, "annotation " + annotation.id() + what};
  };
  const auto unit = text.empty() ? std::optional(TimeUnit::Milliseconds) : parse_time_unit(text);
  if (!unit)
    return wrong(" has the time unit '" + std::string(text) +
                 "', which is not known; known are milliseconds, seconds, frames and isoformat");
  if (iso && !text.empty() && *unit != TimeUnit::IsoFormat)
    return wrong(" has a text as its time, and the time unit '" + std::string(text) + "', which is for numbers");
  if (!iso && *unit == TimeUnit::IsoFormat)
    return wrong(" has a number as its time, and the time unit '" + std::string(text) + "', which is for texts like 00:00:03.200");
  if (iso) return own;
  const auto fps = frame_rate_of(document_of(mmif, annotation));
  const auto start = convert_time(own.start, *unit, TimeUnit::Milliseconds, fps),
             end = convert_time(own.end, *unit, TimeUnit::Milliseconds, fps);
  if (start && end) return Extent{*start, *end};
  return Error{ErrorCode::NotFound,
               "annotation " + annotation.id() + " counts in " + std::string(text) + ", and the fps of its document is not known"};
}

Annotation* document_at(const Mmif& mmif, const Annotation& annotation, int depth) {
  if (const std::string_view id = annotation.string("document"); !id.empty()) return mmif.document(id);
  const Value* targets = annotation.find("targets");
  if (depth > kMaxTargetDepth || targets == nullptr || targets->array() == nullptr || targets->array()->empty()) return nullptr;
  const Annotation* first = mmif.find(targets->array()->front().as_string());
  return first == nullptr ? nullptr : document_at(mmif, *first, depth + 1);
}

std::string code_points_between(std::string_view text, double start, double end) {
  std::size_t at = 0, n = 0, from = text.size(), to = text.size();
  while (at < text.size()) {
    if (static_cast<double>(n) == start) from = at;
    if (static_cast<double>(n) == end) {
      to = at;
      break;
    }
    next_code_point(text, at);
    ++n;
  }
  return from >= to ? std::string() : std::string(text.substr(from, to - from));
}

}  // namespace

std::optional<TimeUnit> parse_time_unit(std::string_view text) noexcept {
  const auto is_one_of = [&](std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), text) != list.end();
  };
  if (is_one_of({"m", "ms", "msec", "millisecond", "milliseconds"})) return TimeUnit::Milliseconds;
  if (is_one_of({"s", "se", "sec", "second", "seconds"})) return TimeUnit::Seconds;
  if (is_one_of({"f", "fr", "frame", "frames"})) return TimeUnit::Frames;
  if (is_one_of({"i", "iso", "isoformat"})) return TimeUnit::IsoFormat;
  return std::nullopt;
}

std::string_view to_string(TimeUnit unit) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"milliseconds", "seconds", "frames", "isoformat"};
  return kNames[static_cast<std::size_t>(unit)];
}

std::optional<double> convert_time(double value, TimeUnit from, TimeUnit to, std::optional<double> fps) {
  if (from == TimeUnit::IsoFormat || to == TimeUnit::IsoFormat) return std::nullopt;
  if (from == to) return value;
  if ((from == TimeUnit::Frames || to == TimeUnit::Frames) && (!fps || !(*fps > 0))) return std::nullopt;
  const double seconds = from == TimeUnit::Seconds ? value : from == TimeUnit::Milliseconds ? value / 1000 : value / *fps;
  if (to == TimeUnit::Seconds) return seconds;
  return rounded(to == TimeUnit::Milliseconds ? seconds * 1000 : seconds * *fps);
}

std::optional<double> milliseconds_of_iso(std::string_view text) noexcept {
  if (text.starts_with('T')) text.remove_prefix(1);
  const std::size_t point = text.find_first_of(".,");
  std::string_view whole = text.substr(0, point);
  double parts[3] = {};
  for (int n = 0; n < 3; ++n) {
    const std::size_t colon = whole.find(':');
    if ((colon == std::string_view::npos) != (n == 2)) return std::nullopt;
    const auto part = digits(whole.substr(0, colon));
    if (!part || (n > 0 && *part >= 60)) return std::nullopt;
    parts[n] = *part;
    whole.remove_prefix(n == 2 ? whole.size() : colon + 1);
  }
  double milliseconds = ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000;
  if (point == std::string_view::npos) return milliseconds;
  const std::string_view fraction = text.substr(point + 1);
  const auto decimals = digits(fraction);
  if (!decimals) return std::nullopt;
  return milliseconds + rounded(*decimals * 1000 / std::pow(10.0, static_cast<double>(fraction.size())));
}

std::string iso_of_milliseconds(std::int64_t milliseconds) {
  const char* sign = milliseconds < 0 ? "-" : "";
  const auto ms =
      milliseconds < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(milliseconds) : static_cast<std::uint64_t>(milliseconds);
  char text[48];
  std::snprintf(text, sizeof text, "%s%02llu:%02u:%02u.%03u", sign, static_cast<unsigned long long>(ms / 3'600'000),
                static_cast<unsigned>(ms / 60'000 % 60), static_cast<unsigned>(ms / 1000 % 60), static_cast<unsigned>(ms % 1000));
  return text;
}

base::Result<Extent> extent_of(const Mmif& mmif, const Annotation& annotation) {
  ExtentWalk walk(mmif, [](const Annotation&, const Extent& own, std::string_view) { return base::Result<Extent>(own); });
  return walk.of(annotation);
}

base::Result<Extent> extent_ms(const Mmif& mmif, const Annotation& annotation) {
  ExtentWalk walk(mmif, [&mmif](const Annotation& holder, const Extent& own, std::string_view unit) {
    return converted(mmif, holder, own, unit);
  });
  return walk.of(annotation);
}

Annotation* document_of(const Mmif& mmif, const Annotation& annotation) { return document_at(mmif, annotation, 0); }

namespace {

base::Result<std::string> text_at(const Mmif& mmif, const Annotation& annotation, int depth, Reach& reach) {
  BASE_TRY(reach.visit(annotation, depth));
  if (annotation.is_document()) return annotation.text();
  if (const Value* own = annotation.find("text"); own != nullptr && own->string() != nullptr) return *own->string();
  const auto start = annotation.number("start"), end = annotation.number("end");
  if (start && end) {
    const Annotation* document = document_of(mmif, annotation);
    if (document == nullptr)
      return Error{ErrorCode::NotFound, "annotation " + annotation.id() + " does not say which document its text is in"};
    BASE_TRY_ASSIGN(const std::string text, document->text());
    return code_points_between(text, *start, *end);
  }
  const Value* targets = annotation.find("targets");
  if (targets == nullptr)
    return Error{ErrorCode::NotFound, "annotation " + annotation.id() + " has no text, no start and end and no targets"};
  std::string missing, joined;
  for (const Annotation* target : targets_of(mmif, annotation, *targets, missing)) {
    BASE_TRY_ASSIGN(const std::string part, text_at(mmif, *target, depth + 1, reach));
    joined += (joined.empty() ? "" : " ") + part;
  }
  if (!missing.empty()) return Error{ErrorCode::NotFound, missing};
  return joined;
}

}  // namespace

base::Result<std::string> text_of(const Mmif& mmif, const Annotation& annotation) {
  Reach reach;
  return text_at(mmif, annotation, 0, reach);
}

}  // namespace mmif
