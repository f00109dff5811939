#include "view_signer.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "mmif/json.hpp"

namespace clams {
namespace {

std::string timestamp_of(const std::tm& fields, WallTime time) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  std::array<char, 64> buffer{};
  const std::size_t length = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &fields);
  std::string text(buffer.data(), length);
  if (micros != 0) {
    std::snprintf(buffer.data(), buffer.size(), ".%06d", static_cast<int>(micros));
    text += buffer.data();
  }
  return text;
}

}  // namespace

std::string local_timestamp(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm fields{};
  ::localtime_r(&seconds, &fields);
  return timestamp_of(fields, time);
}

std::string utc_timestamp(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm fields{};
  ::gmtime_r(&seconds, &fields);
  return timestamp_of(fields, time) + "Z";
}

std::string timedelta_text(std::chrono::microseconds duration) {
  const auto total = duration.count() < 0 ? 0 : duration.count();
  const auto seconds = total / 1'000'000, micros = total % 1'000'000, days = seconds / 86'400, rest = seconds % 86'400;
  std::array<char, 96> buffer{};
  std::string text = days == 0 ? "" : std::to_string(days) + (days == 1 ? " day, " : " days, ");
  std::snprintf(buffer.data(), buffer.size(), "%d:%02d:%02d", static_cast<int>(rest / 3600), static_cast<int>(rest / 60 % 60),
                static_cast<int>(rest % 60));
  text += buffer.data();
  if (micros != 0) {
    std::snprintf(buffer.data(), buffer.size(), ".%06d", static_cast<int>(micros));
    text += buffer.data();
  }
  return text;
}

mmif::Object recorded_parameters(const RawParameters& raw) {
  mmif::Object recorded;
  for (const auto& [name, values] : raw) {
    if (values.empty()) continue;
    if (values.size() == 1)
      recorded.append(name, values.front());
    else
      recorded.append(name, mmif::python_repr(mmif::Value(mmif::Array(values.begin(), values.end()))));
  }
  return recorded;
}

void sign_with_request(mmif::View& view, const AppMetadata& metadata, const RawParameters& raw, WallTime now) {
  mmif::Object& fields = view.edit_metadata();
  if (!metadata.app_tags.empty()) fields.set("appTags", mmif::Array(metadata.app_tags.begin(), metadata.app_tags.end()));
  fields.set("timestamp", utc_timestamp(now));
  fields.set("app", metadata.identifier);
  if (mmif::Object recorded = recorded_parameters(raw); !recorded.empty()) fields.set("parameters", std::move(recorded));
}

void sign_with_parameters(mmif::View& view, const AppMetadata& metadata, const Parameters& parameters, WallTime now) {
  sign_with_request(view, metadata, parameters.raw(), now);
  view.edit_metadata().set("appConfiguration", parameters.typed());
}

void finish_signature(mmif::View& view, const mmif::Object& profiling, const std::string& timestamp) {
  mmif::Object& fields = view.edit_metadata();
  if (!profiling.empty()) fields.set("appProfiling", profiling);
  fields.set("timestamp", timestamp);
}

}  // namespace clams
