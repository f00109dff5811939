"""Answers behind `clams serve` against those of the app's own production server, for the SDKs that apps in the wild pin. Times are masked."""
import difflib
import os
import pathlib
import re
import unittest

from hosted import APPS, BODY, HostingTest, python_of
from production import ask, production_server

JSON = {"Content-Type": "application/json"}
ENVELOPE = b'{"parameters": {"count": 1, "tags": ["a", "b"]}, "mmif": ' + BODY + b"}"
# (app, method, target, body, headers)
SAMPLE = {
    "metadata": ("wire_echo", "GET", "/", None, {}),
    "pretty metadata": ("wire_echo", "GET", "/?pretty", None, {}),
    "pretty metadata of an app that fails": ("wire_failing", "GET", "/?pretty=True", None, {}),
    "head": ("wire_echo", "HEAD", "/", None, {}),
    "defaults": ("wire_echo", "POST", "/", BODY, JSON),
    "put": ("wire_echo", "PUT", "/?pretty=1", BODY, JSON),
    "many values": ("wire_echo", "POST", "/?tags=a&tags=b&nums=7&weights=1e3&pairs=a:b&pairs=c:d&flag=true&on=no", BODY, JSON),
    "odd text": ("wire_echo", "POST", "/?text=%C3%A9%F0%9F%98%80%22+%5C&label=intro", BODY, JSON),
    "undefined parameter": ("wire_echo", "POST", "/?foo=1&foo=2", BODY, JSON),
    "bad cast": ("wire_echo", "POST", "/?count=many", BODY, JSON),
    "bad choice": ("wire_echo", "POST", "/?label=none", BODY, JSON),
    "hardware": ("wire_echo", "POST", "/?hwFetch=true&runningTime=true", BODY, JSON),
    "envelope": ("wire_echo", "POST", "/?count=3", ENVELOPE, JSON),
    "no content type": ("wire_echo", "POST", "/", BODY, {}),
    "not json": ("wire_echo", "POST", "/", b"not json", JSON),
    "no document": ("wire_echo", "POST", "/", b"", {}),
    "not mmif": ("wire_echo", "POST", "/", b"{}", JSON),
    "an unknown key": ("wire_echo", "POST", "/", BODY[:-1] + b', "foo": 1}', JSON),
    "missing required parameter": ("wire_failing", "POST", "/", BODY, JSON),
    "value error": ("wire_failing", "POST", "/?req=1&kind=value&detail=%C3%A9", BODY, JSON),
    "key error": ("wire_failing", "POST", "/?req=1&kind=key", BODY, JSON),
    "own error": ("wire_failing", "POST", "/?req=1&kind=custom", BODY, JSON),
    "late error": ("wire_failing", "POST", "/?req=1&kind=late&pretty=true", BODY, JSON),
    "unsigned view": ("wire_failing", "POST", "/?req=1&kind=unsigned", BODY, JSON),
    "json error": ("wire_failing", "POST", "/?req=1&kind=json", BODY, JSON),
    "large": ("wire_echo", "POST", "/?text=" + "x" * 2000, BODY.replace(b"file:///d1.mp4", b"file:///" + b"y" * 300000), JSON),
}


def masked(answer):
    status, kind, body = answer
    body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", b"TIME", body)
    return status, kind, re.sub(rb'"(runningTime|appRunningTime)": "[0-9:.]+"', b'"SPAN"', body)


def changes(expected, actual):
    """What differs, short enough to read."""
    lines = [[repr(answer[:2])] + answer[2].decode("utf-8", "replace").replace(", ", ",\n").split("\n") for answer in (expected, actual)]
    return [line for line in difflib.unified_diff(*lines, lineterm="", n=0) if line[:2] not in ("--", "++", "@@")]


class EqualAnswers(HostingTest):
    def compare(self, version):
        python, differences = python_of(version), {}
        for folder in ("wire_echo", "wire_failing"):
            app = pathlib.Path(APPS / folder / "app.py")
            ours = self.serve(app, "--production", "--status-codes", "python", "--workers", "1", python=python)
            with production_server(python, app, os.path.join(self.path, "gunicorn.log")) as port:
                for name, (wanted, *request) in SAMPLE.items():
                    if wanted != folder:
                        continue
                    expected, actual = masked(ask(port, *request)), masked(ask(ours.port, *request))
                    if expected != actual:
                        differences[name] = (expected, actual)
        self.assertEqual({name: changes(*pair) for name, pair in differences.items()}, {})

    def test_sdk_1_3_3(self):
        self.compare("1.3.3")

    def test_sdk_1_7_1(self):
        self.compare("1.7.1")

    def test_sdk_1_8_0(self):
        self.compare("1.8.0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
