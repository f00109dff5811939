// The app that a program was started for, made once, its metadata checked before any flag is read.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clams/app.hpp"
#include "clams/main.hpp"
#include "config.hpp"

namespace clams::server {

class AppStart {
 public:
  AppStart(const std::vector<NamedApp>& apps, std::string environment_version)
      : apps_(apps), environment_version_(std::move(environment_version)) {}

  // Makes the app with this name (empty: the only one). Nullopt: there is none. Error Configuration, in one line: it cannot be
  // made, or its metadata is not in order.
  base::Result<std::optional<AppFacts>> facts(const std::string& name);
  std::vector<std::string> names() const;

  // REQUIRES: facts() found an app. Its metadata, completed, and notes on it for the log.
  const AppMetadata& metadata() const noexcept { return metadata_; }
  const std::vector<std::string>& notes() const noexcept { return notes_; }
  std::unique_ptr<App> take_app() { return std::move(app_); }

 private:
  const NamedApp* find(const std::string& name) const;
  const std::vector<NamedApp>& apps_;
  std::string environment_version_;
  std::unique_ptr<App> app_;
  AppMetadata metadata_;
  std::vector<std::string> notes_;
};

}  // namespace clams::server
