#include "worker/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <sstream>

#include "base/fd.hpp"

namespace worker {
namespace {

using ::testing::HasSubstr;

Frame full_frame() {
  Frame frame;
  frame.type = MessageType::Result;
  frame.id = 0x0102030405060708ULL;
  frame.kind = "kind";
  frame.text = "text";
  frame.attributes = {{"status", "200"}, {"", "empty name"}, {"twice", "1"}, {"twice", ""}};
  frame.body = std::string("body\0with zero", 14);
  frame.code = WorkerCode::OutOfMemory;
  frame.number = 17;
  frame.pid = 4711;
  frame.version_min = 1;
  frame.version_max = 3;
  frame.models = {{"large", base::Bytes(5)}, {"", base::Bytes(0)}};
  DeviceMemory device;
  device.device = "GPU-1";
  device.held_after = base::Bytes(1);
  device.materialised = base::Bytes(UINT64_MAX);
  frame.memory = MemoryReport{{device, {}}, base::Bytes(9)};
  return frame;
}

// The blocks of the format's page, by their headings.
std::map<std::string, std::string> worked_bytes() {
  std::map<std::string, std::string> result;
  std::istringstream page(base::read_file(std::string(CLAMS_SOURCE) + "/docs/formats/worker-protocol.md").value());
  std::string line, heading;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line.rfind("### ", 0) == 0) heading = line.substr(4);
    if (line.rfind("```", 0) == 0) {
      inside = line == "```hex";
      continue;
    }
    std::istringstream words(line);
    for (std::string word; inside && words >> word;) result[heading].push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
  }
  return result;
}

TEST(WorkerProtocol, AFrameWithEveryFieldComesBackAsItWent) {
  const auto bytes = encode(full_frame());
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto back = decode(*bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, full_frame());
}

TEST(WorkerProtocol, AReportWithoutAnyFigureStaysAReport) {
  Frame frame;
  frame.type = MessageType::Memory;
  frame.memory.emplace();
  EXPECT_EQ(decode(*encode(frame)).value(), frame);
}

TEST(WorkerProtocol, TheWorkedBytesOfTheFormatsPageAreDecodedAndMadeAgain) {
  std::map<std::string, Frame> expected;
  const auto add = [&](const char* heading, MessageType type, std::uint64_t id = 0) -> Frame& {
    Frame& frame = expected[heading];
    frame.type = type;
    frame.id = id;
    return frame;
  };
  Frame& hello = add("A worker introduces itself", MessageType::Hello);
  hello.kind = "odd";
  hello.pid = 4711;
  hello.version_min = hello.version_max = 1;
  Frame& ready = add("It is ready for two requests at once and holds nothing", MessageType::Ready);
  ready.number = 2;
  ready.memory.emplace();
  Frame& request = add("A request with an inline document", MessageType::Request, 7);
  request.kind = "http";
  request.attributes = {{"method", "POST"}, {"query", "a=1"}};
  request.body = "{}";
  Frame& large = add("A request whose document of 50,000 bytes comes along as a descriptor", MessageType::Request, 8);
  large.kind = "http";
  large.memfd_bytes = 50'000;
  Frame& progress = add("Half done", MessageType::Progress, 7);
  progress.text = "half";
  progress.number = 500'000;
  Frame& result = add("A result, with what the request took on one device", MessageType::Result, 7);
  result.attributes = {{"status", "200"}};
  result.body = "[]";
  DeviceMemory device;
  device.device = "GPU-1";
  device.held_before = base::Bytes(0);
  device.peak_reserved = base::Bytes(3ULL << 30);
  result.memory = MemoryReport{{device}, base::Bytes(1U << 28)};
  Frame& error = add("The device had no memory left", MessageType::Error, 8);
  error.text = "no room";
  error.code = WorkerCode::OutOfMemory;
  add("Models that the worker holds", MessageType::Models).models = {{"large", base::Bytes(3ULL << 30)}};
  add("Ping", MessageType::Ping, 5);

  const auto blocks = worked_bytes();
  EXPECT_EQ(blocks.size(), expected.size());
  for (const auto& [heading, frame] : expected) {
    ASSERT_EQ(blocks.count(heading), 1U) << heading;
    const auto decoded = decode(blocks.at(heading));
    ASSERT_TRUE(decoded) << heading << ": " << decoded.error().message;
    EXPECT_EQ(*decoded, frame) << heading;
    EXPECT_EQ(encode(frame).value(), blocks.at(heading)) << heading;
  }
}

TEST(WorkerProtocol, EveryLimitIsToldByTheSender) {
  const auto refusal = [](auto&& change) {
    Frame frame;
    frame.type = MessageType::Result;
    change(frame);
    const auto bytes = encode(frame);
    return bytes ? std::string() : bytes.error().message;
  };
  EXPECT_EQ(refusal([](Frame& frame) { frame.body.assign(kMaxInlineBody, 'x'); }), "");
  EXPECT_THAT(refusal([](Frame& frame) { frame.body.assign(kMaxInlineBody + 1, 'x'); }), HasSubstr("32769"));
  EXPECT_EQ(refusal([](Frame& frame) { frame.text.assign(kMaxTextBytes, 'x'); }), "");
  EXPECT_NE(refusal([](Frame& frame) { frame.text.assign(kMaxTextBytes + 1, 'x'); }), "");
  EXPECT_NE(refusal([](Frame& frame) { frame.kind.assign(kMaxKindBytes + 1, 'x'); }), "");
  EXPECT_THAT(refusal([](Frame& frame) {
                frame.attributes = {{"query", std::string(kMaxValueBytes + 1, 'x')}};
              }),
              HasSubstr("'query'"));
  EXPECT_NE(refusal([](Frame& frame) { frame.attributes = {{std::string(kMaxKeyBytes + 1, 'x'), ""}}; }), "");
  EXPECT_NE(refusal([](Frame& frame) { frame.attributes.assign(kMaxFields + 1, {"a", "b"}); }), "");
  EXPECT_NE(refusal([](Frame& frame) { frame.attributes.assign(2, {"a", std::string(kMaxValueBytes, 'x')}); }), "");
  EXPECT_NE(refusal([](Frame& frame) { frame.models = {{std::string(kMaxKindBytes + 1, 'x'), base::Bytes()}}; }), "");
}

TEST(WorkerProtocol, EveryLimitIsCheckedByTheReceiver) {
  Frame frame;
  frame.type = MessageType::Request;
  frame.body.assign(kMaxInlineBody, 'x');
  std::string bytes = encode(frame).value();
  ASSERT_TRUE(decode(bytes));
  // One byte more in the body: the lengths of the header (at 16) and of the field (at 28) say so too.
  bytes.push_back('x');
  ++bytes[16];
  ++bytes[28];
  const auto decoded = decode(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, HasSubstr("32769"));
}

TEST(WorkerProtocol, AFrameCutAnywhereIsNoFrame) {
  const std::string bytes = encode(full_frame()).value();
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size))) << size;
}

TEST(WorkerProtocol, BytesAfterAFrameAreRefused) { EXPECT_FALSE(decode(encode(full_frame()).value() + "x")); }

TEST(WorkerProtocol, AnUnknownFieldIsSkippedAndAnUnknownTypeIsRefused) {
  Frame frame;
  frame.type = MessageType::Ping;
  std::string bytes = encode(frame).value();
  const std::string field("\x77\x07\0\0\x03\0\0\0abc", 11);
  bytes[16] = 11;
  EXPECT_EQ(decode(bytes + field).value(), frame);
  bytes[16] = 0;
  bytes[5] = 15;
  EXPECT_FALSE(decode(bytes));
}

TEST(WorkerProtocol, AnotherVersionIsRefusedByItsNumber) {
  std::string bytes = encode(full_frame()).value();
  bytes[4] = 2;
  EXPECT_THAT(decode(bytes).error().message, HasSubstr("version 2"));
}

TEST(WorkerProtocol, ADocumentWhereNoneBelongsIsRefused) {
  Frame frame;
  frame.type = MessageType::Log;
  frame.body = "x";
  EXPECT_FALSE(encode(frame));
  frame.type = MessageType::Result;
  frame.memfd_bytes = 1;
  EXPECT_FALSE(encode(frame)) << "inline and as a descriptor";
}

TEST(WorkerProtocol, ChangedBytesNeverBreakTheDecoderAndWhatItTakesCanBeSentAgain) {
  const std::string original = encode(full_frame()).value();
  std::mt19937_64 random(20260101);
  int taken = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes = original;
    for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto frame = decode(bytes);
    if (!frame) continue;
    ++taken;
    const auto again = encode(*frame);
    ASSERT_TRUE(again) << "round " << round << ": " << again.error().message;
    EXPECT_EQ(decode(*again).value(), *frame) << "round " << round;
  }
  EXPECT_GT(taken, 100) << "the test must reach behind the header";
}

}  // namespace
}  // namespace worker
