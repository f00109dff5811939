#include "md5.hpp"

#include <openssl/evp.h>

#include <array>

namespace clams::tool {

base::Result<std::string> md5(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) {
    return base::Error{base::ErrorCode::Unsupported,
                       "the crypto library of this host refuses MD5 (FIPS mode?), which names workflows; run where it is allowed"};
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

}  // namespace clams::tool
