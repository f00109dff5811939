#!/usr/bin/env python3
"""An app that `clams develop` wrote builds against the installed libraries and passes its own test, as it is.

    develop_test.py        needs CLAMS_BUILD (the build to install)
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(os.environ.get("CLAMS_BUILD", ""))


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    if done.returncode != 0:
        raise AssertionError("%s ended with %d\n%s" % (" ".join(command), done.returncode, done.stdout[-6000:]))
    return done.stdout


class NewApp(unittest.TestCase):
    def test_builds_passes_its_test_and_describes_itself(self):
        with tempfile.TemporaryDirectory(prefix="clams-develop.") as folder:
            prefix = os.path.join(folder, "prefix")
            run("cmake", "--install", BUILD, "--prefix", prefix)
            installed = os.path.join(prefix, "bin", "clams")
            made = json.loads(run(installed, "develop", "-n", "app-3d-Shots", "-p", folder, "--json"))
            build = os.path.join(folder, "build")
            run("cmake", "-S", made["folder"], "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_PREFIX_PATH=" + prefix,
                "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror")
            run("cmake", "--build", build)
            self.assertIn("100% tests passed, 0 tests failed out of 1", run("ctest", "--test-dir", build, "--output-on-failure"))
            self.assertIn("--label", run(os.path.join(build, made["program"]), "--help"))
            run("cmake", "--install", build, "--prefix", os.path.join(folder, "app"))
            self.assertTrue(os.access(os.path.join(folder, "app", "bin", made["program"]), os.X_OK))


if __name__ == "__main__":
    if not os.path.isfile(os.path.join(BUILD, "CMakeCache.txt")):
        sys.exit("develop_test.py: CLAMS_BUILD must name a build folder")
    unittest.main()
