"""The echo app of clams-bench-app, written with the Python SDK, under the SDK's own production server.

    python python_echo.py PORT as-shipped|no-recycling
"""
import sys

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif


class Echo(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Bench Echo", description="Adds one time frame and one text document.", app_license="Apache-2.0",
                               identifier="bench-echo", url="https://example.org/bench-echo", app_version="1.0.0")
        metadata.add_input(DocumentTypes.TextDocument)
        metadata.add_output(AnnotationTypes.TimeFrame)
        metadata.add_output(DocumentTypes.TextDocument)
        return metadata

    def _annotate(self, mmif, **parameters):
        if not isinstance(mmif, Mmif):
            mmif = Mmif(mmif)
        view = mmif.new_view()
        self.sign_view(view, parameters)
        view.new_contain(AnnotationTypes.TimeFrame, timeUnit="milliseconds")
        view.new_annotation(AnnotationTypes.TimeFrame, start=0, end=1000, label="speech")
        view.new_textdocument("hello world")
        return mmif


if __name__ == "__main__":
    server = Restifier(Echo(), loopback=True, port=int(sys.argv[1]))
    if sys.argv[2] == "no-recycling":
        server.serve_production(max_requests=0)
    else:
        server.serve_production()
