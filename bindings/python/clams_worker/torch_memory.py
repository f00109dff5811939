"""Device memory by PyTorch's own counters, when the app has loaded it. CUDA is never initialised from here."""
import sys

from .protocol import Device, Memory

_OUT_OF_MEMORY_NAMES = {"OutOfMemoryError", "ResourceExhaustedError"}
_FRAMEWORKS = {"torch", "cupy", "cupy_backends", "tensorflow", "jaxlib"}


def host_resident():
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    import resource
    return pages * resource.getpagesize()


def cuda():
    """`torch.cuda` if this process already uses a CUDA device, else None."""
    torch = sys.modules.get("torch")
    module = getattr(torch, "cuda", None)
    try:
        return module if module is not None and module.is_initialized() else None
    except Exception:
        return None


def _name(module, index):
    uuid = getattr(module.get_device_properties(index), "uuid", None)
    if uuid is None:
        return "cuda:{}".format(index)
    text = str(uuid)
    return text if text.startswith(("GPU-", "MIG-")) else "GPU-" + text


class Recorder:
    """Brackets one request; or, `from_start`, all that the process has done so far."""

    def __init__(self, from_start=False):
        self._held = {}
        module = cuda() if not from_start else None
        if module is not None:
            self._guard(lambda: self._begin(module))

    @staticmethod
    def _guard(function):
        # Counters are a service to the front: a PyTorch that lacks one must not cost the request.
        try:
            return function()
        except Exception as error:
            sys.stderr.write("clams_worker: the memory counters of torch cannot be read: {!r}\n".format(error))
            return None

    def _begin(self, module):
        for index in range(module.device_count()):
            self._held[index] = module.memory_reserved(index)
            module.reset_peak_memory_stats(index)

    def finish(self):
        """Empties the allocator's caches and reports."""
        module = cuda()
        devices = self._guard(lambda: self._devices(module)) if module is not None else None
        return Memory(devices or [], host_resident())

    def _devices(self, module):
        peaks = {index: (module.max_memory_allocated(index), module.max_memory_reserved(index)) for index in range(module.device_count())}
        module.empty_cache()
        devices = []
        for index, (allocated, reserved) in peaks.items():
            before, after = self._held.get(index, 0), module.memory_reserved(index)
            if before or after or allocated or reserved:
                devices.append(Device(_name(module, index), held_before=before, held_after=after, peak_allocated=allocated,
                                      peak_reserved=reserved, materialised=after))
        return devices


def is_out_of_memory(error):
    """Known by the type of the error or of one that it came from, never by its words."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        for kind in type(current).__mro__:
            if kind.__name__ in _OUT_OF_MEMORY_NAMES and kind.__module__.split(".")[0] in _FRAMEWORKS:
                return True
        waiting += [current.__cause__, current.__context__]
    return False
