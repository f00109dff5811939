#include "document_index.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "mmif/json.hpp"
#include "structural_walk.hpp"
#include "utf8.hpp"

namespace mmif {
namespace {

using base::Error;
using base::ErrorCode;
constexpr std::size_t kAbsent = SIZE_MAX;

// Checks follow mmif-1.2.0.json (draft 04). Of keys that occur twice within a view the last counts, as in Python.
class Indexer {
 public:
  Indexer(std::string_view text, Structurals structurals) : walk_(text, structurals) {}

  base::Result<DocumentIndex> run(std::size_t first) {
    top(first);
    if (error_) return Error{ErrorCode::InvalidDocument, *error_};
    return std::move(index_);
  }

 private:
  // All checks return whether the document is still fine; the first failure is kept.
  bool refuse(std::string message, std::string where) {
    if (!error_) error_ = std::move(message) + " (at " + (where.empty() ? "/" : where) + ")";
    return false;
  }
  std::string repr(std::size_t i) const {
    std::string text = python_repr(read_value(walk_.slice(i)));
    if (text.size() > 300) {
      std::size_t cut = 300;  // not inside a UTF-8 sequence
      while ((static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
      text = text.substr(0, cut) + "...";
    }
    return text;
  }
  bool wrong_type(std::size_t i, std::string_view type, const std::string& where) {
    return refuse(repr(i) + " is not of type '" + std::string(type) + "'", where);
  }
  bool object(std::size_t i, const std::string& where) { return walk_.is_object(i) || wrong_type(i, "object", where); }
  bool array(std::size_t i, const std::string& where) { return walk_.is_array(i) || wrong_type(i, "array", where); }

  bool string(std::size_t i, std::size_t min_length, const std::string& where) {
    if (!walk_.is_string(i)) return wrong_type(i, "string", where);
    const std::string_view raw = walk_.slice(i);
    if (min_length == 0 || (raw.size() >= 2 + 12 * min_length)) return true;  // an escape pair has 12 bytes
    if (count_code_points(read_string(walk_.text(), walk_.offset(i))) >= min_length) return true;
    return refuse(repr(i) + (min_length == 1 ? " should be non-empty" : " is too short"), where);
  }
  bool required(std::size_t i, std::string_view key, const std::string& where) {
    return i != kAbsent || refuse("'" + std::string(key) + "' is a required property", where);
  }
  // Value indices of the named keys (the last occurrence counts); other keys go to `others`.
  template <std::size_t N>
  std::array<std::size_t, N> find(std::size_t i, const std::array<std::string_view, N>& names,
                                  std::vector<std::size_t>* others) const {
    std::array<std::size_t, N> found;
    found.fill(kAbsent);
    walk_.members(
        i,
        [&](std::size_t key, std::size_t value) {
          const auto at = std::find_if(names.begin(), names.end(), [&](std::string_view name) { return walk_.key_is(key, name); });
          if (at != names.end())
            found[static_cast<std::size_t>(at - names.begin())] = value;
          else if (others != nullptr)
            others->push_back(key);
          return true;
        },
        true);
    return found;
  }
  bool no_others(const std::vector<std::size_t>& others, const std::string& where) {
    if (others.empty()) return true;
    std::set<std::string> names;
    for (const std::size_t key : others) names.insert(python_repr(std::string_view(walk_.key(key))));
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return refuse("Additional properties are not allowed (" + list + (names.size() == 1 ? " was" : " were") + " unexpected)",
                  where);
  }

  bool top(std::size_t i) {
    if (!object(i, "")) return false;
    bool twice = false;
    std::set<std::string> seen;
    walk_.members(
        i,
        [&](std::size_t key, std::size_t) {
          const auto [at, fresh] = seen.insert(walk_.key(key));
          if (!fresh) twice = !refuse("the key " + python_repr(std::string_view(*at)) + " occurs twice", "");
          return !twice;
        },
        true);
    if (twice) return false;
    std::vector<std::size_t> others;
    const auto [metadata, documents, views] = find(i, std::array<std::string_view, 3>{"metadata", "documents", "views"}, &others);
    if (!no_others(others, "") || !required(metadata, "metadata", "") || !required(documents, "documents", "") ||
        !required(views, "views", ""))
      return false;
    return mmif_metadata(metadata) && document_list(documents) && view_list(views);
  }

  bool mmif_metadata(std::size_t i) {
    if (!object(i, "/metadata")) return false;
    index_.metadata = walk_.slice(i);
    const auto [mmif] = find(i, std::array<std::string_view, 1>{"mmif"}, nullptr);
    return required(mmif, "mmif", "/metadata") && string(mmif, 7, "/metadata/mmif");
  }

  bool document_list(std::size_t i) {
    if (!array(i, "/documents")) return false;
    walk_.elements(i, [&](std::size_t element) {
      index_.documents.push_back(walk_.slice(element));
      return annotation(element, [&] { return "/documents/" + std::to_string(index_.documents.size() - 1); });
    });
    return !error_;
  }

  template <class Where>
  bool annotation(std::size_t i, Where&& where) {
    // The common case without building a path.
    if (!walk_.is_object(i)) return wrong_type(i, "object", where());
    std::size_t type = kAbsent, properties = kAbsent;
    bool other = false;
    walk_.members(i, [&](std::size_t key, std::size_t value) {
      if (walk_.key_is(key, "@type"))
        type = value;
      else if (walk_.key_is(key, "properties"))
        properties = value;
      else
        other = true;
      return true;
    });
    if (other) {
      std::vector<std::size_t> others;
      find(i, std::array<std::string_view, 2>{"@type", "properties"}, &others);
      return no_others(others, where());
    }
    if (type == kAbsent || properties == kAbsent)
      return required(type, "@type", where()) && required(properties, "properties", where());
    if (!walk_.is_string(type) || walk_.is_empty_string(type)) return string(type, 1, where() + "/@type");
    if (!walk_.is_object(properties)) return wrong_type(properties, "object", where() + "/properties");
    std::size_t id = kAbsent;
    walk_.members(properties, [&](std::size_t key, std::size_t value) {
      if (walk_.key_is(key, "id")) id = value;
      return true;
    });
    if (id == kAbsent) return required(id, "id", where() + "/properties");
    return (walk_.is_string(id) && !walk_.is_empty_string(id)) || string(id, 1, where() + "/properties/id");
  }

  bool view_list(std::size_t i) {
    if (!array(i, "/views")) return false;
    walk_.elements(
        i, [&](std::size_t element) { return view(element, "/views/" + std::to_string(index_.views.size())); }, true);
    return !error_;
  }

  bool view(std::size_t i, const std::string& where) {
    if (!object(i, where)) return false;
    std::vector<std::size_t> others;
    const auto [id, metadata, annotations] = find(i, std::array<std::string_view, 3>{"id", "metadata", "annotations"}, &others);
    if (!no_others(others, where) || !required(id, "id", where) || !required(metadata, "metadata", where) ||
        !required(annotations, "annotations", where))
      return false;
    if (!string(id, 1, where + "/id") || !view_metadata(metadata, where + "/metadata") ||
        !array(annotations, where + "/annotations"))
      return false;
    ViewSlices slices{walk_.slice(i), walk_.slice(id), walk_.slice(metadata), walk_.slice(annotations), 0};
    walk_.elements(annotations, [&](std::size_t element) {
      return annotation(element, [&] { return where + "/annotations/" + std::to_string(slices.annotation_count); }) &&
             ++slices.annotation_count != 0;
    });
    index_.views.push_back(slices);
    return !error_;
  }

  bool view_metadata(std::size_t i, const std::string& where) {
    if (!object(i, where)) return false;
    const auto [timestamp, app, tags, contains, error, warnings, parameters, configuration, profiling] =
        find(i,
             std::array<std::string_view, 9>{"timestamp", "app", "appTags", "contains", "error", "warnings", "parameters",
                                             "appConfiguration", "appProfiling"},
             nullptr);
    const auto if_there = [](std::size_t value, auto&& check) { return value == kAbsent || check(value); };
    const bool fine = if_there(timestamp, [&](std::size_t v) { return string(v, 0, where + "/timestamp"); }) &&
                      if_there(app, [&](std::size_t v) { return string(v, 7, where + "/app"); }) &&
                      if_there(tags, [&](std::size_t v) { return app_tags(v, where + "/appTags"); }) &&
                      if_there(contains, [&](std::size_t v) { return contains_map(v, where + "/contains"); }) &&
                      if_there(error, [&](std::size_t v) { return error_object(v, where + "/error"); }) &&
                      if_there(warnings, [&](std::size_t v) { return string_list(v, 0, where + "/warnings"); }) &&
                      if_there(parameters, [&](std::size_t v) { return parameter_map(v, where + "/parameters"); }) &&
                      if_there(configuration, [&](std::size_t v) { return object(v, where + "/appConfiguration"); }) &&
                      if_there(profiling, [&](std::size_t v) { return app_profiling(v, where + "/appProfiling"); });
    if (!fine) return false;
    const int kinds = (contains != kAbsent) + (warnings != kAbsent) + (error != kAbsent);
    if (app == kAbsent || kinds == 0) {
      return refuse(repr(i) +
                        " is not valid under any of the given schemas: view metadata needs \"app\" and one of \"contains\", "
                        "\"warnings\", \"error\"",
                    where);
    }
    return kinds == 1 ||
           refuse(
               repr(i) +
                   " is valid under each of several schemas: view metadata has only one of \"contains\", \"warnings\", \"error\"",
               where);
  }

  bool string_list(std::size_t i, std::size_t min_length, const std::string& where) {
    if (!array(i, where)) return false;
    bool fine = true;
    std::size_t n = 0;
    walk_.elements(i, [&](std::size_t element) { return fine = string(element, min_length, where + "/" + std::to_string(n++)); });
    return fine;
  }

  bool app_tags(std::size_t i, const std::string& where) {
    if (!string_list(i, 1, where)) return false;
    std::set<std::string> seen;
    bool unique = true;
    walk_.elements(i, [&](std::size_t element) { return unique = seen.insert(walk_.key(element)).second; });
    return unique || refuse(repr(i) + " has non-unique elements", where);
  }

  // Members by key, the last of each: what Python's reader leaves.
  template <class Check>
  bool each_last_member(std::size_t i, Check&& check) {
    std::vector<std::pair<std::string, std::size_t>> members;
    walk_.members(i, [&](std::size_t key, std::size_t value) {
      members.emplace_back(walk_.key(key), value);
      return true;
    });
    std::set<std::string_view> seen;
    for (auto at = members.rbegin(); at != members.rend(); ++at) {
      if (seen.insert(at->first).second && !check(at->first, at->second)) return false;
    }
    return true;
  }

  bool contains_map(std::size_t i, const std::string& where) {
    return object(i, where) && each_last_member(i, [&](const std::string& key, std::size_t value) {
             if (!key.starts_with("http://") && !key.starts_with("https://")) {
               return refuse(python_repr(std::string_view(key)) + " does not match any of the regexes: '^https?://'", where);
             }
             return object(value, where + "/" + key);
           });
  }

  bool parameter_map(std::size_t i, const std::string& where) {
    return object(i, where) && each_last_member(i, [&](const std::string& key, std::size_t value) {
             if (key.find_first_not_of('\n') == std::string::npos)
               return true;  // the schema's pattern ".+" does not match such a name
             if (walk_.is_string(value)) return true;
             bool fine = walk_.is_array(value);
             if (fine) walk_.elements(value, [&](std::size_t element) { return fine = walk_.is_string(element); });
             return fine || refuse(repr(value) +
                                       " is not valid under any of the given schemas: a parameter is a string or a list of strings",
                                   where + "/" + key);
           });
  }

  bool error_object(std::size_t i, const std::string& where) {
    if (!object(i, where)) return false;
    const auto [message, trace] = find(i, std::array<std::string_view, 2>{"message", "stackTrace"}, nullptr);
    return required(message, "message", where) && string(message, 1, where + "/message") &&
           (trace == kAbsent || string(trace, 0, where + "/stackTrace"));
  }

  bool app_profiling(std::size_t i, const std::string& where) {
    if (!object(i, where)) return false;
    const auto [time] = find(i, std::array<std::string_view, 1>{"runningTime"}, nullptr);
    return time == kAbsent || string(time, 1, where + "/runningTime");
  }

  StructuralWalk walk_;
  DocumentIndex index_;
  std::optional<std::string> error_;
};

}  // namespace

base::Result<DocumentIndex> index_mmif(std::string_view text, Structurals structurals, std::size_t first) {
  return Indexer(text, structurals).run(first);
}

std::vector<Member> top_level_members(std::string_view text, Structurals structurals) {
  const StructuralWalk walk(text, structurals);
  std::vector<Member> members;
  walk.members(
      0,
      [&](std::size_t key, std::size_t value) {
        members.push_back({walk.key(key), value, walk.slice(value)});
        return true;
      },
      true);
  return members;
}

}  // namespace mmif
