"""The app `traps` of the recorded requests (tests/conformance/wire/apps.md), written with the Python SDK 1.8: odd defaults and choices."""
import argparse

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes, DocumentTypes, Mmif

PARAMETERS = (
    dict(name="word_no", description="String that looks false.", type="string", default="no"),
    dict(name="word_yes", description="String that looks true.", type="string", default="yes"),
    dict(name="zeros", description="String that looks like an integer.", type="string", default="007"),
    dict(name="real", description="String that looks like a number.", type="string", default="1.50"),
    dict(name="padded", description="String with spaces round a number.", type="string", default=" 5 "),
    dict(name="nothing", description="Empty string.", type="string", default=""),
    dict(name="null_word", description="The word None.", type="string", default="None"),
    dict(name="one", description="Number 1.0.", type="number", default=1.0),
    dict(name="half", description="Number 0.5.", type="number", default=0.5),
    dict(name="many", description="Number 1e5.", type="number", default=1e5),
    dict(name="tiny", description="Number 1e-7.", type="number", default=1e-7),
    dict(name="vast", description="Number 1e22.", type="number", default=1e22),
    dict(name="max64", description="Largest 64 bit integer.", type="integer", default=9223372036854775807),
    dict(name="minus", description="Negative integer.", type="integer", default=-3),
    dict(name="ones", description="Several integers.", type="integer", default=[1, 0], multivalued=True),
    dict(name="single", description="Several strings, one default, not in a list.", type="string", default="solo", multivalued=True),
    dict(name="kinds", description="Several strings with choices.", type="string", choices=["a", "b", "c"], default=["a"], multivalued=True),
    dict(name="levels", description="Several integers with choices.", type="integer", choices=[1, 2, 3], default=[1], multivalued=True),
    dict(name="colon", description="Map with a colon in the value.", type="map", default=["url:http://e.org:80/x"], multivalued=True),
)


class WireTraps(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Wire Traps", description="Odd defaults.", app_license="Apache-2.0", identifier="wire-traps",
                               url="https://example.org/wire-traps")
        metadata.add_input(DocumentTypes.VideoDocument)
        metadata.add_output(AnnotationTypes.TimeFrame)
        for parameter in PARAMETERS:
            metadata.add_parameter(**parameter)
        return metadata

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        view = mmif.new_view()
        self.sign_view(view, parameters)
        view.new_annotation(AnnotationTypes.TimeFrame, start=0, end=1, label="trap")
        return mmif


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--production", action="store_true")
    arguments = parser.parse_args()
    server = Restifier(WireTraps(), port=arguments.port)
    if arguments.production:
        server.serve_production()
    else:
        server.run()
