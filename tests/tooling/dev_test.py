#!/usr/bin/env python3
"""./dev and its package list, without installing anything."""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def run(*command, **more):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, **more)


def bash(script, **environment):
    return run("bash", "-euo", "pipefail", "-c", "source ci/common.sh; source ci/packages.sh; " + script, env={**os.environ, **environment})


class Front(unittest.TestCase):
    def test_help_names_every_subcommand(self):
        for arguments in ((), ("help",), ("--help",)):
            done = run("./dev", *arguments)
            self.assertEqual(done.returncode, 0)
            for name in ("build", "demo", "demo-speech", "test", "bench", "format", "lint", "docs", "sanitize", "fuzz", "clean"):
                self.assertIn("\n  %s " % name, done.stdout)

    def test_a_wrong_subcommand_gets_one_line_with_a_suggestion(self):
        for wrong, right in (("tset", "test"), ("sanitise", "sanitize"), ("formt", "format"), ("Build", "build")):
            done = run("./dev", wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertIn("'./dev %s'" % right, done.stderr)

    def test_wrong_arguments_are_refused_before_anything_is_done(self):
        for arguments in (("sanitize", "adress"), ("fuzz", "long"), ("clean", "all")):
            done = run("./dev", *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_an_interrupted_child_leaves_no_process_and_no_file(self):
        with tempfile.TemporaryDirectory() as directory:
            script = "source ci/common.sh; make_scratch; echo $scratch; supervise bash -c 'echo $$; sleep 300 & sleep 300'"
            child = subprocess.Popen(["bash", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "TMPDIR": directory})
            scratch, group = child.stdout.readline().strip(), int(child.stdout.readline())
            self.assertTrue(os.path.isdir(scratch))
            child.terminate()
            self.assertEqual(child.wait(120), 143)
            child.stdout.close()
            deadline = time.monotonic() + 120
            while alive(group) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertFalse(alive(group))
            self.assertEqual(os.listdir(directory), [])


def alive(group):
    """Whether a process of this group runs; one that only waits for its parent's wait() does not."""
    for entry in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % entry, encoding="ascii", errors="replace") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if fields[0] != "Z" and int(fields[2]) == group:
            return True
    return False


class Builds(unittest.TestCase):
    def in_copy(self, script):
        """Runs a script with the functions of ./dev in a folder of its own, whose build/dev was configured elsewhere."""
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(root + "/build/dev")
            with open(root + "/build/dev/CMakeCache.txt", "w") as f:
                f.write("CMAKE_HOME_DIRECTORY:INTERNAL=%s\n" % (root if "HERE" in script else "/elsewhere/clams-cpp"))
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", "source %s/ci/common.sh; source %s/ci/build.sh; root=$PWD; %s" % (ROOT, ROOT, script)],
                                  cwd=os.path.realpath(root), capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout, os.path.exists(root + "/build/dev")

    def test_a_copied_checkout_forgets_what_was_configured_for_another_path(self):
        said, kept = self.in_copy("forget_moved dev")
        self.assertFalse(kept)
        self.assertIn("/elsewhere/clams-cpp", said)

    def test_a_checkout_that_stays_keeps_its_build(self):
        self.assertEqual(self.in_copy("forget_moved dev; forget_moved release # HERE"), ("", True))

    def test_chosen_tests_need_their_own_programs_or_all(self):
        def asked(*commands):
            listing = json.dumps({"tests": [{"name": "x", "command": command} for command in commands]})
            return run(sys.executable, "ci/test_programs.py", "/b", input=listing).stdout.split()
        self.assertEqual(asked(["/b/tests/base_test"], ["/b/tests/mmif_test"]), ["tests/base_test", "tests/mmif_test"])
        self.assertEqual(asked(["/b/tests/base_test"], ["/usr/bin/python3", "x.py"]), [])
        self.assertEqual(asked(["/b/tests/examples_test", "/b/tests/other"]), [])
        self.assertEqual(run(sys.executable, "ci/test_programs.py", "/b", input="no json").returncode, 0)

    def test_the_quick_lint_asks_for_python_alone(self):
        self.assertEqual(bash("packages_of quick | cut -f1").stdout.split(), ["python3"])
        with open(os.path.join(ROOT, "ci", "style.sh"), encoding="utf-8") as f:
            quick = f.read().split("lint_quick() {")[1].split("\n}")[0]
        self.assertIn("need quick", quick)
        self.assertNotIn("configure", quick.replace("configures", ""))


class Packages(unittest.TestCase):
    def names(self, release, version, *groups):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write("ID=%s\nVERSION_ID=\"%s\"\n" % (release, version))
            f.flush()
            done = bash("packages_of %s | cut -f1" % " ".join(groups), CLAMS_OS_RELEASE=f.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def test_names_differ_by_release(self):
        self.assertIn("libboost1.81-dev", self.names("debian", "12", "core"))
        self.assertIn("libboost-dev", self.names("debian", "13", "core"))
        self.assertIn("libfuzzer-18-dev", self.names("ubuntu", "24.04", "fuzz"))

    def test_the_demo_asks_for_little(self):
        few = self.names("debian", "12", "core", "ocr", "demo")
        for name in ("libgtest-dev", "clang", "nginx-light", "python3-dev"):
            self.assertNotIn(name, few)

    def test_a_package_is_named_once(self):
        names = self.names("debian", "12", "core", "ocr", "media", "python", "demo", "test", "clang", "fuzz", "tidy", "format", "bench", "docs")
        self.assertEqual(len(names), len(set(names)))

    def test_without_root_and_sudo_the_command_to_type_is_said(self):
        with tempfile.TemporaryDirectory() as directory:
            self.fake(directory, "dpkg-query", "exit 1")
            self.fake(directory, "id", "echo 1000")
            done = bash("hash -r; command() { [[ $2 != sudo ]] && builtin command \"$@\"; }; need format", PATH=directory + ":" + os.environ["PATH"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install --no-install-recommends clang-format", done.stderr)

    def test_nothing_is_installed_when_nothing_is_missing(self):
        with tempfile.TemporaryDirectory() as directory:
            self.fake(directory, "dpkg-query", "printf 'ii \\tclang-format\\n'")
            self.fake(directory, "apt-get", "exit 7")
            done = bash("need format; echo changed=$packages_changed", PATH=directory + ":" + os.environ["PATH"])
        self.assertEqual((done.returncode, done.stdout), (0, "changed=0\n"))

    def fake(self, directory, name, script):
        path = os.path.join(directory, name)
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/bash\n%s\n" % script)
        os.chmod(path, 0o755)


if __name__ == "__main__":
    unittest.main()
