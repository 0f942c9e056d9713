# SPDX-License-Identifier: BSD-2-Clause
"""Interruptions of every kind: kill -9 at random moments, signals, deadlines, full disks, failing writes, a second writer. Afterwards the
file opens, `verify` says what is missing, `--resume` completes it, and the result is that of an uninterrupted run, bit by bit.
MYOPIA_SOAK_KILLS sets the number of kills (default 8)."""
import os
import random
import signal
import subprocess
import time
import unittest

from harness import MYOPIA, SystemTest, environment, in_namespace, run, start

KILLS = int(os.environ.get("MYOPIA_SOAK_KILLS", "8"))

# A second or two of work on two ranks, in units of 20 ms: a kill hits every stage of a run.
LONG = """schema: myopia/1
experiment: opt_dynamics
seed: 11
replicates: 3000
parameters: {steps: 400000}
sweep: {omega: [1, 50]}
record: {trajectories: every 100, every: 40000}
"""
# Many rows, little work each: kills hit creation and writing.
WIDE = """schema: myopia/1
experiment: barbell
seed: 12
replicates: 100000
sweep: {method: [random, standard, weighted, oracle]}
"""


def rank_processes(process):
    """Process numbers of the ranks that belong to an mpirun (or to a rank started alone)."""
    found = subprocess.run(["pgrep", "-s", str(process.pid), "-x", "myopia"], capture_output=True, text=True, check=False)
    return [int(number) for number in found.stdout.split()]


def kill(process, victim):
    """SIGKILL to everything at once (a node dies), to one rank, or to mpirun alone (its ranks follow by themselves)."""
    ranks = rank_processes(process)
    if victim == "all" or not ranks:
        subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)
    elif victim == "rank":
        os.kill(ranks[-1], signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


class Kill(SystemTest):
    def kill_and_resume(self, text, kills, seed):
        source, reference = self.input(text), self.dir / "reference.h5"
        begin = time.time()
        self.ok("run", source, "--out", reference, ranks=2)
        whole = time.time() - begin
        chance, seen = random.Random(seed), 0
        for i in range(kills):
            out = self.dir / f"killed{i}.h5"
            process = start("run", source, "--out", out, ranks=2)
            time.sleep(chance.uniform(0.0, whole))
            kill(process, chance.choice(["all", "all", "rank", "mpirun"]))
            if out.exists():
                verify = self.ok("verify", out)
                self.assertRegex(verify.stdout, r"\d+ trials")
                self.assertNotIn("damaged", verify.stdout)
                seen += "pending" in verify.stdout or "interrupted" in verify.stdout
                self.ok("show", out)
            resumed = self.ok("run", source, "--out", out, "--resume", ranks=2)
            self.assertIn("RESULT: VALID", self.result(resumed))
            self.same(reference, out)
            self.assertFalse(out.with_name(out.name + ".lock").exists())
            out.unlink()
        return seen

    def test_kill_long_trials(self):
        seen = self.kill_and_resume(LONG, KILLS - KILLS // 4, 1)
        self.assertGreater(seen, 0, "no kill left an unfinished file: the test's timing is off")

    def test_kill_many_rows(self):
        self.kill_and_resume(WIDE, KILLS // 4, 2)


class Signals(SystemTest):
    def interrupted(self, send):
        source, out, reference = self.input(LONG), self.dir / "s.h5", self.dir / "reference.h5"
        process = start("run", source, "--out", out, ranks=2)
        while not out.exists():
            time.sleep(0.02)
        time.sleep(0.3)
        send(process)
        stdout, stderr = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 85, stdout + stderr)
        self.assertIn("RESULT: INVALID", stdout)
        self.assertIn("interrupted", stdout)
        self.assertIn("pending", self.ok("verify", out).stdout)
        self.ok("run", source, "--out", out, "--resume", ranks=2)
        self.ok("run", source, "--out", reference)
        self.same(reference, out)

    def test_usr1_to_mpirun(self):
        self.interrupted(lambda p: p.send_signal(signal.SIGUSR1))

    def test_term_to_one_rank(self):
        """The signal reaches one rank only; all stop."""
        def send(process):
            os.kill(rank_processes(process)[-1], signal.SIGTERM)
        self.interrupted(send)

    def test_time_limit(self):
        long = LONG.replace("replicates: 3000", "replicates: 12000")  # several seconds on two ranks, however fast the machine
        source, out, reference = self.input(long), self.dir / "t.h5", self.dir / "reference.h5"
        done = self.ok("run", source, "--out", out, "--time-limit", "1s", ranks=2, code=85)
        self.assertIn("interrupted", self.result(done))
        self.ok("run", source, "--out", out, "--resume", ranks=2)
        self.ok("run", source, "--out", reference)
        self.same(reference, out)

    def test_nothing_fits(self):
        source = self.input(LONG.replace("400000", "2000000000").replace("40000", "1000000000"))
        done = self.ok("run", source, "--out", self.dir / "n.h5", "--time-limit", "1s", code=2)
        self.assertIn("no trial fits", done.stderr)


class Disk(SystemTest):
    """A small tmpfs in a mount namespace of its own."""

    def in_small_disk(self, kilobytes, script):
        mount = self.dir / "disk"
        mount.mkdir(exist_ok=True)
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespaces here (unshare -rm)")
        text = f"mount -t tmpfs -o size={kilobytes}k tmpfs {mount} && cd {mount} || exit 9; {script}"
        return in_namespace(text, self.dir)

    def test_full_before(self):
        source = self.input(WIDE)
        done = self.in_small_disk(2000, f"{MYOPIA} run {source} --out full.h5; echo code=$?; ls -A")
        self.assertIn("code=4", done.stdout)
        self.assertIn("No space left on device", done.stderr)
        self.assertEqual(done.stdout.split("code=4")[1].split(), [], "files were left behind")

    def test_full_during(self):
        """The file's blocks are reserved: a disk that fills up later does not matter."""
        source = self.input(LONG.replace("400000", "100000").replace("40000", "10000"))
        fill = ("(for i in $(seq 500); do [ -e during.h5 ] && break; sleep 0.02; done; "
                "dd if=/dev/zero of=filler bs=1k 2>/dev/null) & ")
        done = self.in_small_disk(12000, f"{fill} {MYOPIA} run {source} --out during.h5; echo code=$?; wait; df -k . | tail -1; "
                                         f"{MYOPIA} verify during.h5")
        self.assertIn("code=0", done.stdout, done.stderr)
        self.assertIn("100%", done.stdout)
        self.assertIn("intact", done.stdout)

    def test_failing_write(self):
        """A write that fails stops the run with exit 4; rows stay pending, resume completes."""
        shim, library = self.dir / "shim.c", self.dir / "shim.so"
        shim.write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, shim, "-ldl"], check=True)
        source, out, reference = self.input(LONG), self.dir / "w.h5", self.dir / "reference.h5"
        done = run("run", source, "--out", out, env=environment(LD_PRELOAD=str(library), SHIM_WRITES="60"))
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("a write failed", self.result(done))
        self.assertIn("pending", self.ok("verify", out).stdout)
        self.ok("run", source, "--out", out, "--resume")
        self.ok("run", source, "--out", reference, ranks=2)
        self.same(reference, out)


# After SHIM_WRITES positioned writes to a file *.h5 every further one fails with ENOSPC.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
static int refuse(int fd)
{
  static long count;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 3 || strncmp(path + n - 3, ".h5", 3) != 0) return 0;
  if (++count <= atol(getenv("SHIM_WRITES"))) return 0;
  errno = ENOSPC;
  return 1;
}
ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  return refuse(fd) ? -1 : real(fd, p, n, at);
}
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) { return pwrite(fd, p, n, at); }
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
  static ssize_t (*real)(int, const struct iovec *, int, off_t);
  if (!real) real = (ssize_t (*)(int, const struct iovec *, int, off_t))dlsym(RTLD_NEXT, "pwritev");
  return refuse(fd) ? -1 : real(fd, v, n, at);
}
ssize_t pwritev64(int fd, const struct iovec *v, int n, off_t at) { return pwritev(fd, v, n, at); }
"""


class Writers(SystemTest):
    def test_two_writers(self):
        source, out = self.input(LONG.replace("400000", "2000000")), self.dir / "two.h5"
        first = start("run", source, "--out", out, ranks=1)
        while not out.exists():
            time.sleep(0.02)
        begin = time.time()
        for option in ("--resume", "--overwrite", "--extend"):
            second = run("run", source, "--out", out, option)
            self.assertEqual(second.returncode, 4, second.stderr)
            self.assertIn("is being written by", second.stderr)
        self.assertLess(time.time() - begin, 30)
        self.assertIn("is being written by", self.ok("show", out).stderr)
        stdout, stderr = first.communicate(timeout=120)
        self.assertEqual(first.returncode, 0, stdout + stderr)
        self.ok("verify", out)

    def test_stale_lock(self):
        source, out = self.input(LONG.replace("400000", "1000").replace("40000", "100")), self.dir / "stale.h5"
        dead = subprocess.Popen(["true"])
        dead.wait()
        host = os.uname().nodename
        lock = out.with_name(out.name + ".lock")
        lock.write_text(f"host {host} pid {dead.pid} start 1 job -\n")
        self.assertIn("stale lock", self.ok("run", source, "--out", out).stderr)
        lock.write_text("host elsewhere pid 1 start 1 job -\n")
        self.assertIn("elsewhere", self.ok("run", source, "--out", out, "--resume", code=4).stderr)
        self.assertTrue(lock.exists())


if __name__ == "__main__":
    unittest.main()
