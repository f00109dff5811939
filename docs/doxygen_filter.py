#!/usr/bin/env python3
"""Lets Doxygen read our sources as they are.

Headers: a comment before a declaration becomes its documentation (`//` to `///`), one behind it too (`///<`). `<`, `@` and `\\` in them are text.
README.md: links to other pages of the repository, which are not part of the reference, become plain words; marks for tests go.
"""
import re
import sys

OWN_LINE = re.compile(r"^(\s*)//(?!/)(.*)$")
BEHIND = re.compile(r"^(.*\S)\s+//(?!/)\s(.*)$")


def words(text):
    """Escapes what Doxygen would take for markup, except in `code`, where it takes nothing."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([@\\<>#&])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def header(text):
    out = []
    for line in text.split("\n"):
        own, behind = OWN_LINE.match(line), BEHIND.match(line)
        if own:
            out.append("%s///%s" % (own.group(1), words(own.group(2))))
        elif behind and behind.group(1).count('"') % 2 == 0 and "NOLINT" not in behind.group(2):
            out.append("%s  ///< %s" % (behind.group(1), words(behind.group(2))))
        else:
            out.append(line)
    # The first comment of a file is about the file.
    if out and out[0].startswith("///"):
        out[0] = "/// @file\n" + out[0]
    return "\n".join(out)


def page(text):
    text = re.sub(r"<!-- (?:run|output|snippet|excerpt)\b.*?-->\n", "", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = f.read()
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(page(text) if sys.argv[1].endswith(".md") else header(text))


if __name__ == "__main__":
    main()
