"""Frames of the worker protocol, version 1 (docs/formats/worker-protocol.md). Pure functions over bytes."""
import struct

MAGIC = b"CWKR"
VERSION = 1
HEADER = struct.Struct("<4sBBHQII")
FIELD = struct.Struct("<HHI")
MAX_FRAME = 192 * 1024
MAX_INLINE_BODY = 32 * 1024
MAX_FIELDS = 1024
MAX_KIND = 256
MAX_TEXT = 16 * 1024
MAX_KEY = 256
MAX_VALUE = 128 * 1024

HELLO, READY, REQUEST, PROGRESS, LOG, RESULT, ERROR, MEMORY, PING, PONG, SHUTDOWN, CANCEL, UNLOAD_MODEL, MODELS = range(1, 15)

NONE, APP_FAILED, OUT_OF_MEMORY, UNSUPPORTED, CANCELLED, BAD_REQUEST, INTERNAL = range(7)

_KIND, _TEXT, _ATTRIBUTE, _BODY, _MEMFD, _CODE, _NUMBER, _PID, _VERSIONS, _HOST, _DEVICE, _MODEL = range(1, 13)

FIGURES = ("held_before", "held_after", "peak_allocated", "peak_reserved", "context", "materialised")


class ProtocolError(Exception):
    """Bytes that are no frame, or a frame beyond a limit."""


class Device:
    """Bytes on one device. A figure that is None is unknown."""

    def __init__(self, name, **figures):
        self.name = name
        for figure in FIGURES:
            setattr(self, figure, figures.get(figure))

    def __eq__(self, other):
        return isinstance(other, Device) and vars(self) == vars(other)


class Memory:
    def __init__(self, devices=(), host_resident=None):
        self.devices = list(devices)
        self.host_resident = host_resident

    def __eq__(self, other):
        return isinstance(other, Memory) and vars(self) == vars(other)


class Frame:
    """All frames in one type, as in the C++ library; which members a type carries stands in the format's page."""

    __slots__ = ("type", "id", "kind", "text", "attributes", "body", "memfd_bytes", "code", "number", "pid", "versions", "memory", "models")

    def __init__(self, type, id=0, kind="", text="", attributes=(), body=b"", memfd_bytes=None, code=NONE, number=0, pid=0,
                 versions=None, memory=None, models=()):
        self.type = type
        self.id = id
        self.kind = kind
        self.text = text
        self.attributes = list(attributes)
        self.body = body
        self.memfd_bytes = memfd_bytes
        self.code = code
        self.number = number
        self.pid = pid
        self.versions = versions
        self.memory = memory
        self.models = list(models)

    def attribute(self, name, default=None):
        for key, value in self.attributes:
            if key == name:
                return value
        return default

    def __eq__(self, other):
        return isinstance(other, Frame) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self):
        return "Frame(" + ", ".join("{}={!r}".format(name, getattr(self, name)) for name in self.__slots__) + ")"


def to_bytes(text):
    """Text as it came from the wire, back to its bytes. Strings that are no Unicode text lose their surrogates, not the frame."""
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _to_text(raw):
    return raw.decode("utf-8", "surrogateescape")


def _limited(raw, limit, what):
    if len(raw) > limit:
        raise ProtocolError("a frame cannot carry {} of {} bytes (limit {})".format(what, len(raw), limit))
    return raw


def _device_bytes(device):
    present = 0
    figures = b""
    for index, figure in enumerate(FIGURES):
        value = getattr(device, figure)
        if value is not None:
            present |= 1 << index
            figures += struct.pack("<Q", min(max(int(value), 0), 2 ** 64 - 1))
    return bytes([present]) + figures + _limited(to_bytes(device.name), MAX_KIND, "a device's name")


def encode(frame):
    fields = []

    def field(tag, raw):
        fields.append(FIELD.pack(tag, 0, len(raw)) + raw)

    if frame.kind:
        field(_KIND, _limited(to_bytes(frame.kind), MAX_KIND, "a name"))
    if frame.text:
        field(_TEXT, _limited(to_bytes(frame.text), MAX_TEXT, "a text"))
    for key, value in frame.attributes:
        key = _limited(to_bytes(key), MAX_KEY, "an attribute's name")
        field(_ATTRIBUTE, struct.pack("<H", len(key)) + key + _limited(to_bytes(value), MAX_VALUE, "an attribute"))
    for name, size in frame.models:
        field(_MODEL, struct.pack("<Q", size) + _limited(to_bytes(name), MAX_KIND, "a model's name"))
    if frame.memory is not None:
        host = frame.memory.host_resident
        field(_HOST, b"\0" if host is None else b"\1" + struct.pack("<Q", host))
        for device in frame.memory.devices:
            field(_DEVICE, _device_bytes(device))
    if frame.body:
        field(_BODY, _limited(frame.body, MAX_INLINE_BODY, "an inline document"))
    if frame.memfd_bytes is not None:
        field(_MEMFD, struct.pack("<Q", frame.memfd_bytes))
    if frame.code:
        field(_CODE, struct.pack("<I", frame.code))
    if frame.number:
        field(_NUMBER, struct.pack("<I", frame.number))
    if frame.pid:
        field(_PID, struct.pack("<I", frame.pid))
    if frame.versions:
        field(_VERSIONS, bytes(frame.versions))
    if len(fields) > MAX_FIELDS:
        raise ProtocolError("a frame cannot carry {} fields (limit {})".format(len(fields), MAX_FIELDS))
    payload = b"".join(fields)
    header = HEADER.pack(MAGIC, VERSION, frame.type, 0, frame.id, len(payload), 0)
    return _limited(header + payload, MAX_FRAME, "all its fields")


def _number(raw, form):
    if len(raw) != struct.calcsize(form):
        raise ProtocolError("a number of the wrong width")
    return struct.unpack(form, raw)[0]


def _read_device(raw):
    present, at, figures = raw[0] if raw else 255, 1, {}
    if present >> len(FIGURES):
        raise ProtocolError("a device report with unknown figures")
    for index, figure in enumerate(FIGURES):
        if present >> index & 1:
            figures[figure] = _number(raw[at:at + 8], "<Q")
            at += 8
    return Device(_to_text(_limited(raw[at:], MAX_KIND, "a device's name")), **figures)


def _read_memory(frame):
    if frame.memory is None:
        frame.memory = Memory()
    return frame.memory


def _read_host(raw, memory):
    if raw != b"\0":
        if raw[:1] != b"\1":
            raise ProtocolError("a host report with unknown figures")
        memory.host_resident = _number(raw[1:], "<Q")


def _read_field(frame, tag, raw):
    if tag == _KIND:
        frame.kind = _to_text(_limited(raw, MAX_KIND, "a name"))
    elif tag == _TEXT:
        frame.text = _to_text(_limited(raw, MAX_TEXT, "a text"))
    elif tag == _ATTRIBUTE:
        size = _number(raw[:2], "<H")
        if size > MAX_KEY or 2 + size > len(raw):
            raise ProtocolError("an attribute with impossible lengths")
        frame.attributes.append((_to_text(raw[2:2 + size]), _to_text(_limited(raw[2 + size:], MAX_VALUE, "an attribute"))))
    elif tag == _BODY:
        frame.body = _limited(raw, MAX_INLINE_BODY, "an inline document")
    elif tag == _MEMFD:
        frame.memfd_bytes = _number(raw, "<Q")
    elif tag == _CODE:
        frame.code = _number(raw, "<I")
    elif tag == _NUMBER:
        frame.number = _number(raw, "<I")
    elif tag == _PID:
        frame.pid = _number(raw, "<I")
    elif tag == _VERSIONS:
        if len(raw) != 2 or raw[0] > raw[1] or raw[1] == 0:
            raise ProtocolError("a version range that is none")
        frame.versions = (raw[0], raw[1])
    elif tag == _HOST:
        _read_host(raw, _read_memory(frame))
    elif tag == _DEVICE:
        _read_memory(frame).devices.append(_read_device(raw))
    elif tag == _MODEL:
        frame.models.append((_to_text(_limited(raw[8:], MAX_KIND, "a model's name")), _number(raw[:8], "<Q")))


def decode(raw):
    if not HEADER.size <= len(raw) <= MAX_FRAME:
        raise ProtocolError("{} bytes are no frame".format(len(raw)))
    magic, version, kind, flags, number, length, reserved = HEADER.unpack_from(raw)
    if magic != MAGIC or version != VERSION or flags or reserved or not HELLO <= kind <= MODELS:
        raise ProtocolError("not a frame of version {} of the worker protocol".format(VERSION))
    if length != len(raw) - HEADER.size:
        raise ProtocolError("a frame of another length than it says")
    frame = Frame(kind, number)
    at = HEADER.size
    count = 0
    while at < len(raw):
        count += 1
        if count > MAX_FIELDS or at + FIELD.size > len(raw):
            raise ProtocolError("too many fields, or one that is cut off")
        tag, zero, size = FIELD.unpack_from(raw, at)
        at += FIELD.size
        if zero or at + size > len(raw):
            raise ProtocolError("a field that is cut off")
        _read_field(frame, tag, raw[at:at + size])
        at += size
    if kind not in (REQUEST, RESULT) and (frame.body or frame.memfd_bytes is not None):
        raise ProtocolError("a document in a frame that carries none")
    if frame.body and frame.memfd_bytes is not None:
        raise ProtocolError("a document both inline and as a descriptor")
    return frame
