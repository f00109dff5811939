// SHA-256 (FIPS 180-4) and MD5 (RFC 1321) of bytes in memory, for names: of profiles, workflows and files. Nothing here keeps a
// secret, so nothing is constant in time. docs/design/packages.md says why a crypto library is not linked for two functions.
#pragma once
#include <string>
#include <string_view>

namespace base {

// 64 lower-case hexadecimal digits. Thread-safe, never fails but for memory.
std::string sha256_hex(std::string_view data);

// 32 lower-case hexadecimal digits. MD5 is broken as a protection; the Python SDK names workflows by it.
std::string md5_hex(std::string_view data);

}  // namespace base
