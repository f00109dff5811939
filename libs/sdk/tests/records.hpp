// What Python does, recorded by record_python.py.
#pragma once
#include <cstdint>
#include <string_view>

namespace clams::records {

using namespace std::string_view_literals;

struct CastRecord {
  std::string_view text;
  bool taken;
  std::string_view result;  // repr of the value, or the error's text
};
struct QueryRecord {
  std::string_view query;
  std::string_view pairs;  // name \x01 value \x02 …
};
struct TimedeltaRecord {
  std::int64_t microseconds;
  std::string_view text;
};

#include "python_records.inc"

}  // namespace clams::records
