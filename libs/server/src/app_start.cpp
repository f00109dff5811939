#include "app_start.hpp"

#include "clams/exceptions.hpp"
#include "clams/service.hpp"

namespace clams::server {

const NamedApp* AppStart::find(const std::string& name) const {
  if (apps_.size() == 1 && (name.empty() || apps_.front().name == name)) return &apps_.front();
  for (const NamedApp& app : apps_) {
    if (app.name == name) return &app;
  }
  return nullptr;
}

std::vector<std::string> AppStart::names() const {
  std::vector<std::string> names;
  for (const NamedApp& app : apps_) names.push_back(app.name);
  return names;
}

base::Result<std::optional<AppFacts>> AppStart::facts(const std::string& name) {
  const NamedApp* found = find(name);
  if (found == nullptr) return std::optional<AppFacts>();
  try {
    app_ = found->make();
  } catch (...) { return base::Error{base::ErrorCode::Configuration, "the app cannot be made: " + describe_current_exception()}; }
  notes_.clear();
  BASE_TRY_ASSIGN(metadata_, metadata_of(*app_, environment_version_, notes_));
  AppFacts facts;
  facts.name = metadata_.name;
  facts.description = metadata_.description;
  facts.version = metadata_.app_version;
  facts.parameters = metadata_.parameters;
  facts.uses_gpu = app_->uses_gpu();
  return std::optional(std::move(facts));
}

}  // namespace clams::server
