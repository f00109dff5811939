#!/usr/bin/env python3
"""ci/count_tests.py: what it counts, and that failures are never lost."""
import importlib.util
import os
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "ci", "count_tests.py")
spec = importlib.util.spec_from_file_location("count_tests", PATH)
count_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(count_tests)

GTEST = """<testsuites tests="3"><testsuite name="S">
<testcase name="a" status="run" result="completed"/>
<testcase name="b" status="run" result="completed"><failure message="x"/></testcase>
<testcase name="c" status="run" result="skipped"><skipped message="no GPU"/></testcase></testsuite></testsuites>"""


def ctest_case(status, output="", failure=False):
    text = '<testcase name="t" status="%s">%s<system-out></system-out></testcase>' % (status, '<failure message=""/>' if failure else "")
    case = ElementTree.fromstring(text)
    case.find("system-out").text = output
    return case


class Counts(unittest.TestCase):
    def counts(self, case, report=None):
        with tempfile.TemporaryDirectory() as directory:
            if report:
                with open(os.path.join(directory, "program.xml"), "w", encoding="utf-8") as f:
                    f.write(report)
            return count_tests.counts_of(case, "program", directory)

    def test_cases_of_googletest_are_counted_one_by_one(self):
        self.assertEqual(self.counts(ctest_case("fail", failure=True), GTEST), (1, 1, 1))

    def test_a_script_that_counts_is_believed(self):
        self.assertEqual(self.counts(ctest_case("run", "noise\n505 passed, 0 failed, 0 skipped (no --app)\n  key order differs")), (505, 0, 0))

    def test_closing_lines_of_unittest_are_understood(self):
        self.assertEqual(self.counts(ctest_case("run", "...\n---\nRan 9 tests in 0.299s\n\nOK\n")), (9, 0, 0))
        self.assertEqual(self.counts(ctest_case("fail", "F\nRan 9 tests in 0.2s\n\nFAILED (failures=1, errors=2)\n", failure=True)), (6, 3, 0))

    def test_a_script_that_does_not_count_is_one_case(self):
        self.assertEqual(self.counts(ctest_case("run", "fine")), (1, 0, 0))

    def test_a_program_that_died_after_its_cases_passed_has_failed(self):
        self.assertEqual(self.counts(ctest_case("fail", "9 passed, 0 failed", failure=True)), (9, 1, 0))

    def test_a_timeout_without_output_has_failed(self):
        self.assertEqual(self.counts(ctest_case("fail", failure=True)), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
