// MD5 (RFC 1321), for names only: nothing here protects anything.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace clams::tool {

// 32 lower-case hexadecimal digits. Error Unsupported when the host's crypto policy forbids MD5.
base::Result<std::string> md5(std::string_view data);

}  // namespace clams::tool
