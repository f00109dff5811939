"""Runs in an environment with mmif-python: prints as JSON what its helpers read from an MMIF file.

    in_mmif_python.py speech|voice|screens|summary FILE
"""
import json
import sys

from mmif import AnnotationTypes, DocumentTypes, Mmif
from mmif.utils import timeunit_helper

SENTENCE, TOKEN = "http://vocab.lappsgrid.org/Sentence", "http://vocab.lappsgrid.org/Token"


def speech(mmif):
    """Words with times by each of the ways that programs take: aligned annotations, start and end, views by type, get_alignments."""
    view = mmif.get_all_views_contain(TOKEN)[-1]
    words = []
    for token in view.get_annotations(TOKEN):
        frames = [one for one in token.get_all_aligned() if one.at_type == AnnotationTypes.TimeFrame]
        unit = frames[0].get_property("timeUnit")
        words.append([token.get_property("word"), token.get_property("text"), timeunit_helper.convert(mmif.get_start(frames[0]), unit, "seconds", 1), mmif.get_end(frames[0]), len(frames)])
    alignments = mmif.get_alignments(AnnotationTypes.TimeFrame, TOKEN)
    return {"words": words, "views_with_all": [v.id for v in mmif.get_all_views_contain(AnnotationTypes.TimeFrame) if v in mmif.get_all_views_contain(AnnotationTypes.Alignment)],
            "alignments": {view: len(found) for view, found in alignments.items()}, "sentences": [[len(one.get_property("targets")), one.get_property("text")] for one in view.get_annotations(SENTENCE)],
            "text": next(view.get_annotations(DocumentTypes.TextDocument)).text_value, "language": next(view.get_annotations(DocumentTypes.TextDocument)).text_language,
            "frame_types": sorted({one.get_property("frameType") for one in view.get_annotations(AnnotationTypes.TimeFrame)})}


def voice(mmif):
    frames = list(mmif.views[-1].get_annotations(AnnotationTypes.TimeFrame))
    return [[mmif.get_start(one), mmif.get_end(one), one.get_property("label"), one.get_property("timeUnit")] for one in frames]


def screens(mmif):
    """{milliseconds: text}, as aapb-evaluations reads recognised text; fps of the video as that program needs it."""
    texts = {}
    for text in mmif.get_all_views_contain(DocumentTypes.TextDocument)[-1].get_annotations(DocumentTypes.TextDocument):
        for one in text.get_all_aligned():
            if one.at_type == AnnotationTypes.TimePoint:
                texts[mmif.get_start(one)] = text.text_value
    return {"texts": texts, "fps": mmif.get_documents_by_type(DocumentTypes.VideoDocument)[0].get_property("fps"),
            "boxes": sum(len(found) for found in mmif.get_alignments(AnnotationTypes.BoundingBox, DocumentTypes.TextDocument).values())}


def summary(path):
    from mmif.utils.summarizer.summary import Summary
    return Summary(path).to_dict()


if __name__ == "__main__":
    what, path = sys.argv[1:]
    # Remarks of the library go elsewhere: standard output is one JSON text.
    out, sys.stdout = sys.stdout, sys.stderr
    if what == "summary":
        result = summary(path)
    else:
        with open(path, encoding="utf-8") as f:
            result = {"speech": speech, "voice": voice, "screens": screens}[what](Mmif(f.read()))
    print(json.dumps(result), file=out)
