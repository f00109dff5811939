#!/usr/bin/env python3
"""The tools that keep the documents true, on documents that are not."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class Tool(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="clams-docs-tools.")
        self.addCleanup(self.folder.cleanup)

    def ask(self, script, text, *arguments):
        path = os.path.join(self.folder.name, "page.md")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        environment = {**os.environ, "CLAMS_BIN": self.folder.name, "TMPDIR": self.folder.name}
        return subprocess.run([sys.executable, os.path.join(HERE, script), *arguments, path], capture_output=True, text=True, timeout=60, env=environment)


class Extract(Tool):
    def extract(self, text, expect):
        return self.ask("extract_snippets.py", text, "--out", os.path.join(self.folder.name, "out"), "--expect", expect)

    def test_blocks_of_one_name_are_put_together_with_their_places(self):
        done = self.extract("<!-- snippet: a -->\n```cpp\nint x;\n```\ntext\n<!-- snippet: a -->\n\n```cpp\nint y;\n```\n", "a")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.folder.name, "out", "a.cpp"), encoding="utf-8") as f:
            text = f.read()
        self.assertRegex(text, r'(?s)#line 3 ".*page\.md"\nint x;\n#line 9 ".*page\.md"\nint y;\n')

    def test_a_snippet_cannot_be_forgotten(self):
        for text, expect, words in (("```cpp\nint x;\n```\n", "", "without a mark"), ("<!-- snippet: a -->\n```cpp\n```\n", "", "no test compiles it"),
                                    ("text\n", "a", "in none of the documents"), ("<!-- snippet: a -->\ntext\n", "a", "without a block"),
                                    ("<!-- snippet: a -->\n```cpp\nint x;\n", "a", "does not end")):
            done = self.extract(text, expect)
            self.assertEqual(done.returncode, 1, text)
            self.assertIn(words, done.stderr)

    def test_an_excerpt_is_not_compiled(self):
        self.assertEqual(self.extract("<!-- excerpt -->\n```cpp\n…\n```\n", "").returncode, 0)


class Run(Tool):
    def follow(self, text):
        return self.ask("run_document.py", text)

    def test_what_is_shown_must_be_printed(self):
        page = "<!-- run -->\n```sh\necho one; echo 'two 2'; echo three\n```\n\n<!-- output -->\n```text\n%s\n```\n"
        for shown, fine in (("one\ntwo 2\nthree", True), ("one\ntwo …\nthree", True), ("…\nthree", True), ("one\n…", True), ("one\nthree", False), ("one\ntwo 2", False), ("one\ntwo …\nthree\nfour", False)):
            done = self.follow(page % shown)
            self.assertEqual(done.returncode == 0, fine, (shown, done.stderr))

    def test_a_command_that_fails_is_told_with_its_line(self):
        done = self.follow("text\n<!-- run -->\n```sh\nfalse\n```\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 4: ended with 1, not 0", done.stderr)

    def test_an_expected_failure_must_happen(self):
        self.assertEqual(self.follow("<!-- run: fails 3 -->\n```sh\nexit 3\n```\n").returncode, 0)
        self.assertEqual(self.follow("<!-- run: fails 3 -->\n```sh\ntrue\n```\n").returncode, 1)

    def test_a_page_where_nothing_is_run_is_an_error(self):
        self.assertEqual(self.follow("```sh\ntrue\n```\n").returncode, 1)

    def test_a_folder_once_entered_stays(self):
        self.assertEqual(self.follow("<!-- run -->\n```sh\nmkdir a\ncd a\n```\n<!-- run -->\n```sh\ntest $(basename $PWD) = a\n```\n").returncode, 0)


if __name__ == "__main__":
    unittest.main()
