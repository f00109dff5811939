#!/usr/bin/env python3
"""Records how mmif-python writes every kind of value in every place of a view, a document and the MMIF itself; a test compares ours with it.

    record_values.py >value_records.inc

Needs mmif-python. 1.5.4 and 1.6.0 write the same records.
"""
import json
import warnings

from mmif import AnnotationTypes, DocumentTypes, Mmif

warnings.simplefilter("ignore")
VALUES = ["", "x", [], {}, 0, 0.0, -0.0, 1, False, True, None, [""], [None], [[]], [{}], {"k": ""}, {"k": None}, {"k": []}, {"k": {}}, {"k": 0}, {"k": {"l": None, "m": ""}}, [0, False, None, ""], " "]
TEXTS = ["", " ", "x"]
EMPTY = '{"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []}'


def new():
    mmif = Mmif(EMPTY, validate=False)
    view = mmif.new_view()
    view.metadata.app = "http://x.org/app"
    return mmif, view


def written(mmif):
    return json.loads(mmif.serialize())


def property_of_one(value):
    mmif, view = new()
    view.new_annotation(AnnotationTypes.TimeFrame, p=value)
    return written(mmif)["views"][0]


def property_of_two(value):
    mmif, view = new()
    for _ in range(2):
        view.new_annotation(AnnotationTypes.TimeFrame, p=value)
    return written(mmif)["views"][0]


def property_set_later(value):
    mmif, view = new()
    view.new_annotation(AnnotationTypes.TimeFrame, p="before").add_property("p", value)
    return written(mmif)["views"][0]


def contain(value):
    mmif, view = new()
    view.new_contain(AnnotationTypes.TimeFrame, p=value)
    view.new_annotation(AnnotationTypes.TimeFrame, start=0)
    return written(mmif)["views"][0]


def text_document(value, language):
    mmif, view = new()
    document = view.new_textdocument(value)
    if language is not None:
        document.text_language = language
    return written(mmif)["views"][0]


def metadata_of_view(name, value):
    mmif, view = new()
    view.metadata[name] = value
    return written(mmif)["views"][0]["metadata"]


def within_metadata(name, value):
    mmif, view = new()
    view.metadata[name] = {"k": value}
    return written(mmif)["views"][0]["metadata"]


def error_of_view(name, value):
    mmif, view = new()
    view.metadata.error = {name: value, "k": 1}
    view.metadata["error"] = {name: value, "k": 1}
    return written(mmif)["views"][0]["metadata"]


def property_of_a_document(value):
    """Of a document of the input, as an Annotation in a new view."""
    text = json.loads(EMPTY)
    text["documents"] = [{"@type": str(DocumentTypes.VideoDocument), "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///a.mp4"}}]
    mmif = Mmif(json.dumps(text), validate=False)
    view = mmif.new_view()
    view.metadata.app = "http://x.org/app"
    view.new_contain(AnnotationTypes.Annotation, document="d1")
    mmif["d1"].add_property("p", value)
    return [annotation["properties"] for annotation in written(mmif)["views"][0]["annotations"]]


def read_document(name, value):
    text = json.loads(EMPTY)
    text["documents"] = [{"@type": str(DocumentTypes.VideoDocument), "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///a.mp4", name: value}}]
    return written(Mmif(json.dumps(text), validate=False))["documents"][0]


def read_text(value, language):
    text = json.loads(EMPTY)
    text["documents"] = [{"@type": str(DocumentTypes.TextDocument), "properties": {"id": "d1", "text": {"@value": value, "@language": language}}}]
    return written(Mmif(json.dumps(text), validate=False))["documents"][0]


def metadata_of_mmif(value):
    text = json.loads(EMPTY)
    text["metadata"]["k"] = value
    return written(Mmif(json.dumps(text), validate=False))["metadata"]


def without_time(made):
    if isinstance(made, dict):
        made.get("metadata", made).pop("timestamp", None)
    return made


def row(place, name, given, make, *arguments):
    try:
        made = json.dumps(without_time(make(*arguments)))
    except Exception as error:  # what Python cannot write has no record that could be kept
        made = "!" + type(error).__name__
    print("    {%s, %s, R\"({})\", R\"({})\"},".replace("({})", "(%s)") % (json.dumps(place), json.dumps(name), json.dumps(given), made))


def main():
    print("// Written by record_values.py; not by hand.\nconstexpr ValueRecord kValueRecords[] = {")
    for value in VALUES:
        for make in (property_of_one, property_of_two, property_set_later, contain, metadata_of_mmif):
            row(make.__name__, "", value, make, value)
        if value not in (None, {}):  # Python loses an empty object and makes an annotation of nothing: not followed
            row("property_of_a_document", "", value, property_of_a_document, value)
        for name in ("message", "stackTrace"):
            row("error_of_view", name, value, error_of_view, name, value)
        for name in ("p", "mime"):
            row("read_document", name, value, read_document, name, value)
        for name in ("other", "parameters", "appConfiguration", "appProfiling", "warnings"):
            if name == "warnings" and not isinstance(value, (list, str, dict)):
                continue  # 1.6.0 cannot write it
            row("metadata_of_view", name, value, metadata_of_view, name, value)
        for name in ("other", "parameters", "appConfiguration", "appProfiling", "error"):
            row("within_metadata", name, value, within_metadata, name, value)
    for value in TEXTS:
        for name in ("document", "app"):
            row("metadata_of_view", name, value, metadata_of_view, name, value)
        for language in TEXTS:
            row("text_document", language, value, text_document, value, language)
            row("read_text", language, value, read_text, value, language)
    print("};")


if __name__ == "__main__":
    main()
