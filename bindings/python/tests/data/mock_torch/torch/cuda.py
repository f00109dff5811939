import os
import types

_BLOCK = 2 << 20


class OutOfMemoryError(RuntimeError):
    pass


OutOfMemoryError.__module__ = "torch"


class _Allocator:
    def __init__(self, total):
        self.total = total
        self.allocated = self.reserved = self.peak_allocated = self.peak_reserved = 0

    def take(self, size):
        size = -(-size // _BLOCK) * _BLOCK
        if self.allocated + size > self.total:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate {} bytes".format(size))
        _state["initialised"] = True
        self.allocated += size
        self.reserved = max(self.reserved, self.allocated)
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        self.peak_reserved = max(self.peak_reserved, self.reserved)

    def give(self, size):
        self.allocated -= -(-size // _BLOCK) * _BLOCK


_totals = [int(text) for text in os.environ.get("MOCK_TORCH_DEVICES", str(24 << 30)).split(",")]
_allocators = [_Allocator(total) for total in _totals]
_state = {"initialised": False}


def _allocator(device=None):
    if isinstance(device, str):
        device = int(device.split(":")[1]) if ":" in device else 0
    return _allocators[device or 0]


def is_available():
    return bool(_allocators)


def is_initialized():
    return _state["initialised"]


def device_count():
    return len(_allocators)


def current_device():
    return 0


def get_device_name(device=None):
    return "Mock GPU"


def get_device_properties(device=None):
    allocator = _allocator(device)
    return types.SimpleNamespace(name="Mock GPU", total_memory=allocator.total, uuid="0000000{}-mock".format(_allocators.index(allocator)))


def memory_allocated(device=None):
    return _allocator(device).allocated


def memory_reserved(device=None):
    return _allocator(device).reserved


def max_memory_allocated(device=None):
    return _allocator(device).peak_allocated


def max_memory_reserved(device=None):
    return _allocator(device).peak_reserved


def reset_peak_memory_stats(device=None):
    allocator = _allocator(device)
    allocator.peak_allocated, allocator.peak_reserved = allocator.allocated, allocator.reserved


def empty_cache():
    for allocator in _allocators:
        allocator.reserved = allocator.allocated
