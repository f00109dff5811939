"""The app `shapes` of the recorded requests (tests/conformance/wire/apps.md), written with the Python SDK 1.8."""
import argparse
import warnings

from clams import ClamsApp, Restifier
from clams.appmetadata import AppMetadata
from mmif import AnnotationTypes as A
from mmif import DocumentTypes as D
from mmif import Mmif

CHOICES = ["nothing", "emptyview", "emptythenfull", "fullthenempty", "twoviews", "shared", "sharedpart", "sharedtext", "values", "names", "alias", "ids",
           "prefixes", "foreigntypes", "generictype", "docprop", "doconly", "textprops", "warn", "foreignapp", "extend", "twodocs", "oldvideo"]
PREFIXED = ["Annotation", "Alignment", "BoundingBox", "Chapter", "Interval", "NamedEntity", "NounChunk", "Paragraph", "Polygon", "Region", "Relation",
            "Sentence", "Span", "TimeFrame", "TimePoint", "Token", "VerbChunk", "VideoObject"]
VALUES = {"text": "\"\\\n\t\x7f/é\U0001f600\u2028", "null": None, "true": True, "false": False, "zero": 0, "minus": -1,
          "huge": 123456789012345678901234567890, "float": 1.0, "tiny": 1e-7, "vast": 1e22, "empty": "", "list": [], "object": {},
          "nested": [1, [2.5, {"a": None, "b": [True]}]]}


def frame(view, start, end, **properties):
    return view.new_annotation(A.TimeFrame, start=start, end=end, **properties)


def repeat_warning():
    for _ in range(3):
        warnings.warn("repeated warning")


class WireShapes(ClamsApp):
    def _appmetadata(self):
        metadata = AppMetadata(name="Wire Shapes", description="Writes views of many shapes.", app_license="Apache-2.0", identifier="wire-shapes",
                               url="https://example.org/wire-shapes")
        metadata.add_input(D.VideoDocument)
        metadata.add_output(A.TimeFrame)
        metadata.add_parameter(name="what", description="What to write.", type="string", choices=CHOICES, default="nothing")
        metadata.add_app_tag("shape")
        return metadata

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)

        def new_view():
            view = mmif.new_view()
            self.sign_view(view, parameters)
            return view

        getattr(self, parameters["what"])(mmif, new_view)
        return mmif

    def nothing(self, mmif, new_view):
        pass

    def emptyview(self, mmif, new_view):
        new_view().new_contain(A.TimeFrame, timeUnit="seconds")

    def emptythenfull(self, mmif, new_view):
        new_view()
        frame(new_view(), 0, 1)

    def fullthenempty(self, mmif, new_view):
        frame(new_view(), 0, 1)
        new_view()

    def twoviews(self, mmif, new_view):
        first = frame(new_view(), 0, 1)
        view = new_view()
        second = frame(view, 2, 3)
        view.new_annotation(A.Alignment, source=first.id, target=second.id)

    def shared(self, mmif, new_view):
        view = new_view()
        for i in range(3):
            frame(view, i, i + 1, label="same", document="d1", n=1)

    def sharedpart(self, mmif, new_view):
        view = new_view()
        view.new_contain(A.TimeFrame, timeUnit="seconds", label="default")
        frame(view, 0, 1, label="same", extra=[1, 2])
        frame(view, 1, 2, label="same")
        view.new_annotation(A.TimePoint, timePoint=5, label="same")

    def sharedtext(self, mmif, new_view):
        view = new_view()
        view.new_textdocument("one", lang="en")
        view.new_textdocument("one", lang="en")

    def values(self, mmif, new_view):
        frame(new_view(), 0, 1, **VALUES)

    def names(self, mmif, new_view):
        view = new_view()
        view.new_contain(A.TimeFrame, _lang="en", plain="p")
        frame(view, 0, 1, _note="n")

    def alias(self, mmif, new_view):
        view = new_view()
        view.new_contain(A.BoundingBox, boxType="text")
        frame(view, 0, 1, frameType="slate")
        view.new_annotation(A.BoundingBox, coordinates=[[0, 0], [1, 1]])
        view.new_annotation(A.Token, word="w", start=0, end=1)

    def ids(self, mmif, new_view):
        view = new_view()
        view.new_annotation(A.TimeFrame, aid="mine", start=0, end=1)
        view.new_annotation(A.TimeFrame, aid=view.id + ":own", start=1, end=2)
        frame(view, 2, 3)
        frame(view, 3, 4)

    def prefixes(self, mmif, new_view):
        view = new_view()
        for name in PREFIXED:
            view.new_annotation(getattr(A, name), document="d1")

    def foreigntypes(self, mmif, new_view):
        view = new_view()
        view.new_annotation("http://vocab.lappsgrid.org/Token", start=0, end=1)
        view.new_annotation("http://vocab.lappsgrid.org/SemanticTag", aid="st_1", start=0, end=1)
        view.new_annotation("https://example.org/types/FooBar", aid="fb_1", x=1)
        view.new_annotation("http://mmif.clams.ai/vocabulary/TimeFrame/v3", start=0, end=1)

    def generictype(self, mmif, new_view):
        new_view().new_annotation("https://example.org/types/FooBar", x=1)

    def docprop(self, mmif, new_view):
        document = list(mmif.documents)[0]
        frame(new_view(), 0, 1, document=document.id)
        document.add_property("fps", 29.97)
        document.add_property("duration", 1000)

    def doconly(self, mmif, new_view):
        new_view()
        list(mmif.documents)[0].add_property("fps", 25)

    def textprops(self, mmif, new_view):
        new_view().new_textdocument("with properties", lang="de", document="d1", origin="x")

    def warn(self, mmif, new_view):
        frame(new_view(), 0, 1)
        warnings.warn("first warning")
        warnings.warn("second 'quoted' warning", RuntimeWarning)
        repeat_warning()

    def foreignapp(self, mmif, new_view):
        view = new_view()
        view.metadata.app = "http://apps.clams.ai/other/1.0"
        frame(view, 0, 1)

    def extend(self, mmif, new_view):
        view = list(mmif.views)[-1]
        frame(view, 100, 101, label="added")
        view.new_annotation(A.TimePoint, timePoint=100)

    def twodocs(self, mmif, new_view):
        view = new_view()
        for document in list(mmif.documents):
            frame(view, 0, 1, document=document.id)
            document.add_property("seen", document.id)

    def oldvideo(self, mmif, new_view):
        videos = mmif.get_documents_by_type(D.VideoDocument)
        frame(new_view(), 0, len(videos))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--production", action="store_true")
    arguments = parser.parse_args()
    server = Restifier(WireShapes(), port=arguments.port)
    if arguments.production:
        server.serve_production()
    else:
        server.run()
