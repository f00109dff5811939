#!/usr/bin/env python3
"""Records in expected/ what the Python command prints for the samples and for a list of `source` command lines.

    make_expected.py CLAMS     CLAMS: the program `clams` of an environment with clams-python 1.8.0 (mmif-python 1.5.4)

Where Python's answer is a mistake that we do not repeat, the expectation is kept by hand and never overwritten: BY_HAND says which and why.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.join(HERE, "..", "..", "..", "..", "tests", "data", "mmif")
BY_HAND = {
    "errors-and-warnings.describe": "Python counts the warnings view as a result of its run",
    "hidden-warnings.describe": "the same, and a running time with days ends Python's command",
    "screens.describe": "a running time without fraction ends Python's command",
    "old-1.1-types.describe": "the same",
    "errors-and-warnings.summarize": "an error view ends Python's command",
    "runs.summarize": "the same",
}
TOO_LARGE = {"speech-1mb.summarize"}
SOURCES = [
    ["video:/a/b.mp4"], ["video/mp4:/a//b/./c.mp4", "audio:/x/../y.mp3", "", "text:/t.txt", "image/png:/i p.png"], ["-p", "/pre", "video:a.mp4"],
    ["-p", "/pre/", "video:./a.mp4"], ["--prefix=/pre", "video:a.mp4"], ["video:/a", "-p"], ["-p", "pre", "video:a.mp4"], ["-p", "/pre", "video:/a.mp4"],
    ["video:a.mp4"], ["video"], ["vid:/a"], ["video:/a", "nonsense"], ["-s", "http", "video:/x/y.mp4"], ["video:http://h/x.mp4?q=1#f"],
    ["-s", "https", "audio:h.org/x.mp3"], ["video:file:///a/b.mp4"], ["video:file://host/a/b.mp4"], ["video:"], ["video:", "-p", "/p"], ["video:C:/x"],
    ["  video:/a b.mp4  "], ["video:/\u00e9/\u6587.mp4"], ["video://h/x.mp4"], ["video:file:a/b", "-p", "/p"], ["--scheme", "s3", "video:bucket/key"],
    ["video:///a/b"], ["-p", "//pre", "video:a"], ["image:/a", "-o", "-"]]


def samples():
    return sorted(glob.glob(os.path.join(SHARED, "*.mmif")) + glob.glob(os.path.join(HERE, "*.mmif")))


def record_documents(clams):
    for sample in samples():
        for command in ("describe", "summarize"):
            name = os.path.basename(sample)[:-5] + "." + command
            if name in BY_HAND or name in TOO_LARGE:
                continue
            with tempfile.TemporaryDirectory() as folder:
                out = os.path.join(folder, "out")  # Python's summarize prints remarks on standard output
                subprocess.run([clams, command, "-p", sample, "-o", out], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                with open(out, encoding="utf-8") as f, open(os.path.join(HERE, "expected", name + ".json"), "w", encoding="utf-8") as g:
                    g.write(f.read())


def record_sources(clams):
    cases = []
    for arguments in SOURCES:
        done = subprocess.run([clams, "source", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        case = {"arguments": arguments, "output": done.stdout}
        if done.returncode != 0:
            case["message"] = done.stderr.strip().splitlines()[-1].split(": ", 1)[1]
        cases.append(case)
    with open(os.path.join(HERE, "expected", "source.json"), "w", encoding="utf-8") as f:
        json.dump(cases, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(os.path.join(HERE, "expected"), exist_ok=True)
    record_documents(sys.argv[1])
    record_sources(sys.argv[1])
