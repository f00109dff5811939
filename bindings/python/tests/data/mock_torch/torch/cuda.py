import os
import types

from . import driver

_BLOCK = 2 << 20


class OutOfMemoryError(RuntimeError):
    pass


OutOfMemoryError.__module__ = "torch"


class _Allocator:
    def __init__(self, total, device=None):
        self.total = total
        self._device = device  # of the driver, if there is one
        self._segments = []    # (address, bytes), newest last
        self.allocated = self.reserved = self.peak_allocated = self.peak_reserved = 0

    def take(self, size):
        size = -(-size // _BLOCK) * _BLOCK
        grow = max(0, self.allocated + size - self.reserved)
        _state["initialised"] = True
        if self.allocated + size > self.total or not self._take_segment(grow):
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate {} bytes".format(size))
        self.allocated += size
        self.reserved = max(self.reserved, self.allocated)
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        self.peak_reserved = max(self.peak_reserved, self.reserved)

    def give(self, size):
        self.allocated -= -(-size // _BLOCK) * _BLOCK

    def empty(self):
        self.reserved = self.allocated
        if self._device is None:
            return
        # Segments are cut to what is in use, newest first.
        spare = sum(size for _, size in self._segments) - self.reserved
        while spare > 0:
            address, size = self._segments.pop()
            self._device.free(address)
            if size > spare and not self._take_segment(size - spare):
                raise RuntimeError("the driver does not give back what it just had")
            spare -= size

    def _take_segment(self, size):
        if self._device is None or size == 0:
            return True
        address = self._device.allocate(size)
        if address is None:
            return False
        self._segments.append((address, size))
        return True


_driver = driver.load()
_totals = [int(text) for text in os.environ.get("MOCK_TORCH_DEVICES", str(24 << 30)).split(",")]
_allocators = [_Allocator(device.total, device) for device in _driver.devices] if _driver else [_Allocator(total) for total in _totals]
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
    uuid = allocator._device.uuid if allocator._device else "0000000{}-mock".format(_allocators.index(allocator))
    return types.SimpleNamespace(name="Mock GPU", total_memory=allocator.total, uuid=uuid)


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
        allocator.empty()
