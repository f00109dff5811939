"""The app `failing` of the recorded requests (tests/conformance/wire/apps.md), written with the Python SDK; runs under 1.3 to 1.8."""
import argparse
import json

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif

KINDS = ["none", "value", "key", "runtime", "custom", "zero", "late", "unsigned", "json", "type"]


class AppError(Exception):
    pass


def fail(kind, detail):
    errors = {"value": ValueError, "key": KeyError, "runtime": RuntimeError, "custom": AppError}
    if kind in errors:
        raise errors[kind](detail)
    if kind == "zero":
        return 1 // 0
    if kind == "type":
        raise TypeError()
    if kind == "json":
        raise json.JSONDecodeError(detail, "", 0)


class WireFailing(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Wire Failing", description="Fails on request.", app_license="Apache-2.0", analyzer_version="0.1",
                               analyzer_license="MIT", identifier="https://example.org/apps/wire-failing", url="https://example.org/wire-failing")
        metadata.add_input(DocumentTypes.VideoDocument)
        metadata.add_output(AnnotationTypes.TimeFrame)
        metadata.add_parameter(name="req", description="Must be given.", type="string")
        metadata.add_parameter(name="kind", description="What to raise.", type="string", choices=KINDS, default="none")
        metadata.add_parameter(name="detail", description="The text of the error.", type="string", default="boom")
        metadata.add_parameter(name="size", description="An integer without use.", type="integer", default=1)
        if hasattr(metadata, "add_app_tag"):
            metadata.add_app_tag("wire", "test")
        return metadata

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        kind, detail = parameters["kind"], parameters["detail"]
        fail(kind, detail)
        view = mmif.new_view()
        if kind != "unsigned":
            self.sign_view(view, parameters)
        view.new_annotation(AnnotationTypes.TimeFrame, start=0, end=1, label=kind)
        if kind == "late":
            raise ValueError(detail)
        return mmif


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--production", action="store_true")
    arguments = parser.parse_args()
    server = Restifier(WireFailing(), port=arguments.port)
    if arguments.production:
        server.serve_production()
    else:
        server.run()
