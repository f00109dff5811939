#!/usr/bin/env python3
"""ci/word_errors.py and ci/show_entities.py: what the speech demonstration prints."""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest

CI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "ci")


def load(name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(CI, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class WordErrors(unittest.TestCase):
    report = staticmethod(load("word_errors").report)

    def test_case_punctuation_hyphens_and_mister_do_not_count(self):
        self.assertEqual(self.report("Mr. John is ill-disposed, isn’t he?", "mister john is ill disposed isn't he"), "word error rate: 0.0 % (0 errors in 7 words)")

    def test_each_missing_added_and_changed_word_is_an_error(self):
        self.assertEqual(self.report("one two three four", "one three four"), "word error rate: 25.0 % (1 errors in 4 words)")
        self.assertEqual(self.report("one two three four", "one two and three for"), "word error rate: 50.0 % (2 errors in 4 words)")
        self.assertEqual(self.report("one two", ""), "word error rate: 100.0 % (2 errors in 2 words)")
        self.assertEqual(self.report("a b", "b a b a"), "word error rate: 100.0 % (2 errors in 2 words)")

    def test_a_known_text_without_words_is_no_measure(self):
        with self.assertRaises(ValueError):
            self.report(" … ", "anything")


class Entities(unittest.TestCase):
    def show(self, annotations):
        with tempfile.NamedTemporaryFile("w", suffix=".mmif") as f:
            json.dump({"views": [{"annotations": annotations}]}, f)
            f.flush()
            done = subprocess.run([sys.executable, os.path.join(CI, "show_entities.py"), f.name], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_each_name_is_a_line_with_its_count(self):
        entity = lambda text, category: {"@type": "http://vocab.lappsgrid.org/NamedEntity", "properties": {"text": text, "category": category}}
        other = {"@type": "http://mmif.clams.ai/vocabulary/Token/v1", "properties": {"text": "Boston"}}
        self.assertEqual(self.show([entity("WGBH", "ORG"), other, entity("Boston", "GPE"), entity("WGBH", "ORG")]),
                         (0, "GPE      Boston\nORG      WGBH  (2 times)\n", ""))

    def test_a_file_without_names_is_told_in_one_line(self):
        status, out, err = self.show([])
        self.assertEqual((status, out, err.count("\n")), (1, "", 1))


if __name__ == "__main__":
    unittest.main()
