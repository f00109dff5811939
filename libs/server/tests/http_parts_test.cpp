// The parts that need no socket: head scanner and parser, chunked bodies, body memory, request ids, dates, answers, the pool.
#include <sys/socket.h>

#include <array>

#include "body_budget.hpp"
#include "body_buffer.hpp"
#include "field_values.hpp"
#include "http_date.hpp"
#include "http_test_support.hpp"
#include "request_head.hpp"
#include "request_id.hpp"
#include "request_pool.hpp"
#include "response_writer.hpp"

namespace clams::server::testing {
namespace {

constexpr std::size_t kHeader = 4096;

TEST(HostValue, TakesNamesAddressesAndPorts) {
  for (const char* host : {"x", "localhost:5000", "apps.clams.ai", "a_b-c~1.example", "127.0.0.1:80", "[::1]", "[::1]:8080",
                           "[fe80::1%25eth0]:1", "[v1.a:b]", "x:", "xn--nxasmq6b", "%41", "a,b", "under_score:65535"})
    EXPECT_TRUE(is_host_value(host)) << host;
}

TEST(HostValue, RefusesWhatIsNoHost) {
  using namespace std::string_view_literals;
  for (const std::string_view host :
       {""sv,      ":80"sv,     "a b"sv,     "a b/c"sv,         "a/b"sv,       "http://a"sv,   "me@host"sv,
        "a:b"sv,   "a:80:80"sv, "a:65536"sv, "a:99999999999"sv, "a:-1"sv,      "::1"sv,        "[::1"sv,
        "[]"sv,    "[x]"sv,     "[::1]x"sv,  "[::1]:x"sv,       "[1.2.3.4]"sv, "[fe80::1%]"sv, "[fe80::1%25]"sv,
        "[v.a]"sv, "[v1.]"sv,   "%4"sv,      "%zz"sv,           "a\\b"sv,      "a?b"sv,        "a#b"sv,
        "a\tb"sv,  "a\0b"sv,    "[::\0]"sv,  "caf\xc3\xa9"sv,   "<x>"sv,       "a\"b"sv,       "a, b"sv})
    EXPECT_FALSE(is_host_value(host)) << host;
}

TEST(HeadScannerTest, FindsTheEndWhereverTheBytesAreCut) {
  const std::string bytes = "\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nrest";
  const auto end = bytes.size() - 4;
  for (std::size_t cut = 0; cut < end; ++cut) {
    HeadScanner scanner(kHeader);
    ASSERT_EQ(scanner.scan(bytes.substr(0, cut)), 0U) << cut;
    ASSERT_FALSE(scanner.refusal()) << cut << " " << scanner.refusal().reason;
    ASSERT_EQ(scanner.scan(bytes), end) << cut;
    ASSERT_EQ(scanner.leading(), 2U);
  }
}

TEST(HeadScannerTest, RefusesAsSoonAsItCan) {
  const auto refused = [](std::string_view bytes) {
    HeadScanner scanner(64);
    EXPECT_EQ(scanner.scan(bytes), 0U);
    return scanner.refusal().status;
  };
  EXPECT_EQ(refused("g"), 400U);
  EXPECT_EQ(refused("\x16\x03"), 400U);
  EXPECT_EQ(refused("GET / HTTP/1.1\n"), 400U);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n x"), 400U);
  EXPECT_EQ(refused("GET /" + std::string(64, 'x')), 431U);
  EXPECT_EQ(refused("\r\n\r\n\r\n"), 400U);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nA: "), 0U);
}

// Verdict of a head whose bytes arrive up to `cut` first: the status of the refusal, 0 without.
unsigned verdict_in_two(std::string_view bytes, std::size_t cut) {
  HeadScanner scanner(64);
  if (scanner.scan(bytes.substr(0, cut)) == 0 && !scanner.refusal()) scanner.scan(bytes);
  return scanner.refusal().status;
}

TEST(HeadScannerTest, RefusesTheSameWhereverTheBytesAreCut) {
  const std::string inside = "GET / HTTP/1.1\r\nA: b\n";
  const std::string beyond = "GET / HTTP/1.1\r\nA: " + std::string(80, 'x');
  const std::pair<std::string, unsigned> cases[] = {
      {inside + std::string(80, 'x'), 400},
      {beyond, 431},
      {beyond + "\n", 431},
      {beyond + "\r\n folded", 431},
      {"\r\n\r\n" + beyond + "\n", 431},
      {"GET /" + std::string(48, 'x') + " HTTP/1.1\r\n folded", 431},  // 64 bytes and then the fold
      {"GET /" + std::string(47, 'x') + " HTTP/1.1\r\n folded", 400},
  };
  for (const auto& [bytes, status] : cases) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) EXPECT_EQ(verdict_in_two(bytes, cut), status) << bytes << "\ncut " << cut;
  }
}

TEST(ParseHeadTest, KeepsPathAndQueryRaw) {
  const auto read = [](const std::string& target) {
    RequestHead head;
    EXPECT_FALSE(parse_head("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n", head)) << target;
    return head.request.path + " " + head.request.query;
  };
  EXPECT_EQ(read("/"), "/ ");
  EXPECT_EQ(read("/%2F/..?a=%20+b?c#d"), "/%2F/.. a=%20+b?c#d");
  EXPECT_EQ(read("http://h"), "/ ");
  EXPECT_EQ(read("http://h?x=/y"), "/ x=/y");
  EXPECT_EQ(read("http://h:1/p?x"), "/p x");
  EXPECT_EQ(read("/redirect?to=http://h/p"), "/redirect to=http://h/p");
  EXPECT_EQ(read("*"), "* ");
  EXPECT_EQ(read("//"), "// ");
  EXPECT_EQ(read("/\xc3\xa4?\xff"), "/\xc3\xa4 \xff");
}

TEST(ParseHeadTest, ReusesTheOldValueWithoutKeepingAnyOfIt) {
  RequestHead head;
  EXPECT_FALSE(parse_head("POST /x?y HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", head));
  EXPECT_EQ(head.content_length, 5U);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_FALSE(parse_head("GET / HTTP/1.0\r\n\r\n", head));
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_FALSE(head.expects_continue);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_TRUE(head.http_1_0);
  EXPECT_EQ(head.request.query, "");
  EXPECT_TRUE(head.request.headers.empty());
}

TEST(ChunkedBodyTest, IsJoinedWhereverTheBytesAreCut) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {"0\r\n\r\n", ""},
      {"000;a=b\r\nA: b\r\n\r\n", ""},
      {"3\r\n0\r\n\r\n0\r\n\r\n", "0\r\n"},
      {"4\r\n\n\n\n\n\r\n1;e\r\nx\r\n0\r\n\r\n", "\n\n\n\nx"},
  };
  for (const auto& [bytes, expected] : cases) {
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
      for (std::size_t second = first; second <= bytes.size(); ++second) {
        ChunkedBody decoder(head, 100, 100);
        auto joined = BodyBuffer::growing(100, false);
        std::size_t used = 0;
        for (const auto have : {first, second, bytes.size()}) {
          if (!decoder.done()) used += decoder.feed(std::string_view(bytes).substr(used, have - used), joined);
          ASSERT_FALSE(decoder.refusal()) << bytes << " cut at " << first << " and " << second << ": " << decoder.refusal().reason;
        }
        EXPECT_TRUE(decoder.done()) << bytes << " cut at " << first << " and " << second;
        EXPECT_EQ(used, bytes.size());
        EXPECT_EQ(std::move(joined).finish().text(), expected) << bytes << " cut at " << first << " and " << second;
      }
    }
  }
}

TEST(ParseRequestTest, ReadsWholeRequestsAndSaysWhatIsMissing) {
  const std::string sized = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcdef";
  const auto whole = parse_request(sized, kHeader, 100);
  EXPECT_TRUE(whole.complete);
  EXPECT_EQ(whole.head.request.body.text(), "abc");
  EXPECT_EQ(whole.used, sized.size() - 3);
  EXPECT_FALSE(parse_request(sized.substr(0, sized.size() - 4), kHeader, 100).complete);
  EXPECT_EQ(parse_request(sized, kHeader, 2).refusal.status, 413U);
  const auto chunked =
      parse_request("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nnext", kHeader, 100);
  EXPECT_TRUE(chunked.complete);
  EXPECT_EQ(chunked.head.request.body.text(), "abc");
  EXPECT_EQ(parse_request("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", kHeader, 100).refusal.status,
            400U);
}

TEST(BodyBudgetTest, ABodyKeepsItsPromiseWhileItComesFastEnough) {
  using namespace std::chrono_literals;
  constexpr std::uint64_t total = 600'000'000;  // a million bytes a second are whole in ten minutes
  EXPECT_TRUE(comes_fast_enough(0, total, 4s)) << "too early to tell";
  EXPECT_TRUE(comes_fast_enough(10'000'000, total, 10s));
  EXPECT_FALSE(comes_fast_enough(9'000'000, total, 10s));
  EXPECT_TRUE(comes_fast_enough(100, 1000, 59s));
}

TEST(BodyBudgetTest, AShareShrinksAndGrows) {
  const auto budget = std::make_shared<BodyBudget>(1000);
  BodyShare share(budget), other(budget);
  EXPECT_TRUE(share.grow_to(900));
  EXPECT_FALSE(other.grow_to(101));
  share.shrink_to(50);
  share.shrink_to(60);
  EXPECT_EQ(budget->taken(), 50U);
  EXPECT_TRUE(other.grow_to(950));
  EXPECT_FALSE(share.grow_to(51));
  EXPECT_TRUE(share.grow_to(10)) << "it has more";
  share = BodyShare(budget);
  EXPECT_EQ(budget->taken(), 950U);
  EXPECT_FALSE(BodyShare().grow_to(1));
}

TEST(BodyBufferTest, AnAnnouncedBodyCostsLittleUntilItComes) {
  std::string body;
  const std::uint64_t total = std::uint64_t{300} << 20;
  extend_body(body, total);
  EXPECT_LE(body.capacity(), kFirstReservation + kBodyPadding);
  std::size_t moves = 0;
  const char* place = body.data();
  while (body.size() < (std::size_t{8} << 20)) {
    extend_body(body, total);
    if (body.data() != place) ++moves;
    place = body.data();
    ASSERT_GE(body.capacity(), body.size() + kBodyPadding);
  }
  EXPECT_EQ(moves, 1U) << "copied once, when the first megabyte had come";
}

TEST(BodyBufferTest, ABodyEndsExactlyAtItsLength) {
  for (const std::size_t total :
       {std::size_t{1}, kBodyStep - 1, kBodyStep, kBodyStep + 1, kFirstReservation, kFirstReservation + 1}) {
    std::string body;
    while (body.size() < total) extend_body(body, total);
    EXPECT_EQ(body.size(), total);
    EXPECT_GE(body.capacity(), total + kBodyPadding);
  }
}

constexpr std::size_t kInline = worker::kMaxInlineBody;

// Bytes that tell where they belong.
std::string numbered(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('0' + i % 61 % 10 + i / 4096 % 7);
  return text;
}

RequestBody received(std::string_view text, std::size_t with_head, std::size_t step, bool may_be_shared) {
  std::vector<char> scratch(64 << 10);
  auto body = BodyBuffer::sized(text.size(), may_be_shared);
  body.append(text.substr(0, with_head));
  while (body.size() < text.size()) {
    const auto left = text.substr(body.size());
    auto room = body.room(scratch);
    room = room.first(std::min({room.size(), step, left.size()}));
    left.copy(room.data(), room.size());
    body.received(room);
  }
  return std::move(body).finish();
}

TEST(BodyBufferTest, ASizedBodyIsTextOrSharedMemoryAndTheSameBytes) {
  for (const std::size_t size : {std::size_t{1}, kInline - 1, kInline, kInline + 1, std::size_t{65536}, std::size_t{1} << 20,
                                 (std::size_t{5} << 20) - 1, std::size_t{5} << 20}) {
    const auto text = numbered(size);
    for (const std::size_t with_head : {std::size_t{0}, std::size_t{100}, std::size_t{60'000}}) {
      for (const std::size_t step : {std::size_t{4099}, std::size_t{1} << 20}) {
        auto plain = received(text, std::min(with_head, size), step, false);
        ASSERT_FALSE(plain.is_shared());
        ASSERT_GE(plain.text().capacity(), size + kBodyPadding);
        ASSERT_EQ(std::move(plain).take_text(), text);
        auto body = received(text, std::min(with_head, size), step, true);
        ASSERT_EQ(body.is_shared(), size > kInline);
        ASSERT_EQ(body.size(), size);
        const auto document = std::move(body).take_document();
        ASSERT_TRUE(document);
        ASSERT_EQ(document->in_memfd(), size > kInline);
        ASSERT_EQ(document->view(), text);
      }
    }
  }
  EXPECT_EQ(open_memory_files(), 0U);
}

TEST(BodyBufferTest, AGrowingBodyGoesToSharedMemoryOnceItIsLarge) {
  const auto text = numbered(300'000);
  for (const std::size_t step : {std::size_t{7}, std::size_t{20'000}, kInline, kInline + 1, text.size()}) {
    auto body = BodyBuffer::growing(text.size(), true);
    for (std::size_t at = 0; at < text.size(); at += step) {
      body.append(std::string_view(text).substr(at, step));
      ASSERT_EQ(body.size(), std::min(at + step, text.size()));
    }
    EXPECT_EQ(open_memory_files(), 1U);
    const auto document = std::move(body).finish().take_document();
    ASSERT_TRUE(document && document->in_memfd());
    ASSERT_EQ(document->view(), text) << step;
  }
  auto small = BodyBuffer::growing(text.size(), true);
  small.append(std::string_view(text).substr(0, kInline));
  const auto body = std::move(small).finish();
  EXPECT_FALSE(body.is_shared());
  EXPECT_GE(body.text().capacity(), kInline + kBodyPadding);
}

TEST(BodyBufferTest, AnAnnouncedSharedBodyCostsNothingUntilItComes) {
  auto body = BodyBuffer::sized(std::uint64_t{1} << 40, true);
  body.append(std::string(kInline, 'x'));
  EXPECT_EQ(open_memory_files(), 0U);
  body.append("x");
  EXPECT_EQ(open_memory_files(), 1U);
  body = {};
  EXPECT_EQ(open_memory_files(), 0U);
}

TEST(BodyBufferTest, WithoutSharedMemoryItThrowsAndGivesEverythingBack) {
  const FileSizeLimit limit(1 << 20);
  const std::string piece(60'000, 'x');
  {
    auto body = BodyBuffer::sized(5 << 20, true);
    EXPECT_THROW(
        {
          while (body.size() < (5 << 20)) body.append(piece);
        },
        std::bad_alloc);
    EXPECT_LE(body.size(), std::size_t{1} << 20);
    EXPECT_EQ(open_memory_files(), 1U);
  }
  EXPECT_EQ(open_memory_files(), 0U);
}

TEST(BodyProgressTest, TheDeadlineMovesOnlyWhenEnoughHasCome) {
  const BodyProgress::Clock::time_point start{};
  BodyProgress progress(start, 10s);
  EXPECT_EQ(progress.floor(), 2560U);
  progress.received(2559, start + 9s);
  EXPECT_EQ(progress.deadline(), start + 10s);
  progress.received(1, start + 9s);
  EXPECT_EQ(progress.deadline(), start + 19s);
}

TEST(RequestIdTest, AreDifferentAndValid) {
  RequestIds ids;
  std::string first, second;
  ids.next(first);
  ids.next(second);
  EXPECT_NE(first, second);
  EXPECT_TRUE(is_valid_request_id(first));
  EXPECT_FALSE(is_valid_request_id(""));
  EXPECT_FALSE(is_valid_request_id("a b"));
  EXPECT_FALSE(is_valid_request_id("a\xc3\xa4"));
  EXPECT_TRUE(is_valid_request_id(std::string(128, '~')));
}

TEST(HttpDateTest, HasTheFormOfTheStandard) { EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT"); }

std::string written(HttpResponse response, const ResponseWriter::Frame& frame) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  const base::Fd writer_end(ends[0]);
  const base::Fd reader_end(ends[1]);
  ResponseWriter writer;
  writer.begin(std::move(response), frame);
  EXPECT_EQ(writer.send(writer_end.get(), 1 << 20), IoStep::Done);
  std::string out(65536, '\0');
  const auto got = ::recv(reader_end.get(), out.data(), out.size(), 0);
  out.resize(static_cast<std::size_t>(got));
  EXPECT_EQ(writer.sent(), out.size());
  return out;
}

TEST(ResponseWriterTest, WritesExactlyWhatItWasGiven) {
  auto response = text_answer(405, "no");
  response.content_type = "application/json";
  response.headers.emplace_back("Allow", "GET, POST");
  EXPECT_EQ(written(response, {.server = "s", .date = "d", .request_id = "i", .close = true}),
            "HTTP/1.1 405 Method Not Allowed\r\nServer: s\r\nDate: d\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "X-Request-ID: i\r\nAllow: GET, POST\r\nConnection: close\r\n\r\nno");
}

TEST(ResponseWriterTest, LeavesOutWhatWouldForgeHeadersOrFraming) {
  HttpResponse response;
  response.content_type = "text/plain\r\nX: y";
  response.headers = {{"A", "b\r\nC: d"}, {"E\n", "f"}, {"content-length", "7"}, {"Connection", "x"}, {"Kept", "yes"}};
  EXPECT_EQ(written(response, {}), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKept: yes\r\n\r\n");
  response = {};
  response.status = 99;
  EXPECT_EQ(written(response, {}).substr(0, 35), "HTTP/1.1 500 Internal Server Error\r");
}

TEST(ResponseWriterTest, AnAnswerWithoutContentHasNoBody) {
  auto response = text_answer(204, "ignored");
  EXPECT_EQ(written(response, {}), "HTTP/1.1 204 No Content\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
}

struct CountingTask final : PoolTask {
  CountingTask(std::atomic<int>& c, Gate* g) : count(c), gate(g) {}
  void run() noexcept override {
    if (gate != nullptr) gate->wait();
    ++count;
  }
  std::atomic<int>& count;
  Gate* gate;
};

TEST(RequestPoolTest, TakesAsManyAsThreadsAndQueueHold) {
  RequestPool pool(2, 1);
  pool.start();
  std::atomic<int> count{0};
  Gate gate;
  std::vector<std::shared_ptr<CountingTask>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(std::make_shared<CountingTask>(count, &gate));
    EXPECT_TRUE(pool.try_push(tasks.back()));
  }
  EXPECT_FALSE(pool.try_push(std::make_shared<CountingTask>(count, nullptr)));
  EXPECT_TRUE(pool.full());
  EXPECT_TRUE(eventually([&] { return pool.running() == 2 && pool.queued() == 1; }));
  EXPECT_TRUE(pool.remove(tasks[2].get()));
  EXPECT_FALSE(pool.remove(tasks[2].get()));
  EXPECT_FALSE(pool.full());
  gate.open();
  EXPECT_TRUE(eventually([&] { return count == 2; }));
  EXPECT_EQ(pool.stop(20s), 0U);
  EXPECT_FALSE(pool.try_push(std::make_shared<CountingTask>(count, nullptr)));
}

TEST(RequestPoolTest, AQueueOfNoneStillServesIdleThreads) {
  RequestPool pool(1, 0);
  pool.start();
  std::atomic<int> count{0};
  for (int i = 1; i <= 10; ++i) {
    EXPECT_TRUE(eventually([&] { return pool.try_push(std::make_shared<CountingTask>(count, nullptr)); }));
    EXPECT_TRUE(eventually([&] { return count == i; }));
  }
}

}  // namespace
}  // namespace clams::server::testing
