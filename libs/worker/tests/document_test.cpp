#include "worker/document.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "worker/channel.hpp"

namespace worker {
namespace {

using ::testing::HasSubstr;

std::size_t descriptor_count() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(Document, IsEmptyByDefaultAndKeepsItsBytes) {
  EXPECT_EQ(Document().view(), "");
  EXPECT_EQ(Document::of("abc").view(), "abc");
  EXPECT_FALSE(Document::of("abc").in_memfd());
}

TEST(Document, WrittenInPiecesLiesInAMemfdThatNobodyCanChange) {
  auto writer = DocumentWriter::create();
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->append("abc"));
  ASSERT_TRUE(writer->append("def"));
  const auto document = std::move(*writer).finish();
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->view(), "abcdef");
  EXPECT_TRUE(document->in_memfd());
  EXPECT_LT(::pwrite(document->descriptor(), "x", 1, 0), 0);
  EXPECT_NE(::ftruncate(document->descriptor(), 0), 0);
}

TEST(Document, AnEmptyMemfdIsADocumentToo) {
  auto writer = DocumentWriter::create();
  ASSERT_TRUE(writer);
  EXPECT_EQ(std::move(*writer).finish()->view(), "");
}

TEST(Document, AMemfdThatCouldStillChangeIsRefused) {
  base::Fd unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), 10), 0);
  EXPECT_THAT(Document::from_sealed(std::move(unsealed), 10).error().message, HasSubstr("not sealed"));
}

TEST(Document, AMemfdOfAnotherSizeAndAPlainFileAreRefused) {
  const auto document = Document::of("abc").as_memfd();
  ASSERT_TRUE(document);
  EXPECT_THAT(Document::from_sealed(base::Fd(::dup(document->descriptor())), 4).error().message, HasSubstr("announced were 4"));
  EXPECT_THAT(Document::from_sealed(base::Fd(::open("/dev/null", 0)), 0).error().message, HasSubstr("no memfd"));
}

TEST(Channel, AFrameWithALargeDocumentArrivesAndLeavesNoDescriptorBehind) {
  const std::size_t before = descriptor_count();
  {
    auto channel = make_channel();
    ASSERT_TRUE(channel);
    Frame frame;
    frame.type = MessageType::Request;
    const std::string text(kMaxInlineBody + 1, 'x');
    ASSERT_TRUE(send(channel->second.get(), *pack(frame, Document::of(text))));
    const auto received = receive(channel->first.get(), 1 << 20);
    ASSERT_TRUE(received) << received.error().message;
    ASSERT_EQ(received->state, ChannelState::Message);
    EXPECT_EQ(received->message.document.view(), text);
    EXPECT_EQ(receive(channel->first.get(), 1 << 20)->state, ChannelState::WouldBlock);
    channel->second.reset();
    EXPECT_EQ(receive(channel->first.get(), 1 << 20)->state, ChannelState::Closed);
  }
  EXPECT_EQ(descriptor_count(), before);
}

TEST(Channel, TheLargestFrameFitsIntoTheSocket) {
  auto channel = make_channel();
  ASSERT_TRUE(channel);
  Frame frame;
  frame.type = MessageType::Request;
  frame.attributes = {{"a", std::string(kMaxValueBytes, 'x')}, {"b", std::string(kMaxFrameBytes - kMaxValueBytes - 60, 'x')}};
  const auto packet = pack(frame, {});
  ASSERT_TRUE(packet) << packet.error().message;
  const auto sent = send(channel->first.get(), *packet);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_TRUE(*sent);
  EXPECT_EQ(receive(channel->second.get(), 0)->message.frame, frame);
}

TEST(Channel, WhatThePeerSentBeforeItClosedIsStillRead) {
  auto channel = make_channel();
  ASSERT_TRUE(channel);
  Frame frame;
  frame.type = MessageType::Pong;
  ASSERT_TRUE(send(channel->first.get(), *pack(frame, {})));  // will stay unread: the kernel then reports a reset
  ASSERT_TRUE(send(channel->second.get(), *pack(frame, {})));
  channel->second.reset();
  EXPECT_EQ(receive(channel->first.get(), 0)->state, ChannelState::Message);
  EXPECT_EQ(receive(channel->first.get(), 0)->state, ChannelState::Closed);
  EXPECT_EQ(send(channel->first.get(), *pack(frame, {})).error().code, base::ErrorCode::Unavailable);
}

TEST(Channel, DescriptorsNobodyAskedForAreClosedAndTheFrameRefused) {
  auto channel = make_channel();
  ASSERT_TRUE(channel);
  Frame frame;
  frame.type = MessageType::Pong;
  Packet packet = *pack(frame, {});
  packet.document = *Document::of("smuggled").as_memfd();
  ASSERT_TRUE(send(channel->second.get(), packet));
  const std::size_t before = descriptor_count();
  EXPECT_THAT(receive(channel->first.get(), 100).error().message, HasSubstr("1 descriptors"));
  EXPECT_EQ(descriptor_count(), before);
}

TEST(Channel, ADocumentBeyondTheLimitIsRefused) {
  auto channel = make_channel();
  ASSERT_TRUE(channel);
  Frame frame;
  frame.type = MessageType::Result;
  ASSERT_TRUE(send(channel->second.get(), *pack(frame, *Document::of("12345").as_memfd())));
  EXPECT_THAT(receive(channel->first.get(), 4).error().message, HasSubstr("limit 4"));
}

}  // namespace
}  // namespace worker
