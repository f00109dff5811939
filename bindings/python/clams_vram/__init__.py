"""GPU memory that is promised before it is used, for any Python program.

    import clams_vram as vram

    with vram.reserve("6GiB", model="large"):
        ...                         # load and run

The promise stands in the host's ledger (docs/formats/ledger.md), beside those of every other program; `clams-cpp gpu` shows it. It is given back when the
``with`` block ends, when the lease object is released, or when the process ends, by whatever signal. On a host without a GPU nothing is refused.
"""
import os
import sys

from . import _native
from ._native import Lease

__all__ = ["ImpossibleMemory", "InsufficientMemory", "Lease", "VramError", "devices", "reserve"]


class VramError(RuntimeError):
    """The memory was not granted. The figures stand in the attributes.

    `reason`: "memory", "driver" or "ledger" (the last two: it cannot be checked, and the policy is to refuse). `available_bytes` is None unless the reason
    is "memory"; `most_bytes`, what the roomiest GPU here can give at all, is None unless the refusal is for good.
    """

    def __init__(self, message, **facts):
        super().__init__(message)
        self.code = facts.get("code", "")
        self.reason = facts.get("reason", "")
        self.model = facts.get("model", "")
        self.device = facts.get("device", "")
        self.required_bytes = facts.get("required_bytes", 0)
        self.available_bytes = facts.get("available_bytes")
        self.most_bytes = facts.get("most_bytes")
        self.reserved_bytes = facts.get("reserved_bytes", 0)
        self.headroom_bytes = facts.get("headroom_bytes", 0)
        self.retry_after = facts.get("retry_after")


class InsufficientMemory(VramError):
    """Not now; after `retry_after` seconds it may be there."""


class ImpossibleMemory(VramError):
    """Never, on any GPU of this host."""


def _own_name():
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] not in ("", "-c") else "python"


def reserve(need, model=None, device=None, wait=None, app=None):
    """Reserves `need` (bytes, or a text such as "6GiB": all that the work takes) and returns the Lease, a context manager.

    `model`: name in messages. `device`: index in `clams gpu` or UUID; None: whichever fits. `wait`: how long to try, in seconds or as "5m"; None: not
    at all; negative: for ever (other threads go on meanwhile). `app`: name in `clams gpu`, of the first call. Raises InsufficientMemory, ImpossibleMemory,
    ValueError (a size or device that cannot be), RuntimeError (settings that cannot be used).
    """
    answer = _native.reserve(need, model or "", device, wait, app or _own_name())
    if isinstance(answer, Lease):
        return answer
    kind = ImpossibleMemory if answer.pop("permanent") else InsufficientMemory
    raise kind(answer.pop("message"), **answer)


def devices():
    """One dict for each GPU: id, uuid, name, total_bytes, free_bytes (None: unknown), reserved_bytes, available_bytes (what one request could be granted now)."""
    return _native.devices()
