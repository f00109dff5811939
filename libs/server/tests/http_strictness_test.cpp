// Requests that lenient servers take and that are refused here, each on a connection of its own; afterwards the server still
// answers.
#include <sstream>

#include "http_test_support.hpp"

namespace clams::server::testing {
namespace {

using namespace std::string_literals;

struct BadRequest {
  const char* name;
  std::string bytes;
  unsigned status = 400;
};

std::ostream& operator<<(std::ostream& out, const BadRequest& request) { return out << request.name; }

std::string chunked(const std::string& chunks, const std::string& version = "1.1") {
  return "POST / HTTP/" + version + "\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
}

std::string with_header(const std::string& line, const std::string& body = {}) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + line + "\r\n\r\n" + body;
}

std::vector<BadRequest> bad_requests() {
  return {
      {"LengthAndChunked", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"ChunkedAndLength", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
      {"EncodingGzip", with_header("Transfer-Encoding: gzip\r\nContent-Length: 5", "hello")},
      {"EncodingGzipAlone", with_header("Transfer-Encoding: gzip")},
      {"EncodingGzipChunked", with_header("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")},
      {"EncodingChunkedTwice", with_header("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")},
      {"EncodingChunkedChunked", with_header("Transfer-Encoding: chunked, chunked", "0\r\n\r\n")},
      {"EncodingIdentity", with_header("Transfer-Encoding: identity")},
      {"EncodingEmpty", with_header("Transfer-Encoding: ")},
      {"EncodingXchunked", with_header("Transfer-Encoding: xchunked", "0\r\n\r\n")},
      {"ChunkedInHttpOneZero", chunked("0\r\n\r\n", "1.0")},
      {"TwoLengths", with_header("Content-Length: 5\r\nContent-Length: 6", "hello!")},
      {"TwoLengthsInOneField", with_header("Content-Length: 5, 6", "hello!")},
      {"LengthWithPlus", with_header("Content-Length: +5", "hello")},
      {"LengthWithMinus", with_header("Content-Length: -5", "hello")},
      {"LengthWithLetter", with_header("Content-Length: 5x", "hello")},
      {"LengthHexadecimal", with_header("Content-Length: 0x5", "hello")},
      {"LengthEmpty", with_header("Content-Length: ")},
      {"LengthOverflow", with_header("Content-Length: 18446744073709551616")},
      {"SpaceBeforeColon", with_header("Content-Length : 5", "hello")},
      {"HeaderWithoutColon", with_header("Nonsense")},
      {"HeaderWithoutName", with_header(": value")},
      {"FoldedHeader", with_header("A: b\r\n c")},
      {"FoldedHeaderWithTab", with_header("A: b\r\n\tc")},
      {"NulInHeaderValue", with_header("A: b\0c"s)},
      {"NulInHeaderName", with_header("A\0b: c"s)},
      {"NulInTarget", "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"s},
      {"CarriageReturnInHeader", with_header("A: b\rC: d")},
      {"BareLineFeeds", "GET / HTTP/1.1\nHost: x\n\n"},
      {"OneBareLineFeed", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"},
      {"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"TwoSpaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"NoTarget", "GET HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"NoVersion", "GET /\r\nHost: x\r\n\r\n"},
      {"LowerCaseMethod", "get / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"MixedCaseMethod", "Get / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"MethodWithSlash", "GE/T / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"EndlessMethod", std::string(40, 'A')},
      {"HttpTwo", "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
      {"HttpNine", "GET / HTTP/0.9\r\nHost: x\r\n\r\n"},
      {"LowerCaseHttp", "GET / http/1.1\r\nHost: x\r\n\r\n"},
      {"TlsHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s},
      {"TwoHosts", with_header("Host: y")},
      {"ChunkSizeHexPrefix", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeNegative", chunked("-2\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizePlus", chunked("+5\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeOverflow", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeEmpty", chunked("\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeLetters", chunked("xyz\r\nhello\r\n0\r\n\r\n")},
      {"ChunkWithoutEnd", chunked("5\r\nhelloX\r\n0\r\n\r\n")},
      {"ChunkBareLineFeed", chunked("5\nhello\n0\n\n")},
      {"ChunkQuoteWithoutEnd", chunked("5;a=\"\r\nhello\r\n0\r\n\r\n")},
      {"ChunkQuoteWithoutEndAfterAChunk", chunked("5\r\nhello\r\n0;a=\"b\\\"\r\n\r\n")},
      {"ChunkExtensionTooLong", chunked("5;a=" + std::string(100'000, 'x') + "\r\nhello\r\n0\r\n\r\n")},
      {"ChunkTrailersTooLong", chunked("5\r\nhello\r\n0\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n")},
      {"ChunkBareLineFeedInQuotes", chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")},
      {"ChunkControlInQuotesOfTheLast", chunked("5\r\nhello\r\n0;a=\"\x01\"\r\n\r\n")},
      {"ChunkHeaderWithoutEnd", chunked("5;" + std::string(200'000, 'x'))},
      {"HeaderWithoutEnd", "GET / HTTP/1.1\r\nA: " + std::string(200'000, 'x'), 431},
      {"LineWithoutEnd", "GET /" + std::string(200'000, 'x'), 431},
      {"ManySmallHeaders",
       "GET / HTTP/1.1\r\n" +
           [] {
             std::string all;
             for (int i = 0; i < 1000; ++i) all += "A: b\r\n";
             return all + "\r\n";
           }(),
       431},
      {"NoHost", "GET / HTTP/1.1\r\nA: b\r\n\r\n"},
      {"NoHostInAbsoluteForm", "GET http://h/ HTTP/1.1\r\n\r\n"},
      {"HostEmpty", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"HostWithBlank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {"HostWithBlankAndSlash", "GET / HTTP/1.1\r\nHost: a b/c\r\n\r\n"},
      {"HostOfHttpOneZero", "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"},
      {"HostInAnyCase", "GET / HTTP/1.1\r\nhOsT: a@b\r\n\r\n"},
      {"TargetWithoutHost", "GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"TargetWithUser", "GET http://me@h/x HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"CodingGzip", with_header("Content-Encoding: gzip\r\nContent-Length: 5", "hello"), 415},
      {"CodingInAnyCase", with_header("content-ENCODING: GZip\r\nContent-Length: 5", "hello"), 415},
      {"CodingOfChunks", with_header("Content-Encoding: br\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 415},
      {"CodingBehindIdentity", with_header("Content-Encoding: identity, deflate\r\nContent-Length: 5", "hello"), 415},
      {"CodingInASecondField", with_header("Content-Encoding: identity\r\nContent-Encoding: zstd\r\nContent-Length: 5", "hello"),
       415},
      {"CodingThatIsACharset", with_header("Content-Encoding: utf-8\r\nContent-Length: 5", "hello"), 415},
  };
}

class HttpStrictnessTest : public ::testing::TestWithParam<BadRequest> {};

TEST_P(HttpStrictnessTest, IsRefusedClosedAndTheServerLives) {
  TestServer test;
  RawClient client(test.port());
  client.send(GetParam().bytes);
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status, GetParam().status) << answer.head;
  EXPECT_TRUE(answer.closes());
  EXPECT_FALSE(answer.body.empty());
  EXPECT_EQ(answer.header("X-Request-ID").size(), 16U);
  EXPECT_TRUE(client.wait_for_close());
  EXPECT_EQ(ask(test.port(), get("/now")).status, 200U);
  EXPECT_EQ(test.handler().handled, 0);
  EXPECT_TRUE(test.saw_status(GetParam().status));
}

INSTANTIATE_TEST_SUITE_P(BadRequests, HttpStrictnessTest, ::testing::ValuesIn(bad_requests()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(HttpStrictnessTest, NothingBehindARefusedRequestIsServed) {
  TestServer test;
  RawClient client(test.port());
  client.send("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + post("/smuggled", "x"));
  EXPECT_EQ(client.read_answer().status, 400U);
  EXPECT_TRUE(client.wait_for_close());
  EXPECT_EQ(test.handler().handled, 0);
}

TEST(HttpStrictnessTest, AHeaderWithoutEndTakesNoMemoryAndEnds) {
  TestServer test;
  RawClient client(test.port());
  client.send("GET / HTTP/1.1\r\nA: ");
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 64 && client.send(piece); ++i) {}
  EXPECT_EQ(client.read_answer().status, 431U);
  EXPECT_EQ(ask(test.port(), get("/now")).status, 200U);
}

TEST(HttpStrictnessTest, WhatIsOnlyUnusualIsTaken) {
  TestServer test;
  EXPECT_EQ(ask(test.port(), "\r\n" + get("/now")).status, 200U);
  EXPECT_EQ(ask(test.port(), with_header("Content-Length: 5\r\nContent-Length: 5", "hello")).body, "hello");
  EXPECT_EQ(ask(test.port(), with_header("Transfer-Encoding: Chunked", "2\r\nok\r\n0\r\n\r\n")).body, "ok");
  EXPECT_EQ(ask(test.port(), with_header("A:b\r\nEmpty:\r\nContent-Length: 1", "y")).body, "y");
  EXPECT_EQ(ask(test.port(), chunked("000005\r\nhello\r\n0\r\n\r\n")).body, "hello");
  EXPECT_EQ(ask(test.port(), "GET /now HTTP/1.0\r\n\r\n").status, 200U);  // without Host
  for (const char* coding : {"", "identity", "Identity", "identity, identity", " , identity"})
    EXPECT_EQ(ask(test.port(), with_header("Content-Encoding: "s + coding + "\r\nContent-Length: 2", "ok")).body, "ok") << coding;
  // A coding of nothing.
  EXPECT_EQ(ask(test.port(), "GET /now HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n\r\n").status, 200U);
}

TEST(HttpStrictnessTest, ABodyInACodingIsRefusedBeforeItIsSentAndTheAnswerSaysWhatIsTaken) {
  TestServer test;
  RawClient client(test.port());
  client.send(with_header("Content-Encoding: gzip\r\nContent-Length: 1000000\r\nExpect: 100-continue"));
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status, 415U) << answer.head;
  EXPECT_EQ(answer.header("Accept-Encoding"), "identity");
  EXPECT_NE(answer.body.find("Content-Encoding"), std::string::npos) << answer.body;
  EXPECT_TRUE(answer.closes());
}

TEST(HttpStrictnessTest, RandomBytesNeverHurt) {
  TestServer test;
  unsigned seed = 12345;
  const auto next = [&seed] { return seed = seed * 1664525U + 1013904223U; };
  const std::string base = "POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (int round = 0; round < 300; ++round) {
    auto bytes = base;
    for (unsigned i = 0; i < 1 + next() % 4; ++i) bytes[next() % bytes.size()] = static_cast<char>(next() >> 24);
    RawClient client(test.port());
    client.send(bytes);
    client.shutdown_write();
    ASSERT_TRUE(client.wait_for_close());
  }
  EXPECT_EQ(ask(test.port(), get("/now")).status, 200U);
}

}  // namespace
}  // namespace clams::server::testing
