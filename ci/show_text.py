#!/usr/bin/env python3
"""Prints the texts of the last view of an MMIF file that has any.

    show_text.py FILE.mmif
"""
import json
import re
import sys


def texts(view):
    for annotation in view["annotations"]:
        if re.search(r"/TextDocument(/|$)", annotation["@type"]):
            yield annotation["properties"].get("text", {}).get("@value", "")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        views = json.load(f)["views"]
    found = next((t for t in (list(texts(v)) for v in reversed(views)) if t), None)
    if found is None:
        print("show_text.py: no view of %s has a TextDocument" % sys.argv[1], file=sys.stderr)
        return 1
    print("\n".join(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
