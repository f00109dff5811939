"""clams_vram on simulated devices, across processes."""
import ast
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

import clams_vram as vram

GIB = 1 << 30
BACK_SECONDS = 70
STUBS = pathlib.Path(__file__).resolve().parents[1] / "clams_vram" / "__init__.pyi"


class OtherPython:
    """An interpreter of its own in the same ledger; `wait_for` reads its lines."""

    def __init__(self, code):
        self.process = subprocess.Popen([sys.executable, "-c", "import clams_vram as vram, os, sys, time\n" + textwrap.dedent(code)], stdout=subprocess.PIPE,
                                        stdin=subprocess.PIPE, text=True)

    def wait_for(self, line):
        said = self.process.stdout.readline().strip()
        if said != line:
            raise AssertionError("expected %r, it said %r" % (line, said))

    def close(self):
        self.process.kill()
        self.process.communicate()


class VramTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = tempfile.mkdtemp(prefix="clams-vram-test.")
        os.environ.update(CLAMS_VRAM_DIR=cls.path + "/vram", CLAMS_GPU="sim:24GiB", CLAMS_HEADROOM="10%")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.path, ignore_errors=True)

    def other(self, code):
        other = OtherPython(code)
        self.addCleanup(other.close)
        return other

    def available(self):
        return vram.devices()[0]["available_bytes"]

    def until(self, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def test_a_lease_is_charged_inside_the_block_and_given_back_after_it(self):
        before = self.available()
        with vram.reserve("6GiB", model="large") as lease:
            self.assertEqual((lease.bytes, lease.active, lease.enforced), (6 * GIB, True, True))
            self.assertTrue(lease.device.startswith("SIM-0"))
            self.assertEqual(self.available(), before - 6 * GIB)
        self.assertFalse(lease.active)
        self.assertEqual(self.available(), before)

    def test_an_exception_inside_the_block_gives_it_back(self):
        before = self.available()
        with self.assertRaises(KeyError):
            with vram.reserve(GIB):
                raise KeyError("x")
        self.assertEqual(self.available(), before)

    def test_what_is_not_there_now_raises_with_the_figures(self):
        with vram.reserve("16GiB"):
            with self.assertRaises(vram.InsufficientMemory) as caught:
                vram.reserve("8GiB", model="second")
        error = caught.exception
        self.assertTrue(str(error).startswith("Insufficient GPU memory for second. Required: 8.00GB, Available: "), error)
        self.assertEqual((error.code, error.required_bytes, error.model), ("INSUFFICIENT_GPU_MEMORY", 8 * GIB, "second"))
        self.assertLess(error.available_bytes, 8 * GIB)
        self.assertTrue(1 <= error.retry_after <= 60)

    def test_what_never_fits_raises_at_once_however_long_one_would_wait(self):
        with self.assertRaises(vram.ImpossibleMemory) as caught:
            vram.reserve("30GiB", wait=-1)
        self.assertIsNone(caught.exception.retry_after)
        self.assertIsInstance(caught.exception, RuntimeError)

    def test_waiting_lets_other_threads_go_on(self):
        first, begun, got = vram.reserve("16GiB"), threading.Event(), []

        def wait_for_it():
            begun.set()
            got.append(vram.reserve("16GiB", wait="10m"))

        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        self.assertTrue(begun.wait(120))
        time.sleep(0.3)  # by now it waits, most likely; if not, it does so below
        self.assertEqual(got, [])
        first.release()  # this thread could not come here if the other held the interpreter's lock
        waiting.join(120)
        self.assertEqual(len(got), 1)
        got[0].release()

    def test_a_wait_ends(self):
        with vram.reserve("16GiB"):
            with self.assertRaises(vram.InsufficientMemory):
                vram.reserve("16GiB", wait=0.3)

    def test_a_wait_can_be_interrupted(self):
        other = self.other("""
            lease = vram.reserve("16GiB")
            try:
                print("waits", flush=True)
                vram.reserve("16GiB", wait=-1)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        """)
        other.wait_for("waits")
        time.sleep(0.3)  # so that it is the wait that is interrupted
        other.process.send_signal(signal.SIGINT)
        other.wait_for("interrupted")

    def test_bytes_of_a_killed_interpreter_come_back(self):
        before = self.available()
        other = self.other("""
            with vram.reserve("12GiB", model="doomed"):
                print("held", flush=True)
                time.sleep(600)
        """)
        other.wait_for("held")
        self.assertEqual(self.available(), before - 12 * GIB)
        other.process.kill()
        other.process.wait()
        self.assertTrue(self.until(lambda: self.available() == before, BACK_SECONDS), self.available())

    def test_a_forked_child_has_its_own_promises_and_disturbs_none(self):
        before = self.available()
        with vram.reserve("4GiB"):
            child = os.fork()
            if child == 0:
                try:
                    ok = vram.reserve("2GiB").bytes == 2 * GIB
                    os._exit(0 if ok else 3)
                except BaseException:
                    os._exit(4)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            self.assertTrue(self.until(lambda: self.available() == before - 4 * GIB, BACK_SECONDS), self.available())
        self.assertEqual(self.available(), before)

    def test_a_lease_of_the_parent_is_no_business_of_a_forked_child(self):
        before = self.available()
        with vram.reserve("4GiB") as lease:
            child = os.fork()
            if child == 0:
                try:
                    with self.assertRaises(ValueError):
                        lease.note_allocated(1)
                    lease.note_freed(1)
                    lease.release()
                    os._exit(3 if lease.active else 0)
                except BaseException:
                    os._exit(4)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            self.assertEqual((lease.active, self.available()), (True, before - 4 * GIB))
        self.assertEqual(self.available(), before)

    def test_a_lease_that_nobody_holds_is_given_back(self):
        before = self.available()
        lease = vram.reserve("4GiB")
        self.assertEqual(self.available(), before - 4 * GIB)
        del lease
        self.assertEqual(self.available(), before)

    def test_names_with_null_bytes_are_refused(self):
        for words in (dict(need="1\0GiB"), dict(need=1, device="\0"), dict(need=1, model="a\0b")):
            with self.assertRaises(ValueError, msg=words):
                vram.reserve(**words)

    def test_memory_that_is_really_taken_is_noted_and_released_with_the_lease(self):
        with vram.reserve("4GiB") as lease:
            lease.note_allocated("3GiB")
            lease.note_freed(GIB)
        with self.assertRaises(ValueError):
            lease.note_allocated(1)

    def test_devices_by_index_and_uuid(self):
        [device] = vram.devices()
        self.assertEqual((device["id"], device["total_bytes"]), (0, 24 * GIB))
        for name in (0, "0", device["uuid"]):
            with vram.reserve(GIB, device=name) as lease:
                self.assertEqual(lease.device, device["uuid"])
        with self.assertRaisesRegex(ValueError, "there is no GPU '7' here; there is 0"):
            vram.reserve(GIB, device=7)

    def test_sizes_that_are_none(self):
        for size in ("many", "-3GiB", -1):
            with self.assertRaises(ValueError, msg=size):
                vram.reserve(size)
        for size in (None, 1.5, True):
            with self.assertRaises(TypeError, msg=size):
                vram.reserve(size)

    def test_without_a_gpu_nothing_is_refused(self):
        done = subprocess.run([sys.executable, "-c", "import clams_vram as v\nwith v.reserve('900GiB') as l: print(repr(l.device), v.devices())"],
                              env={**os.environ, "CLAMS_GPU": "none"}, stdout=subprocess.PIPE, check=True, timeout=60)
        self.assertEqual(done.stdout.decode().strip(), "'' []")

    def test_settings_that_cannot_be_used(self):
        for changes, kind in (({"CLAMS_GPU": "sim:lots"}, "RuntimeError"), ({"CLAMS_HEADROOM": "much"}, "ValueError"), ({"CLAMS_VRAM_DIR": "/proc/nowhere"}, "RuntimeError")):
            done = subprocess.run([sys.executable, "-c", "import clams_vram as v\nv.reserve(1)"], env={**os.environ, **changes}, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(done.returncode, 1, changes)
            self.assertIn(kind, done.stderr.decode().strip().splitlines()[-1], changes)

    def test_the_stubs_name_what_there_is(self):
        tree = ast.parse(STUBS.read_text())
        named = {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        self.assertEqual(set(named) - {"Device"}, set(vram.__all__))
        methods = {item.name for item in named["Lease"].body if isinstance(item, ast.FunctionDef)}
        self.assertEqual(methods - {"__enter__", "__exit__"}, {name for name in dir(vram.Lease) if not name.startswith("_")})
        self.assertEqual(set(vram.devices()[0]), {item.target.id for item in named["Device"].body})
        self.assertTrue((pathlib.Path(vram.__file__).parent / "py.typed").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
