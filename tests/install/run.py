#!/usr/bin/env python3
"""Installs the build and builds a stranger's project against what was installed, with find_package(clams).

    run.py         needs CLAMS_BUILD (the build to install) and CLAMS_SOURCE (the checkout)
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(os.environ.get("CLAMS_BUILD", ""))
SOURCE = os.path.abspath(os.environ.get("CLAMS_SOURCE", ""))
HERE = os.path.dirname(os.path.abspath(__file__))
MINIMAL = {"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []}


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    if done.returncode != 0:
        raise AssertionError("%s ended with %d\n%s" % (" ".join(command), done.returncode, done.stdout[-6000:]))
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="clams-install.")
        cls.prefix = os.path.join(cls.folder.name, "prefix")
        cls.project = os.path.join(cls.folder.name, "build")
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def installed(self, *path):
        return os.path.join(self.prefix, *path)

    def test_the_program_has_its_own_name_and_a_link(self):
        self.assertEqual(os.readlink(self.installed("bin", "clams")), "clams-cpp")
        self.assertIn("clams", run(self.installed("bin", "clams-cpp"), "--version"))

    def test_what_the_guides_name_is_installed(self):
        for path in ("bin/clams-vram-demo", "lib/systemd/system/clams-app@.service", "lib/sysusers.d/clams.conf", "lib/tmpfiles.d/clams.conf",
                     "share/bash-completion/completions/clams", "share/bash-completion/completions/clams-cpp", "share/zsh/site-functions/_clams",
                     "share/fish/vendor_completions.d/clams.fish", "share/clams-cpp/python/clams_worker/__main__.py",
                     "share/clams-cpp/image/prepare", "share/clams-cpp/image/python"):
            self.assertTrue(os.path.isfile(self.installed(path)), path)

    def test_units_start_programs_that_are_installed(self):
        """The examples that the comments of the units name: clams-app@NAME starts bin/clams-NAME."""
        units = self.installed("lib/systemd/system")
        for unit in sorted(os.listdir(units)):
            with open(os.path.join(units, unit), encoding="utf-8") as f:
                text = f.read()
            for line in re.findall(r"^ExecStart=(?:\S*=\S* )*(/\S+)", text, re.M):
                program = line.replace("%i", (re.findall(r"clams-app@([a-z-]+)`", text) or ["vram-demo"])[0])
                self.assertTrue(program.startswith("/usr/bin/"), line)
                self.assertTrue(os.path.exists(self.installed("bin", os.path.basename(program))), program)

    def test_no_installed_file_names_the_checkout(self):
        for directory, _, files in os.walk(self.prefix):
            for name in files:
                if name.endswith((".hpp", ".cmake")):
                    with open(os.path.join(directory, name), encoding="utf-8") as f:
                        text = f.read()
                    for place in (BUILD, SOURCE):
                        self.assertNotIn(place, text, os.path.join(directory, name))

    def test_a_strangers_project_builds_and_runs(self):
        run("cmake", "-S", HERE, "-B", self.project, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_STANDARD=20", "-DCMAKE_PREFIX_PATH=" + self.prefix)
        run("cmake", "--build", self.project, "--parallel", "2")
        self.assertEqual(run(os.path.join(self.project, "reads")), "http://mmif.clams.ai/1.2.0\n")
        self.assertEqual(run(os.path.join(self.project, "memory")), "250\n")
        asked, answered = os.path.join(self.folder.name, "in.mmif"), os.path.join(self.folder.name, "out.mmif")
        with open(asked, "w", encoding="utf-8") as f:
            json.dump(MINIMAL, f)
        run(os.path.join(self.project, "app"), asked, answered)
        with open(answered, encoding="utf-8") as f:
            views = json.load(f)["views"]
        self.assertEqual([v["metadata"]["app"] for v in views], ["http://apps.clams.ai/outsider/1.0.0"])


if __name__ == "__main__":
    if not os.path.isfile(os.path.join(BUILD, "CMakeCache.txt")) or not SOURCE:
        sys.exit("run.py: CLAMS_BUILD must name a build folder and CLAMS_SOURCE the checkout")
    unittest.main()
