// Signing: what the SDK writes into the metadata of an app's views.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "clams/app_metadata.hpp"
#include "clams/parameters.hpp"
#include "mmif/mmif.hpp"

namespace clams {

using WallTime = std::chrono::system_clock::time_point;

// "2026-01-02T03:04:05.678901", local time without zone, the fraction left out when it is 0; and in UTC with "Z".
std::string local_timestamp(WallTime time);
std::string utc_timestamp(WallTime time);
// Python's str(timedelta): "0:00:00.000394", "1 day, 2:00:04.000005".
std::string timedelta_text(std::chrono::microseconds duration);

// `parameters` as the client gave them, by number of values: none -> no entry, one -> the text, more -> the repr of the list.
mmif::Object recorded_parameters(const RawParameters& raw);

// Tags, time (UTC, replaced at the end of the run), app and parameters: what error views have too.
void sign_with_request(mmif::View& view, const AppMetadata& metadata, const RawParameters& raw, WallTime now);
// The above and appConfiguration.
void sign_with_parameters(mmif::View& view, const AppMetadata& metadata, const Parameters& parameters, WallTime now);
// appProfiling and the common local time, at the end of a run.
void finish_signature(mmif::View& view, const mmif::Object& profiling, const std::string& timestamp);

}  // namespace clams
