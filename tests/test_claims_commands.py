# SPDX-License-Identifier: BSD-2-Clause
"""Claims from the input to `show`: intervals against SciPy from the rows of `export`, findings that change no outcome, files that keep
their claims over resume, extension and parts, and refusals with their place."""
import csv
import io
import json
import sys
import unittest

import numpy as np
from scipy import special

from harness import ROOT, SystemTest

sys.path.insert(0, str(ROOT / "analysis"))
import load

PLAIN = """schema: myopia/1
experiment: barbell
seed: 1
replicates: 60
sweep: {method: [random, weighted, oracle]}
"""
CLAIMS = PLAIN + """claims:
  - {claim: "1. rse falls, they say", metric: rse, of: {method: oracle}, against: {method: random}, compare: difference, below: 0}
  - {claim: "2. by half", metric: rse, of: {method: oracle}, against: {method: random}, compare: ratio, within: [0.4, 0.6]}
  - {claim: "3. weighted is oracle", metric: connected, of: {method: weighted}, against: {method: oracle}, compare: difference, contains: 0}
  - {claim: "4. never", metric: connected, of: {method: oracle}, below: 0.1}
"""
LEVEL = 0.05 / 4


def quantile(p, dof):
    return np.sqrt(dof / special.betaincinv(dof / 2, 0.5, 2 * (1 - p)) - dof)


class Claims(SystemTest):
    def made(self, text=CLAIMS, name="c.h5", *words, **kw):
        out = self.dir / name
        return out, self.ok("run", self.input(text), *words, "--out", out, **kw)

    def column(self, out, metric, method):
        rows = csv.DictReader(io.StringIO(self.ok("export", out, "--csv").stdout))
        return np.array([float(r[metric]) for r in rows if r["method"] == method])

    def close(self, claim, value, low, high):
        np.testing.assert_allclose([claim["value"], claim["low"], claim["high"]], [value, low, high], rtol=1e-11, err_msg=claim["claim"])

    def test_welch(self):
        out, done = self.made(ranks=2)
        claim = self.show(out)["claims"][0]
        x, y = self.column(out, "rse", "oracle"), self.column(out, "rse", "random")
        v, w = x.var(ddof=1) / 60, y.var(ddof=1) / 60
        dof = (v + w) ** 2 / ((v**2 + w**2) / 59)
        half = quantile(1 - LEVEL / 2, dof) * np.sqrt(v + w)
        self.close(claim, x.mean() - y.mean(), x.mean() - y.mean() - half, x.mean() - y.mean() + half)
        self.assertEqual((claim["n"], claim["n_against"], claim["paired"], claim["bound"]), (60, 60, False, {"below": 0}))
        self.assertIn("4. never", done.stdout)

    def test_paired(self):
        out, _ = self.made(CLAIMS + "pair: [method]\n")
        difference, ratio, same, _ = self.show(out)["claims"]
        x, y = self.column(out, "rse", "oracle"), self.column(out, "rse", "random")
        t = quantile(1 - LEVEL / 2, 59)
        half = t * (x - y).std(ddof=1) / np.sqrt(60)
        self.close(difference, (x - y).mean(), (x - y).mean() - half, (x - y).mean() + half)
        cov = np.cov(x, y) / 60
        a, b = x.mean(), y.mean()
        fieller = np.roots([b**2 - t**2 * cov[1, 1], -2 * (a * b - t**2 * cov[0, 1]), a**2 - t**2 * cov[0, 0]])
        self.close(ratio, x.mean() / y.mean(), *sorted(fieller))
        self.assertTrue(difference["paired"] and ratio["paired"] and same["paired"])
        self.assertEqual(same["verdict"], "holds")

    def test_findings_change_no_outcome(self):
        out, done = self.made()
        self.assertIn("RESULT: VALID", self.result(done))
        shown = self.show(out)
        self.assertEqual((shown["result"], shown["reasons"]), ("VALID", []))
        self.assertEqual(shown["claims"][3]["verdict"], "does not hold")
        plain, _ = self.made(PLAIN, "plain.h5")
        self.same(out, plain)
        self.assertEqual(self.show(plain)["claims"], [])
        self.assertIn("no claims", self.ok("show", plain, "--claims").stdout)
        self.assertIn("intact", self.ok("verify", out).stdout)

    def test_forms(self):
        out, _ = self.made()
        shown = self.show(out)["claims"]
        rows = list(csv.DictReader(io.StringIO(self.ok("show", out, "--csv", "--claims").stdout)))
        self.assertEqual([r["claim"] for r in rows], [c["claim"] for c in shown])
        for row, claim in zip(rows, shown):
            self.assertEqual([float(row[k]) for k in ("value", "low", "high")], [claim[k] for k in ("value", "low", "high")])
            self.assertEqual((row["verdict"], int(row["n"]), row["of"]), (claim["verdict"], claim["n"], claim["of"]))
        self.assertEqual(json.loads(self.ok("show", out, "--json", "--claims").stdout)["claims"], shown)
        table = self.ok("show", out).stdout
        for claim in shown:
            self.assertIn(claim["claim"], table)
        self.assertLess(table.index("bridges_kept"), table.index("4. never"))
        self.assertNotIn("claims", self.ok("show", out, "--csv").stdout)
        plan = json.loads(self.ok("check", self.input(CLAIMS), "--json").stdout)
        self.assertEqual([(c["bound"], c["points"], c["points_against"]) for c in plan["claims"]],
                         [("below 0", 1, 1), ("within [0.4, 0.6]", 1, 1), ("contains 0", 1, 1), ("below 0.1", 1, 0)])
        self.assertIn("2. by half", self.ok("check", self.input(CLAIMS)).stdout)
        with load.load(out) as run:
            self.assertEqual(run.claims[1]["claim"], "2. by half")
            self.assertEqual((run.claims[1]["of"], run.claims[1]["against"], run.claims[3]["against"]), ([2], [0], []))
            self.assertEqual((run.claims[0]["bound"], run.claims[1]["bound"]), ({"below": 0}, {"within": [0.4, 0.6]}))
            self.assertEqual((run.claims[0]["metric"], run.claims[0]["compare"]), ("rse", "difference"))

    def test_partly_done(self):
        out, _ = self.made(CLAIMS, "part.h5", "--part", "1/6")
        claims = self.show(out)["claims"]
        self.assertEqual([(c["n"], c["verdict"], c["note"]) for c in claims], [(0, "undecided", "no values yet")] * 4)
        out, _ = self.made(CLAIMS, "two.h5", "--part", "3/4")  # half of weighted, a quarter of it and of oracle
        self.assertEqual([c["n"] for c in self.show(out)["claims"]], [15, 15, 30, 15])

    def test_resume_and_extend(self):
        out, _ = self.made()
        before = out.read_bytes()
        other = self.input(CLAIMS.replace("below: 0.1", "below: 0.2"), "other.yaml")
        refused = self.ok("run", other, "--out", out, "--resume", code=2)
        self.assertIn("below: 0.2", refused.stderr)
        self.assertEqual(out.read_bytes(), before)
        self.ok("run", self.input(CLAIMS), "--out", out, "--resume")
        done = self.ok("run", other, "--out", out, "--extend")
        self.assertIn("180 done trials taken over", done.stderr)
        self.assertEqual(self.show(out)["claims"][3]["bound"], {"below": 0.2})
        self.ok("run", self.input(PLAIN, "plain.yaml"), "--out", out, "--extend")
        self.assertEqual(self.show(out)["claims"], [])

    def test_title_that_looks_like_a_key(self):
        text = CLAIMS + 'title: "expect: claims: everything"\n'
        out, _ = self.made(text)
        self.ok("run", self.input(text), "timeout=5m", "--out", out, "--resume")

    def test_settings_narrow(self):
        out, done = self.made(CLAIMS, "n.h5", "method=oracle")
        self.assertIn("the settings leave this claim no point; it is not judged", done.stderr)
        self.assertEqual([c["claim"] for c in self.show(out)["claims"]], ["4. never"])

    def test_unknown_metric(self):
        for entry, place, fragment in [("metric: conected, below: 1", "6:33", "did you mean 'connected'"),
                                       ("metric: rse, against_metric: lambda3, compare: ratio, below: 1", "6:54", "mean 'lambda2'")]:
            path = self.input(PLAIN + "claims: [{claim: abcde, " + entry + "}]\n")
            refused = self.ok("check", path, code=2)
            self.assertIn(f"{path}:{place}: error: there is no metric", refused.stderr)
            self.assertIn(fragment, refused.stderr)


if __name__ == "__main__":
    unittest.main()
