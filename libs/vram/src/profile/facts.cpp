#include "profile/facts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "profile/canonical_json.hpp"
#include "profile/document.hpp"

namespace vram::profile {
namespace {

using nlohmann::json;

constexpr std::size_t kRecent = 16;
constexpr std::size_t kMaxContexts = 64;
constexpr std::size_t kMaxModels = 256;

template <class Map>
void keep_newest(Map& map, std::size_t limit) {
  while (map.size() > limit) {
    map.erase(
        std::min_element(map.begin(), map.end(), [](const auto& a, const auto& b) { return a.second.at_ms < b.second.at_ms; }));
  }
}

void append(Recent& recent, const Recent& newer) {
  for (const std::uint64_t value : newer.values) recent.add(value);
}

bool read(const json& list, Recent& recent) {
  if (!list.is_array()) return false;
  for (const json& value : list) {
    if (!value.is_number_unsigned()) return false;
    recent.add(value.get<std::uint64_t>());
  }
  return true;
}

bool read(const json& item, const char* name, std::string& text) {
  if (!item.is_object() || !item.contains(name) || !item[name].is_string()) return false;
  text = item[name].get<std::string>();
  return true;
}

std::uint64_t count(const json& item, const char* name) {
  return item.contains(name) && item[name].is_number_unsigned() ? item[name].get<std::uint64_t>() : 0;
}

bool read_context(const json& item, Facts& facts) {
  std::string driver;
  std::string device;
  ContextFact fact;
  if (!read(item, "driver", driver) || !read(item, "device", device) || !read(item.value("bytes", json()), fact.bytes))
    return false;
  fact.at_ms = static_cast<std::int64_t>(count(item, "at"));
  facts.contexts[{driver, device}] = fact;
  return true;
}

bool read_model(const json& item, Facts& facts) {
  std::string name;
  ModelFact fact;
  if (!read(item, "model", name) || !read(item.value("bytes", json()), fact.bytes) ||
      !read(item.value("load_ms", json()), fact.load_ms))
    return false;
  fact.at_ms = static_cast<std::int64_t>(count(item, "at"));
  fact.loads = count(item, "loads");
  facts.models[name] = fact;
  return true;
}

template <class Read>
bool read_list(const Members& members, std::string_view name, Read one) {
  const auto at = members.find(name);
  if (at == members.end()) return true;
  const json list = json::parse(at->second, nullptr, false);
  return list.is_array() && std::all_of(list.begin(), list.end(), one);
}

std::string list_text(const Recent& recent) {
  std::string text = "[";
  for (const std::uint64_t value : recent.values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}

}  // namespace

void Recent::add(std::uint64_t value) {
  values.push_back(value);
  if (values.size() > kRecent) values.erase(values.begin());
}

std::uint64_t Recent::largest() const { return values.empty() ? 0 : *std::max_element(values.begin(), values.end()); }

std::uint64_t Recent::median() const {
  if (values.empty()) return 0;
  std::vector<std::uint64_t> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

void Facts::merge(const Facts& newer) {
  for (const auto& [key, fact] : newer.contexts) {
    ContextFact& mine = contexts[key];
    mine.at_ms = std::max(mine.at_ms, fact.at_ms);
    append(mine.bytes, fact.bytes);
  }
  for (const auto& [key, fact] : newer.models) {
    ModelFact& mine = models[key];
    mine.at_ms = std::max(mine.at_ms, fact.at_ms);
    mine.loads += fact.loads;
    append(mine.bytes, fact.bytes);
    append(mine.load_ms, fact.load_ms);
  }
  keep_newest(contexts, kMaxContexts);
  keep_newest(models, kMaxModels);
}

base::Result<Facts> parse_facts(std::string_view text) {
  auto members = parse_members(text, Form::Exact);
  if (!members) return base::Error{base::ErrorCode::Corrupt, members.error().message};
  const auto version = members->find("version");
  if (version != members->end() && version->second != std::to_string(kVersion)) {
    return base::Error{base::ErrorCode::Unsupported, "written by another version of clams"};
  }
  Facts facts;
  const bool good = read_list(*members, "contexts", [&](const json& item) { return read_context(item, facts); }) &&
                    read_list(*members, "models", [&](const json& item) { return read_model(item, facts); });
  if (!good) return base::Error{base::ErrorCode::Corrupt, "'contexts' or 'models' has a wrong type"};
  Facts result;
  result.merge(facts);  // applies the limits
  return result;
}

std::string to_text(const Facts& facts) {
  std::string text = "{\n  \"version\": " + std::to_string(kVersion) + ",\n  \"contexts\": [";
  bool first = true;
  for (const auto& [key, fact] : facts.contexts) {
    text +=
        std::string(first ? "" : ",") + "\n    {\"driver\": " + json_string(key.first) + ", \"device\": " + json_string(key.second);
    text += ", \"at\": " + std::to_string(fact.at_ms) + ", \"bytes\": " + list_text(fact.bytes) + "}";
    first = false;
  }
  text += std::string(first ? "]" : "\n  ]") + ",\n  \"models\": [";
  first = true;
  for (const auto& [name, fact] : facts.models) {
    text += std::string(first ? "" : ",") + "\n    {\"model\": " + json_string(name) + ", \"at\": " + std::to_string(fact.at_ms);
    text += ", \"loads\": " + std::to_string(fact.loads) + ", \"bytes\": " + list_text(fact.bytes);
    text += ", \"load_ms\": " + list_text(fact.load_ms) + "}";
    first = false;
  }
  return text + std::string(first ? "]" : "\n  ]") + "\n}\n";
}

}  // namespace vram::profile
