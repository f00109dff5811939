// app.json: what holds for an app whatever the parameters. Context bytes by driver and device, bytes and load time of models.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "vram/profile.hpp"

namespace vram::profile {

// The last 16 values, oldest first.
struct Recent {
  std::vector<std::uint64_t> values;
  void add(std::uint64_t value);
  std::uint64_t largest() const;
  std::uint64_t median() const;
};

struct ContextFact {
  std::int64_t at_ms = 0;
  Recent bytes;
};
struct ModelFact {
  std::int64_t at_ms = 0;
  std::uint64_t loads = 0;
  Recent bytes;  // only loads that were measured
  Recent load_ms;
};

struct Facts {
  std::map<std::pair<std::string, std::string>, ContextFact> contexts;  // driver, device
  std::map<std::string, ModelFact> models;

  bool empty() const { return contexts.empty() && models.empty(); }
  void merge(const Facts& newer);  // keeps the 64 contexts and 256 models used last
};

base::Result<Facts> parse_facts(std::string_view text);
std::string to_text(const Facts& facts);

}  // namespace vram::profile
