"""What the packaging files promise each other, checked without building anything."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"project\(\S+ VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)


def text(path):
    return (SOURCE / path).read_text()


def bash(line, **variables):
    return subprocess.run(["bash", "-c", "set -euo pipefail; root=$PWD; source ci/common.sh; source ci/packages.sh; source ci/package.sh; " + line], cwd=SOURCE,
                          env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Version(unittest.TestCase):
    def test_is_one_number_everywhere(self):
        self.assertEqual(re.match(r"clams-cpp \(([^)]*)\)", text("debian/changelog")).group(1), VERSION)
        self.assertEqual(bash("project_version").stdout.strip(), VERSION)

    def test_documents_name_images_of_this_version(self):
        for path in ("README.md", "docs/guides/containers.md", "docs/guides/clams-kitchen.md"):
            named = re.findall(r"localhost/clams-cpp[a-z-]*:([0-9.]*[0-9])|clams_cpp-([0-9][^-]*)-py3", text(path))
            self.assertGreaterEqual(len(named), 1, path)
            self.assertEqual({a or b for a, b in named}, {VERSION}, path)

    def test_documents_name_packages_of_this_version(self):
        for path in ("README.md", "docs/guides/packages.md"):
            named = re.findall(r"clams_cpp-([0-9][^-]*)-py3|/clams-[a-z]+_([0-9.]+)\+deb", text(path))
            self.assertGreaterEqual(len(named), 3, path)
            self.assertEqual({a or b for a, b in named}, {VERSION}, path)


class Command(unittest.TestCase):
    def test_an_unknown_package_is_wrong_use_with_a_suggestion(self):
        done = subprocess.run(["./dev", "package", "whel"], cwd=SOURCE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean 'wheel'?", done.stderr)


class Images(unittest.TestCase):
    def test_the_base_is_that_of_the_release_whose_packages_go_in(self):
        bases = {}
        for name, version in (("debian", "12"), ("debian", "13"), ("ubuntu", "24.04")):
            with tempfile.NamedTemporaryFile("w", suffix=".release") as f:
                f.write("ID=%s\nVERSION_ID=%s\n" % (name, version))
                f.flush()
                bases[version] = bash("image_base", CLAMS_OS_RELEASE=f.name).stdout.strip()
        self.assertEqual(bases, {"12": "docker.io/library/debian:12-slim", "13": "docker.io/library/debian:13-slim", "24.04": "docker.io/library/ubuntu:24.04"})
        for path in ("deploy/images/runtime.Containerfile", "deploy/images/app.Containerfile", "tools/clams/templates/app/Containerfile"):
            self.assertIn("ARG BASE=docker.io/library/debian:12-slim\n", text(path))

    def test_each_app_has_its_packages_and_a_row_in_the_guide(self):
        apps = dict(word.split(":") for word in bash('echo "${image_apps[@]}"').stdout.split())
        self.assertEqual(apps, {"vram-demo": "", "tesseract": "clams-tesseract", "whisper": "clams-whisper", "vad": "clams-vad"})
        for app in apps:
            self.assertIn("| `localhost/clams-cpp-{}` |".format(app), text("docs/guides/containers.md"))

    def test_limits_are_lowered_and_never_raised(self):
        self.assertEqual(bash("at_most 20000 unlimited; at_most 20000 1048576; at_most 20000 1024").stdout.split(), ["20000:20000", "20000:20000", "1024:1024"])

    def test_packages_that_are_missing_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            line = 'root=$PWD; cd "$DIST"; mkdir dist; release_suffix() { echo +deb12; }; images_context context 1.2.3'
            refused = bash(line, DIST=folder)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("no wheel of 1.2.3 in dist/: ./dev package wheel makes it", refused.stdout)
            shutil.rmtree(folder + "/dist")
            names = ["clams_cpp-1.2.3-py3-none-any.whl", "clams-cpp_1.2.3+deb12_amd64.deb", "clams-cpp_1.2.3+deb13_amd64.deb", "clams-cpp_1.2.2+deb12_amd64.deb"]
            refused = bash(line.replace("mkdir dist", "mkdir dist; touch " + " ".join("dist/" + name for name in names)), DIST=folder)
            self.assertIn("no clams-tesseract of 1.2.3+deb12 in dist/: ./dev package deb makes it", refused.stdout)
            self.assertEqual(sorted(os.listdir(folder + "/context")), ["clams-cpp_1.2.3+deb12_amd64.deb", "clams_cpp-1.2.3-py3-none-any.whl"])

    def test_scripts_are_shell(self):
        for path in ("deploy/images/python", "deploy/images/prepare"):
            subprocess.run(["sh", "-n", str(SOURCE / path)], check=True)
            self.assertTrue(os.access(SOURCE / path, os.X_OK), path)


class Sources(unittest.TestCase):
    def test_each_is_pinned_by_a_digest(self):
        lists = text("deploy/wheel/sources.txt") + text("deploy/wheel/sources-tests.txt")
        rows = [line.split("|") for line in lists.splitlines() if line and not line.startswith("#")]
        self.assertGreaterEqual(len(rows), 8)
        for row in rows:
            self.assertEqual(len(row), 5, row)
            self.assertIn(row[0].strip(), ("source", "headers"))
            self.assertRegex(row[4].strip(), "^[0-9a-f]{64}$")

    def test_the_compiler_is_pinned_by_a_digest(self):
        pins = [line for line in text("deploy/wheel/requirements.txt").splitlines() if line and not line.startswith("#")]
        self.assertEqual(len(pins), 1)
        self.assertRegex(pins[0], r"^ziglang==[0-9.]+ --hash=sha256:[0-9a-f]{64}$")

    def test_versions_of_cmake_are_those_of_the_list(self):
        listed = dict(re.findall(r"\| (\S+) +\| (?:\d+:)?([0-9.]+)", text("deploy/wheel/sources.txt") + text("deploy/wheel/sources-tests.txt")))
        named = {"simdjson": "simdjson", "fmt": "fmtlib", "spdlog": "spdlog", "prometheus-cpp": "prometheus-cpp", "CLI11": "libcli11-dev", "nlohmann_json": "nlohmann-json3-dev",
                 "tomlplusplus": "libtomlplusplus-dev", "Boost": "libboost1.81-dev", "GTest": "googletest"}
        found = dict(re.findall(r"clams_answer_find_package\((\S+) ([0-9.]+) ", text("cmake/StaticDependencies.cmake")))
        self.assertEqual(found, {name: listed[package] for name, package in named.items()})


class Debian(unittest.TestCase):
    def packages(self):
        return re.findall(r"^Package: (\S+)$", text("debian/control"), re.M)

    def test_has_the_packages_of_the_guide(self):
        self.assertEqual(self.packages(), ["clams-cpp", "clams-tesseract", "clams-whisper", "clams-vad", "libclams-cpp-dev"])
        for package in self.packages():
            self.assertIn("`" + package + "`", text("docs/guides/packages.md"))

    def test_each_program_has_a_man_page_with_a_name(self):
        programs = re.findall(r"^usr/bin/(\S+)$", "\n".join(text("debian/%s.install" % package) for package in self.packages()[:-1]), re.M)
        named = re.findall(r"^(\S+): .", text("debian/man-names"), re.M)
        self.assertEqual(sorted(named), sorted(set(programs) - {"clams"}))  # `clams` is a link, and so is its page
        for program in named:
            self.assertTrue(any("debian/man/%s.1" % program in text("debian/%s.manpages" % package) for package in self.packages()[:-1]), program)

    def test_programs_with_libav_say_that_they_are_under_the_gpl(self):
        paragraphs = re.split(r"\n\n(?=Package:)", text("debian/control"))[1:]
        said = [re.match(r"Package: (\S+)", paragraph).group(1) for paragraph in paragraphs if "GPL, version 3 or later" in paragraph]
        self.assertEqual(said, ["clams-tesseract", "clams-whisper", "clams-vad"])
        self.assertIn("/usr/share/common-licenses/GPL-3", text("debian/copyright"))

    def test_scripts_are_shell_and_stop_at_errors(self):
        for path in sorted((SOURCE / "debian").glob("*.p*")) + sorted((SOURCE / "debian").glob("app.*")):
            if re.search(r"\.(postinst|prerm|postrm)(\.in)?$", path.name):
                self.assertTrue(path.read_text().startswith("#!/bin/sh\nset -e\n"), path)
                subprocess.run(["sh", "-n", str(path)], check=True)

    def test_versions_rise_with_the_release(self):
        said = {}
        for name, version in (("debian", "12"), ("debian", "13"), ("ubuntu", "24.04")):
            with tempfile.NamedTemporaryFile("w", suffix=".release") as f:
                f.write("ID=%s\nVERSION_ID=%s\n" % (name, version))
                f.flush()
                said[version] = bash("release_suffix", CLAMS_OS_RELEASE=f.name).stdout.strip()
        self.assertEqual(list(said.values()), ["+deb12", "+deb13", "+ubuntu24.04"])
        with tempfile.NamedTemporaryFile("w", suffix=".release") as f:
            f.write("ID=fedora\nVERSION_ID=42\n")
            f.flush()
            refused = bash("release_suffix", CLAMS_OS_RELEASE=f.name)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("this is fedora-42", refused.stdout)


class Manifest(unittest.TestCase):
    def test_names_each_package_with_its_digest_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("clams_cpp-1.2.3-py3-none-manylinux_2_34_x86_64.whl", "clams-cpp_1.2.3+deb12_amd64.deb", "clams-cpp-whisper_1.2.3_amd64.oci.tar", "notes.txt"):
                (pathlib.Path(folder) / name).write_text(name)
            made = subprocess.run([sys.executable, str(SOURCE / "ci/manifest"), folder], env={**os.environ, "SOURCE_DATE_EPOCH": "7"})
            self.assertEqual(made.returncode, 0)
            manifest = json.loads((pathlib.Path(folder) / "manifest.json").read_text())
            checked = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder)
        self.assertEqual(checked.returncode, 0)
        self.assertEqual((manifest["version"], manifest["source_date_epoch"]), (VERSION, 7))
        facts = [(file["kind"], file["package"], file["version"], file["architecture"]) for file in manifest["files"]]
        self.assertEqual(facts, [("image", "clams-cpp-whisper", "1.2.3", "amd64"), ("deb", "clams-cpp", "1.2.3+deb12", "amd64"), ("wheel", "clams_cpp", "1.2.3", "manylinux_2_34_x86_64")])

    def test_an_empty_folder_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, str(SOURCE / "ci/manifest"), folder], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no package", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
