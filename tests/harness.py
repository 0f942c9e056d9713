# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests share: running the executable (MYOPIA in the environment), temporary directories, comparing files bit by bit."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MYOPIA = os.environ.get("MYOPIA", str(ROOT / "build" / "release" / "myopia"))
COMPARED = ["/metrics", "/series", "/arrays", "/trials/state", "/trials/key", "/trials/checksum", "/trials/id", "/trials/replicate"]


def environment(**extra):
    env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1",
               OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_mpi_yield_when_idle="1")
    for name in ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"):
        env.pop(name, None)
    env.update(extra)
    return env


def command(*words, ranks=None):
    launch = ["mpirun", "-n", str(ranks)] if ranks else []
    return launch + [MYOPIA] + [str(w) for w in words]


def run(*words, ranks=None, timeout=120, env=None, cwd=None):
    """The finished process, with text stdout and stderr."""
    return subprocess.run(command(*words, ranks=ranks), capture_output=True, text=True, timeout=timeout, env=env or environment(),
                          cwd=cwd, stdin=subprocess.DEVNULL, check=False)


def start(*words, ranks=None, env=None):
    """A running process in a session of its own, so that it can be killed with all its ranks."""
    return subprocess.Popen(command(*words, ranks=ranks), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=env or environment(), stdin=subprocess.DEVNULL, start_new_session=True)


def in_namespace(script, directory):
    """Runs a shell script as root of user and mount namespaces of its own. Open MPI names its session directory after the user, who is
    another one outside: it goes to `directory`."""
    return subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False,
                          env=environment(TMPDIR=str(directory)))


def differences(a, b, paths=COMPARED):
    """What h5diff says about the parts of two files that must be the same to the bit; empty when nothing differs."""
    found = []
    for path in paths:
        diff = subprocess.run(["h5diff", str(a), str(b), path], capture_output=True, text=True, check=False)
        if diff.returncode != 0:
            found.append(f"{path}: {diff.stdout[-500:]} {diff.stderr[-500:]}")
    return found


class SystemTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="myopia-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def input(self, text, name="input.yaml"):
        path = self.dir / name
        path.write_text(text)
        return path

    def ok(self, *words, code=0, **kw):
        """Runs and asserts the exit code; returns the process."""
        done = run(*words, **kw)
        self.assertEqual(done.returncode, code, f"{words}: expected exit {code}, got {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def result(self, done):
        """The last line of a run."""
        lines = done.stdout.strip().splitlines()
        self.assertTrue(lines and lines[-1].startswith("RESULT: "), f"the last line is no RESULT line:\n{done.stdout}\n{done.stderr}")
        return lines[-1]

    def show(self, file):
        return json.loads(self.ok("show", file, "--json").stdout)

    def same(self, a, b, paths=COMPARED):
        self.assertEqual(differences(a, b, paths), [])
