"""Keeps every model it ever loaded on the GPU, as whisper does; with KEEPER_START_MIB the first one is loaded in the constructor, as doctr's. With
KEEPER_LIBRARY it takes the memory through a library of its own (the fake CUDA driver named there), which nobody can ask, instead of torch."""
import ctypes
import os
import time

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif


def begin_and_hold(milliseconds):
    """Tells the test that the memory is taken (APP_BEGUN_FILE), and holds it until the time is over or the test ends it (APP_RELEASE_FILE)."""
    with open(os.environ["APP_BEGUN_FILE"], "a") as f:
        f.write("begun\n")
    end = time.monotonic() + milliseconds / 1000
    while time.monotonic() < end and not os.path.exists(os.environ["APP_RELEASE_FILE"]):
        time.sleep(0.01)


def by_library(size):
    library = ctypes.CDLL(os.environ["KEEPER_LIBRARY"])
    device, context, address = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    for call in ((library.cuInit, 0), (library.cuDeviceGet, ctypes.byref(device), 0), (library.cuDevicePrimaryCtxRetain, ctypes.byref(context), device),
                 (library.cuCtxSetCurrent, context), (library.cuMemAlloc_v2, ctypes.byref(address), ctypes.c_size_t(size))):
        code = call[0](*call[1:])
        if code:
            raise RuntimeError("CUDA error {}".format(code))
    return address.value


def take(size):
    if "KEEPER_LIBRARY" in os.environ:
        return by_library(size)
    import torch
    return torch.empty(size, dtype=torch.uint8, device="cuda")


class Keeper(ClamsApp):
    def __init__(self):
        super().__init__()
        self.models = {}
        at_start = int(os.environ.get("KEEPER_START_MIB", "0"))
        self.own = take(at_start << 20) if at_start else None

    def _appmetadata(self):
        metadata = AppMetadata(name="Keeper", description="Keeps models.", app_license="Apache-2.0", identifier="keeper", url="https://example.org/keeper")
        metadata.add_input(DocumentTypes.VideoDocument)
        metadata.add_output(AnnotationTypes.TimeFrame)
        metadata.add_parameter(name="mib", type="integer", default=0, description="Size of the model.")
        metadata.add_parameter(name="hold_ms", type="integer", default=0, description="How long it is used.")
        return metadata

    def _get_model_requirements(self, mib, **others):
        return {"size_bytes": mib << 20, "name": "model of {} MiB".format(mib)} if "KEEPER_DECLARES" in os.environ else None

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        size = parameters["mib"]
        if size and size not in self.models:
            self.models[size] = take(size << 20)
        begin_and_hold(parameters["hold_ms"])
        view = mmif.new_view()
        self.sign_view(view, parameters)
        view.new_annotation(AnnotationTypes.TimeFrame, start=0, end=1, pid=os.getpid())
        return mmif


if __name__ == "__main__":
    Restifier(Keeper()).run()
