"""clams-vram-demo as an app of the Python SDK: declares, takes and holds GPU memory, and fails on request. Runs with torch on a CUDA device."""
import argparse
import os
import signal
import time

import torch
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


class VramDemo(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="VRAM demo", description="Takes GPU memory for a while.", app_license="Apache-2.0", identifier="vram-demo-py",
                               url="https://example.org/vram-demo-py")
        metadata.add_input(DocumentTypes.VideoDocument)
        metadata.add_output(AnnotationTypes.Annotation)
        metadata.add_parameter(name="bytes", type="integer", default=0, description="Requirement to declare; 0 declares nothing.")
        metadata.add_parameter(name="model", type="string", default="demo", description="Name in the requirement.")
        metadata.add_parameter(name="allocate", type="integer", default=0, description="Bytes to take.")
        metadata.add_parameter(name="hold_ms", type="integer", default=0, description="How long to hold them.")
        metadata.add_parameter(name="fail", type="string", choices=["none", "throw", "oom", "crash", "hang"], default="none", description="What goes wrong.")
        return metadata

    def _get_model_requirements(self, **parameters):
        return {"size_bytes": parameters["bytes"], "name": parameters["model"]} if parameters["bytes"] else None

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        granted = time.monotonic_ns()
        held = torch.empty(parameters["allocate"], dtype=torch.uint8, device="cuda") if parameters["allocate"] else None
        begin_and_hold(parameters["hold_ms"])
        self._fail(parameters["fail"])
        view = mmif.new_view()
        self.sign_view(view, parameters)
        annotation = view.new_annotation(AnnotationTypes.Annotation, bytes=parameters["bytes"], allocated=parameters["allocate"], pid=os.getpid(), granted_at_ns=granted,
                                         visible=os.environ.get("CUDA_VISIBLE_DEVICES", ""))
        documents = list(mmif.documents)
        if documents:
            annotation.add_property("document", documents[0].id)
        del held
        annotation.add_property("released_at_ns", time.monotonic_ns())
        return mmif

    def _fail(self, how):
        if how == "throw":
            raise RuntimeError("failed because it was asked to")
        if how == "oom":
            raise torch.OutOfMemoryError("CUDA out of memory, because it was asked for")
        if how == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if how == "hang":
            time.sleep(3600)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--production", action="store_true")
    arguments = parser.parse_args()
    server = Restifier(VramDemo(), port=arguments.port)
    if arguments.production:
        server.serve_production()
    else:
        server.run()
