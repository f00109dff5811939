#!/usr/bin/env python3
"""Replays recorded HTTP cases against a server and says which answers differ.

    check.py --app echo=http://127.0.0.1:5001 --app failing=http://127.0.0.1:5002 ... [--cases DIR] [--decided]

README.md beside this file describes the format of the cases. Needs nothing but Python 3.8.

Modes
  --strict   (default) the answer must be the recorded one: status, content type, JSON value, spelling of numbers,
             order of keys, text form (separators, escapes, indentation). Only the volatile parts may vary, in format.
  --decided  known deliberate deviations are accepted too, and named, see below. Order of keys and text
             form are reported, not counted as failures (--order counts them). With --firm, where it was decided to differ
             (classes A, B and C, and the alternatives marked "decided"), Python's own way fails.

A case for an app without --app is skipped. Exit status: 0 all passed, 1 something failed, 2 wrong use.
"""
import argparse
import base64
import http.client
import json
import os
import re
import socket
import sys
import urllib.parse

DECIDED = """
  class A   malformed input: 400 instead of 500; first line and content type the same; the detail may be worded otherwise,
            except for the two errors of the envelope
  class B   app failure: the input's views stay and a new view holds the error; same message
  class C   bare 500 of a crash in the error path: class A, or class B, or a good answer
  input     views that came with the input: as Python rewrote them, or as they came
  at-keys   nested "@key" kept where Python writes "_key"
  http      404, 405, OPTIONS, ...: same status and same set of allowed methods; body and content type free
  repr      undefined parameters whose value needs escapes (case has "exotic_repr"): only the frame of the text
  warning   text of a Python warning: only the message itself
  accept    what a case lists under "accept", each with its reason
"""

PREFIX = "Invalid input data. See below for validation error."
ENVELOPE_ERRORS = ('"parameters" must be a JSON object, got ', 'Envelope is missing required "mmif" key')
CRASH_BODY = '{"message": "Internal Server Error"}\n'


# ---------------------------------------------------------------------------------------------------------------- JSON

class Num:
    """A number of a JSON text, with its spelling."""
    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

    def is_int(self):
        return re.fullmatch(r"-?\d+", self.text) is not None

    def same_value(self, other):
        if self.text == other.text:
            return True
        if self.is_int() != other.is_int() or self.is_int():
            return False
        return float(self.text) == float(other.text)

    def __repr__(self):
        return self.text


class DuplicateKey(ValueError):
    pass


def _object(pairs):
    result = {}
    for key, value in pairs:
        if key in result:
            raise DuplicateKey("duplicate key %r" % key)
        result[key] = value
    return result


def parse(text, duplicates=False):
    """duplicates: keys that occur twice are taken, the last one counts."""
    return json.loads(text, parse_int=Num, parse_float=Num, parse_constant=Num, object_pairs_hook=dict if duplicates else _object)


def has_duplicates(text):
    try:
        parse(text)
    except DuplicateKey:
        return True
    except ValueError:
        pass
    return False


FORMS = {  # name -> (item separator, key separator, ASCII only, indent)
    "mmif": (", ", ": ", True, None),
    "mmif pretty": (",", ": ", True, 2),
    "metadata": (",", ":", False, None),
    "metadata pretty": (",", ": ", False, 2),
}


def _string(s, ascii_only):
    return json.dumps(s, ensure_ascii=ascii_only)


def dump(value, form, level=0):
    item, colon, ascii_only, indent = form
    if isinstance(value, Num):
        return value.text
    if isinstance(value, str):
        return _string(value, ascii_only)
    if isinstance(value, (dict, list)):
        brackets = "{}" if isinstance(value, dict) else "[]"
        if not value:
            return brackets
        if isinstance(value, dict):
            parts = [_string(k, ascii_only) + colon + dump(v, form, level + 1) for k, v in value.items()]
        else:
            parts = [dump(v, form, level + 1) for v in value]
        if indent is None:
            return brackets[0] + item.join(parts) + brackets[1]
        inner = "\n" + " " * (indent * (level + 1))
        return brackets[0] + inner + (item + inner).join(parts) + "\n" + " " * (indent * level) + brackets[1]
    return json.dumps(value)


def form_of(text, value):
    for name, form in FORMS.items():
        if dump(value, form) == text:
            return name
    return None


def step(pointer, key):
    return "%s/%s" % (pointer, str(key).replace("~", "~0").replace("/", "~1"))


def at(value, pointer):
    """The value a JSON pointer names (-1 names the last element of an array)."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def replaced(value, pointer, new):
    """A copy of `value` with another value at a JSON pointer."""
    parts = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]

    def go(node, i):
        if i == len(parts):
            return new
        if isinstance(node, list):
            n = int(parts[i]) % len(node) if node else 0
            return [go(v, i + 1) if j == n else v for j, v in enumerate(node)]
        result = {k: go(v, i + 1) if k == parts[i] else v for k, v in node.items()}
        if parts[i] not in result:
            result[parts[i]] = go(None, i + 1)
        return result

    return go(value, 0)


def glob_to_re(pointer):
    return re.compile("/".join("[^/]*" if p == "*" else re.escape(p) for p in pointer.split("/")) + r"\Z")


# ------------------------------------------------------------------------------------------------------ volatile parts

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")
_UTC = re.compile(_LOCAL.pattern + "Z")
_DELTA = re.compile(r"(\d+ days?, )?\d+:\d\d:\d\d(\.\d{6})?")
_CPU = re.compile(r"\S+, \d+ cores")
_CUDA = re.compile(r".+, With \d+ MiB|.+, \d+ MiB total, \d+ MiB available, \d+ MiB peak used")
PYTHON_WARNING = re.compile(r"\{message : (\w+)\((.*)\), category : '(\w+)', filename : '[^']*', lineno : \d+, line : None\}", re.S)
_CLASS = re.compile(r"<class '([^']+)'>: (.*)", re.S)


def _python_warning_text(quoted):
    if quoted[:1] == "'":
        return quoted[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    return quoted[1:-1].replace("\\\\", "\\")


def check_volatile(rule, expected, actual, decided):
    """None, or what is wrong with the volatile value `actual`."""
    def matches(pattern):
        return isinstance(actual, str) and pattern.fullmatch(actual) is not None

    if rule in ("local-time", "utc-time"):
        if matches(_LOCAL if rule == "local-time" else _UTC):
            return None
        if decided and rule == "utc-time" and matches(_LOCAL):
            return None
        return "is not a %s: %r" % (rule, actual)
    if rule == "timedelta":
        return None if matches(_DELTA) else "is not a running time: %r" % (actual,)
    if rule == "cpu":
        return None if matches(_CPU) else "is not 'machine, N cores': %r" % (actual,)
    if rule == "cuda":
        ok = isinstance(actual, list) and all(isinstance(s, str) and _CUDA.fullmatch(s) for s in actual)
        return None if ok else "is not a list of GPU descriptions: %r" % (actual,)
    if rule == "trace":
        return None if isinstance(actual, str) else "is not a string: %r" % (actual,)
    if rule == "python-warning":
        want = PYTHON_WARNING.fullmatch(expected)
        got = PYTHON_WARNING.fullmatch(actual) if isinstance(actual, str) else None
        if got is not None and got.groups() == want.groups():
            return None
        if decided and isinstance(actual, str) and _python_warning_text(want.group(2)) in actual:
            return None
        return "is not the warning %r: %r" % (want.group(2), actual)
    if rule == "class-name":
        want, got = _CLASS.fullmatch(expected), _CLASS.fullmatch(actual) if isinstance(actual, str) else None
        if got is not None and got.group(2) == want.group(2) and got.group(1).split(".")[-1] == want.group(1).split(".")[-1]:
            return None
        return "is not %r: %r" % (expected, actual)
    return "unknown rule %r" % rule


# ------------------------------------------------------------------------------------------------------------ compare

class Difference:
    def __init__(self, pointer, kind, text):
        self.pointer, self.kind, self.text = pointer or "/", kind, text

    def __str__(self):
        return "%s: %s" % (self.pointer, self.text)


def short(value):
    text = value if isinstance(value, str) else dump(value, FORMS["mmif"])
    text = ascii(text) if isinstance(value, str) else text
    return text if len(text) <= 160 else text[:157] + "..."


class Comparer:
    """Differences between an expected and an actual JSON tree. Kinds: value, number (spelling only), order (of keys)."""

    def __init__(self, volatile=(), decided=False, exotic_repr=False):
        self.rules = [(glob_to_re(v["at"]), v["rule"]) for v in volatile]
        self.decided = decided
        self.exotic_repr = exotic_repr
        self.deviations = set()

    def diff(self, expected, actual, pointer=""):
        for pattern, rule in self.rules:
            if pattern.match(pointer):
                problem = check_volatile(rule, expected, actual, self.decided)
                return [Difference(pointer, "value", problem)] if problem else []
        if isinstance(expected, Num) and isinstance(actual, Num):
            if expected.text == actual.text:
                return []
            if expected.same_value(actual):
                return [Difference(pointer, "number", "number written %s, expected %s" % (actual, expected))]
        elif isinstance(expected, dict) and isinstance(actual, dict):
            return self._diff_object(expected, actual, pointer)
        elif isinstance(expected, list) and isinstance(actual, list):
            found = []
            for i, (e, a) in enumerate(zip(expected, actual)):
                found += self.diff(e, a, step(pointer, i))
            if len(expected) != len(actual):
                found.append(Difference(pointer, "value", "%d elements, expected %d" % (len(actual), len(expected))))
            return found
        elif type(expected) is type(actual) and expected == actual:
            return []
        if self.decided and self.exotic_repr and isinstance(expected, str) and isinstance(actual, str):
            frame = re.match(r'An undefined parameter "[^"]*" \(value: "', expected)
            if frame and actual.startswith(frame.group()) and actual.endswith('") is passed'):
                self.deviations.add("repr")
                return []
            if re.match(r"/views/\d+/metadata/parameters/", pointer) and expected[:1] == "[" and actual[:1] == "[":
                self.deviations.add("repr")
                return []
        return [Difference(pointer, "value", "%s, expected %s" % (short(actual), short(expected)))]

    def _diff_object(self, expected, actual, pointer):
        found = []
        pairs = {}
        for key in expected:
            other = "@" + key[1:]
            if key not in actual and self.decided and key[:1] == "_" and other in actual and other not in expected:
                pairs[key] = other
                self.deviations.add("at-keys")
            else:
                pairs[key] = key
        for key, other in pairs.items():
            if other in actual:
                found += self.diff(expected[key], actual[other], step(pointer, key))
            else:
                found.append(Difference(step(pointer, key), "value", "missing, expected %s" % short(expected[key])))
        extra = [k for k in actual if k not in pairs.values()]
        for key in extra:
            found.append(Difference(step(pointer, key), "value", "unexpected, is %s" % short(actual[key])))
        if not extra and len(actual) == len(pairs) and list(actual) != list(pairs.values()):
            found.append(Difference(pointer, "order", "keys %s, expected %s" % (list(actual), list(expected))))
        return found


def input_views(case):
    """The views of the MMIF that the request carries, or []."""
    try:
        body = parse(case["request"]["body"], duplicates=True)
        if "parameters" in body:
            body = body["mmif"]
        return body["views"] if isinstance(body["views"], list) else []
    except (KeyError, ValueError, TypeError, RecursionError):
        return []


def compare_mmif(case, expected, actual, decided):
    """(differences, names of deviations) between two MMIF or metadata trees."""
    comparer = Comparer(case.get("volatile", ()), decided, case.get("exotic_repr", False))
    if not decided or not isinstance(expected, dict) or not isinstance(expected.get("views"), list):
        return comparer.diff(expected, actual) + unequal(case, actual), comparer.deviations
    if not isinstance(actual, dict) or not isinstance(actual.get("views"), list):
        return [Difference("/views", "value", "no list of views")], set()
    given = input_views(case)
    found = comparer.diff({**expected, "views": []}, {**actual, "views": []})
    if len(expected["views"]) != len(actual["views"]):
        found.append(Difference("/views", "value", "%d views, expected %d" % (len(actual["views"]), len(expected["views"]))))
    for i, (e, a) in enumerate(zip(expected["views"], actual["views"])):
        trial = comparer.diff(e, a, "/views/%d" % i)
        if any(d.kind != "order" for d in trial) and i < len(given):
            untouched = Comparer().diff(given[i], a, "/views/%d" % i)
            if not any(d.kind == "value" for d in untouched):
                comparer.deviations.add("input")
                continue
        found += trial
    return found + unequal(case, actual), comparer.deviations


def unequal(case, actual):
    """Volatile values that were one value in the recording (the common timestamp of a run) and are not here."""
    found = []
    for rule in case.get("volatile", ()):
        try:
            if "same_as" in rule and at(actual, rule["at"]) != at(actual, rule["same_as"]):
                found.append(Difference(rule["at"], "value", "is not the same as " + rule["same_as"]))
        except (KeyError, IndexError, TypeError, ValueError):
            pass
    return found


def compare_error_view(case, expected, actual):
    """Class B as decided: the input's views stay, a new last view carries the error."""
    given = input_views(case)
    views = actual.get("views") if isinstance(actual, dict) else None
    if not isinstance(views, list) or len(views) != len(given) + 1:
        return "%s views, expected the %d of the input and one more" % (len(views or []), len(given))
    message = next(v["metadata"]["error"]["message"] for v in expected["views"] if is_new_error(v, given))
    app = next(v["metadata"]["app"] for v in expected["views"] if is_new_error(v, given))
    for i, (g, v) in enumerate(zip(given, views)):
        same = not any(d.kind == "value" for d in Comparer().diff(g, v))
        as_python = i < len(expected["views"]) and not any(d.kind == "value" for d in Comparer().diff(expected["views"][i], v))
        if not same and not as_python:
            return "view %d of the input changed" % i
    metadata = views[-1].get("metadata", {})
    if metadata.get("error", {}).get("message") != message:
        return "error message %r, expected %r" % (metadata.get("error", {}).get("message"), message)
    if metadata.get("app") != app or views[-1].get("annotations") != [] or "contains" in metadata or "appConfiguration" in metadata:
        return "the last view is not a plain error view"
    if list(metadata.get("parameters", {})) != given_parameters(case):
        return "parameters of the error view are %s, expected %s" % (list(metadata.get("parameters", {})), given_parameters(case))
    return None


def given_parameters(case):
    """Names of the parameters of a request, envelope first."""
    names = []
    try:
        body = parse(case["request"]["body"], duplicates=True)
        names = [k for k, v in body.get("parameters", {}).items() if v not in ([], {})]
    except (KeyError, ValueError, AttributeError, RecursionError):
        pass
    query = urllib.parse.parse_qsl(case["request"].get("query", ""), keep_blank_values=True)
    return names + [k for k in dict(query) if k not in names]


def is_new_error(view, given):
    return "error" in view["metadata"] and not any(view == g for g in given)


# --------------------------------------------------------------------------------------------------------------- HTTP

def send(base, request, timeout=60):
    """Sends the request as written, byte for byte, and returns {status, content_type, body, allow, content_length}."""
    url = urllib.parse.urlsplit(base)
    target = request["path"] + ("?" + request["query"] if "query" in request else "")
    body = base64.b64decode(request["body_b64"]) if "body_b64" in request else request.get("body", "").encode("utf-8")
    headers = {"Host": url.netloc, "Connection": "close"}
    headers.update(request.get("headers", {}))
    chunked = request.get("transfer") == "chunked"
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif body or request["method"] in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = str(len(body))
    head = "%s %s HTTP/1.1\r\n" % (request["method"], target) + "".join("%s: %s\r\n" % h for h in headers.items()) + "\r\n"
    if chunked:
        pieces = [body[i:i + 100] for i in range(0, len(body), 100)] + [b""]
        body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)
    with socket.create_connection((url.hostname, url.port or 80), timeout) as sock:
        try:
            sock.sendall(head.encode("latin-1") + body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server may answer before it has read everything
        response = http.client.HTTPResponse(sock, method=request["method"])
        response.begin()
        data = response.read()
    allow = response.getheader("Allow")
    return {
        "status": response.status,
        "content_type": response.getheader("Content-Type"),
        "allow": sorted(a.strip() for a in allow.split(",")) if allow else None,
        "content_length": response.getheader("Content-Length"),
        "body": data.decode("utf-8", "surrogateescape"),
    }


# --------------------------------------------------------------------------------------------------------- one verdict

class Verdict:
    def __init__(self):
        self.failure = None       # first difference, or None
        self.deviations = set()   # names from DECIDED, with reasons of "accept"
        self.order = []           # differences in the order of keys
        self.form = None          # difference in text form

    def fail(self, text):
        if self.failure is None:
            self.failure = str(text)


def judge(case, answer, decided=False, server="production", firm=False):
    expected = case["response_dev"] if server == "dev" and "response_dev" in case else case["response"]
    verdict = Verdict()
    compare_answer(case, expected, answer, decided, verdict)
    if verdict.failure is not None and decided:
        for accept in case.get("accept", ()):
            other = Verdict()
            if try_accept(case, expected, answer, accept, other):
                other.deviations.add("accept: " + accept["why"])
                verdict = other
                break
    if firm and verdict.failure is None:
        as_python(case, expected, answer, verdict)
    return verdict


def as_python(case, expected, answer, verdict):
    """--firm: fails an answer that follows Python where it was decided to differ."""
    if any(d.startswith("accept: ") for d in verdict.deviations):
        return
    if case["class"] == "A" and answer["status"] != 400:
        verdict.fail("status %s, decided is 400" % answer["status"])
    elif case["class"] == "C" and answer["body"] == CRASH_BODY:
        verdict.fail("the bare crash of Python, decided is class A, B or a good answer")
    elif case["class"] == "B" and "class B" not in verdict.deviations:
        given, want = input_views(case), parse(expected["body"])
        if len(want["views"]) == len(given) and given:
            verdict.fail("the error replaces an earlier view, decided is a new view")
    for accept in case.get("accept", ()):
        if accept.get("decided") and not verdict.deviations:
            verdict.fail("as Python, decided is: " + accept["why"])


def compare_answer(case, expected, answer, decided, verdict):
    kind = case["class"]
    if decided and kind == "C" and answer["body"] != expected.get("body"):
        return compare_crash(answer, verdict)
    if decided and kind == "A" and answer["status"] == 400 and expected["status"] == 500:
        verdict.deviations.add("class A")
        answer = {**answer, "status": 500}
    if answer["status"] != expected["status"]:
        return verdict.fail("status %s, expected %s" % (answer["status"], expected["status"]))
    if expected.get("allow") is not None and answer["allow"] != expected["allow"]:
        return verdict.fail("Allow %s, expected %s" % (answer["allow"], expected["allow"]))
    if decided and kind == "http":
        if (answer["content_type"], answer["body"]) != (expected["content_type"], expected.get("body")):
            verdict.deviations.add("http")
        return
    if answer["content_type"] != expected["content_type"]:
        return verdict.fail("Content-Type %s, expected %s" % (answer["content_type"], expected["content_type"]))
    if expected.get("content_length") is not None and answer["content_length"] != expected["content_length"]:
        if not decided:
            return verdict.fail("Content-Length %s, expected %s" % (answer["content_length"], expected["content_length"]))
    if "body" not in expected or answer["body"] == expected["body"]:
        return
    if kind == "A":
        return compare_input_error(expected["body"], answer["body"], decided, verdict)
    compare_json(case, expected, answer, decided, verdict)


def compare_input_error(expected, actual, decided, verdict):
    detail = expected.split("\n\n", 1)[1]
    if actual.split("\n\n", 1)[0] != PREFIX or "\n\n" not in actual:
        return verdict.fail("first line is not %r and a blank line: %r" % (PREFIX, actual[:200]))
    if not decided or detail.startswith(ENVELOPE_ERRORS):
        return verdict.fail("detail %r, expected %r" % (actual.split("\n\n", 1)[1], detail))
    verdict.deviations.add("class A")


def compare_json(case, expected, answer, decided, verdict):
    try:
        want = parse(expected["body"])
    except ValueError:
        return verdict.fail("body %r, expected %r" % (answer["body"][:200], expected["body"][:200]))
    try:
        # Bytes of foreign views may stay as they came, doubled keys included.
        got = parse(answer["body"], duplicates=decided and has_duplicates(case["request"].get("body", "")))
    except (ValueError, RecursionError) as e:
        return verdict.fail("body is not JSON (%s): %r" % (e, answer["body"][:200]))
    found, deviations = compare_mmif(case, want, got, decided)
    serious = [d for d in found if d.kind == "value" or d.kind == "number"]
    if serious and decided and case["class"] == "B":
        problem = compare_error_view(case, want, got)
        if problem is None:
            verdict.deviations.add("class B")
            return
    verdict.deviations |= deviations
    verdict.order = [d for d in found if d.kind == "order"]
    form = form_of(expected["body"], want)
    if form is not None and dump(got, FORMS[form]) != answer["body"]:
        verdict.form = "text form is not '%s': %r" % (form, answer["body"][:80])
    if serious:
        verdict.fail(serious[0])
    elif not decided and (verdict.order or verdict.form):
        verdict.fail(verdict.order[0] if verdict.order else verdict.form)


def compare_crash(answer, verdict):
    verdict.deviations.add("class C")
    status, text = answer["status"], answer["body"]
    if answer["content_type"] == "text/plain; charset=utf-8" and status in (400, 500):
        if not text.startswith(PREFIX + "\n\n"):
            verdict.fail("text answer without the first line: %r" % text[:100])
        return
    try:
        body = parse(text)
        views = body["views"]
    except (ValueError, KeyError, TypeError):
        return verdict.fail("neither class A, nor MMIF: status %s, %r" % (status, text[:100]))
    if status == 500 and not (views and "error" in views[-1]["metadata"]):
        return verdict.fail("status 500 without an error view")
    if status not in (200, 500):
        verdict.fail("status %s" % status)


def try_accept(case, expected, answer, accept, verdict):
    """Whether the answer is the alternative `accept`."""
    if "patch" in accept:
        body = parse(expected["body"])
        for p in accept["patch"]:
            body = replaced(body, p["at"], parse(json.dumps(p["value"])))
        text = dump(body, FORMS[form_of(expected["body"], parse(expected["body"]))])
        patched = {**case, "accept": (), "response": {**expected, "body": text}}
        compare_answer(patched, patched["response"], answer, True, verdict)
        return verdict.failure is None
    if answer["status"] not in accept["status"]:
        return False
    if "holds" not in accept and "lengths" not in accept:
        return True
    if answer["content_type"] != "application/json":
        return False
    try:
        body = parse(answer["body"])
        for pointer, value in accept.get("holds", {}).items():
            if Comparer().diff(parse(json.dumps(value)), at(body, pointer)):
                return False
        for pointer, length in accept.get("lengths", {}).items():
            if len(at(body, pointer)) != length:
                return False
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    return True


# --------------------------------------------------------------------------------------------------------------- main

def load(directory):
    cases = []
    for name in sorted(os.listdir(directory)):
        if re.fullmatch(r"cases.*\.json", name):
            with open(os.path.join(directory, name), encoding="utf-8") as f:
                cases += json.load(f)["cases"]
    return cases


def run(cases, apps, decided=False, server="production", order=False, only=None, verbose=False, firm=False, out=print):
    passed, failed, skipped, deviating, ordered, formed = [], [], [], {}, [], []
    for case in cases:
        name = case["name"]
        if only and not re.search(only, name):
            continue
        if case["app"] not in apps:
            skipped.append(name)
            continue
        try:
            verdict = judge(case, send(apps[case["app"]], case["request"]), decided, server, firm)
        except (OSError, http.client.HTTPException) as e:
            verdict = Verdict()
            verdict.fail("no answer: %r" % e)
        if order and verdict.failure is None and (verdict.order or verdict.form):
            verdict.fail(verdict.order[0] if verdict.order else verdict.form)
        if verdict.order:
            ordered.append(name)
        if verdict.form:
            formed.append(name)
        for d in verdict.deviations:
            deviating.setdefault(d, []).append(name)
        if verdict.failure is None:
            passed.append(name)
            if verbose:
                why = " (%s)" % "; ".join(sorted(verdict.deviations)) if verdict.deviations else ""
                out("ok    %s%s" % (name, why))
        else:
            failed.append(name)
            out("FAIL  %s\n      %s" % (name, verdict.failure))
    out("%d passed, %d failed, %d skipped (no --app)" % (len(passed), len(failed), len(skipped)))
    if decided:
        for why, names in sorted(deviating.items()):
            out("  accepted %s: %d cases" % (why, len(names)))
    out("  key order differs in %d cases, text form in %d cases" % (len(ordered), len(formed)))
    for label, names in (("key order", ordered), ("text form", formed)):
        if verbose and names:
            out("  %s: %s" % (label, " ".join(names)))
    return {"passed": passed, "failed": failed, "skipped": skipped, "deviations": deviating, "key_order": ordered,
            "text_form": formed}


def main():
    parser = argparse.ArgumentParser(description=__doc__ + "\nAccepted with --decided:" + DECIDED,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--app", action="append", default=[], metavar="NAME=URL", help="where an app answers (repeat)")
    parser.add_argument("--cases", default=os.path.dirname(os.path.abspath(__file__)), metavar="DIR")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--strict", action="store_true")
    mode.add_argument("--decided", action="store_true")
    parser.add_argument("--server", choices=["production", "dev"], default="production",
                        help="which of Python's two servers to compare with, where they differ")
    parser.add_argument("--firm", action="store_true", help="with --decided: Python's way fails where it was decided to differ")
    parser.add_argument("--order", action="store_true", help="with --decided: key order and text form count")
    parser.add_argument("--only", metavar="REGEX", help="only cases whose name matches")
    parser.add_argument("--show", metavar="NAME", help="print one case and stop")
    parser.add_argument("--json", metavar="FILE", help="write the result there too")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    cases = load(args.cases)
    if not cases:
        print("no cases*.json in " + args.cases, file=sys.stderr)
        return 2
    if args.show:
        for case in cases:
            if case["name"] == args.show:
                body = case["response"].pop("body", None)
                print(json.dumps(case, indent=2, ensure_ascii=False))
                try:
                    body = dump(parse(body), FORMS["mmif pretty"])
                except (ValueError, TypeError):
                    pass
                print("recorded body:\n%s" % body)
                return 0
        print("no such case: " + args.show, file=sys.stderr)
        return 2
    apps = dict(a.split("=", 1) for a in args.app)
    if not apps:
        print("at least one --app NAME=URL, please", file=sys.stderr)
        return 2
    if (args.firm or args.order) and not args.decided:
        parser.error("--firm and --order go with --decided")
    result = run(cases, apps, args.decided, args.server, args.order, args.only, args.verbose, args.firm)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
    return 1 if result["failed"] or not result["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
