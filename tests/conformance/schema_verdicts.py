#!/usr/bin/env python3
"""Compares what our MMIF reader takes with what Python's jsonschema takes, over samples and mutations of them.

    schema_verdicts.py --verdict PROGRAM [--seed N] [--per-sample N]

PROGRAM reads documents from its standard input, each as its length in decimal, a line feed, and that many bytes; it writes one line
for each, "ok" or "refused: reason". The second opinion is the JSON reader of Python and the MMIF schema of tests/data/schema,
which together are what the Python SDK takes. Where the two are meant to differ (repeated keys at the top, nesting beyond the
reader's limit, integers longer than Python converts), the case says what is expected.
Exit status: 0 all agree, 1 some do not, 3 there is no jsonschema to compare with.
"""
import argparse
import copy
import glob
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")
OK, REFUSED = "ok", "refused"


class Obj(list):
    """A JSON object as a list of [key, value], so that a key may occur twice."""


class Raw(str):
    """A piece of JSON text as it is."""


def read(text):
    return json.loads(text, object_pairs_hook=lambda pairs: Obj([k, v] for k, v in pairs), parse_float=Raw, parse_int=Raw, parse_constant=Raw)


def write(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Obj):
        return "{" + ", ".join("%s: %s" % (k if isinstance(k, Raw) else json.dumps(k), write(v)) for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write, value)) + "]"
    return json.dumps(value)


def places(value, path=()):
    """The path of every value, root first."""
    yield path
    if isinstance(value, Obj):
        for i, (_, child) in enumerate(value):
            yield from places(child, path + (i,))
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from places(child, path + (i,))


def at(value, path):
    for i in path:
        value = value[i][1] if isinstance(value, Obj) else value[i]
    return value


def replaced(root, path, new):
    if not path:
        return new
    root = copy.deepcopy(root)
    holder = at(root, path[:-1])
    if isinstance(holder, Obj):
        holder[path[-1]][1] = new
    else:
        holder[path[-1]] = new
    return root


def nested(depth, opening="[", closing="]", core="1"):
    return Raw(opening * depth + core + closing * depth)


# Each node is replaced by each of these.
VALUES = [
    None, True, False, Raw("0"), Raw("1"), Raw("-1.5"), "", "x", "abcdef", "abcdefg", "http://clams.ai/vocabulary/type/TimeFrame/v6", [], [""], ["x"], ["x", "x"],
    [Raw("1")], Obj(), Obj([["x", "y"]]), Obj([["id", "x"]]), Obj([["id", ""]]), Obj([["message", "m"]]), Obj([["", Raw("1")]]), Obj([["\n", Raw("1")]]),
    Raw("NaN"), Raw("-Infinity"), Raw("Infinity"), Raw("1e400"), Raw("-1e400"), Raw("123456789012345678901234567890"), Raw("18446744073709551616"), Raw("-0"), Raw("1E+2"),
    "\ud800", "\udc00\ud800", "\U0001f600" * 6, "\U0001f600" * 7, "\ud800" * 7, "\u0000", "\u2028\x7f", Raw('"\\/\\b\\f\\n\\r\\t"'),
    nested(40), nested(40, '{"a":', "}"),
    # not JSON
    Raw("nan"), Raw("-NaN"), Raw("+1"), Raw("01"), Raw("1."), Raw(".5"), Raw("1e"), Raw("0x1"), Raw("'x'"), Raw('"\t"'), Raw('"\\x"'), Raw('"\\u12"'), Raw('"\\uD83D\\u00"'),
    Raw("[1,]"), Raw('{"a":1,}'), Raw("[1 2]"), Raw('{"a" 1}'), Raw("{1:2}"), Raw("tru"), Raw(""), Raw("/*c*/ 1"), Raw("Infinit"),
]


def mutations_of(root, path, pick):
    """(what, document) for one place. `pick` chooses among many values."""
    node = at(root, path)
    where = "/".join(map(str, path))
    for value in pick(VALUES):
        yield "%s becomes %s" % (where, write(value)[:40]), replaced(root, path, value)
    if isinstance(node, Obj):
        for what, new in object_mutations(node, top=not path):
            yield "%s: %s" % (where, what), replaced(root, path, new)
    elif isinstance(node, list):
        yield where + ": emptied", replaced(root, path, [])
        if node:
            yield where + ": last element twice", replaced(root, path, node + [node[-1]])
            yield where + ": null at the end", replaced(root, path, node + [None])
            yield where + ": first element gone", replaced(root, path, node[1:])


def object_mutations(node, top):
    for key in ("extra", "", "id", "@type", "error", "warnings", "contains", "https:/x", "\ud800"):
        if not top or all(k != key for k, _ in node):
            yield "key %s added, a number" % ascii(key), Obj(node + [[key, Raw("1")]])
    for i, (key, value) in enumerate(node):
        yield "key %s gone" % ascii(key), Obj(node[:i] + node[i + 1:])
        yield "key %s emptied" % ascii(key), Obj(node[:i] + [["", value]] + node[i + 1:])
        yield "key %s capitalised" % ascii(key), Obj(node[:i] + [[key.upper(), value]] + node[i + 1:])
        yield "key %s with escapes" % ascii(key), Obj(node[:i] + [[escaped(key), value]] + node[i + 1:])
        if not top:
            # The last of two equal keys counts, as in Python.
            yield "key %s twice" % ascii(key), Obj(node + [[key, value]])
            yield "key %s twice, a bad one first" % ascii(key), Obj([[key, Raw("1")]] + node)
            yield "key %s twice, a bad one last" % ascii(key), Obj(node + [[key, Raw("1")]])


def escaped(key):
    return Raw('"' + "".join("\\u%04x" % ord(c) for c in key) + '"')


class Case:
    def __init__(self, name, body, expected=None):
        self.name, self.expected = name, expected
        self.body = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")


EVERYTHING = """{"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"},
 "documents": [{"@type": "http://clams.ai/vocabulary/type/TextDocument/v1", "properties": {"id": "d1", "text": {"@value": "t", "@language": "en"}}}],
 "views": [
  {"id": "v_0", "metadata": {"timestamp": "2026-01-02T03:04:05", "app": "http://apps.clams.ai/x/1", "appTags": ["a", "b"],
    "contains": {"http://clams.ai/vocabulary/type/TimeFrame/v6": {"document": "d1"}, "https://example.org/T": {}}, "parameters": {"p": "1", "q": ["2", "3"]},
    "appConfiguration": {"p": 1}, "appProfiling": {"runningTime": "0:00:01"}},
   "annotations": [{"@type": "http://clams.ai/vocabulary/type/TimeFrame/v6", "properties": {"id": "v_0:tf_1", "start": 0, "end": 1.5, "n": null, "l": [1, {"a": []}]}}]},
  {"id": "v_1", "metadata": {"app": "http://apps.clams.ai/x/1", "warnings": ["w"]}, "annotations": []},
  {"id": "v_2", "metadata": {"app": "http://apps.clams.ai/x/1", "error": {"message": "m", "stackTrace": "s"}}, "annotations": []}]}"""


def hand_made():
    good = EVERYTHING
    minimal = '{"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []}'
    inner = '{"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [{"@type": "t", "properties": {"id": "d", "x": %s}}], "views": []}'
    yield Case("everything the schema knows", good)
    yield Case("no document, no view", minimal)
    for name, text in (("empty", ""), ("a blank", " "), ("null", "null"), ("an array", "[]"), ("an object", "{}"), ("a string", '"x"'), ("half", good[:700]),
                       ("something after it", minimal + " x"), ("two documents", minimal + minimal), ("white space around", " \n\t\r" + minimal + "\r\n \t"),
                       ("a form feed after it", minimal + "\f"), ("a no-break space before it", "\u00a0" + minimal), ("a NUL after it", minimal + "\0"), ("an extra comma", minimal[:-1] + ",}"),
                       ("a byte order mark", "\ufeff" + minimal), ("escaped keys at the top", minimal.replace("views", "v\\u0069ews"))):
        yield Case(name, text)
    for name, raw in (("Latin-1", b"\xe9"), ("a cut sequence", b"\xe2\x82"), ("an overlong slash", b"\xc0\xaf"), ("a raw surrogate", b"\xed\xa0\x80"), ("beyond Unicode", b"\xf4\x90\x80\x80"),
                      ("a lone continuation", b"\x80"), ("0xff", b"\xff"), ("good Unicode", "é東😀".encode()), ("a raw NUL", b"\0"), ("a raw line feed", b"\n"), ("DEL", b"\x7f")):
        yield Case("text with " + name, (inner % '"%s"').encode().replace(b"%s", raw))
        yield Case("key with " + name, (inner % '{"%s": 1}').encode().replace(b"%s", raw))
    yield Case("UTF-16", minimal.encode("utf-16"))
    yield Case("equal tags, one with an escape", good.replace('["a", "b"]', '["a", "\\u0061"]'))
    yield Case("tags that differ in normal form only", good.replace('["a", "b"]', '["\u00e9", "e\u0301"]'))
    yield Case("contains and warnings in one view", good.replace('"warnings": ["w"]', '"warnings": ["w"], "contains": {}'))
    yield Case("contains and error in one view", good.replace('"error": {', '"contains": {}, "error": {'))
    yield Case("a contains key without http", good.replace('"https://example.org/T"', '"urn:x"'))
    yield Case("a contains key with http after a line feed", good.replace('"https://example.org/T"', '"\\nhttps://example.org/T"'))
    yield Case("a long parameter name", good.replace('"p": "1"', '"%s": "1"' % ("p" * 100000)))
    yield Case("a long number", inner % ("1" * 4000))
    yield Case("a number longer than Python converts", inner % ("1" * 6000), OK)
    yield Case("a long fraction", inner % ("0." + "1" * 6000))
    yield Case("a tiny number", inner % ("1e-" + "9" * 30))
    for depth in (1, 100, 200):
        yield Case("%d nested arrays" % depth, inner % nested(depth))
        yield Case("%d nested objects" % depth, inner % nested(depth, '{"a":', "}"))
    for depth in (5000, 200000):
        yield Case("%d nested arrays" % depth, inner % nested(depth), REFUSED)
        yield Case("%d nested objects" % depth, inner % nested(depth, '{"a":', "}"), REFUSED)
        yield Case("%d opening brackets" % depth, inner % Raw("[" * depth), REFUSED)
    for key in ("metadata", "documents", "views"):
        again = {"metadata": '{"mmif": "http://mmif.clams.ai/1.2.0"}'}.get(key, "[]")
        yield Case("%s twice at the top" % key, minimal[:-1] + ', "%s": %s}' % (key, again), REFUSED)
        yield Case("%s twice at the top, one with an escape" % key, minimal[:-1] + ', "%s": %s}' % ("\\u%04x" % ord(key[0]) + key[1:], again), REFUSED)


def generated(seed, per_sample):
    rng = random.Random(seed)
    everything = read(EVERYTHING)
    for path in places(everything):
        for what, document in mutations_of(everything, path, lambda values: values):
            yield Case("everything: " + what, write(document))
    for file in sorted(glob.glob(os.path.join(DATA, "mmif", "*.mmif")) + glob.glob(os.path.join(DATA, "mmif", "expected", "*.mmif"))):
        name = os.path.basename(file)
        with open(file, encoding="utf-8") as f:
            text = f.read()
        yield Case("sample " + name, text)
        if len(text) > 100000:
            continue
        root = read(text)
        found = list(places(root))
        for path in rng.sample(found, min(per_sample, len(found))):
            for what, document in mutations_of(root, path, lambda values: rng.sample(values, 3)):
                yield Case("%s: %s" % (name, what), write(document))
        data = text.encode()
        for _ in range(per_sample):
            i = rng.randrange(len(data))
            yield Case("%s: byte %d replaced" % (name, i), data[:i] + bytes([rng.randrange(256)]) + data[i + 1:])
            yield Case("%s: cut at byte %d" % (name, i), data[:i])
            yield Case("%s: byte %d gone" % (name, i), data[:i] + data[i + 1:])


def python_verdict(validator, body):
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        return "refused: %s" % e
    error = next(validator.iter_errors(document), None)
    return OK if error is None else "refused: %s" % ascii(error.message)[:200]


def our_verdicts(program, cases):
    stream = b"".join(b"%d\n%s\n" % (len(c.body), c.body) for c in cases)
    done = subprocess.run([program], input=stream, stdout=subprocess.PIPE, timeout=600)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode != 0 or len(lines) != len(cases):
        at_fault = cases[len(lines)].name if len(lines) < len(cases) else "none"
        sys.exit("%s ended with %d after %d of %d verdicts; the next document was: %s" % (program, done.returncode, len(lines), len(cases), at_fault))
    return lines


def has_jsonschema(python):
    return subprocess.run([python, "-c", "import jsonschema"], capture_output=True).returncode == 0


def with_jsonschema():
    """Continues in a Python that has jsonschema: this one, Debian's, or one that is made in the build folder from PyPI."""
    venv = os.path.join(os.environ.get("CLAMS_BUILD", os.path.join(HERE, "..", "..", "build")), "jsonschema-venv")
    made = os.path.join(venv, "bin", "python")
    for python in (sys.executable, "/usr/bin/python3", made):
        if os.path.exists(python) and has_jsonschema(python):
            break
    else:
        python = made
        for command in ([sys.executable, "-m", "venv", venv], [made, "-m", "pip", "install", "--quiet", "jsonschema"]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                print("no Python package jsonschema to compare with: neither installed (apt-get install python3-jsonschema), nor from PyPI: %s failed\n%s"
                      % (" ".join(command), (done.stdout + done.stderr)[-600:]), file=sys.stderr)
                sys.exit(3)
    if python != sys.executable:
        os.execv(python, [python] + sys.argv)


def load_validator():
    import jsonschema  # with_jsonschema() has seen to it
    with open(os.path.join(DATA, "schema", "mmif-1.2.0.json"), encoding="utf-8") as f:
        return jsonschema.Draft4Validator(json.load(f))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdict", required=True, metavar="PROGRAM")
    parser.add_argument("--seed", type=int, default=20260102)
    parser.add_argument("--per-sample", type=int, default=30, metavar="N")
    options = parser.parse_args()
    with_jsonschema()
    validator = load_validator()
    cases = list(hand_made()) + list(generated(options.seed, options.per_sample))
    wrong = taken = meant = 0
    for case, ours in zip(cases, our_verdicts(options.verdict, cases)):
        reference = case.expected or python_verdict(validator, case.body)
        meant += case.expected is not None
        taken += reference == OK
        if (ours == OK) != (reference == OK) or not (ours == OK or ours.startswith("refused: ")):
            wrong += 1
            if wrong <= 40:
                print("%s\n    ours:     %s\n    expected: %s\n    document: %s" % (case.name, ours[:300], reference, ascii(case.body[:300])))
    print("seed %d: %d documents, %d of them good, %d meant to differ from Python" % (options.seed, len(cases), taken, meant))
    print("%d passed, %d failed" % (len(cases) - wrong, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
