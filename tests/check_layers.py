# SPDX-License-Identifier: BSD-2-Clause
"""The architecture as a test: prints every broken rule as `file:line: message` and exits 1 when there is any.

    check_layers.py [ROOT]

1. Includes: a folder of src/ is a layer; a layer includes its own headers and those public headers that the tables below allow, nothing
   upwards, never another folder's private header. HDF5 only in results, YAML only in config, PETSc objects and SLEPc only in graph.
2. The world communicator is named only in src/run.
3. The house: first line SPDX, files <= 600 lines, functions <= 80, lines <= 140 columns, no unfinished words, no paths of one machine.
It reads text and does not compile: comments and strings are blanked first, and braces are counted."""
import ast
import os
import re
import sys

# The layer of every public header: the one place where a new header in include/ is entered.
PUBLIC = {
    "core": ["diagnostics.h", "error.h", "flush.h", "hash.h", "isa.h", "kernel.h", "log.h", "memo.h", "memory.h", "reduce.h", "resource.h",
             "rng.h", "signals.h", "stats.h", "text.h", "vector.h", "vector_math.h", "vector_rng.h", "watch.h"],
    "config": ["claim.h", "param.h", "trial.h", "study.h"],
    "graph": ["graph.h", "connected.h", "graph_features.h", "graph_set.h", "graph_source.h",
              "libraries.h", "memory_share.h", "resistance.h", "sparsify.h",
              "spectrum.h", "spectrum_sparse.h"],
    "model": ["denoiser.h", "net.h", "one_logit.h", "optimizer.h"],
    "diffusion": ["classifier.h", "graph_checkpoint.h", "graph_exact.h", "graph_sampler.h", "graph_train.h", "noise.h", "objective.h",
                  "sampler.h", "schedule.h", "target.h", "train.h", "transition.h"],
    "metrics": ["graph_metrics.h", "metrics.h", "starvation.h"],
    "results": ["result.h", "results.h"],
    "experiments": ["experiment.h"],
    "run": ["control.h", "groups.h", "queue.h"],
}
# What a layer may include besides its own: whole layers, and single headers of others.
ALLOWED = {
    "core": ([], []),
    "config": (["core"], []),
    "graph": (["core"], []),
    "model": (["core"], []),
    "diffusion": (["core", "model", "graph"], ["starvation.h"]),  # pure arithmetic of the gradients a training loop records
    "metrics": (["core", "graph"], []),
    "results": (["core"], ["claim.h", "param.h", "trial.h"]),
    "experiments": (["core", "graph", "model", "diffusion", "metrics"], ["param.h", "trial.h", "result.h", "control.h"]),
    "run": (["core", "config", "results", "experiments"], ["libraries.h", "resistance.h",  # what `version` and `list` name
                                                                   "graph_checkpoint.h", "graph_set.h"]),  # files of `sample`
}
# Foreign headers that only some layers may see; petscsys.h is the error chain and allowed everywhere.
FOREIGN = [
    (re.compile(r"(hdf5|hdf5_hl|H5\w*)\.h$"), {"results"}, "HDF5"),
    (re.compile(r"yaml\.h$"), {"config"}, "YAML"),
    (re.compile(r"slepc\w*\.h$"), {"graph"}, "SLEPc"),
    (re.compile(r"petsc(?!sys\.h$)\w*\.h$"), {"graph"}, "a PETSc object"),
]
# The scheduling skeleton and the sums over shards also build with smpicc: MPI, error.h, their own header, the C library.
MPI_ALONE = {"groups.c": "groups.h", "queue.c": "queue.h", "queue_cut.c": "queue.h", "groups.h": "groups.h", "queue.h": "queue.h",
             "reduce.c": "reduce.h", "reduce.h": "reduce.h"}
C_LIBRARY = set("""assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool
    stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype unistd""".split())

MAX_FILE, MAX_FUNCTION, MAX_LINE = 600, 80, 140
# Spelled in pieces, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"]) + r")\b|\b(?i:" + "|".join(
    ["st" "ub", "place" "holder", "not imple" "mented"]) + r")s?\b")
MACHINE = re.compile(r"(?<![\w.$}])/(?:work|farm|root|home|Users)/|\.\./" + "shared")

LAYER_OF = {header: layer for layer, headers in PUBLIC.items() for header in headers}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


class Report:
    def __init__(self):
        self.lines = []

    def add(self, path, line, message):
        self.lines.append(f"{path}:{line}: {message}")


def blank_comments(text):
    """The text with comments, strings and character constants turned to spaces; newlines and columns stay."""
    pattern = re.compile(r"//(?:[^\n\\]|\\.)*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def blank_preprocessor(text):
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.MULTILINE)


def includes(text):
    """(line, name, quoted) of every include; those inside comments do not count."""
    blanked = blank_comments(text).splitlines()
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match and blanked[number - 1].lstrip().startswith("#"):
            yield number, match.group(1) or match.group(2), match.group(1) is not None


def layer_of_source(path):
    """The layer of src/LAYER/... and of include/HEADER; None for tests and bench, which may look inside."""
    parts = path.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    return LAYER_OF.get(parts[1]) if parts[0] == "include" else None


def check_own_include(root, path, line, name, layer, report):
    """One include of a header of ours."""
    own = name in PUBLIC[layer]
    if not own and name in LAYER_OF:
        layers, headers = ALLOWED[layer]
        if LAYER_OF[name] not in layers and name not in headers:
            report.add(path, line, f"layer {layer} must not include {name} of layer {LAYER_OF[name]}")
    elif not own and (path.startswith("include/") or "/" in name or not os.path.exists(os.path.join(root, os.path.dirname(path), name))):
        report.add(path, line, f"{name} is neither public (include/) nor a private header of {os.path.dirname(path)}")


def check_includes(root, path, text, report):
    layer = layer_of_source(path)
    if layer is None:
        return
    base = os.path.basename(path)
    for line, name, quoted in includes(text):
        if quoted or name in LAYER_OF:
            check_own_include(root, path, line, name, layer, report)
        for pattern, layers, what in FOREIGN:
            if pattern.search(name) and layer not in layers:
                report.add(path, line, f"{what} ({name}) belongs to layer {', '.join(layers)} alone")
        allowed = {"mpi.h", "error.h", MPI_ALONE.get(base)}
        if layer in ("core", "run") and base in MPI_ALONE and name not in allowed and name.removesuffix(".h") not in C_LIBRARY:
            report.add(path, line, f"{base} uses MPI, error.h and the C library alone, not {name}")


def check_world(path, text, report):
    if not path.startswith(("src/", "include/")) or path.startswith("src/run/"):
        return
    for number, line in enumerate(blank_comments(text).splitlines(), 1):
        if re.search(r"\b(MPI|PETSC)_COMM_WORLD\b", line):
            report.add(path, number, "the world communicator is named only in src/run: take comm as an argument")


def check_c_functions(path, text, report):
    """A brace opened at depth 0 after a `)` opens a function; it counts from the first line of its signature."""
    code = blank_preprocessor(blank_comments(text))
    depth, start, body = 0, 0, None  # start: after the last `;` or `}` at depth 0
    for position, letter in enumerate(code):
        if letter == "{":
            if depth == 0:
                head = code[start:position]
                body = start + len(head) - len(head.lstrip()) if head.rstrip().endswith(")") else None
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                first, last = (code.count("\n", 0, end) + 1 for end in (body or 0, position))
                if body is not None and last - first + 1 > MAX_FUNCTION:
                    report.add(path, first, f"a function of {last - first + 1} lines (at most {MAX_FUNCTION})")
                start = position + 1
        elif letter == ";" and depth == 0:
            start = position + 1
    if depth != 0:
        report.add(path, 1, "braces do not balance")


def check_python_functions(path, text, report):
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        report.add(path, error.lineno or 1, f"no valid Python: {error.msg}")
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno + 1 > MAX_FUNCTION:
            report.add(path, node.lineno, f"{node.name} has {node.end_lineno - node.lineno + 1} lines (at most {MAX_FUNCTION})")


def check_house(path, text, report):
    lines = text.splitlines()
    c_file = path.endswith((".c", ".h"))
    if len(lines) > MAX_FILE:
        report.add(path, len(lines), f"{len(lines)} lines (at most {MAX_FILE})")
    code = path.endswith((".c", ".h", ".py", ".sh", ".sbatch"))
    if code:
        opening = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
        tag = ("/* " if c_file else "# ") + "SPDX-License-Identifier: BSD-2-Clause"
        if opening != [tag]:
            report.add(path, 1, f"does not open with `{tag}`")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE and code:
            report.add(path, number, f"{len(line)} columns (at most {MAX_LINE})")
        if code and (match := UNFINISHED.search(line)):
            report.add(path, number, f"unfinished word: {match.group()}")
        if match := MACHINE.search(line):
            report.add(path, number, f"a path of one machine: {match.group()}")


def check_public_table(root, report):
    for name in sorted(os.listdir(os.path.join(root, "include"))):
        if name.endswith(".h") and name not in LAYER_OF:
            report.add(f"include/{name}", 1, "this public header has no layer: enter it in PUBLIC of tests/check_layers.py")
    for name in sorted(os.listdir(os.path.join(root, "src"))):
        if os.path.isdir(os.path.join(root, "src", name)) and name not in ALLOWED:
            report.add(f"src/{name}", 1, "this folder is no layer: enter it in ALLOWED of tests/check_layers.py")


def project_files(root):
    """Paths relative to root of all text files of the project; what a build, git or a Python cache leaves is not the project."""
    endings = (".c", ".h", ".py", ".sh", ".sbatch", ".md", ".yaml", ".json", ".txt", ".supp", ".in")
    for directory, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in ("build", "third_party", "__pycache__", "figures") and not f.startswith(".git"))
        for name in sorted(files):
            path = os.path.relpath(os.path.join(directory, name), root)
            if name.endswith(endings) or path == ".ci/run":
                yield path


def check_tree(root):
    report = Report()
    check_public_table(root, report)
    for path in project_files(root):
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        check_house(path, text, report)
        if path.endswith((".c", ".h")):
            if layer_of_source(path) in ALLOWED:
                check_includes(root, path, text, report)
            check_world(path, text, report)
            check_c_functions(path, text, report)
        elif path.endswith(".py"):
            check_python_functions(path, text, report)
    return report.lines


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    violations = check_tree(os.path.normpath(root))
    for line in violations:
        print(line)
    print(f"check_layers: {len(violations)} violation{'' if len(violations) == 1 else 's'}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
