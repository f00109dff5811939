#!/usr/bin/env python3
"""Takes the C++ out of the documents, so that what people copy is what was compiled.

    extract_snippets.py --out DIR --expect NAME[,NAME...] DOCUMENT...

A block counts when this line stands before its fence (blank lines between are allowed):

    <!-- snippet: NAME -->

Blocks of one name are put together in the order of the documents and written to DIR/NAME.cpp, with #line directives, so that a compiler
names the place in the document. A name that is not expected, an expected one without a block, a mark without a block, and a ```cpp block
without a mark are errors: a snippet cannot be forgotten. A block that is no whole piece of code (a signature, an excerpt) is marked
`<!-- excerpt -->`. Exit status: 0 done, 1 an error, named with its place.
"""
import argparse
import os
import re
import sys

MARK = re.compile(r"<!-- (snippet: ([a-z][a-z0-9_]*)|excerpt) -->\s*$")
FENCE = re.compile(r"^(```+)\s*([a-z]*)\s*$")


class Wrong(Exception):
    pass


def blocks(path):
    """(line of the first line of code, language, mark or None, lines) of each fenced block."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    mark = mark_line = None
    at = 0
    while at < len(lines):
        line = lines[at]
        found = MARK.match(line)
        fence = FENCE.match(line)
        if found:
            if mark:
                raise Wrong("%s:%d: two marks for one block" % (path, at + 1))
            mark, mark_line = found, at + 1
        elif fence:
            end = at + 1
            while end < len(lines) and lines[end].rstrip() != fence.group(1):
                end += 1
            if end == len(lines):
                raise Wrong("%s:%d: a block that does not end" % (path, at + 1))
            yield at + 2, fence.group(2), mark, lines[at + 1:end]
            mark, at = None, end
        elif mark and line.strip():
            raise Wrong("%s:%d: a mark without a block" % (path, mark_line))
        at += 1
    if mark:
        raise Wrong("%s:%d: a mark without a block" % (path, mark_line))


def extract(documents):
    """NAME -> text."""
    texts = {}
    for path in documents:
        for line, language, mark, code in blocks(path):
            name = mark.group(2) if mark else None
            if language == "cpp" and not mark:
                raise Wrong("%s:%d: a cpp block without a mark: <!-- snippet: NAME -->, or <!-- excerpt --> if it cannot be compiled" % (path, line))
            if name:
                texts.setdefault(name, []).append('#line %d "%s"\n%s\n' % (line, path, "\n".join(code)))
    return {name: "".join(parts) for name, parts in texts.items()}


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--expect", default="", metavar="NAMES")
    parser.add_argument("documents", nargs="+", metavar="DOCUMENT")
    options = parser.parse_args(argv)
    expected = {name for name in options.expect.split(",") if name}
    try:
        texts = extract(options.documents)
        for name in sorted(set(texts) - expected):
            raise Wrong("snippet %s is in the documents, but no test compiles it: add it to tests/docs/CMakeLists.txt" % name)
        for name in sorted(expected - set(texts)):
            raise Wrong("snippet %s is wanted by tests/docs/CMakeLists.txt, but in none of the documents" % name)
    except Wrong as error:
        print("extract_snippets.py: %s" % error, file=sys.stderr)
        return 1
    os.makedirs(options.out, exist_ok=True)
    for name, text in texts.items():
        with open(os.path.join(options.out, name + ".cpp"), "w", encoding="utf-8") as f:
            f.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
