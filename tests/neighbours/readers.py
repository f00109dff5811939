"""Readers of MMIF by the rules of other teams' programs, on plain JSON: what they look for, and in which direction.

Each function names the program. The rules are facts about formats; the code is ours. What a program cannot use is a KeyError or
ValueError here too.
"""


def name_of(annotation):
    """The short name of a type: ".../TimeFrame/v5" and "http://vocab.lappsgrid.org/Token"."""
    parts = annotation["@type"].rstrip("/").split("/")
    return parts[-2] if parts[-1][:1] == "v" and parts[-1][1:].isdigit() else parts[-1]


class View:
    """Annotations by type, and properties with the names that versions of the vocabulary gave them."""

    ALIASES = {"word": "text", "text": "word", "frameType": "label", "label": "frameType"}

    def __init__(self, view):
        self.id, self.app, self.contains = view["id"], view["metadata"]["app"], view["metadata"].get("contains", {})
        self.annotations = view["annotations"]
        self.types = {name_of({"@type": uri}) for uri in self.contains} | {name_of(one) for one in self.annotations}

    def of(self, name):
        return [one for one in self.annotations if name_of(one) == name]

    def get(self, annotation, name):
        properties = annotation["properties"]
        if name in properties or self.ALIASES.get(name) in properties:
            return properties.get(name, properties.get(self.ALIASES.get(name)))
        defaults = next((value for uri, value in self.contains.items() if name_of({"@type": uri}) == name_of(annotation)), {})
        return defaults.get(name, defaults.get(self.ALIASES.get(name)))

    def edges(self):
        return [(one["properties"]["source"], one["properties"]["target"]) for one in self.of("Alignment")]


def views_of(mmif):
    return [View(view) for view in mmif["views"]]


# --- transcript_converter (GBH)

def speech_view(mmif):
    """The last view with TimeFrames, Tokens and Alignments; one with Sentences is preferred."""
    candidates = [view for view in views_of(mmif) if {"TimeFrame", "Token", "Alignment"} <= view.types]
    with_sentences = [view for view in candidates if "Sentence" in view.types]
    return (with_sentences or candidates)[-1]


def words_with_times(view):
    """[start, end, word, sentence] by time. The source of an Alignment is the TimeFrame, its target the Token. Only frames of speech count."""
    times = {one["properties"]["id"]: (view.get(one, "start"), view.get(one, "end")) for one in view.of("TimeFrame") if view.get(one, "frameType") == "speech"}
    words = {one["properties"]["id"]: {"word": view.get(one, "word")} for one in view.of("Token")}
    for source, target in view.edges():
        if target in words and source in times:
            if "time" in words[target]:
                raise KeyError("Token %s has more than one TimeFrame" % target)
            words[target]["time"] = times[source]
    for sentence in view.of("Sentence"):
        for target in sentence["properties"]["targets"]:
            if "sentence" in words[target]:
                raise KeyError("Token %s has more than one Sentence" % target)
            words[target]["sentence"] = sentence["properties"]["id"]
    return sorted(([*one["time"], one["word"], one.get("sentence")] for one in words.values()), key=lambda row: row[0])


def segments(words):
    """[start, end, text] of each sentence; punctuation stands without a blank."""
    rows, last = [], None
    for start, end, word, sentence in words:
        if rows and sentence == last:
            rows[-1][1:] = [end, rows[-1][2] + ("" if word[0] in ".,-/" else " ") + word]
        else:
            rows.append([start, end, word])
        last = sentence
    return rows


def aapb_json(mmif, item):
    parts = [{"start_time": start / 1000, "end_time": end / 1000, "text": text, "speaker_id": n + 1} for n, (start, end, text) in enumerate(segments(words_with_times(speech_view(mmif))))]
    return {"id": item, "language": language_of(mmif), "parts": parts}


def language_of(mmif):
    return speech_view(mmif).of("TextDocument")[0]["properties"]["text"]["@language"]


def clock(milliseconds):
    seconds, rest = divmod(int(milliseconds), 1000)
    return "%02d:%02d:%02d.%03d" % (seconds // 3600, seconds // 60 % 60, seconds % 60, rest)


def webvtt(rows):
    return "WEBVTT\n\n" + "".join("%s --> %s\n%s\n\n" % (clock(start), clock(end), text) for start, end, text in rows)


# --- mmif-visualizer (Brandeis)

def kind_of_tab(view):
    """Which tab shows a view. Readers of text are known by parts of their names there, so ours has none."""
    if "NamedEntity" in view.types:
        return "NER"
    return "ASR" if {"Token", "TimeFrame", "Alignment"} <= view.types else None


def captions_of_tab(view):
    """WebVTT of nine words a cue, in the order of the Alignments; a rest of fewer than nine words is left out. Times are in the first timeUnit of the view."""
    unit = next((value["timeUnit"] for value in view.contains.values() if "timeUnit" in value), "milliseconds")
    if unit != "milliseconds":
        raise ValueError("times would be taken for " + unit)
    frames = {one["properties"]["id"]: one for one in view.of("TimeFrame")}
    tokens = {one["properties"]["id"]: one for one in view.of("Token")}
    cues, row = [], []
    for source, target in view.edges():
        if source not in frames or target not in tokens:
            continue
        row.append((frames[source]["properties"]["start"], frames[source]["properties"]["end"], view.get(tokens[target], "word")))
        if len(row) == 9:
            cues.append([row[0][0], row[-1][1], " ".join(word for _, _, word in row)])
            row = []
    return webvtt(cues)


# --- aapb-evaluations (Brandeis)

def transcript(mmif):
    """Speech recognition: the first TextDocument of the last view that has one."""
    view = [view for view in views_of(mmif) if "TextDocument" in view.types][-1]
    return view.of("TextDocument")[0]["properties"]["text"]["@value"]


def word_bounds(mmif):
    """Forced alignment: {first character: start}, {end of characters: end} of each Token; every one must be aligned, in either direction, with a TimeFrame."""
    view = [view for view in views_of(mmif) if {"Token", "TimeFrame", "Alignment"} <= view.types][-1]
    frames = {one["properties"]["id"]: one["properties"] for one in view.of("TimeFrame")}
    partner = {}
    for source, target in view.edges():
        partner[source], partner[target] = target, source
    starts, ends = {}, {}
    for token in view.of("Token"):
        frame = frames[partner[token["properties"]["id"]]]
        starts[int(token["properties"]["start"])], ends[int(token["properties"]["end"])] = frame["start"], frame["end"]
    return starts, ends


def text_by_time(mmif):
    """Text recognition: {milliseconds: text} of the last view whose TextDocuments are aligned, in either direction, with TimePoints of any view."""
    points = {one["properties"]["id"]: (view.get(one, "timePoint"), view.get(one, "timeUnit") or "milliseconds") for view in views_of(mmif) for one in view.of("TimePoint")}
    for view in reversed([view for view in views_of(mmif) if "TextDocument" in view.types]):
        texts = {one["properties"]["id"]: one["properties"]["text"]["@value"] for one in view.of("TextDocument")}
        found = {}
        for ends in view.edges():
            for text, point in (ends, ends[::-1]):
                if text in texts and point in points:
                    time, unit = points[point]
                    found[round(time * {"milliseconds": 1, "seconds": 1000}[unit])] = texts[text]
        if found:
            return found
    raise ValueError("no TextDocument is aligned with a TimePoint")


# --- visaid_builder (GBH)

def scene_texts(mmif, text_view):
    """{TimeFrame: text}. `origin` of a TextDocument is the TimeFrame; the source of the last Alignment that names it as target is the TimePoint.

    The program reads views whose app has "captioner" in its name; the view is named here.
    """
    views = views_of(mmif)
    frames = {one["properties"]["id"]: one["properties"] for view in views for one in view.of("TimeFrame")}
    view = next(view for view in views if view.id == text_view)
    source_of = {target: source for source, target in view.edges()}
    out = {}
    for text in view.of("TextDocument"):
        frame = frames[text["properties"]["origin"]]
        if source_of[text["properties"]["id"]] not in frame["representatives"]:
            raise ValueError("the text is of no representative")
        out[text["properties"]["origin"]] = text["properties"]["text"]["@value"]
    return out
