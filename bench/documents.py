"""MMIF documents of a given size, the same bytes every time: what a pipeline of speech, screen and text apps leaves behind."""
import json
import random

WORDS = "the of and to in news tonight report city water school police mayor state weather archive station film camera bridge café Zürich 東京 новости 😀".split()
TYPE = "http://clams.ai/vocabulary/type/"
ANNOTATIONS_IN_A_VIEW = 2000


def annotation(rng, view, number, kind):
    if kind == "TimeFrame/v6":
        start = rng.randrange(3_600_000)
        return {"start": start, "end": start + rng.randrange(20_000), "label": rng.choice(("speech", "music", "slate", "bars")), "confidence": rng.random()}
    if kind == "TimePoint/v5":
        scores = {label: rng.random() * 10 ** -rng.randrange(9) for label in ("bars", "slate", "chyron", "credits", "other")}
        return {"timePoint": rng.randrange(3_600_000), "label": max(scores, key=scores.get), "classification": scores}
    if kind == "BoundingBox/v5":
        x, y = rng.randrange(1800), rng.randrange(1000)
        return {"coordinates": [[x, y], [x + 100, y], [x + 100, y + 30], [x, y + 30]], "label": "text", "timePoint": "%s:tp_%d" % (view, number)}
    if kind == "Token/v1":
        start = rng.randrange(100_000)
        word = rng.choice(WORDS)
        return {"start": start, "end": start + len(word), "text": word, "document": "%s:td_1" % view}
    return {"source": "%s:tf_%d" % (view, rng.randrange(number + 1)), "target": "%s:t_%d" % (view, rng.randrange(number + 1))}


KINDS = ("TimeFrame/v6",) * 8 + ("TimePoint/v5",) * 3 + ("BoundingBox/v5",) * 3 + ("Token/v1",) * 4 + ("Alignment/v1",) * 2


def document(size):
    """The bytes of an MMIF document, at least `size` of them and within one annotation of it."""
    rng = random.Random(size)
    head = {"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"},
            "documents": [{"@type": TYPE + "VideoDocument/v2", "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///data/video.mp4"}},
                          {"@type": TYPE + "TextDocument/v2", "properties": {"id": "d2", "text": {"@value": " ".join(rng.choices(WORDS, k=20)), "@language": "en"}}}]}
    written = len(dump(head))
    views = []
    while written < size:
        view = "v_%d" % len(views)
        content = {"id": view, "metadata": {"timestamp": "2026-01-02T03:04:05.678901", "app": "http://apps.clams.ai/bench-source/v%d" % len(views), "contains": {}, "parameters": {"seed": str(size)}},
                   "annotations": []}
        written += len(dump(content)) + 100
        while written < size and len(content["annotations"]) < ANNOTATIONS_IN_A_VIEW:
            number = len(content["annotations"])
            kind = rng.choice(KINDS)
            properties = {"id": "%s:%s_%d" % (view, kind[:2].lower(), number), **annotation(rng, view, number, kind)}
            content["annotations"].append({"@type": TYPE + kind, "properties": properties})
            content["metadata"]["contains"].setdefault(TYPE + kind, {"document": "d1", "timeUnit": "milliseconds"} if kind == "TimeFrame/v6" else {"document": "d1"})
            written += len(dump(content["annotations"][-1])) + 2
        views.append(content)
    return dump({**head, "views": views})


def dump(value):
    return json.dumps(value, ensure_ascii=False).encode()
