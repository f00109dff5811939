#!/usr/bin/env python3
"""Prints which programs chosen tests need: their own, one a line; nothing when a test runs something else (a script, a document).

    ctest --show-only=json-v1 -R NAME | test_programs.py BUILD
"""
import json
import os
import sys


def programs(listing, build):
    """Paths below `build`, or an empty list where all must be built."""
    found = set()
    for test in listing.get("tests", []):
        command = test.get("command") or [""]
        if len(command) != 1 or not command[0].startswith(build + "/tests/"):
            return []
        found.add(os.path.relpath(command[0], build))
    return sorted(found)


if __name__ == "__main__":
    try:
        listing = json.load(sys.stdin)
    except ValueError:
        sys.exit(0)  # ctest says itself what is wrong with its arguments
    for program in programs(listing, os.path.realpath(sys.argv[1])):
        print(program)
