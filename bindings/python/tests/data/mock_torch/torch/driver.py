"""The CUDA driver under the mock, when MOCK_TORCH_CUDA names a library (the tests' fake one): memory taken there is seen by everybody on the host."""
import ctypes
import os

OUT_OF_MEMORY = 2


class Driver:
    def __init__(self, path):
        self._library = ctypes.CDLL(path)
        self._must("cuInit", 0)
        count = ctypes.c_int()
        self._must("cuDeviceGetCount", ctypes.byref(count))
        self.devices = [Device(self, index) for index in range(count.value)]

    def call(self, name, *arguments):
        return getattr(self._library, name)(*arguments)

    def _must(self, name, *arguments):
        code = self.call(name, *arguments)
        if code:
            raise RuntimeError("CUDA error {} in {}".format(code, name))

    must = _must


class Device:
    def __init__(self, driver, index):
        self._driver = driver
        self._handle = ctypes.c_int()
        driver.must("cuDeviceGet", ctypes.byref(self._handle), index)
        total = ctypes.c_size_t()
        driver.must("cuDeviceTotalMem_v2", ctypes.byref(total), self._handle)
        self.total = total.value
        identity = (ctypes.c_ubyte * 16)()
        driver.must("cuDeviceGetUuid", identity, self._handle)
        text = bytes(identity).hex()
        self.uuid = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
        self._context = None

    def allocate(self, size):
        """An address, or None when the device is full."""
        if self._context is None:
            context = ctypes.c_void_p()
            self._driver.must("cuDevicePrimaryCtxRetain", ctypes.byref(context), self._handle)
            self._context = context
        self._driver.must("cuCtxSetCurrent", self._context)
        address = ctypes.c_uint64()
        code = self._driver.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        if code == OUT_OF_MEMORY:
            return None
        if code:
            raise RuntimeError("CUDA error {} in cuMemAlloc_v2".format(code))
        return address.value

    def free(self, address):
        self._driver.must("cuCtxSetCurrent", self._context)
        self._driver.must("cuMemFree_v2", ctypes.c_uint64(address))


def load():
    path = os.environ.get("MOCK_TORCH_CUDA")
    return Driver(path) if path else None
