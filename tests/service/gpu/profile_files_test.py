#!/usr/bin/env python3
"""Profile directories and files that are not as they should be: one warning each at most, and never a failed request."""
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import unittest

from gpu_service import BIN, GIB, GpuTest, until


class Files(GpuTest):
    def setUp(self):
        super().setUp()
        self.simulated()

    def learn(self):
        """Path of the profile of allocate=1GiB, as a server of an earlier day left it."""
        app = self.app()
        self.assert_ok(app.post(allocate=GIB))
        self.assertIsNone(app.stop())
        [name] = self.profiles()
        return next(os.path.join(folder, name) for folder, _, files in os.walk(self.profile_dir) if name in files)

    def warnings(self, app):
        return [line for line in app.lines("warning") if "Insufficient" not in line]

    def check(self, source="conservative", warnings=1, requests=3):
        """All requests succeed; the first one's figure is from `source`."""
        app = self.app()
        answers = [self.assert_ok(app.post(allocate=GIB)) for _ in range(requests)]
        self.assertEqual(answers[0].result["source"], source)
        self.assertEqual(answers[-1].result["source"], "learned")
        self.assertIsNone(app.stop())
        self.assertEqual(len(self.warnings(app)), warnings, app.output())
        return app

    def broken(self, data):
        path = self.learn()
        with open(path, "wb") as f:
            f.write(data)
        app = self.check()
        self.assertIn(os.path.basename(path), self.warnings(app)[0])
        # Replaced by a good one.
        with open(path, encoding="utf-8") as f:
            self.assertEqual(json.load(f)["peak_bytes"], GIB)

    def test_truncated(self):
        self.broken(b'{"peak_bytes": 10737')

    def test_empty(self):
        self.broken(b"")

    def test_not_utf8(self):
        self.broken(b'{"peak_bytes": 1, "parameters": {"\xff\xfe": 1}}')

    def test_huge(self):
        self.broken(b'{"peak_bytes": 1, "parameters": {}, "x": "' + b"x" * (3 << 20) + b'"}')

    def test_foreign_json(self):
        self.broken(b'["not", "ours"]')

    def test_other_types(self):
        self.broken(b'{"peak_bytes": "much", "parameters": 7}')

    def test_negative(self):
        self.broken(b'{"peak_bytes": -5, "parameters": {}}')

    def test_deeply_nested(self):
        self.broken(b'{"peak_bytes": 1, "parameters": ' + b"[" * 5000 + b"]" * 5000 + b"}")

    def test_binary_rubbish(self):
        self.broken(bytes(range(256)) * 40)

    def test_a_directory_in_the_place_of_a_file(self):
        path = self.learn()
        os.unlink(path)
        os.mkdir(path)
        app = self.app()
        for _ in range(3):
            self.assert_ok(app.post(allocate=GIB))
        self.assertIsNone(app.stop())
        self.assertLessEqual(len(self.warnings(app)), 2, app.output())  # it can be neither read nor replaced

    def test_a_bare_number_is_read(self):
        path = self.learn()
        with open(path[:-5] + ".txt", "w", encoding="ascii") as f:
            f.write("%d\n" % GIB)
        os.unlink(path)
        self.check("learned", warnings=0)

    def test_a_file_of_the_python_sdk_with_the_same_parameters_is_a_prior(self):
        path = self.learn()
        with open(path, encoding="utf-8") as f:
            parameters = json.load(f)["parameters"]
        os.unlink(path)
        name = "memory_%s.json" % hashlib.md5(b"as the other SDK names it").hexdigest()
        with open(os.path.join(os.path.dirname(path), name), "w", encoding="utf-8") as f:
            json.dump({"peak_bytes": 3 * GIB, "parameters": parameters}, f)
        app = self.app("--threads", "2")
        answer = self.assert_ok(app.post(allocate=GIB))
        self.assertEqual(answer.result["source"], "learned")
        self.assertEqual(self.warnings(app), [])

    def test_files_of_others_are_left_alone(self):
        folder = os.path.dirname(self.learn())
        names = ["notes.txt", "memory_zzz.json", ".hidden"]
        for name in names:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write("mine")
        self.check("learned", warnings=0)
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                self.assertEqual(f.read(), "mine")


class Directories(GpuTest):
    def setUp(self):
        super().setUp()
        self.simulated()

    def check(self, app, most_warnings=1):
        for _ in range(5):
            self.assert_ok(app.post(allocate=GIB))
        self.assertEqual(self.assert_ok(app.post(allocate=GIB)).result["source"], "learned")  # from memory
        self.assertIsNone(app.stop())
        warnings = app.lines("warning")
        self.assertTrue(1 <= len(warnings) <= most_warnings, app.output())

    def test_a_profile_directory_that_is_a_file(self):
        open(self.profile_dir, "w").close()
        self.check(self.app())

    def test_a_profile_directory_in_proc(self):
        self.check(self.app(environment={"CLAMS_PROFILE_DIR": "/proc/profiles"}))

    def test_a_read_only_profile_directory(self):
        os.mkdir(self.profile_dir)
        if os.geteuid() != 0:
            os.chmod(self.profile_dir, 0o555)
            self.check(self.app())
            os.chmod(self.profile_dir, 0o755)
            return
        if not shutil.which("setpriv"):
            print("not possible here: root writes everywhere, and there is no setpriv to become somebody else")
            return
        programs = os.path.join(self.path, "bin")
        os.mkdir(programs)
        shutil.copy(os.path.join(BIN, "clams-vram-demo"), programs)
        os.mkdir(self.vram_dir)
        os.chmod(self.vram_dir, 0o777)
        self.check(self.app(program=os.path.join(programs, "clams-vram-demo"), prefix=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]))

    def test_a_full_disk(self):
        os.mkdir(self.profile_dir)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.profile_dir], capture_output=True, text=True).returncode == 0 if os.geteuid() == 0 else False
        if not mounted:
            print("not possible here: no file system can be mounted that would be full; a file that may not grow stands in for it")
            self.check(self.app(prefix=["sh", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "sh"], environment={"CLAMS_VRAM_DIR": self.ready_ledger()}))
            return
        try:
            filler = os.open(os.path.join(self.profile_dir, "filler"), os.O_WRONLY | os.O_CREAT)
            with contextlib.suppress(OSError):
                while os.write(filler, b"x" * 4096):
                    pass
            os.close(filler)
            self.check(self.app())
        finally:
            for app in self.servers:
                app.stop()
            subprocess.run(["umount", self.profile_dir], check=True)

    def ready_ledger(self):
        """A ledger that exists already: a process that may not write files could not make one."""
        self.assertIsNone(self.app().stop())
        return self.vram_dir

    def test_no_home_and_no_directory_at_all(self):
        app = self.app(environment={"CLAMS_PROFILE_DIR": None, "XDG_CACHE_HOME": None, "HOME": None})
        for _ in range(2):
            answer = self.assert_ok(app.post(allocate=GIB))
        self.assertEqual(answer.result["source"], "learned")
        self.assertLessEqual(len(app.lines("warning")), 1)

    def test_a_directory_that_vanishes_is_made_again(self):
        app = self.app()
        self.assert_ok(app.post(allocate=GIB))
        self.assertTrue(until(self.profiles))
        shutil.rmtree(self.profile_dir)
        self.assert_ok(app.post(allocate=2 * GIB))
        self.assertTrue(until(self.profiles))

    def test_the_cache_home_is_used_without_clams_profile_dir(self):
        app = self.app(environment={"CLAMS_PROFILE_DIR": None})
        self.assert_ok(app.post(allocate=GIB))
        self.assertIsNone(app.stop())
        identifier = next(iter(os.listdir(os.path.join(self.path, "cache", "clams", "memory_profiles"))))
        self.assertNotIn(":", identifier)
        self.assertIn("vram-demo", identifier)


if __name__ == "__main__":
    unittest.main(verbosity=2)
