#include "mmif/time.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "utf8.hpp"

namespace mmif {
namespace {

using base::Error;
using base::ErrorCode;
constexpr int kMaxTargetDepth = 64;
constexpr int kMaxTargets = 1'000'000;  // targets that share targets lead to ever more visits

using KnownExtents = std::unordered_map<const Annotation*, Extent>;

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

base::Result<Extent> extent_at(const Mmif& mmif, const Annotation& annotation, int depth, Reach& reach, KnownExtents& known) {
  if (const auto at = known.find(&annotation); at != known.end()) return at->second;
  BASE_TRY(reach.visit(annotation, depth));
  if (const auto point = annotation.number("timePoint")) return Extent{*point, *point};
  const auto start = annotation.number("start"), end = annotation.number("end");
  if (start && end) return Extent{*start, *end};
  const Value* targets = annotation.find("targets");
  if (targets == nullptr || targets->array() == nullptr || targets->array()->empty()) {
    return Error{ErrorCode::InvalidDocument,
                 "annotation " + annotation.id() + " has no start and end, no timePoint and no targets"};
  }
  std::string missing;
  const auto list = targets_of(mmif, annotation, *targets, missing);
  if (!missing.empty()) return Error{ErrorCode::NotFound, missing};
  std::optional<Extent> whole;
  for (const Annotation* target : list) {
    BASE_TRY_ASSIGN(const Extent part, extent_at(mmif, *target, depth + 1, reach, known));
    whole = whole ? Extent{std::min(whole->start, part.start), std::max(whole->end, part.end)} : part;
  }
  return known.emplace(&annotation, *whole).first->second;
}

// timeUnit of the annotation, or of what it points to.
std::string_view unit_text(const Mmif& mmif, const Annotation& annotation, int depth) {
  if (const std::string_view own = annotation.string("timeUnit"); !own.empty() || depth > kMaxTargetDepth) return own;
  const Value* targets = annotation.find("targets");
  if (targets == nullptr || targets->array() == nullptr || targets->array()->empty()) return {};
  const Annotation* first = mmif.find(targets->array()->front().as_string());
  return first == nullptr ? std::string_view() : unit_text(mmif, *first, depth + 1);
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
  if (is_one_of({"s", "sec", "second", "seconds"})) return TimeUnit::Seconds;
  if (is_one_of({"f", "frame", "frames"})) return TimeUnit::Frames;
  return std::nullopt;
}

std::string_view to_string(TimeUnit unit) noexcept {
  constexpr std::array<std::string_view, 3> kNames{"milliseconds", "seconds", "frames"};
  return kNames[static_cast<std::size_t>(unit)];
}

std::optional<double> convert_time(double value, TimeUnit from, TimeUnit to, std::optional<double> fps) {
  if (from == to) return value;
  if ((from == TimeUnit::Frames || to == TimeUnit::Frames) && (!fps || !(*fps > 0))) return std::nullopt;
  const double seconds = from == TimeUnit::Seconds ? value : from == TimeUnit::Milliseconds ? value / 1000 : value / *fps;
  if (to == TimeUnit::Seconds) return seconds;
  return rounded(to == TimeUnit::Milliseconds ? seconds * 1000 : seconds * *fps);
}

base::Result<Extent> extent_of(const Mmif& mmif, const Annotation& annotation) {
  Reach reach;
  KnownExtents known;
  return extent_at(mmif, annotation, 0, reach, known);
}

base::Result<Extent> extent_ms(const Mmif& mmif, const Annotation& annotation) {
  BASE_TRY_ASSIGN(const Extent extent, extent_of(mmif, annotation));
  const std::string_view text = unit_text(mmif, annotation, 0);
  const auto unit = text.empty() ? std::optional(TimeUnit::Milliseconds) : parse_time_unit(text);
  if (!unit)
    return Error{ErrorCode::InvalidDocument,
                 "annotation " + annotation.id() + " has the time unit '" + std::string(text) + "', which is not known"};
  const Annotation* document = document_of(mmif, annotation);
  const auto fps = document == nullptr ? std::nullopt : document->number("fps");
  const auto start = convert_time(extent.start, *unit, TimeUnit::Milliseconds, fps),
             end = convert_time(extent.end, *unit, TimeUnit::Milliseconds, fps);
  if (!start || !end)
    return Error{ErrorCode::NotFound,
                 "annotation " + annotation.id() + " counts in frames, and the fps of its document is not known"};
  return Extent{*start, *end};
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
