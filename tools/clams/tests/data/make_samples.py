#!/usr/bin/env python3
"""Writes the MMIF samples beside it that exercise what tests/data/mmif does not: transcripts, captions, entities, running times, groups of views.

    make_samples.py        the expected outputs are made by make_expected.py, with the Python command
"""
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
T = "http://clams.ai/vocabulary/type/"
VIDEO = {"@type": T + "VideoDocument/v2", "properties": {"mime": "video/mp4", "id": "d1", "location": "file:///data/news.mp4"}}


def annotation(kind, **properties):
    return {"@type": T + kind, "properties": properties}


def view(name, app, time, annotations, contains=None, **metadata):
    kinds = contains if contains is not None else {a["@type"]: {} for a in annotations}
    return {"id": name, "metadata": {"app": app, "timestamp": time, "contains": kinds, **metadata}, "annotations": annotations}


def mmif(*views, documents=(VIDEO,)):
    return {"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": list(documents), "views": list(views)}


def speech(name, app, time, sentences, with_sentences=True, align=True):
    out = [annotation("TextDocument/v2", id=name + ":td_1", document="d1", text={"@value": " ".join(w for s in sentences for w in s), "@language": "en"})]
    position, number, clock = 0, 0, 0
    for index, words in enumerate(sentences):
        targets = []
        for word in words:
            number += 1
            token = "%s:to_%d" % (name, number)
            out.append(annotation("Token/v1", id=token, document=name + ":td_1", start=position, end=position + len(word), text=word))
            if align:
                out.append(annotation("TimeFrame/v6", id="%s:tf_%d" % (name, number), document="d1", start=clock, end=clock + 250))
                out.append(annotation("Alignment/v1", id="%s:al_%d" % (name, number), source="%s:tf_%d" % (name, number), target=token))
            clock += 300
            position += len(word) + 1
            targets.append(token)
        if with_sentences:
            out.append(annotation("Sentence/v1", id="%s:s_%d" % (name, index + 1), document=name + ":td_1", targets=targets, text=" ".join(words)))
    return view(name, app, time, out)


def transcript():
    words = [["Good", "evening", "écoutez", "😀!"], ["This", "is", "news."]]
    facts = annotation("Annotation/v6", id="v_0:an_1", fps=29.97, frameCount=1800, duration=61042.5, document="d1", extra={"a": [1, None]})
    more = annotation("Annotation/v6", id="v_0:an_2", document="d1", note="second")
    about = view("v_0", "http://apps.clams.ai/facts/v1", "2026-02-01T10:00:00", [facts, more],
                 contains={T + "Annotation/v6": {"origin": "probe", "note": "default"}})
    old = speech("v_1", "http://apps.clams.ai/whisper-wrapper/v7", "2026-02-01T10:00:01", [["older"]])
    new = speech("v_2", "http://apps.clams.ai/whisper-wrapper/v8", "2026-02-01T10:00:02", words)
    warned = {"id": "v_3", "metadata": {"app": "http://apps.clams.ai/whisper-wrapper/v8", "timestamp": "2026-02-01T10:00:03", "warnings": ["odd"]}, "annotations": []}
    return mmif(about, old, new, warned)


def kaldi():
    words = [["word%d" % i for i in range(30)]]
    return mmif(speech("v_0", "http://apps.clams.ai/aapb-pua-kaldi-wrapper/v3", "2026-02-01T10:00:01", words, with_sentences=False),
                speech("v_1", "http://apps.clams.ai/other/v3", "2026-02-01T10:00:02", [["unseen"]]))


def captions():
    a = [annotation("TimePoint/v5", id="v_0:tp_1", document="d1", timePoint=1500), annotation("TimePoint/v5", id="v_0:tp_2", document="d1", timePoint=2500.5),
         annotation("TimeFrame/v6", id="v_0:tf_1", document="d1", start=1000, end=3000, representatives=["v_0:tp_1"], label="slate"),
         annotation("TextDocument/v2", id="v_0:td_1", text={"@value": "[INST] what is it? [/INST] A slate.", "@language": "en"}),
         annotation("TextDocument/v2", id="v_0:td_2", text={"@value": "A credit", "@language": "en"}),
         annotation("TextDocument/v2", id="v_0:td_3", text={"@value": "nowhere", "@language": "en"}),
         annotation("Alignment/v1", id="v_0:al_1", source="v_0:tf_1", target="v_0:td_1"),
         annotation("Alignment/v1", id="v_0:al_2", source="v_0:tp_2", target="v_0:td_2")]
    return mmif(view("v_0", "http://apps.clams.ai/llava-captioner/v1.2-6-gc824c97", "2026-02-01T10:00:00", a))


def frames():
    points = [annotation("TimePoint/v5", id="v_0:tp_%d" % i, timePoint=i * 1000) for i in range(8)]
    tf = "TimeFrame/v6"
    out = points + [
        annotation(tf, id="v_0:tf_1", label="credits", targets=["v_0:tp_4", "v_0:tp_5", "v_0:tp_7"], representatives=["v_0:tp_5", "v_0:tp_4"],
                   classification={"credits": 0.75, "slate": 0.25}),
        annotation(tf, id="v_0:tf_2", label="slate", start=500, end=1500.5, classifications={"slate": 1}),
        annotation(tf, id="v_0:tf_3", frameType="slate", start=100, end=300),
        annotation(tf, id="v_0:tf_4", label="slate", start=2000, end=2200.25),
        annotation(tf, id="v_0:tf_5", start=1, end=2),
        annotation(tf, id="v_0:tf_6", label="", start=10, end=9)]
    other = [annotation(tf, id="v_1:tf_1", start=0, end=7), annotation(tf, id="v_1:tf_2", start=9, end=16), annotation(tf, id="v_1:tf_3", label="tone", start=20, end=21)]
    return mmif(view("v_0", "http://apps.clams.ai/swt-detection/v8.9", "2026-02-01T10:00:00", out),
                view("v_1", "http://apps.clams.ai/tones/v1", "2026-02-01T10:00:01", other, contains={T + "TimeFrame/v6": {"label": "bars", "document": "d1"}}))


def entities():
    points = [annotation("TimePoint/v5", id="v_0:tp_%d" % i, timePoint=t) for i, t in enumerate((9000, 1000, 1500, 2600))]
    texts = [annotation("TextDocument/v2", id="v_0:td_%d" % i, text={"@value": "Jim Lehrer in Boston", "@language": "en"}) for i in range(5)]
    links = [annotation("Alignment/v1", id="v_0:al_%d" % i, source="v_0:tp_%d" % i, target="v_0:td_%d" % i) for i in range(4)]
    tokens, found = [], []
    for i in range(5):
        for j, (start, end, word) in enumerate(((0, 3, "Jim"), (4, 10, "Lehrer"), (11, 13, "in"), (14, 20, "Boston"))):
            tokens.append(annotation("Token/v1", id="v_1:to_%d_%d" % (i, j), document="v_0:td_%d" % i, start=start, end=end, text=word))
        found.append(annotation("NamedEntity/v1", id="v_1:ne_%d" % i, document="v_0:td_%d" % i, text="Jim Lehrer", category="Person",
                                targets=["v_1:to_%d_0" % i, "v_1:to_%d_1" % i]))
    found.append(annotation("NamedEntity/v1", id="v_1:ne_9", document="v_0:td_1", text="Boston", category="Place", start=14, end=20))
    return mmif(view("v_0", "http://apps.clams.ai/ocr/v1", "2026-02-01T10:00:00", points + texts + links),
                view("v_1", "http://apps.clams.ai/spacy-wrapper/v2.1", "2026-02-01T10:00:01", tokens + found))


def runs():
    tf = annotation("TimeFrame/v6", id="x:tf_1", start=0, end=1)
    a, b = "http://apps.clams.ai/a/v1.0", "http://apps.clams.ai/b/unresolvable"
    times = ["2026-02-01T10:00:0%d" % i for i in range(6)]
    return mmif(view("v_3", b, times[3], [tf], parameters={"z": "1", "k": ["a", "it's"]}, appConfiguration={"z": 1, "y": [True, 0.5]}, appProfiling={"runningTime": "0:00:02.345678"}),
                view("v_0", a, times[1], [tf, tf], parameters={"param1": "value1"}, appProfiling={"runningTime": "1:02:03.000999"}),
                view("v_1", a, times[1], [], parameters={"param1": "value1"}, appProfiling={"runningTime": "9:00:00.0"}),
                view("v_4", "http://apps.clams.ai/", times[4], [annotation("Span/v5", id="v_4:sp_1", start=1, end=2)], appRunningTime="0:00:01.5"),
                {"id": "loose", "metadata": {"app": a, "contains": {}}, "annotations": []},
                {"id": "bad", "metadata": {"app": a, "timestamp": times[5], "error": {"message": "no", "stackTrace": "line"}}, "annotations": []})


def hidden_warnings():
    app, time = "http://apps.clams.ai/a/v1.0", "2026-02-01T10:00:00"
    good = view("v_0", app, time, [annotation("TimeFrame/v6", id="v_0:tf_1", start=0, end=1)], appProfiling={"runningTime": "1 day, 2:03:04"})
    return mmif(good, {"id": "v_1", "metadata": {"app": app, "timestamp": time, "warnings": ["odd"]}, "annotations": []})


SAMPLES = {"transcript": transcript, "kaldi": kaldi, "captions": captions, "frames": frames, "entities": entities, "runs": runs, "hidden-warnings": hidden_warnings}

if __name__ == "__main__":
    for name, make in SAMPLES.items():
        with open(os.path.join(HERE, name + ".mmif"), "w", encoding="utf-8") as f:
            json.dump(make(), f, indent=1)
            f.write("\n")
