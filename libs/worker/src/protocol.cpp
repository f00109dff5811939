#include "worker/protocol.hpp"

#include <array>

#include "byte_io.hpp"

namespace worker {
namespace {

constexpr std::uint32_t kMagic = 0x524B5743U;  // "CWKR" as bytes

// Raise kProtocolVersion when the meaning of a tag changes; a new tag alone needs no new version.
enum class Tag : std::uint16_t {
  Kind = 1,
  Text = 2,
  Attribute = 3,
  Body = 4,
  MemfdBytes = 5,
  Code = 6,
  Number = 7,
  Pid = 8,
  Versions = 9,
  HostResident = 10,
  Device = 11,
  Model = 12,
};

base::Error malformed(const std::string& what) {
  return {base::ErrorCode::InvalidArgument, "not a frame of the worker protocol: " + what};
}

base::Error too_long(std::string_view what, std::size_t size, std::size_t limit) {
  return {base::ErrorCode::InvalidArgument, "a frame cannot carry " + std::string(what) + " of " + std::to_string(size) +
                                                " bytes (limit " + std::to_string(limit) + ")"};
}

class FrameWriter {
 public:
  void field(Tag tag, std::string_view bytes) {
    put_int(fields_, static_cast<std::uint16_t>(tag));
    put_int(fields_, std::uint16_t{0});
    put_int(fields_, static_cast<std::uint32_t>(bytes.size()));
    fields_.append(bytes);
    ++count_;
  }
  template <class Int>
  void number(Tag tag, Int value) {
    std::string bytes;
    put_int(bytes, value);
    field(tag, bytes);
  }
  base::Status text(Tag tag, std::string_view bytes, std::size_t limit, std::string_view what) {
    if (bytes.size() > limit) return too_long(what, bytes.size(), limit);
    if (!bytes.empty()) field(tag, bytes);
    return {};
  }
  base::Result<std::string> finish(const Frame& frame) {
    if (kHeaderBytes + fields_.size() > kMaxFrameBytes) return too_long("fields", fields_.size(), kMaxFrameBytes - kHeaderBytes);
    if (count_ > kMaxFields) return too_long("a number of fields", count_, kMaxFields);
    std::string out;
    out.reserve(kHeaderBytes + fields_.size());
    put_int(out, kMagic);
    put_int(out, kProtocolVersion);
    put_int(out, static_cast<std::uint8_t>(frame.type));
    put_int(out, std::uint16_t{0});
    put_int(out, frame.id);
    put_int(out, static_cast<std::uint32_t>(fields_.size()));
    put_int(out, std::uint32_t{0});
    return out + fields_;
  }

 private:
  std::string fields_;
  std::size_t count_ = 0;
};

// A device field: one byte that says which of the six figures follow, the figures, the name.
constexpr int kDeviceFigures = 6;
template <class Memory>
auto figures_of(Memory& memory) {
  return std::array{&memory.held_before,   &memory.held_after, &memory.peak_allocated,
                    &memory.peak_reserved, &memory.context,    &memory.materialised};
}

std::string device_bytes(const DeviceMemory& memory) {
  std::string out(1, '\0');
  unsigned present = 0;
  const auto figures = figures_of(memory);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (!*figures[i]) continue;
    present |= 1U << i;
    put_int(out, (*figures[i])->count());
  }
  out[0] = static_cast<char>(present);
  return out + memory.device;
}

base::Status write_lists(FrameWriter& writer, const Frame& frame) {
  for (const auto& [key, value] : frame.attributes) {
    if (key.size() > kMaxKeyBytes) return too_long("an attribute's name", key.size(), kMaxKeyBytes);
    if (value.size() > kMaxValueBytes) return too_long("attribute '" + key + "'", value.size(), kMaxValueBytes);
    std::string bytes;
    put_int(bytes, static_cast<std::uint16_t>(key.size()));
    writer.field(Tag::Attribute, bytes + key + value);
  }
  for (const ResidentModel& model : frame.models) {
    if (model.name.size() > kMaxKindBytes) return too_long("a model's name", model.name.size(), kMaxKindBytes);
    std::string bytes;
    put_int(bytes, model.bytes.count());
    writer.field(Tag::Model, bytes + model.name);
  }
  if (!frame.memory) return {};
  // Always written, so that a report without any figure stays a report.
  std::string host(1, frame.memory->host_resident ? '\1' : '\0');
  if (frame.memory->host_resident) put_int(host, frame.memory->host_resident->count());
  writer.field(Tag::HostResident, host);
  for (const DeviceMemory& device : frame.memory->devices) {
    if (device.device.size() > kMaxKindBytes) return too_long("a device's name", device.device.size(), kMaxKindBytes);
    writer.field(Tag::Device, device_bytes(device));
  }
  return {};
}

template <class Int>
base::Status read_number(std::string_view bytes, Int& into) {
  if (bytes.size() != sizeof(Int)) return malformed("a number of the wrong width");
  into = ByteReader(bytes).take<Int>();
  return {};
}

base::Status read_text(std::string_view bytes, std::size_t limit, std::string& into) {
  if (bytes.size() > limit)
    return malformed("a text of " + std::to_string(bytes.size()) + " bytes (limit " + std::to_string(limit) + ")");
  into = bytes;
  return {};
}

base::Status read_attribute(std::string_view bytes, Frame& frame) {
  ByteReader reader(bytes);
  const auto key_size = reader.take<std::uint16_t>();
  const std::string_view key = reader.take_bytes(key_size);
  const std::string_view value = reader.rest();
  if (!reader.ok() || key.size() > kMaxKeyBytes || value.size() > kMaxValueBytes)
    return malformed("an attribute with impossible lengths");
  frame.attributes.emplace_back(key, value);
  return {};
}

base::Status read_model(std::string_view bytes, Frame& frame) {
  ByteReader reader(bytes);
  ResidentModel model;
  model.bytes = base::Bytes(reader.take<std::uint64_t>());
  const std::string_view name = reader.rest();
  if (!reader.ok() || name.size() > kMaxKindBytes) return malformed("a model with impossible lengths");
  model.name = name;
  frame.models.push_back(std::move(model));
  return {};
}

base::Status read_device(std::string_view bytes, Frame& frame) {
  ByteReader reader(bytes);
  const auto present = reader.take<std::uint8_t>();
  if (present >> kDeviceFigures != 0) return malformed("a device report with unknown figures");
  DeviceMemory memory;
  const auto figures = figures_of(memory);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if ((present >> i & 1U) != 0) *figures[i] = base::Bytes(reader.take<std::uint64_t>());
  }
  const std::string_view name = reader.rest();
  if (!reader.ok() || name.size() > kMaxKindBytes) return malformed("a device report with impossible lengths");
  memory.device = name;
  if (!frame.memory) frame.memory.emplace();
  frame.memory->devices.push_back(std::move(memory));
  return {};
}

base::Status read_host(std::string_view bytes, Frame& frame) {
  ByteReader reader(bytes);
  if (!frame.memory) frame.memory.emplace();
  const auto present = reader.take<std::uint8_t>();
  if (present > 1) return malformed("a host report with unknown figures");
  if (present == 1) frame.memory->host_resident = base::Bytes(reader.take<std::uint64_t>());
  if (!reader.ok() || !reader.empty()) return malformed("a host report of the wrong length");
  return {};
}

base::Status read_field(Tag tag, std::string_view bytes, Frame& frame) {
  switch (tag) {
    case Tag::Kind: return read_text(bytes, kMaxKindBytes, frame.kind);
    case Tag::Text: return read_text(bytes, kMaxTextBytes, frame.text);
    case Tag::Attribute: return read_attribute(bytes, frame);
    case Tag::Body: return read_text(bytes, kMaxInlineBody, frame.body);
    case Tag::MemfdBytes: return read_number(bytes, frame.memfd_bytes.emplace());
    case Tag::Number: return read_number(bytes, frame.number);
    case Tag::Pid: return read_number(bytes, frame.pid);
    case Tag::HostResident: return read_host(bytes, frame);
    case Tag::Device: return read_device(bytes, frame);
    case Tag::Model: return read_model(bytes, frame);
    case Tag::Code: {
      std::uint32_t code = 0;
      BASE_TRY(read_number(bytes, code));
      // A newer worker may know more codes; for this front they are failures of the app.
      frame.code = code <= static_cast<std::uint32_t>(WorkerCode::Internal) ? static_cast<WorkerCode>(code) : WorkerCode::AppFailed;
      return {};
    }
    case Tag::Versions: {
      if (bytes.size() != 2) return malformed("a version range of the wrong length");
      frame.version_min = static_cast<std::uint8_t>(bytes[0]);
      frame.version_max = static_cast<std::uint8_t>(bytes[1]);
      if (frame.version_max == 0 || frame.version_min > frame.version_max) return malformed("an empty version range");
      return {};
    }
  }
  return {};
}

base::Status check_whole(const Frame& frame) {
  const bool carries_document = frame.type == MessageType::Request || frame.type == MessageType::Result;
  if (!carries_document && (!frame.body.empty() || frame.memfd_bytes)) return malformed("a document in a frame that carries none");
  if (!frame.body.empty() && frame.memfd_bytes) return malformed("a document both inline and as a descriptor");
  if (frame.version_min > frame.version_max) return malformed("an empty version range");
  return {};
}

}  // namespace

std::string_view name_of(MessageType type) noexcept {
  constexpr std::array<std::string_view, kMessageTypeCount> names{"hello",    "ready",  "request",      "progress", "log",
                                                                  "result",   "error",  "memory",       "ping",     "pong",
                                                                  "shutdown", "cancel", "unload-model", "models"};
  const auto index = static_cast<std::size_t>(type) - 1;
  return index < names.size() ? names[index] : "unknown";
}

const std::string* find_attribute(const Attributes& attributes, std::string_view name) noexcept {
  for (const auto& [key, value] : attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

base::Result<std::string> encode(const Frame& frame) {
  BASE_TRY(check_whole(frame));
  FrameWriter writer;
  BASE_TRY(writer.text(Tag::Kind, frame.kind, kMaxKindBytes, "a name"));
  BASE_TRY(writer.text(Tag::Text, frame.text, kMaxTextBytes, "a text"));
  BASE_TRY(write_lists(writer, frame));
  BASE_TRY(writer.text(Tag::Body, frame.body, kMaxInlineBody, "an inline document"));
  if (frame.memfd_bytes) writer.number(Tag::MemfdBytes, *frame.memfd_bytes);
  if (frame.code != WorkerCode::None) writer.number(Tag::Code, static_cast<std::uint32_t>(frame.code));
  if (frame.number != 0) writer.number(Tag::Number, frame.number);
  if (frame.pid != 0) writer.number(Tag::Pid, frame.pid);
  if (frame.version_max != 0) {
    const std::array range{static_cast<char>(frame.version_min), static_cast<char>(frame.version_max)};
    writer.field(Tag::Versions, std::string_view(range.data(), range.size()));
  }
  return writer.finish(frame);
}

base::Result<Frame> decode(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return malformed("only " + std::to_string(bytes.size()) + " bytes");
  if (bytes.size() > kMaxFrameBytes) return malformed(std::to_string(bytes.size()) + " bytes");
  ByteReader reader(bytes);
  if (reader.take<std::uint32_t>() != kMagic) return malformed("it begins with other bytes");
  if (const auto version = reader.take<std::uint8_t>(); version != kProtocolVersion)
    return malformed("version " + std::to_string(version) + ", and this program speaks " + std::to_string(kProtocolVersion) +
                     ": install matching versions");
  const auto type = reader.take<std::uint8_t>();
  if (type == 0 || type > kMessageTypeCount) return malformed("unknown type " + std::to_string(type));
  Frame frame;
  frame.type = static_cast<MessageType>(type);
  if (reader.take<std::uint16_t>() != 0) return malformed("unknown flags");
  frame.id = reader.take<std::uint64_t>();
  const auto length = reader.take<std::uint32_t>();
  if (reader.take<std::uint32_t>() != 0) return malformed("reserved bytes are not zero");
  if (length != bytes.size() - kHeaderBytes)
    return malformed("its length says " + std::to_string(length) + " bytes of fields, there are " +
                     std::to_string(bytes.size() - kHeaderBytes));
  for (std::size_t count = 0; !reader.empty(); ++count) {
    if (count == kMaxFields) return malformed("too many fields");
    const auto tag = reader.take<std::uint16_t>();
    if (reader.take<std::uint16_t>() != 0) return malformed("a field with unknown flags");
    const auto size = reader.take<std::uint32_t>();
    const std::string_view value = reader.take_bytes(size);
    if (!reader.ok()) return malformed("a field that is cut off");
    BASE_TRY(read_field(static_cast<Tag>(tag), value, frame));
  }
  BASE_TRY(check_whole(frame));
  return frame;
}

}  // namespace worker
