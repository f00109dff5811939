// What Python's json module does, recorded by record_python.py.
#pragma once
#include <cstdint>
#include <string_view>

namespace mmif::records {

using namespace std::string_view_literals;

struct DoubleRecord {
  std::uint64_t bits;
  std::string_view text;
};
struct TakenRecord {
  std::string_view text, compact, pretty;
  std::string_view raw_utf8;  // json.dumps(…, ensure_ascii=False); empty where that is no UTF-8
  std::string_view repr, type;
};
struct RefusedRecord {
  std::string_view text, message;
};
struct BadUtf8Record {
  std::string_view text;
  std::size_t position;
};
struct ReprRecord {
  std::string_view text, repr;
};

#include "python_records.inc"

}  // namespace mmif::records
