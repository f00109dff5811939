"""A stand-in for PyTorch with one or more CUDA devices: a caching allocator, its counters, and its out-of-memory error.

MOCK_TORCH_DEVICES gives the bytes of each device, separated by commas. Memory comes in blocks of 2 MiB, as with the real allocator, and freed blocks stay
reserved until `empty_cache`. With MOCK_TORCH_CUDA the memory is taken from that CUDA driver, whose devices then count. CUDA counts as initialised from the first allocation on, never by asking.
"""
from . import cuda

__version__ = "2.0.0+mock"
OutOfMemoryError = cuda.OutOfMemoryError


class Tensor:
    def __init__(self, size, index):
        self.size, self.index = 0, index  # nothing to give back when taking fails
        cuda._allocator(index).take(size)
        self.size = size

    def __del__(self):
        cuda._allocator(self.index).give(self.size)


def zeros(size, device=0):
    return Tensor(size, device)


def empty(size, dtype=None, device="cuda"):
    """Bytes: the mock knows no other type."""
    return Tensor(size, device)


uint8 = "uint8"


def device(name):
    return name
