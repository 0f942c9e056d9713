# SPDX-License-Identifier: BSD-2-Clause
"""check_layers.py against small trees: every rule must be caught at its line, and clean code must not be."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_layers

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause\n * Text. */\n"


def function(lines, name="f"):
    """A C function of so many lines, signature and closing brace included."""
    return f"int {name}(int x)\n{{\n" + "  x += 1;\n" * (lines - 4) + "  return x;\n}\n"


class Layers(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as root:
            for folder in ("include", "src"):
                os.makedirs(os.path.join(root, folder))
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return check_layers.check_tree(root)

    def assert_caught(self, path, body, line, words, head=SPDX, **more):
        """`body` below the head in `path`: exactly one violation, at that line of the body, with these words."""
        found = self.check({path: head + body, **more})
        self.assertEqual(len(found), 1, f"expected one violation, got {found}")
        self.assertTrue(found[0].startswith(f"{path}:{line + head.count(chr(10))}: "), found[0])
        self.assertIn(words, found[0])

    def assert_clean(self, path, body, head=SPDX, **more):
        self.assertEqual(self.check({path: head + body, **more}), [])

    def test_include_upwards(self):
        cases = [("core", "trial.h"), ("config", "results.h"), ("config", "result.h"), ("graph", "one_logit.h"), ("graph", "param.h"),
                 ("model", "graph.h"), ("model", "result.h"), ("metrics", "net.h"), ("diffusion", "metrics.h"), ("results", "study.h"),
                 ("results", "graph.h"), ("experiments", "results.h"), ("experiments", "study.h"), ("experiments", "queue.h"),
                 ("graph", "experiment.h"), ("run", "graph.h"), ("run", "one_logit.h")]
        for layer, header in cases:
            with self.subTest(layer=layer, header=header):
                self.assert_caught(f"src/{layer}/a.c", f'int a;\n#include "{header}"\n', 2, f"layer {layer} must not include {header}")

    def test_include_upwards_in_angle_brackets(self):
        self.assert_caught("src/core/a.c", "#include <trial.h>\n", 1, "layer core must not include trial.h")

    def test_public_header_obeys_its_layer(self):
        self.assert_caught("include/graph.h", '#include "result.h"\n', 1, "layer graph must not include result.h")

    def test_allowed_includes(self):
        cases = [("core", "rng.h"), ("config", "study.h"), ("config", "text.h"), ("graph", "connected.h"), ("diffusion", "graph.h"),
                 ("diffusion", "one_logit.h"), ("results", "trial.h"), ("results", "result.h"), ("experiments", "sparsify.h"),
                 ("experiments", "starvation.h"), ("experiments", "result.h"), ("experiments", "control.h"), ("experiments", "param.h"),
                 ("experiments", "diagnostics.h"), ("run", "experiment.h"), ("run", "results.h"), ("run", "study.h"), ("run", "queue.h")]
        for layer, header in cases:
            with self.subTest(layer=layer, header=header):
                self.assert_clean(f"src/{layer}/a.c", f'#include "{header}"\n')

    def test_private_headers(self):
        private = {"src/graph/inside.h": SPDX}
        self.assert_clean("src/graph/a.c", '#include "inside.h"\n', **private)
        for name in ("../graph/inside.h", "graph/inside.h", "inside.h"):
            with self.subTest(name=name):
                self.assert_caught("src/model/a.c", f'#include "{name}"\n', 1, "neither public", **private)
        self.assert_caught("include/graph.h", '#include "inside.h"\n', 1, "neither public", **private)
        self.assert_clean("tests/test_a.c", '#include "graph/inside.h"\n', **private)

    def test_foreign_headers(self):
        homes = {"hdf5.h": "results", "H5public.h": "results", "hdf5_hl.h": "results", "yaml.h": "config", "petscksp.h": "graph",
                 "petscmat.h": "graph", "slepceps.h": "graph"}
        for header, home in homes.items():
            for layer in check_layers.ALLOWED:
                with self.subTest(header=header, layer=layer):
                    if layer == home:
                        self.assert_clean(f"src/{layer}/a.c", f"#include <{header}>\n")
                    else:
                        self.assert_caught(f"src/{layer}/a.c", f"#include <{header}>\n", 1, f"belongs to layer {home} alone")
        self.assert_clean("src/model/a.c", "#include <petscsys.h>\n")

    def test_mpi_alone(self):
        for layer, name in (("run", "groups.c"), ("run", "queue.c"), ("run", "queue_cut.c"), ("core", "reduce.c")):
            own = check_layers.MPI_ALONE[name]
            self.assert_clean(f"src/{layer}/{name}", f'#include "{own}"\n#include <mpi.h>\n#include <stdlib.h>\n#include "error.h"\n')
            for header in ("<petscsys.h>", '"log.h"', '"memory.h"', "<omp.h>"):
                with self.subTest(name=name, header=header):
                    self.assert_caught(f"src/{layer}/{name}", f"#include {header}\n", 1, "MPI, error.h and the C library alone")

    def test_world(self):
        for word in ("MPI_COMM_WORLD", "PETSC_COMM_WORLD"):
            self.assert_caught("src/results/a.c", f"int a;\nvoid *b = {word};\n", 2, "world communicator")
            self.assert_clean("src/run/a.c", f"void *b = {word};\n")
            self.assert_clean("src/results/a.c", f"/* never\n * {word} */\n// {word}\nconst char *c = \"{word}\";\n")

    def test_commented_includes(self):
        self.assert_clean("src/core/a.c", '/*\n#include "trial.h"\n*/\n// #include "trial.h"\n')

    def test_unlisted(self):
        found = self.check({"include/novel.h": SPDX, "src/novel/a.c": SPDX})
        self.assertEqual(len(found), 2, found)
        self.assertIn("include/novel.h:1: this public header has no layer", found[0])
        self.assertIn("src/novel:1: this folder is no layer", found[1])

    def test_file_length(self):
        self.assert_clean("src/core/a.c", "int a;\n" * 598)
        self.assert_caught("src/core/a.c", "int a;\n" * 599, 599, "601 lines")

    def test_function_length(self):
        self.assert_clean("src/core/a.c", "#define X {\n" + function(80))
        self.assert_caught("src/core/a.c", "struct S {\n  int a;\n};\n" + function(4, "g") + function(81), 8, "a function of 81 lines")
        # A brace in a string, a character or a comment is none; a long table is no function.
        self.assert_clean("src/core/a.c", "int f(void)\n{\n  return '{' + \"}{{\"[0]; /* { */\n}\nint t[] = {\n" + "  1,\n" * 200 + "};\n")
        python = "# SPDX-License-Identifier: BSD-2-Clause\n"
        self.assert_clean("tests/a.py", "def f():\n" + "    f()\n" * 79, head=python)
        self.assert_caught("tests/a.py", "def f():\n" + "    f()\n" * 80, 1, "f has 81 lines", head=python)

    def test_unbalanced_braces(self):
        self.assert_caught("src/core/a.c", "int f(void)\n{\n", -1, "braces do not balance")

    def test_line_length(self):
        self.assert_clean("src/core/a.c", "//" + "a" * 138 + "\n")
        self.assert_caught("src/core/a.c", "int a;\n//" + "a" * 139 + "\n", 2, "141 columns")

    def test_first_line(self):
        self.assert_caught("src/core/a.c", "int a;\n", 1, "does not open with", head="")
        self.assert_caught("src/core/a.c", "", 1, "does not open with", head="")
        self.assert_caught("jobs/a.sh", "#!/bin/sh\n", 1, "does not open with", head="")
        self.assert_clean("jobs/a.sh", "# SPDX-License-Identifier: BSD-2-Clause\n", head="#!/bin/sh\n")

    def test_unfinished_words(self):
        for word in ("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK", "st" "ub", "Place" "holder", "not imple" "mented"):
            with self.subTest(word=word):
                self.assert_caught("src/core/a.c", f"int a; // a {word}: later\n", 1, "unfinished word")
        self.assert_clean("src/core/a.c", 'int a; // stubborn, hackle\nchar b[] = "fileXXXXXX";\n')

    def test_machine_paths(self):
        for path in ("/ro" "ot/x", "/ho" "me/someone/x", "../sha" "red/x"):
            with self.subTest(path=path):
                self.assert_caught("README.md", f"see {path}\n", 1, "a path of one machine", head="")
        self.assert_clean("README.md", "see src/ro" "ot/x and $x/home/y\n", head="")

    def test_whole_project(self):
        """The checker finds its own project's files at all."""
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
        files = list(check_layers.project_files(root))
        for path in ("src/core/rng.c", "include/rng.h", "tests/check_layers.py", "jobs/packages.sh", ".ci/run"):
            self.assertIn(path, files)
        self.assertFalse([path for path in files if path.startswith("build")])


if __name__ == "__main__":
    unittest.main()
