"""The app `gpu` of the recorded requests (tests/conformance/wire/apps.md), written with the Python SDK 1.8."""
import argparse

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif


class WireGpu(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Wire GPU", description="Declares GPU memory.", app_license="Apache-2.0", analyzer_license="MIT",
                               analyzer_versions={"org/small": "abc123", "org/large": "def456"}, identifier="wire-gpu", url="https://example.org/a b",
                               dependencies=["libfoo==1.2.3", "libbar"], est_gpu_mem_min=600, est_gpu_mem_typ=500)
        metadata.add_input_oneof(DocumentTypes.VideoDocument, DocumentTypes.AudioDocument)
        frames = metadata.add_input(AnnotationTypes.TimeFrame, required=False, label=["slate", "bars"], timeUnit="*")
        frames.add_description("Frames to look at.")
        out = metadata.add_output(AnnotationTypes.TimeFrame, limits={"low": 1, "high": 2}, exact=True, n=3)
        out.add_description("Out.")
        metadata.add_output("http://vocab.lappsgrid.org/SemanticTag")
        metadata.add_parameter(name="model", description="Which model.", type="string", choices=["org/small", "org/large"], default="org/small")
        metadata.add_parameter(name="batch", description="Batch size.", type="integer", default=8)
        metadata.add_more("sponsor", "nobody")
        metadata.add_more("note", "é")
        metadata.add_app_tag("gpu")
        return metadata

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        view = mmif.new_view()
        self.sign_view(view, parameters)
        view.new_contain(AnnotationTypes.TimeFrame, timeUnit="seconds", _model=parameters["model"])
        view.new_annotation(AnnotationTypes.TimeFrame, start=0, end=1.5, label="gpu")
        return mmif


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--production", action="store_true")
    arguments = parser.parse_args()
    server = Restifier(WireGpu(), port=arguments.port)
    if arguments.production:
        server.serve_production()
    else:
        server.run()
