// Bodies that are received into shared memory: the same answers as for any other, and the memory comes back in every case.
#include <array>
#include <cstdio>

#include "http_test_support.hpp"
#include "worker/protocol.hpp"

namespace clams::server::testing {
namespace {

constexpr std::size_t kLarge = std::size_t{5} << 20;  // a whole number of pages
constexpr std::string_view kNoMemory = "this server has no memory for the request body now\n";

HttpServerOptions shared(std::uint64_t max_body = 512ULL << 20) {
  HttpServerOptions options;
  options.shared_bodies = true;
  options.max_body = max_body;
  return options;
}

// Echoes a body of either kind, and says of which it was.
void echo(TestServer& test) {
  test.handler().on_handle = [](HttpRequest request, std::stop_token) {
    const bool is_shared = request.body.is_shared();
    const auto document = std::move(request.body).take_document();
    if (!document) return text_answer(500, document.error().message);
    auto answer = text_answer(200, std::string(document->view()));
    answer.headers.emplace_back("X-Body", is_shared ? "shared" : "text");
    return answer;
  };
}

std::string in_chunks(std::string_view body, std::size_t step) {
  std::string out = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += step) {
    const auto chunk = body.substr(at, step);
    std::array<char, 20> size{};
    const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", chunk.size());
    out.append(size.data(), static_cast<std::size_t>(digits)).append(chunk).append("\r\n");
  }
  return out + "0\r\n\r\n";
}

std::string letters(std::size_t size) {
  std::string text(size, 'x');
  for (std::size_t i = 0; i < size; i += 997) text[i] = static_cast<char>('a' + i / 997 % 26);
  return text;
}

bool no_memory_file_is_left() {
  return eventually([] { return open_memory_files() == 0; });
}

TEST(HttpSharedBodyTest, BodiesOfAllSizesAndFramingsArriveWhole) {
  TestServer test(shared());
  echo(test);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, worker::kMaxInlineBody, worker::kMaxInlineBody + 1, kLarge, kLarge + 1}) {
    const auto body = letters(size);
    for (const std::string& request : {post("/", body), in_chunks(body, 37), in_chunks(body, 60'000), in_chunks(body, kLarge)}) {
      const auto answer = ask(test.port(), request);
      ASSERT_EQ(answer.status, 200U) << answer.body;
      ASSERT_EQ(answer.header("X-Body"), size > worker::kMaxInlineBody ? "shared" : "text") << size;
      ASSERT_TRUE(answer.body == body) << size;
    }
  }
  EXPECT_TRUE(no_memory_file_is_left());
}

TEST(HttpSharedBodyTest, RequestsFollowALargeBodyOnTheSameConnection) {
  TestServer test(shared());
  echo(test);
  RawClient client(test.port());
  const auto body = letters(200'000);
  ASSERT_TRUE(client.send(post("/", body) + post("/", "small") + in_chunks(body, 5000) + get("/now")));
  EXPECT_TRUE(client.read_answer().body == body);
  EXPECT_EQ(client.read_answer().body, "small");
  EXPECT_TRUE(client.read_answer().body == body);
  EXPECT_EQ(client.read_answer().body, "now");
  EXPECT_TRUE(no_memory_file_is_left());
}

TEST(HttpSharedBodyTest, ABodyBeyondTheLimitIsRefusedAndGivenBack) {
  TestServer test(shared(1'000'000));
  echo(test);
  EXPECT_EQ(ask(test.port(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n").status, 413U);
  RawClient client(test.port());
  ASSERT_TRUE(client.send(in_chunks(letters(1'000'001), 50'000)));
  EXPECT_EQ(client.read_answer().status, 413U);
  EXPECT_EQ(open_memory_files(), 0U) << "before the connection has ended";
  EXPECT_EQ(test.handler().handled, 0);
}

TEST(HttpSharedBodyTest, ABodyThatEndsTooEarlyOrComesTooSlowlyIsRefusedAndGivenBack) {
  auto options = shared();
  options.read_timeout = 400ms;
  TestServer test(options);
  const std::string part(200'000, 'x');
  for (const std::string& framing :
       {"Content-Length: 1000000\r\n\r\n" + part, "Transfer-Encoding: chunked\r\n\r\nf4240\r\n" + part}) {
    RawClient ends(test.port()), stops(test.port());
    ASSERT_TRUE(ends.send("POST / HTTP/1.1\r\nHost: x\r\n" + framing));
    ends.shutdown_write();
    EXPECT_EQ(ends.read_answer().status, 400U);
    ASSERT_TRUE(stops.send("POST / HTTP/1.1\r\nHost: x\r\n" + framing));
    EXPECT_EQ(stops.read_answer().status, 408U);
    EXPECT_EQ(open_memory_files(), 0U) << "before the connections have ended";
  }
  EXPECT_EQ(test.handler().handled, 0);
}

TEST(HttpSharedBodyTest, AClientThatGoesAwayLeavesNothing) {
  TestServer test(shared());
  for (const bool reset : {false, true}) {
    RawClient client(test.port());
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(200'000, 'x')));
    EXPECT_TRUE(eventually([] { return open_memory_files() == 1; }));
    reset ? client.reset() : client.close();
    EXPECT_TRUE(no_memory_file_is_left());
  }
}

TEST(HttpSharedBodyTest, WithoutSharedMemoryTheClientIsToldToComeBack) {
  TestServer test(shared());
  echo(test);
  const auto body = letters(kLarge);
  {
    const FileSizeLimit limit(1 << 20);
    for (const std::string& request : {post("/", body), in_chunks(body, 50'000)}) {
      RawClient client(test.port());
      ASSERT_TRUE(client.send(request));
      const auto answer = client.read_answer();
      EXPECT_EQ(answer.status, 503U);
      EXPECT_EQ(answer.body, kNoMemory);
      EXPECT_EQ(open_memory_files(), 0U);
    }
  }
  {
    const FileSizeLimit limit(0);  // fails with the bytes that come with the head
    EXPECT_EQ(ask(test.port(), post("/", letters(40'000))).body, kNoMemory);
  }
  EXPECT_EQ(test.log().count("no memory for a request body"), 3U);
  EXPECT_TRUE(ask(test.port(), post("/", body)).body == body);
}

TEST(HttpSharedBodyTest, WhereNobodyAsksEveryBodyIsText) {
  TestServer test;
  echo(test);
  const auto body = letters(kLarge);
  for (const std::string& request : {post("/", body), in_chunks(body, 60'000)}) {
    const auto answer = ask(test.port(), request);
    EXPECT_EQ(answer.header("X-Body"), "text");
    EXPECT_TRUE(answer.body == body);
  }
}

}  // namespace
}  // namespace clams::server::testing
