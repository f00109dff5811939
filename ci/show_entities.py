#!/usr/bin/env python3
"""Named entities of an MMIF file, a line each, and how often each was found.

    show_entities.py FILE.mmif
"""
import collections
import json
import sys


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as f:
        views = json.load(f)["views"]
    found = collections.Counter()
    for view in views:
        for annotation in view["annotations"]:
            if annotation["@type"].rstrip("/").split("/")[-1] == "NamedEntity":
                properties = annotation["properties"]
                found[properties["category"], properties["text"]] += 1
    if not found:
        print("show_entities.py: no view of %s has a NamedEntity" % arguments[0], file=sys.stderr)
        return 1
    for (category, text), count in sorted(found.items()):
        print("%-8s %s%s" % (category, text, "" if count == 1 else "  (%d times)" % count))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
