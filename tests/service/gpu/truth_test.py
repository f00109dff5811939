#!/usr/bin/env python3
"""What is said is so: why there is no GPU, how old a figure is, each row of the table of refusals in docs/guides/gpu-clients.md."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from gpu_service import BIN, BODY, GIB, STATUS_SECONDS, GpuTest, in_background, until

TOTAL = 24 * GIB
GUIDE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "guides" / "gpu-clients.md"


class WhyNoDevice(GpuTest):
    def shown(self, environment=()):
        """reason, message and code, as the pages of a server and as `clams gpu --json` show them."""
        gpu = self.app(environment=dict(environment)).runtime()["gpu"]
        done = subprocess.run([os.path.join(BIN, "clams"), "gpu", "--json"], env={**self.environment, **dict(environment)}, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        tool = json.loads(done.stdout)
        self.assertEqual((gpu["devices"], gpu["available"], tool["devices"]), ([], False, []))
        found = [tuple(one.get(key) for key in ("reason", "message", "driver_code")) for one in (gpu, tool)]
        self.assertEqual(*found)
        return found[0]

    def test_a_broken_driver_is_told_from_no_card(self):
        for rule, reason, code, words in (("error nvmlInit_v2 18", "driver_error", 18, ("nvmlInit_v2", "code 18", "versions differ")),
                                          ("error nvmlInit_v2 999", "driver_error", 999, ("nvmlInit_v2", "code 999")),
                                          ("error nvmlInit_v2 4", "driver_error", 4, ("nvmlInit_v2", "code 4", "permission")),
                                          ("error nvmlDeviceGetCount_v2 15", "driver_error", 15, ("nvmlDeviceGetCount_v2", "GPU lost")),
                                          ("error nvmlDeviceGetHandleByIndex_v2 15", "driver_error", 15, ("nvmlDeviceGetHandleByIndex_v2", "GPU lost")),
                                          ("error nvmlDeviceGetMemoryInfo* 15", "driver_error", 15, ("nvmlDeviceGetMemoryInfo", "GPU lost")),
                                          ("error nvmlInit_v2 9", "driver_not_loaded", 9, ("nvmlInit_v2", "driver not loaded")),
                                          ("hang nvmlInit_v2 300000", "driver_silent", None, ("devices",))):
            with self.subTest(rule=rule):
                self.fake().rule(rule)
                told, message, native = self.shown()
                self.assertEqual((told, native), (reason, code), message)
                for word in words:
                    self.assertIn(word, message)

    def test_no_card_no_driver_and_no_wish_for_one(self):
        self.assertEqual(self.shown()[0], "no_gpu")
        self.assertEqual(self.shown({"CLAMS_GPU": "none"})[0], "disabled")
        self.fake()
        self.assertEqual(self.shown({"CUDA_VISIBLE_DEVICES": ""})[0], "hidden")

    def test_a_library_that_is_no_driver(self):
        self.environment["VRAM_NVML_PATH"] = self.library_without_functions()
        reason, message, _ = self.shown()
        self.assertEqual(reason, "driver_error")
        self.assertIn("lacks functions", message)

    def library_without_functions(self):
        for folder in ("/lib/x86_64-linux-gnu", "/usr/lib64", "/lib/aarch64-linux-gnu"):
            if os.path.exists(folder + "/libm.so.6"):
                return folder + "/libm.so.6"
        self.skipTest("no library to take for a driver")

    def test_a_device_that_is_lost_later_says_so_in_its_entry(self):
        gpu = self.fake()
        app = self.app()
        self.assertNotIn("reason", app.device())
        gpu.rule("error nvmlDevice* 15")
        self.assertTrue(until(lambda: app.device()["state"] != "ok"))
        self.assertEqual(app.device()["reason"], "driver_error")
        self.assertIn("GPU lost", app.device()["message"])
        tool = json.loads(subprocess.run([os.path.join(BIN, "clams"), "gpu", "--json"], env=self.environment, capture_output=True, timeout=60).stdout)
        self.assertEqual(tool["reason"], "driver_error")


class Fresh(GpuTest):
    def test_status_shows_the_device_as_it_is_now(self):
        gpu = self.fake()
        app = self.app()
        for others in (20, 3, 11, 7, 16, 2):
            gpu.device(others="%dGiB" % others)
            time.sleep(0.15)
            one = app.device()
            self.assertEqual(one["free_bytes"], (24 - others) * GIB)
            self.assertLessEqual(one["sample_age_ms"], 200)

    def test_a_slow_driver_gives_the_last_figure_with_its_age_and_is_not_called_ill(self):
        gpu = self.fake()
        app = self.app()
        gpu.rule("hang nvmlDeviceGetMemoryInfo* 180")
        oldest = 0
        for _ in range(8):
            answer = app.get("/?includeVRAM=true")
            [one] = answer.json["runtime"]["gpu"]["devices"]
            self.assertEqual(one["state"], "ok", one)
            oldest = max(oldest, one["sample_age_ms"])
            time.sleep(0.05)
        self.assertGreater(oldest, 100)
        self.assertEqual(app.lines("warning", "GPU"), [])

    def test_a_driver_that_hangs_delays_status_once_and_nobody_else(self):
        gpu = self.fake()
        app = self.app()
        gpu.rule("hang nvmlDevice* 300000")
        waiting = [in_background(lambda: app.get("/?includeVRAM=true")) for _ in range(8)]
        self.assertLess(app.get("/health").seconds, STATUS_SECONDS)
        for one in waiting:
            self.assertLess(self.assert_ok(one.result()).seconds, STATUS_SECONDS)
        self.assertTrue(until(lambda: app.device()["state"] != "ok"))
        self.assertIn("no answer", app.device()["message"])


class Table(GpuTest):
    """Each row of the guide's table is provoked; nothing else is answered."""

    def rows(self):
        """(status, code, reason, whether there is a Retry-After) of each row."""
        found = set()
        for line in GUIDE.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
            if re.fullmatch(r"\d{3}", cells[0]):
                self.assertIn(cells[3], ("yes", "no"), line)
                found.add((int(cells[0]), cells[1], cells[2], cells[3] == "yes"))
        self.assertGreaterEqual(len(found), 8, "the table was not found")
        return found

    def row(self, answer):
        body = answer.json
        wait = answer.headers.get("Retry-After")
        if wait is not None:
            self.assertTrue(1 <= int(wait) <= 60, answer)
        elif answer.status != 507:
            self.fail("no Retry-After: %s" % answer)
        self.assertEqual(answer.status == 507, "retry later" not in body["error"] and "reason" in body, body["error"])
        return answer.status, body["code"], body.get("reason", ""), wait is not None

    def refused_for_memory(self):
        self.simulated()
        yield self.app().post(bytes=60 * GIB)
        for arguments in ((), ("--vram-error-status", "500")):
            app = self.app("--threads", "2", *arguments)
            app.hold(bytes=20 * GIB)
            self.assertTrue(until(lambda a=app: a.device()["reserved_bytes"] >= 20 * GIB))
            yield app.post(bytes=6 * GIB)
            self.end_holds(app)
            ran_out = app.post(bytes=625 << 20, fail="oom", model="small")
            self.assertEqual(ran_out.json["error"], "small ran out of GPU memory although 0.61GB were reserved for it. Please retry later.")
            self.assertNotIn("available_bytes", ran_out.json)
            yield ran_out
            self.assertIsNone(app.stop())

    def refused_as_unknown(self):
        del self.environment["CLAMS_GPU"]
        gpu = self.fake()
        for arguments in ((), ("--vram-error-status", "500")):
            app = self.app("--unknown", "refuse", *arguments)
            os.rename(self.vram_dir + "/ledger", self.vram_dir + "/gone")
            yield until(lambda a=app: (lambda answer: answer if answer.status != 200 else None)(a.post(bytes=GIB)))
            gpu.rule("error nvmlDeviceGetMemoryInfo* 999")
            app = self.app("--unknown", "refuse", *arguments)
            yield until(lambda a=app: (lambda answer: answer if answer.status != 200 else None)(a.post(bytes=GIB)))
            gpu.rule()

    def refused_by_the_server(self):
        self.simulated()
        app = self.app("--threads", "1", "--queue", "1", "--drain-timeout", "6s")
        held = app.hold(bytes=GIB)
        self.assertTrue(until(lambda: app.metrics()["clams_requests_running"] == 1))
        in_background(lambda: app.post(bytes=GIB))
        self.assertTrue(until(lambda: app.metrics()["clams_requests_queued"] == 1))
        yield app.post(bytes=GIB)
        app.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: app.get("/health").status == 503))
        health = app.get("/health")
        self.assertEqual(health.headers["Retry-After"], "5")
        self.assert_ok(app.get("/?includeVRAM=true"))
        yield app.post(bytes=GIB)
        yield held.result()
        self.assertEqual(app.wait(), 0)
        app.ended = True

    def test_the_table_is_what_is_answered(self):
        answered = {self.row(answer) for part in (self.refused_for_memory, self.refused_as_unknown, self.refused_by_the_server) for answer in part()}
        self.assertEqual(sorted(answered), sorted(self.rows()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
