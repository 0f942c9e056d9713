# SPDX-License-Identifier: BSD-2-Clause
"""count.py against outputs of cmocka, unittest and CTest as they are and as they are when something crashes."""
import contextlib
import io
import os
import sys
import tempfile
import unittest
from unittest import mock
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import count

CMOCKA = """[==========] Running 3 test(s).
[ RUN      ] adds
[       OK ] adds
[ RUN      ] divides
[  {}  ] divides
[ RUN      ] sleeps
[  SKIPPED ] sleeps
[==========] 3 test(s) run.
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] sleeps
"""
GOOD = CMOCKA.format("     OK")
BAD = CMOCKA.format("FAILED") + "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] divides\n"
UNITTEST = "test_a (__main__.A) ... ok\n\n------\nRan 5 tests in 0.01s\n\n{}\n"


def case(name, output, status="run", seconds=1.0, extra=""):
    return f'<testcase name="{name}" time="{seconds}" status="{status}">{extra}<system-out>{escape(output)}</system-out></testcase>'


class Count(unittest.TestCase):
    def run_main(self, cases=None, checks=()):
        """(exit code, printed lines) of count.py over one report."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.xml")
            arguments = ["count.py"]
            if cases is not None:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"<testsuite>{''.join(cases)}</testsuite>")
                arguments += ["--junit", path]
            for name, status in checks:
                arguments += ["--check", name, status]
            output = io.StringIO()
            with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(output):
                code = count.main()
            return code, output.getvalue().splitlines()

    def assert_counts(self, expected, cases=None, checks=()):
        code, lines = self.run_main(cases, checks)
        self.assertEqual(lines[-1], "{} passed, {} failed, {} skipped".format(*expected), "\n".join(lines))
        self.assertEqual(code, 1 if expected[1] or not expected[0] else 0)

    def test_cmocka(self):
        self.assert_counts((2, 0, 1), [case("test_a", GOOD)])
        self.assert_counts((1, 1, 1), [case("test_a", BAD, "fail")])

    def test_cmocka_on_ranks(self):
        self.assert_counts((2, 0, 1), [case("test_a_2", GOOD + GOOD)])
        self.assert_counts((1, 1, 1), [case("test_a_2", GOOD + BAD, "fail")])
        one = "[==========] Running 1 test(s).\n"
        mixed = one + one + "[ RUN      ] adds\n[ RUN      ] adds\n[       OK ] adds\n[  FAILED  ] adds\n"
        self.assert_counts((0, 1, 0), [case("test_a_2", mixed, "fail")])

    def test_crash_in_a_test(self):
        started = "[==========] Running 3 test(s).\n[ RUN      ] adds\n[       OK ] adds\n[ RUN      ] divides\nSegmentation fault\n"
        self.assert_counts((1, 2, 0), [case("test_a", started, "fail")])

    def test_silent_exit(self):
        """exit(0) in the middle of a test is no success."""
        started = "[==========] Running 3 test(s).\n[ RUN      ] adds\n[       OK ] adds\n"
        self.assert_counts((1, 2, 0), [case("test_a", started)])

    def test_no_summary(self):
        self.assert_counts((0, 1, 0), [case("test_a", "", "fail")])
        self.assert_counts((0, 1, 0), [case("test_a", "")])

    def test_failure_after_the_last_test(self):
        """A leak report makes the exit code bad although every test is fine."""
        self.assert_counts((2, 1, 1), [case("test_a", GOOD + "LeakSanitizer: 8 bytes\n", "fail")])

    def test_unittest(self):
        self.assert_counts((5, 0, 0), [case("test_b", UNITTEST.format("OK"))])
        self.assert_counts((3, 0, 2), [case("test_b", UNITTEST.format("OK (skipped=2)"))])
        self.assert_counts((1, 3, 1), [case("test_b", UNITTEST.format("FAILED (failures=1, errors=2, skipped=1)"), "fail")])
        self.assert_counts((4, 1, 0), [case("test_b", UNITTEST.format("FAILED (unexpected successes=1)"), "fail")])

    def test_unittest_nothing_ran(self):
        empty = UNITTEST.replace("Ran 5", "Ran 0").format("OK")
        self.assert_counts((0, 1, 0), [case("test_b", empty)])
        self.assert_counts((0, 0, 1), [case("test_b", UNITTEST.replace("Ran 5", "Ran 0").format("OK (skipped=1)"))])
        self.assert_counts((0, 1, 0), [case("test_b", "Traceback (most recent call last):\nImportError: x\n", "fail")])

    def test_unittest_killed_after_summary(self):
        self.assert_counts((5, 1, 0), [case("test_b", UNITTEST.format("OK"), "fail")])

    def test_other_programs(self):
        self.assert_counts((1, 0, 0), [case("format", "")])
        self.assert_counts((0, 1, 0), [case("format", "", "fail")])

    def test_not_built(self):
        skipped = '<skipped message=""/>'
        self.assert_counts((2, 1, 1), [case("test_a", GOOD), case("test_b", "", "notrun", extra=skipped)])
        self.assert_counts((2, 0, 2), [case("test_a", GOOD), case("test_b", "", "disabled", extra=skipped)])

    def test_checks(self):
        self.assert_counts((1, 1, 1), checks=[("layers", "0"), ("format", "1"), ("other", "skipped")])

    def test_reports(self):
        self.assert_counts((0, 1, 0), [])
        for text in ("", "<testsuite><testcase"):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "report.xml")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                self.assertEqual(count.read_junit(path)[0][2].failed, 1)
        self.assertEqual(count.read_junit("missing.xml")[0][2].failed, 1)

    def test_slowest(self):
        _, lines = self.run_main([case("test_a", GOOD, seconds=0.5), case("test_b", GOOD, seconds=7.25)])
        self.assertEqual(lines[0], "slowest: test_b 7.2 s, test_a 0.5 s")


if __name__ == "__main__":
    unittest.main()
