// Packets and descriptors over the socket between a front and one worker.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "worker/document.hpp"
#include "worker/protocol.hpp"

namespace worker {

// A connected pair of SOCK_SEQPACKET sockets, close-on-exec, with send buffers that hold the largest frame. Non-blocking flags
// belong to each end: `first` is non-blocking, `second` blocks.
base::Result<std::pair<base::Fd, base::Fd>> make_channel();

// A frame with its document: inline bytes and memfd look alike from here on.
struct Message {
  Frame frame;
  Document document;
};

enum class ChannelState { Message, WouldBlock, Closed };
struct Received {
  ChannelState state = ChannelState::WouldBlock;
  Message message;                // with state Message
  bool peer_left_unread = false;  // the peer has closed, and had not read all that was sent: told once, with any state
};

// Receives one packet. Descriptors beyond the one a frame may carry are closed. Errors: InvalidArgument (no frame of the protocol,
// document larger than `max_document`, bad descriptor), Io. With an error the peer cannot be trusted any more.
base::Result<Received> receive(int fd, std::uint64_t max_document);

// A frame ready to send: its packet, and the memfd that goes with it. A document above kMaxInlineBody becomes a memfd here.
struct Packet {
  std::string bytes;
  Document document;  // in_memfd() if one goes along
};
base::Result<Packet> pack(Frame frame, const Document& document);

// false: the socket is full (only with a non-blocking one). Errors: Unavailable when the peer has closed, Io.
base::Result<bool> send(int fd, const Packet& packet);

}  // namespace worker
