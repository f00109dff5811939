#!/usr/bin/env python3
"""Every link of the documents to a file or heading of the repository leads somewhere, and every page can be reached from README.md."""
import os
import re
import sys
import unittest

ROOT = os.path.abspath(os.environ.get("CLAMS_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages():
    found = [os.path.join(ROOT, name) for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    for directory, _, files in os.walk(os.path.join(ROOT, "docs")):
        found += [os.path.join(directory, name) for name in files if name.endswith(".md")]
    return sorted(found)


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^(```+).*?^\1\s*$", "", text))


def read(path):
    with open(path, encoding="utf-8") as f:
        return without_code(f.read())


def headings(path):
    """Anchors as GitHub makes them."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"(?ms)^(```+).*?^\1\s*$", "", f.read())
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in re.findall(r"(?m)^#+ (.*)$", text)}


def links(path):
    for target in LINK.findall(read(path)):
        if not re.match(r"[a-z]+:", target):
            yield target


class Links(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        for page in pages():
            for target in links(page):
                name, _, anchor = target.partition("#")
                there = os.path.normpath(os.path.join(os.path.dirname(page), name)) if name else page
                with self.subTest(page=os.path.relpath(page, ROOT), link=target):
                    self.assertTrue(os.path.exists(there), "no such file")
                    if anchor:
                        self.assertIn(anchor, headings(there))

    def test_every_page_can_be_reached_from_the_readme(self):
        reached, waiting = set(), [os.path.join(ROOT, "README.md")]
        while waiting:
            page = waiting.pop()
            if page in reached or not os.path.exists(page):
                continue
            if os.path.isdir(page):
                waiting += [os.path.join(page, name) for name in os.listdir(page)]
            if not page.endswith(".md"):
                continue
            reached.add(page)
            waiting += [os.path.normpath(os.path.join(os.path.dirname(page), link.partition("#")[0])) for link in links(page)]
        self.assertEqual([os.path.relpath(page, ROOT) for page in pages() if page not in reached], [])


if __name__ == "__main__":
    unittest.main()
