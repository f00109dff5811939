#!/usr/bin/env python3
"""Runs clang-tidy over our sources.

    tidy.py BUILD-DIR JOBS [PATH ...]      PATH: only sources whose path contains one of these

A source that was clean is not read again until it, a header it includes, or .clang-tidy changes (BUILD-DIR/tidy-clean.json).
"""
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def commands(build, only):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        for entry in json.load(f):
            path = os.path.relpath(os.path.realpath(os.path.join(entry["directory"], entry["file"])), ROOT)
            if not path.startswith(("..", "build/")) and (not only or any(o in path for o in only)):
                yield path, entry


def our_headers(entry):
    """The headers of ours that a source includes, by the compiler's own account."""
    words = [w for w in shlex.split(entry["command"]) if os.path.basename(w) != "ccache"]
    if "-o" in words:
        del words[words.index("-o"):words.index("-o") + 2]
    listed = subprocess.run(words + ["-MM"], cwd=entry["directory"], capture_output=True, text=True)
    names = listed.stdout.replace("\\\n", " ").split()[1:]
    return [n for n in names if os.path.realpath(os.path.join(entry["directory"], n)).startswith(ROOT + os.sep)]


def fingerprint(entry, config):
    digest = hashlib.sha256(config + entry["command"].encode())
    for name in sorted(set(our_headers(entry)) | {entry["file"]}):
        with open(os.path.join(entry["directory"], name), "rb") as f:
            digest.update(name.encode() + b"\0" + f.read() + b"\0")
    return digest.hexdigest()


def check(build, path, entry, config, clean):
    """(path, fingerprint, findings)"""
    mark = fingerprint(entry, config)
    if clean.get(path) == mark:
        return path, mark, None
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, "--header-filter", "^" + ROOT + "/(libs|apps|tools|bindings|fuzz|bench|tests)/", os.path.join(ROOT, path)],
                          capture_output=True, text=True)
    return path, mark, done.stdout if done.returncode != 0 or "warning:" in done.stdout or "error:" in done.stdout else ""


def main():
    build, jobs, only = os.path.abspath(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    marks = os.path.join(build, "tidy-clean.json")
    clean = {}
    if os.path.exists(marks):
        with open(marks, encoding="utf-8") as f:
            clean = json.load(f)
    with open(os.path.join(ROOT, ".clang-tidy"), "rb") as f:
        config = f.read() + subprocess.run(["clang-tidy", "--version"], capture_output=True).stdout
    todo = dict(commands(build, only))
    bad = read = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, mark, findings in pool.map(lambda item: check(build, item[0], item[1], config, clean), sorted(todo.items())):
            read += findings is not None
            if findings:
                bad += 1
                print(findings.rstrip(), flush=True)
                clean.pop(path, None)
            else:
                clean[path] = mark
    with open(marks, "w", encoding="utf-8") as f:
        json.dump(clean, f)
    print("clang-tidy: %d sources, %d of them read now, %d with findings" % (len(todo), read, bad))
    return 1 if bad or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
