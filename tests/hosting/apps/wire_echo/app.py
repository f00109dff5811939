"""The app `echo` of the recorded requests (tests/conformance/wire/apps.md), written with the Python SDK; runs under 1.3 to 1.8."""
import argparse

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif

PARAMETERS = (
    dict(name="text", description="Text of the text document.", type="string", default="hello"),
    dict(name="label", description="Label stem of the time frames.", type="string", choices=["intro", "slate", "credits"], default="slate"),
    dict(name="count", description="Number of time frames, 100 at most.", type="integer", default=2),
    dict(name="level", description="A number to choose.", type="integer", choices=[1, 2, 3], default=1),
    dict(name="ratio", description="Confidence of the bounding box.", type="number", default=0.5),
    dict(name="step", description="A number with choices.", type="number", choices=[0.5, 1.0, 2.5], default=0.5),
    dict(name="flag", description="A switch that is off.", type="boolean", default=False),
    dict(name="on", description="A switch that is on.", type="boolean", default=True),
    dict(name="tags", description="Several strings.", type="string", default=["x", "y"], multivalued=True),
    dict(name="nums", description="Several integers.", type="integer", default=[1, 2], multivalued=True),
    dict(name="weights", description="Several numbers.", type="number", default=[0.25], multivalued=True),
    dict(name="none", description="Several strings, none by default.", type="string", default=[], multivalued=True),
    dict(name="pairs", description="A map.", type="map", default=["k:v", "k2:v2"], multivalued=True),
)


class WireEcho(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Wire Echo", description='Writes back what it was asked.\nSecond line: é 文字 \U0001f600 "quoted" <b>&amp; / \\',
                               app_license="Apache-2.0", identifier="wire-echo", url="https://example.org/wire-echo")
        metadata.add_input(DocumentTypes.VideoDocument)
        metadata.add_input(DocumentTypes.TextDocument, required=False, language="en")
        metadata.add_output(AnnotationTypes.TimeFrame, timeUnit="milliseconds", label="*")
        metadata.add_output(DocumentTypes.TextDocument)
        metadata.add_output(AnnotationTypes.Alignment)
        metadata.add_output(AnnotationTypes.BoundingBox)
        for parameter in PARAMETERS:
            metadata.add_parameter(**parameter)
        return metadata

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        view = mmif.new_view()
        self.sign_view(view, parameters)
        documents = list(mmif.documents)
        where = {"document": documents[0].id} if documents else {}
        view.new_contain(AnnotationTypes.TimeFrame, timeUnit="milliseconds", **where)
        frames = [view.new_annotation(AnnotationTypes.TimeFrame, start=1000 * i, end=1000 * i + 500, label="{}-{}".format(parameters["label"], i + 1))
                  for i in range(min(parameters["count"], 100))]
        text = view.new_textdocument(parameters["text"], lang="en")
        if frames:
            view.new_annotation(AnnotationTypes.Alignment, source=frames[0].id, target=text.id)
        view.new_annotation(AnnotationTypes.BoundingBox, coordinates=[[0, 0], [10.5, -20]], label="box", confidence=parameters["ratio"])
        return mmif


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--production", action="store_true")
    arguments = parser.parse_args()
    server = Restifier(WireEcho(), port=arguments.port)
    if arguments.production:
        server.serve_production()
    else:
        server.run()
