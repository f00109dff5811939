// The frames that a front and its worker processes exchange (docs/formats/worker-protocol.md gives every byte). One frame is one
// packet of a SOCK_SEQPACKET socket. Encoding and decoding are pure functions over bytes: no descriptor, no state, safe on hostile
// input.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace worker {

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kHeaderBytes = 24;
// Limits of a frame. A sender that exceeds one gets an error from `encode`; a receiver refuses the frame.
inline constexpr std::size_t kMaxFrameBytes = std::size_t{192} * 1024;  // below the socket buffer that every kernel grants
inline constexpr std::size_t kMaxInlineBody = std::size_t{32} * 1024;   // larger bodies cross as a sealed memfd
inline constexpr std::size_t kMaxFields = 1024;
inline constexpr std::size_t kMaxKindBytes = 256;  // request kinds, model names, program names, device names
inline constexpr std::size_t kMaxTextBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kMaxKeyBytes = 256;
inline constexpr std::size_t kMaxValueBytes = std::size_t{128} * 1024;

enum class MessageType : std::uint8_t {
  Hello = 1,         // worker: the protocol works; program, versions, pid
  Ready = 2,         // worker: requests can come; how many at once
  Request = 3,       // front
  Progress = 4,      // worker: fraction and text of a running request
  Log = 5,           // worker: one line, may name a request
  Result = 6,        // worker: the request is over
  Error = 7,         // worker: the request is over, without a result
  Memory = 8,        // worker: what it holds now
  Ping = 9,          // front
  Pong = 10,         // worker
  Shutdown = 11,     // front: finish what runs, then exit
  Cancel = 12,       // front: nobody waits for this request any more
  UnloadModel = 13,  // front: give this model back if no request uses it
  Models = 14,       // worker: the models it holds now (the whole list)
};
inline constexpr int kMessageTypeCount = 14;
std::string_view name_of(MessageType type) noexcept;

// `code` of Error and of Result. A Result may carry OutOfMemory: the app made an answer of the error.
enum class WorkerCode : std::uint32_t {
  None = 0,
  AppFailed = 1,    // the app raised, or left the request in a way that is no answer (sys.exit)
  OutOfMemory = 2,  // the device had no memory left, known by the error's type
  Unsupported = 3,  // this worker does not know that kind of request
  Cancelled = 4,    // stopped because the front asked
  BadRequest = 5,   // the request's attributes make no sense
  Internal = 6,     // a bug of the worker's own code
};

// Bytes on one device; nullopt = the worker cannot tell.
struct DeviceMemory {
  std::string device;                         // UUID, or "cuda:N" where the framework gives no UUID
  std::optional<base::Bytes> held_before;     // by the process, before the request
  std::optional<base::Bytes> held_after;      // after it, caches emptied
  std::optional<base::Bytes> peak_allocated;  // in use by the allocator, highest during the request
  std::optional<base::Bytes> peak_reserved;   // taken from the device by the allocator, highest during the request
  std::optional<base::Bytes> context;         // of the process, on top of the allocator
  std::optional<base::Bytes> materialised;    // held now
  bool operator==(const DeviceMemory&) const = default;
};

struct MemoryReport {
  std::vector<DeviceMemory> devices;
  std::optional<base::Bytes> host_resident;  // of the process (RSS)
  bool operator==(const MemoryReport&) const = default;
};

struct ResidentModel {
  std::string name;
  base::Bytes bytes;
  bool operator==(const ResidentModel&) const = default;
};

using Attribute = std::pair<std::string, std::string>;
using Attributes = std::vector<Attribute>;
// First attribute of that name (exact), or nullptr.
const std::string* find_attribute(const Attributes& attributes, std::string_view name) noexcept;

// All frames in one type; which members a type may carry stands in the format's page. Unused ones are empty.
struct Frame {
  MessageType type = MessageType::Ping;
  std::uint64_t id = 0;                      // request; ping number; 0 where the frame is about no request
  std::string kind;                          // Request: what to do. Hello: program. UnloadModel: model
  std::string text;                          // Progress, Log, Error; Ready: one line about the app
  Attributes attributes;                     // Request, Result: head of the document; Models; meaning agreed between the two ends
  std::string body;                          // Request, Result: inline document
  std::optional<std::uint64_t> memfd_bytes;  // Request, Result: the document comes as a descriptor of exactly this size
  WorkerCode code = WorkerCode::None;
  std::uint32_t number = 0;                       // Ready: requests at once. Progress: millionths. Log: level (base::LogLevel)
  std::uint32_t pid = 0;                          // Hello
  std::uint8_t version_min = 0, version_max = 0;  // Hello
  std::optional<MemoryReport> memory;             // Ready, Result, Error, Memory
  std::vector<ResidentModel> models;              // Models, Ready
  bool operator==(const Frame&) const = default;
};

// Error InvalidArgument when a limit is exceeded; names the field.
base::Result<std::string> encode(const Frame& frame);
// Error InvalidArgument for anything that is not one whole frame of version 1 within the limits. Unknown field tags are skipped, so
// that a newer peer may add some.
base::Result<Frame> decode(std::string_view bytes);

}  // namespace worker
