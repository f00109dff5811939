#include "base/digest.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

// FIPS 180-2, appendix B, and NIST's SHA256ShortMsg.rsp (messages of 0, 8 and 512 bits).
TEST(Digest, Sha256OfTheExamplesOfItsStandard) {
  EXPECT_EQ(base::sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(base::sha256_hex("\xd3"), "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
  EXPECT_EQ(base::sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(base::sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(base::sha256_hex(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// RFC 1321, appendix A.5.
TEST(Digest, Md5OfTheExamplesOfItsStandard) {
  EXPECT_EQ(base::md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(base::md5_hex("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(base::md5_hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(base::md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(base::md5_hex("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(base::md5_hex("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), "d174ab98d277d9f5a5611c2c9f419d9f");
  EXPECT_EQ(base::md5_hex("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

// One hash over the digests of all messages of 0 to 199 bytes, so every place of the padding; computed with Python's hashlib.
TEST(Digest, EveryLengthAroundTheBlocks) {
  std::string sha256, md5, message;
  for (int length = 0; length < 200; ++length) {
    sha256 += base::sha256_hex(message);
    md5 += base::md5_hex(message);
    message += static_cast<char>(length);
  }
  EXPECT_EQ(base::sha256_hex(sha256), "7a38a844c9e159de39f0862ee2e28569a8250831150a3fbf0a59c001129b2fb2");
  EXPECT_EQ(base::md5_hex(md5), "987e7e0e8d0969610f0a061b7e3fc520");
}

}  // namespace
