// The one text form of JSON in which parameters are hashed and compared.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vram::profile {

enum class Form {
  Exact,  // as Python's json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
  Loose,  // every scalar cast to text, so that "1", 1 and 1.0 agree, and "True" and true
};

using Members = std::map<std::string, std::string, std::less<>>;  // name -> value in the wanted form, by code point

// Members of a JSON object. Of a name given twice the last one counts. Error InvalidArgument names what is wrong and where.
base::Result<Members> parse_members(std::string_view json, Form form);
std::string object_text(const Members& members);
// `text` (UTF-8) with quotes and escapes.
std::string json_string(std::string_view text);
// Python's repr of a finite double: 1.0, 1e-07, 1e+16.
std::string python_repr(double value);

}  // namespace vram::profile
