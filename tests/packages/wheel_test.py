"""The wheel clams-cpp, installed as people install it.

    CLAMS_WHEEL=dist/clams_cpp-….whl python3 tests/packages/wheel_test.py     the real one, made by `./dev package wheel`

Without CLAMS_WHEEL the programs of the build in CLAMS_BUILD are packed, so that `./dev test` checks the packing without the compiler of the wheel; the checks of what only that
compiler can give (size, platform, libraries needed) are left out then.
"""
import csv
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests" / "support"), str(SOURCE / "bindings" / "python" / "tests")]

import sdks  # noqa: E402
import serving  # noqa: E402

REAL = os.environ.get("CLAMS_WHEEL")
LARGEST = 6_000_000
# What any Linux with glibc has; nothing else may be needed.
SYSTEM = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2"}
ECHO = SOURCE / "tests" / "hosting" / "apps" / "wire_echo"
VERSION = re.search(r"project\(\S+ VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)


def run(*command, **options):
    """Standard output; what the command wrote, in the error, when it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, **options)
    if done.returncode != 0:
        raise AssertionError("{} ended with {}:\n{}".format(" ".join(map(str, command)), done.returncode, done.stdout))
    return done.stdout


def third_parties():
    """Names that sources.txt lists, and the parts of the compiler's C++ library."""
    rows = [line.split("|")[1].strip() for line in (SOURCE / "deploy/wheel/sources.txt").read_text().splitlines() if line.startswith(("source", "headers"))]
    return rows + ["libcxx", "libcxxabi", "libunwind", "zig-compiler-rt"]


def packed(folder):
    """A wheel of the programs of this build, with empty licences of third parties: their texts come with the real build."""
    sources, zig = folder / "sources", folder / "zig"
    (sources / "licences").mkdir(parents=True)
    for name in third_parties()[:-4]:
        (sources / "licences" / name).write_text("licence of " + name)
    for name in ("libcxx", "libcxxabi", "libunwind"):
        (zig / "lib" / name).mkdir(parents=True)
        (zig / "lib" / name / "LICENSE.TXT").write_text("licence of " + name)
    (zig / "LICENSE").write_text("licence of zig")
    return pathlib.Path(run(sys.executable, SOURCE / "deploy/wheel/pack", "--build", os.environ["CLAMS_BUILD"], "--sources", sources, "--zig", zig, "--out", folder / "dist").strip())


def environment(**more):
    """That of a login, without what a build or a test around it set."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CLAMS_", "PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "CLAMS_GPU": "none", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="clams-wheel-test."))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.wheel = pathlib.Path(REAL).resolve() if REAL else packed(cls.folder)
        cls.archive = zipfile.ZipFile(cls.wheel)
        cls.addClassCleanup(cls.archive.close)
        cls.names = cls.archive.namelist()

    def text(self, end):
        [name] = [name for name in self.names if name.endswith(end)]
        return self.archive.read(name).decode()

    def venv(self, name, *packages):
        """The Python of a fresh environment with the wheel and these packages."""
        folder = self.folder / name
        run(sys.executable, "-m", "venv", folder)
        python = folder / "bin" / "python"
        run(python, "-m", "pip", "install", "--quiet", *packages, self.wheel, env=environment())
        return python

    def with_sdk(self, name):
        """The same with clams-python, or the test is left out where the package index cannot be reached."""
        try:
            sdks.python_of(sdks.SDKS[-1])  # says whether it can be
        except sdks.Unreachable as error:
            raise unittest.SkipTest(str(error))
        return self.venv(name, "clams-python==" + sdks.SDKS[-1])

    def answers(self, command, env=None):
        """The app answers a document with a view."""
        server = serving.Server("clams-cpp", [*command, ECHO, *serving.ANY_PORT, "--workers", "1"], self.folder / "server.log", env or environment())
        try:
            answer = server.post(DOCUMENT)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(len(answer.json["views"]), 1, answer)
        finally:
            problem = server.stop()
        self.assertIsNone(problem)

    # --- the file

    def test_one_wheel_for_every_python_and_nothing_named_clams(self):
        self.assertEqual(self.wheel.name, "clams_cpp-{}-py3-none-manylinux_2_34_x86_64.whl".format(VERSION))
        scripts = [name.split("/")[-1] for name in self.names if ".data/scripts/" in name]
        self.assertEqual(scripts, ["clams-cpp"])
        tops = {name.split("/")[0] for name in self.names}
        self.assertEqual(tops, {"clams_cpp", "clams_vram", "clams_cpp-%s.data" % VERSION, "clams_cpp-%s.dist-info" % VERSION})

    def test_the_record_names_each_file_with_its_digest(self):
        rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(self.text("/RECORD")))}
        self.assertEqual(set(rows), set(self.names))
        for name in self.names:
            size = len(self.archive.read(name))
            self.assertTrue(name.endswith("/RECORD") or rows[name][1] == str(size), name)

    def test_licences_of_all_that_is_linked_are_inside(self):
        for name in ["LICENSE", "NOTICE"] + ["third-party/" + name for name in third_parties()]:
            self.assertGreater(len(self.text(".dist-info/licenses/" + name)), 10, name)
            self.assertIn("License-File: " + name, self.text(".dist-info/METADATA"))

    @unittest.skipUnless(REAL, "needs the wheel of ./dev package")
    def test_it_is_small_and_needs_libc_alone(self):
        self.assertLessEqual(self.wheel.stat().st_size, LARGEST)
        self.archive.extractall(self.folder / "files")
        for name in ("clams_cpp-%s.data/scripts/clams-cpp" % VERSION, "clams_vram/libclams_vram.so"):
            dynamic = run("readelf", "-dW", self.folder / "files" / name)
            self.assertLessEqual(set(re.findall(r"NEEDED.*\[(.*)\]", dynamic)), SYSTEM, name)
            self.assertIn("BIND_NOW", dynamic, name)
            headers = run("readelf", "-hlW", self.folder / "files" / name)
            self.assertIn("GNU_RELRO", headers, name)
            self.assertRegex(headers, r"Type:\s+DYN", name)
            self.assertNotRegex(headers, r"GNU_STACK.* RWE ", name)
            versions = run("readelf", "-VW", self.folder / "files" / name)
            newest = max(tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([0-9.]+)", versions))
            self.assertLessEqual(newest, (2, 34), name)

    @unittest.skipUnless(REAL, "needs the wheel of ./dev package")
    def test_auditwheel_and_twine_find_nothing(self):
        folder = self.folder / "checkers"
        run(sys.executable, "-m", "venv", folder)
        run(folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", SOURCE / "deploy/wheel/requirements-check.txt", env=environment())
        # One line of auditwheel's text may be broken anywhere.
        shown = " ".join(run(folder / "bin/auditwheel", "show", self.wheel).split())
        self.assertRegex(shown, r'consistent with the following platform tag: "manylinux_2_34_x86_64"')
        self.assertIn("PASSED", run(folder / "bin/twine", "check", "--strict", self.wheel))

    # --- installed

    def test_it_serves_beside_the_sdk_and_leaves_nothing_when_it_is_removed(self):
        python = self.with_sdk("beside")
        clams = python.parent / "clams"
        before = hashlib.sha256(clams.read_bytes()).hexdigest()
        self.assertIn("clams-cpp " + VERSION, run(python.parent / "clams-cpp", "--version"))
        self.answers([python.parent / "clams-cpp", "serve"])  # by the Python of its own environment, though that is not active
        self.answers([python, "-m", "clams_cpp", "serve"])
        run(python, "-m", "pip", "check", env=environment())
        run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "clams-cpp", env=environment())
        self.assertEqual(hashlib.sha256(clams.read_bytes()).hexdigest(), before)
        run(clams, "--help")
        left = [str(path) for path in (self.folder / "beside").rglob("*clams*cpp*")] + [str(path) for path in (self.folder / "beside").rglob("clams_vram")]
        self.assertEqual(left, [])

    def test_an_environment_without_pip_scripts_on_the_path_has_the_memory_module(self):
        python = self.venv("memory")
        code = "import clams_vram as v\nwith v.reserve('1GiB') as l: print(l.bytes, l.device)"
        said = run(python, "-c", code, env=environment(CLAMS_GPU="sim:8GiB", CLAMS_VRAM_DIR=str(self.folder / "vram")), cwd=self.folder)
        self.assertTrue(said.startswith("1073741824 SIM-0"), said)

    def test_a_target_folder_works_through_the_python_that_sees_it(self):
        python, target = self.with_sdk("for-target"), self.folder / "target"
        run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "clams-cpp", env=environment())
        run(python, "-m", "pip", "install", "--quiet", "--target", target, self.wheel, env=environment())
        self.answers([python, "-m", "clams_cpp", "serve"], environment(PYTHONPATH=str(target)))
        self.answers([target / "bin/clams-cpp", "serve", "--python", python], environment())

    def test_a_user_install_works(self):
        env = environment(PYTHONUSERBASE=str(self.folder / "user"))
        run(sys.executable, "-m", "pip", "install", "--quiet", "--user", "--no-warn-script-location", self.wheel, env={**env, "PIP_BREAK_SYSTEM_PACKAGES": "1"})
        self.assertIn("clams-cpp " + VERSION, run(self.folder / "user/bin/clams-cpp", "--version", env=env))
        self.assertIn("clams-cpp " + VERSION, run(sys.executable, "-m", "clams_cpp", "--version", env=env))
        self.assertTrue((self.folder / "user/share/clams-cpp/python/clams_worker/__main__.py").exists())

    def test_a_worker_side_of_another_version_is_refused(self):
        python = self.with_sdk("mixed")
        protocol = self.folder / "mixed/share/clams-cpp/python/clams_worker/protocol.py"
        protocol.write_text(protocol.read_text().replace("\nVERSION = 1\n", "\nVERSION = 2\n"))
        done = subprocess.run([str(python.parent / "clams-cpp"), "serve", str(ECHO), "--port", "0", "--host", "127.0.0.1", "--workers", "1"], env=environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("install matching versions", done.stdout)


DOCUMENT = (b'{"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [{"@type": "http://mmif.clams.ai/vocabulary/VideoDocument/v1",'
            b' "properties": {"id": "d1", "mime": "video/mp4", "location": "file:///d1.mp4"}}], "views": []}')

if __name__ == "__main__":
    unittest.main(verbosity=2)
