#!/usr/bin/env python3
"""Prints how many tests and cases a ctest run had, by label.

    count_tests.py BUILD-DIR

Reads BUILD-DIR/results.xml (ctest's JUnit file), BUILD-DIR/results/*.xml (GoogleTest's) and the labels from ctest itself. A test is
what ctest starts; its cases are GoogleTest's cases, those of Python's unittest, or what a script says in a line "N passed, N failed"; else it is one case.
The last line is the sum of the cases. Exit status: 0 all passed, 1 something failed or nothing ran.
"""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

CASES = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped.*)?$", re.M)

UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED \((.*)\))", re.M)


def described(build):
    """{test name: (labels, program name)}"""
    text = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True, text=True).stdout
    found = {}
    for test in json.loads(text)["tests"]:
        labels = next((p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"), [])
        found[test["name"]] = (labels or ["unlabelled"], os.path.basename(test.get("command", [""])[0]))
    return found


def gtest_counts(path):
    """(passed, failed, skipped) of a GoogleTest report."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None:
            failed += 1
        elif case.get("result") == "skipped" or case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def unittest_counts(closing):
    """(passed, failed, skipped) of the closing lines of Python's unittest."""
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", closing[1]))
    return int(closing[0]) - bad, bad, 0


def counts_of(case, program, results):
    """(passed, failed, skipped) cases of one ctest test."""
    status = case.get("status")
    if status in ("disabled", "notrun") and case.find("failure") is None:
        return 0, 0, 1
    ok = status == "run"
    report = os.path.join(results, program + ".xml")
    output = case.findtext("system-out") or ""
    if os.path.exists(report):
        counts = gtest_counts(report)
    elif CASES.search(output):
        counts = tuple(int(n or 0) for n in CASES.findall(output)[-1])
    elif UNITTEST.search(output):
        counts = unittest_counts(UNITTEST.findall(output)[-1])
    else:
        counts = (1, 0, 0) if ok else (0, 1, 0)
    if not ok and counts[1] == 0:  # it died, timed out or failed beside its cases
        counts = (counts[0], 1, counts[2])
    return counts


def main():
    build = sys.argv[1]
    tests = described(build)
    rows = {}
    total = [0, 0, 0, 0, 0]
    failures = []
    for case in ElementTree.parse(os.path.join(build, "results.xml")).getroot().iter("testcase"):
        name = case.get("name")
        labels, program = tests.get(name, (["unlabelled"], name))
        passed, failed, skipped = counts_of(case, program, os.path.join(build, "results"))
        if failed:
            failures.append(name)
        for row in [rows.setdefault(label, [0, 0, 0, 0, 0]) for label in labels] + [total]:
            for i, n in enumerate((1, 1 if failed else 0, passed, failed, skipped)):
                row[i] += n
    print("\n%-14s %6s %7s %8s %7s %8s" % ("label", "tests", "failed", "passed", "failed", "skipped"))
    print("%-14s %6s %7s %8s %7s %8s" % ("", "", "tests", "cases", "cases", "cases"))
    for label, row in sorted(rows.items()) + [("all", total)]:
        print("%-14s %6d %7d %8d %7d %8d" % tuple([label] + row))
    if failures:
        print("failed: " + " ".join(failures))
    print("\n%d passed, %d failed, %d skipped" % (total[2], total[3], total[4]))
    return 0 if total[2] and not total[3] else 1


if __name__ == "__main__":
    sys.exit(main())
