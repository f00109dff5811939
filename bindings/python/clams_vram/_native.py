"""libclams_vram.so through ctypes (bindings/c/include/clams_vram.h). Pure Python, for every CPython from 3.8 on."""
import builtins
import ctypes
import os
import sys
import threading
import time

_ABI = 1
_GRANTED, _NOT_NOW, _NEVER, _FAILED = range(4)
_PAUSE = 0.1  # seconds between two questions of a wait
_LONGEST_PROBLEM = 512


class _Answer(ctypes.Structure):
    _fields_ = [("outcome", ctypes.c_int32), ("retry_after", ctypes.c_int32), ("required_bytes", ctypes.c_uint64), ("available_bytes", ctypes.c_uint64),
                ("reserved_bytes", ctypes.c_uint64), ("headroom_bytes", ctypes.c_uint64), ("most_bytes", ctypes.c_uint64), ("available_known", ctypes.c_int32), ("most_known", ctypes.c_int32), ("lease", ctypes.c_void_p), ("lease_bytes", ctypes.c_uint64),
                ("lease_enforced", ctypes.c_int32), ("native", ctypes.c_int32), ("device", ctypes.c_char_p), ("model", ctypes.c_char_p),
                ("code", ctypes.c_char_p), ("reason", ctypes.c_char_p), ("error", ctypes.c_char_p), ("python_exception", ctypes.c_char_p), ("message", ctypes.c_char_p)]


class _Device(ctypes.Structure):
    _fields_ = [("index", ctypes.c_int32), ("free_known", ctypes.c_int32), ("total_bytes", ctypes.c_uint64), ("free_bytes", ctypes.c_uint64),
                ("reserved_bytes", ctypes.c_uint64), ("available_bytes", ctypes.c_uint64), ("uuid", ctypes.c_char_p), ("name", ctypes.c_char_p)]


class _Devices(ctypes.Structure):
    _fields_ = [("outcome", ctypes.c_int32), ("native", ctypes.c_int32), ("count", ctypes.c_size_t), ("rows", ctypes.POINTER(ctypes.POINTER(_Device))),
                ("error", ctypes.c_char_p), ("python_exception", ctypes.c_char_p), ("message", ctypes.c_char_p)]


def _declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


def _load():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libclams_vram.so")
    try:
        library = ctypes.CDLL(path)
    except OSError as problem:
        raise ImportError("clams_vram cannot load its library: {}. It needs Linux with glibc 2.34 or newer; install a wheel of clams-cpp that fits this machine".format(problem)) from problem
    if _declare(library, "clams_vram_abi", ctypes.c_int)() != _ABI:
        raise ImportError("{} has another version of its interface than this clams_vram: install clams-cpp anew".format(path))
    text, size = ctypes.c_char_p, ctypes.c_uint64
    _declare(library, "clams_vram_version", text)
    _declare(library, "clams_vram_reserve", ctypes.POINTER(_Answer), text, text, text, size)
    _declare(library, "clams_vram_free_answer", None, ctypes.POINTER(_Answer))
    _declare(library, "clams_vram_note_allocated", None, ctypes.c_void_p, size)
    _declare(library, "clams_vram_note_freed", None, ctypes.c_void_p, size)
    _declare(library, "clams_vram_release", None, ctypes.c_void_p)
    _declare(library, "clams_vram_list_devices", ctypes.POINTER(_Devices), text)
    _declare(library, "clams_vram_free_devices", None, ctypes.POINTER(_Devices))
    _declare(library, "clams_vram_parse_bytes", ctypes.c_int, text, ctypes.POINTER(ctypes.c_uint64), text, ctypes.c_size_t)
    _declare(library, "clams_vram_parse_milliseconds", ctypes.c_int, text, ctypes.POINTER(ctypes.c_int64), text, ctypes.c_size_t)
    return library


_library = _load()


def _raise(reply):
    """The Python exception of a failed answer, by the one table of the project."""
    name = reply.python_exception.decode()
    module, _, kind = name.rpartition(".")
    raise getattr(sys.modules[module] if module else builtins, kind)(reply.message.decode())


def _parsed(function, kind, text):
    value, problem = kind(), ctypes.create_string_buffer(_LONGEST_PROBLEM)
    if "\0" in text or not function(text.encode("utf-8", "surrogateescape"), ctypes.byref(value), problem, _LONGEST_PROBLEM):
        raise ValueError(problem.value.decode("utf-8", "replace") or "a null byte is part of no number: {!r}".format(text))
    return value.value


def _bytes_of(size):
    if isinstance(size, str):
        return _parsed(_library.clams_vram_parse_bytes, ctypes.c_uint64, size)
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError("a size is a number of bytes or a text such as '6GiB'")
    if size < 0:
        raise ValueError("a size cannot be negative")
    if size >= 1 << 64:
        raise OverflowError("a size of {} bytes is beyond 64 bits".format(size))
    return size


def _wait_of(wait):
    """Seconds, negative for ever."""
    if wait is None:
        return 0.0
    if isinstance(wait, str):
        return _parsed(_library.clams_vram_parse_milliseconds, ctypes.c_int64, wait) / 1000
    seconds = float(wait)
    return seconds if seconds >= 0 else -1.0


def _text_of(value):
    text = str(value)
    if "\0" in text:
        raise ValueError("a name with a null byte: {!r}".format(text))
    return text.encode("utf-8", "surrogateescape")


class Lease:
    """One charge in the ledger; a context manager. Its methods may be called by any thread."""

    def __init__(self, answer):
        self._device, self._bytes, self._enforced = answer.device.decode(), answer.lease_bytes, bool(answer.lease_enforced)
        self._handle, self._lock, self._pid = answer.lease, threading.Lock(), os.getpid()

    @property
    def device(self):
        """UUID of the GPU; "" on a host without one."""
        return self._device

    @property
    def bytes(self):
        return self._bytes

    @property
    def active(self):
        return self._handle is not None

    @property
    def enforced(self):
        """False: noted, but no GPU is known that it counts on."""
        return self._enforced

    def release(self):
        """Gives the memory back; a second call does nothing. In a forked child the lease is the parent's: only forgotten there."""
        if self._pid != os.getpid():
            self._handle = None  # without the lock, which a thread of the parent may have held at the fork
            return
        with self._lock:
            handle, self._handle = self._handle, None
            if handle is not None:
                _library.clams_vram_release(handle)

    def note_allocated(self, size):
        """So many more bytes are really taken: `clams-cpp gpu` shows them as held. ValueError after release."""
        more = _bytes_of(size)
        if self._pid != os.getpid():
            raise ValueError("the lease belongs to the process that forked this one")
        with self._lock:
            if self._handle is None:
                raise ValueError("the lease is over")
            _library.clams_vram_note_allocated(self._handle, more)

    def note_freed(self, size):
        """So many bytes fewer, at most what was noted."""
        less = _bytes_of(size)
        if self._pid != os.getpid():
            return
        with self._lock:
            if self._handle is not None:
                _library.clams_vram_note_freed(self._handle, less)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.release()

    def __del__(self):
        # At the end of the process the kernel gives the memory back; modules may be half gone by then.
        if getattr(self, "_handle", None) is not None and not sys.is_finalizing():
            self.release()


def _refusal(answer):
    return {"message": answer.message.decode(), "permanent": answer.outcome == _NEVER, "code": answer.code.decode(), "reason": answer.reason.decode(), "model": answer.model.decode(),
            "device": answer.device.decode(), "required_bytes": answer.required_bytes, "available_bytes": answer.available_bytes if answer.available_known else None,
            "most_bytes": answer.most_bytes if answer.most_known else None, "reserved_bytes": answer.reserved_bytes, "headroom_bytes": answer.headroom_bytes,
            "retry_after": answer.retry_after if answer.retry_after >= 0 else None}


def _ask(app, model, device, need):
    """A Lease, or a dict with the figures of a refusal."""
    pointer = _library.clams_vram_reserve(app, model, device, need)
    if not pointer:
        raise MemoryError("no memory for an answer of the ledger")
    try:
        answer = pointer.contents
        if answer.outcome == _FAILED:
            _raise(answer)
        return Lease(answer) if answer.outcome == _GRANTED else _refusal(answer)
    finally:
        _library.clams_vram_free_answer(pointer)


def reserve(need, model, device, wait, app):
    """A Lease, or a dict that tells the refusal. Other threads run on during the calls and the pauses."""
    need, patience = _bytes_of(need), _wait_of(wait)
    words = (_text_of(app), _text_of(model), None if device is None else _text_of(device))
    begin = time.monotonic()
    while True:
        answer = _ask(*words, need)
        if isinstance(answer, Lease) or answer["permanent"] or 0 <= patience <= time.monotonic() - begin:
            return answer
        time.sleep(_PAUSE)


def _row(device):
    return {"id": device.index, "uuid": device.uuid.decode(), "name": device.name.decode("utf-8", "replace"), "total_bytes": device.total_bytes,
            "free_bytes": device.free_bytes if device.free_known else None, "reserved_bytes": device.reserved_bytes, "available_bytes": device.available_bytes}


def devices():
    pointer = _library.clams_vram_list_devices(b"python")
    if not pointer:
        raise MemoryError("no memory for an answer of the ledger")
    try:
        answer = pointer.contents
        if answer.outcome == _FAILED:
            _raise(answer)
        return [_row(answer.rows[i].contents) for i in range(answer.count)]
    finally:
        _library.clams_vram_free_devices(pointer)
