"""The worker's answers against those of the app's own production server, byte for byte."""
import json
import re

import pytest
from front import HERE, Front, protocol, status_of
from production import ask, production_server

ODD = HERE / "apps" / "odd" / "app.py"
MMIF = b'{"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [], "views": []}'
DOCUMENT = (b'{"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [{"@type": "http://mmif.clams.ai/vocabulary/TextDocument/v1", '
            b'"properties": {"id": "d1", "text": {"@value": "some text"}}}], "views": []}')

# (method, path, query, body, headers)
CASES = {
    "metadata": ("GET", "/", "", b"", {}),
    "pretty metadata": ("GET", "/", "pretty=true&do=x", b"", {}),
    "metadata without a body": ("HEAD", "/", "", b"", {}),
    "a document": ("POST", "/", "", DOCUMENT, {"Content-Type": "application/json"}),
    "put": ("PUT", "/", "pretty=1", DOCUMENT, {}),
    "several values": ("POST", "/", "words=a&words=b+c&words=%C3%A9&number=7", DOCUMENT, {}),
    "form type": ("POST", "/", "", DOCUMENT, {"Content-Type": "application/x-www-form-urlencoded"}),
    "undefined parameter": ("POST", "/", "foo=a&foo=it%27s", DOCUMENT, {}),
    "bad bytes in the query": ("POST", "/", "foo=%FF%zz", DOCUMENT, {}),
    "warnings": ("POST", "/", "do=warn", DOCUMENT, {}),
    "bad cast": ("POST", "/", "number=many", DOCUMENT, {}),
    "error of the app": ("POST", "/", "do=raise", DOCUMENT, {}),
    "error of the error path": ("POST", "/", "self=1", DOCUMENT, {}),
    "no json": ("POST", "/", "", b"not json", {}),
    "empty body": ("POST", "/", "", b"", {}),
    "no mmif": ("POST", "/", "", b"{}", {}),
    "extra key": ("POST", "/", "", MMIF[:-1] + b', "foo": 1}', {}),
    "not utf-8": ("POST", "/", "", b"\xff\xfe{}", {}),
    "envelope": ("POST", "/", "number=3", b'{"parameters": {"words": ["x", 1], "number": 2}, "mmif": ' + DOCUMENT + b"}", {}),
    "broken envelope": ("POST", "/", "", b'{"parameters": []}', {}),
    "wrong path": ("GET", "/nothing/here", "", b"", {}),
    "two slashes": ("GET", "//", "", b"", {}),
    "encoded slash": ("GET", "/%2F", "", b"", {}),
    "wrong method": ("DELETE", "/", "", b"", {}),
    "large": ("POST", "/", "", DOCUMENT.replace(b"some text", b"some text " * 20000), {}),
}


def ask_server(port, case):
    method, path, query, body, headers = case
    return ask(port, method, path + ("?" + query if query else ""), body or None, headers)


def ask_worker(front, case, valid=False):
    method, path, query, body, headers = case
    frame, answer = front.http(method, query, body, path, headers.items(), valid)
    assert frame.type == protocol.RESULT, frame.text
    return status_of(frame), frame.attribute("header.Content-Type"), answer


def stable(answer):
    """Without what differs from run to run: times, and the stack trace's lines of the web server, which an error view ends at."""
    status, kind, body = answer
    body = re.sub(rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?', b"TIME", body)
    body = re.sub(rb'"runningTime": "[0-9:.]+"', b'"runningTime": "SPAN"', body)
    return status, kind, body


def test_every_answer_equals_the_production_servers(sdk, tmp_path):
    version, python = sdk
    with production_server(python, ODD, tmp_path / "gunicorn.log") as port, Front(python, ODD, ["--production"]) as front:
        differences = {}
        for name, case in CASES.items():
            expected, actual = stable(ask_server(port, case)), stable(ask_worker(front, case))
            if expected != actual:
                differences[name] = (expected, actual)
        assert differences == {}


def test_skipping_the_check_of_a_valid_input_changes_no_answer(sdk):
    valid = [name for name in ("a document", "put", "several values", "undefined parameter", "warnings", "bad cast", "error of the app", "large", "envelope")
             if name != "envelope" or sdk[0] != "1.3.3"]
    with Front(sdk[1], ODD) as fast, Front(sdk[1], ODD, options=["--plain-validation"]) as plain:
        for name in valid:
            assert stable(ask_worker(fast, CASES[name], valid=True)) == stable(ask_worker(plain, CASES[name])), name


def test_the_output_is_checked_all_the_same(sdk, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(ODD.read_text().replace("        self.sign_view(view, parameters)\n", ""))  # an unsigned view is against the schema
    (tmp_path / "note.txt").write_text("n")
    with Front(sdk[1], app) as front:
        skipped = stable(ask_worker(front, CASES["a document"], valid=True))
        assert skipped[0] == 500
        assert skipped == stable(ask_worker(front, CASES["a document"]))


def test_the_flag_of_one_request_does_not_reach_the_next(sdk):
    with Front(sdk[1], ODD) as front:
        assert ask_worker(front, CASES["a document"], valid=True)[0] == 200
        status, kind, body = ask_worker(front, CASES["extra key"])
        assert (status, kind.split(";")[0]) == (500, "text/plain")
        assert json.dumps(body.decode()).find("Additional properties") > 0


@pytest.mark.parametrize("name", ["no json", "no mmif", "extra key"])
def test_errors_of_the_remembered_schema_check_are_word_for_word_the_original_ones(sdk, name):
    with Front(sdk[1], ODD) as fast, Front(sdk[1], ODD, options=["--plain-validation"]) as plain:
        for _ in range(2):
            assert ask_worker(fast, CASES[name]) == ask_worker(plain, CASES[name])
