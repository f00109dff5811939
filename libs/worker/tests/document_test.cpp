#include "worker/document.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

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

// A parser that reads in steps reads beyond the end; a mapping would end with its last page, and the process with it.
TEST(Document, BytesBehindTheEndMayBeReadWhateverItsSize) {
  const auto readable_behind = [](const Document& document) {
    const volatile char* end = document.view().data() + document.size();
    unsigned sum = 0;
    for (std::size_t i = 0; i < Document::kReadPadding; ++i) sum += static_cast<unsigned char>(end[i]);
    return sum < 256 * Document::kReadPadding;
  };
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t padding = Document::kReadPadding;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, page - padding - 1, page - padding, page - padding + 1, page - 1,
                                 page, page + 1, 16 * page - 1, 16 * page, 1000 * page}) {
    const std::string text(size, 'x');
    const auto shared = Document::of(text).as_memfd();
    ASSERT_TRUE(shared) << shared.error().message;
    EXPECT_EQ(shared->view(), text);
    EXPECT_TRUE(readable_behind(*shared)) << size;
    EXPECT_TRUE(readable_behind(Document::of(text))) << size;
  }
  EXPECT_TRUE(readable_behind(Document()));
}

TEST(Document, ADocumentThatIsGoneLeavesNoMappingBehind) {
  const auto mappings = [] {
    std::ifstream maps("/proc/self/maps");
    return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
  };
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  { const auto warm = Document::of("x").as_memfd(); }
  const auto before = mappings();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Document::of(std::string(page, 'x')).as_memfd());
  EXPECT_LT(mappings(), before + 10);
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
