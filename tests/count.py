# SPDX-License-Identifier: BSD-2-Clause
"""Counts what tests/run.sh ran and ends with the plain line `N passed, N failed, N skipped`; exit 1 when anything failed or nothing passed.

    count.py [--junit FILE]... [--check NAME STATUS]...

--junit: what `ctest --output-junit` wrote. A cmocka program counts its single tests (once, however many ranks ran it), a unittest file its
tests, any other program 1. --check: one check of the script itself, STATUS is its exit code or `skipped`.
Suspicion is the rule: a program that ends badly without naming a failed test, that starts a test and never ends it, that announces more
tests than it ran, or that ran none at all counts as a failure; so does a report that is missing or broken. It does not run tests."""
import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree

CMOCKA_PLAN = re.compile(r"\[==========\] Running (\d+) test")
CMOCKA_LINE = re.compile(r"\[ *(RUN|OK|FAILED|SKIPPED|ERROR|LINE|PASSED) *\] (\w+)")
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_END = re.compile(r"^(OK|FAILED)(?: \((.*)\))?\s*$", re.MULTILINE)


class Counts:
    """passed, failed, skipped, and the reasons that no test name tells."""

    def __init__(self, passed=0, failed=0, skipped=0, reasons=()):
        self.passed, self.failed, self.skipped, self.reasons = passed, failed, skipped, list(reasons)

    def suspect(self, reason):
        self.failed += 1
        self.reasons.append(reason)
        return self


def count_cmocka(output, ended_well):
    """One cmocka program; with several ranks every rank may print, and a test fails when it fails on any."""
    seen = {"RUN": set(), "OK": set(), "FAILED": set(), "SKIPPED": set(), "ERROR": set()}
    for kind, name in CMOCKA_LINE.findall(output):
        # The closing summary has the same tags before a number: "[  PASSED  ] 3 test(s)."
        if kind in seen and not name.isdigit():
            seen[kind].add(name)
    failed = seen["FAILED"] | seen["ERROR"]
    skipped = seen["SKIPPED"] - failed
    passed = seen["OK"] - failed - skipped
    unfinished = seen["RUN"] - failed - skipped - passed
    result = Counts(len(passed), len(failed), len(skipped))
    for name in sorted(unfinished):
        result.suspect(f"{name} was started and never ended")
    planned = sum({int(n) for n in CMOCKA_PLAN.findall(output)})
    lost = planned - len(seen["RUN"])
    if lost > 0:
        result.failed += lost
        result.reasons.append(f"{lost} of {planned} announced tests never started")
    return close(result, ended_well)


def count_unittest(output, ended_well):
    """One Python file under unittest; a failing subTest or setUpClass counts too, so failures may exceed the number of tests."""
    ran = sum(int(n) for n in UNITTEST_RAN.findall(output))
    totals = {}
    for _, details in UNITTEST_END.findall(output):
        for name, number in re.findall(r"([a-z ]+)=(\d+)", details):
            totals[name.strip()] = totals.get(name.strip(), 0) + int(number)
    failed = totals.get("failures", 0) + totals.get("errors", 0) + totals.get("unexpected successes", 0)
    skipped = totals.get("skipped", 0)
    return close(Counts(max(0, ran - failed - skipped), failed, skipped), ended_well)


def close(result, ended_well):
    if not ended_well and result.failed == 0:
        result.suspect("ended badly without naming a failed test")
    if result.passed + result.failed + result.skipped == 0:
        result.suspect("ran no test at all")
    return result


def count_case(case):
    """One <testcase> of CTest's report."""
    if case.get("status") == "disabled" or case.find("skipped") is not None and case.get("status") != "fail":
        return Counts(skipped=1) if case.get("status") != "notrun" else Counts().suspect("was not run (not built?)")
    output = case.findtext("system-out") or ""
    ended_well = case.get("status") == "run" and case.find("failure") is None
    if CMOCKA_PLAN.search(output):
        return count_cmocka(output, ended_well)
    if UNITTEST_RAN.search(output):
        return count_unittest(output, ended_well)
    name = case.get("name", "")
    if name.startswith("test_"):
        return Counts().suspect("printed no summary: crashed before its first test, or ran none")
    return Counts(passed=1) if ended_well else Counts().suspect("ended badly")


def read_junit(path):
    """[(name, seconds, Counts)], or one failure when the report is missing or broken."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        return [(path, 0.0, Counts().suspect(f"no readable test report: {error}"))]
    if not cases:
        return [(path, 0.0, Counts().suspect("the test report is empty"))]
    return [(case.get("name", "?"), float(case.get("time") or 0), count_case(case)) for case in cases]


def count_check(name, status):
    if status == "skipped":
        return Counts(skipped=1)
    return Counts(passed=1) if status == "0" else Counts().suspect(f"exit code {status}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--junit", action="append", default=[])
    parser.add_argument("--check", action="append", default=[], nargs=2, metavar=("NAME", "STATUS"))
    arguments = parser.parse_args()
    rows = [row for path in arguments.junit for row in read_junit(path)]
    slowest = sorted(rows, key=lambda row: -row[1])[:8]
    rows += [(name, 0.0, count_check(name, status)) for name, status in arguments.check]

    if slowest:
        print("slowest: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds, _ in slowest))
    for name, _, counts in rows:
        if counts.failed:
            print(f"FAILED {name}: {counts.failed} failed, {counts.passed} passed" + "".join(f"; {reason}" for reason in counts.reasons))
    passed, failed, skipped = (sum(getattr(c, k) for _, _, c in rows) for k in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
