#!/usr/bin/env python3
"""What a client gets when the memory is not there, field by field, and that it gets the memory once it is."""
import math
import os
import subprocess
import time
import unittest

from gpu_service import BIN, BODY, GIB, MIB, REFUSAL_SECONDS, GpuTest, impossible_message_for, message_for, until

TOTAL = 24 * GIB
HEADROOM = round(TOTAL * 0.1)
FIELDS = ["error", "code", "reason", "model", "device", "required_bytes", "available_bytes", "reserved_bytes", "headroom_bytes", "source", "retry_after", "alternatives"]


class Foreign(GpuTest):
    """Somebody outside takes memory: refusal; it frees: the retry succeeds."""

    def check_temporary(self, answer, model, required, available, reserved, device):
        self.assertEqual(answer.status, 503, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        body = answer.json
        self.assertEqual(list(body), FIELDS)
        wait = body.pop("retry_after")
        self.assertIsInstance(wait, int)
        self.assertTrue(1 <= wait <= 60, wait)
        self.assertEqual(answer.headers["Retry-After"], str(wait))
        self.assertEqual(body, {"error": message_for(model, required, available), "code": "INSUFFICIENT_GPU_MEMORY", "reason": "memory", "model": model, "device": device, "required_bytes": required,
                                "available_bytes": available, "reserved_bytes": reserved, "headroom_bytes": HEADROOM, "source": "declared", "alternatives": []})
        self.assertLess(answer.seconds, REFUSAL_SECONDS)

    def test_refusal_and_retry_on_simulated_devices(self):
        self.simulated()
        app = self.app()
        stranger = self.stranger()
        stranger.hold(bytes=18 * GIB, allocate=18 * GIB)
        self.assertTrue(until(lambda: stranger.device()["free_bytes"] == 6 * GIB))
        answer = app.post(bytes=6 * GIB, model="large")
        self.check_temporary(answer, "large", 6 * GIB, 6 * GIB - HEADROOM, 0, "SIM-0-%d" % TOTAL)
        self.assertEqual(answer.json["error"], "Insufficient GPU memory for large. Required: 6.00GB, Available: 3.60GB. GPU may be in use by other processes. Please retry later.")
        self.assert_ok(app.post(bytes=3 * GIB))
        self.end_holds(stranger)
        self.assert_ok(app.post(bytes=6 * GIB, allocate=6 * GIB, model="large"))

    def test_refusal_and_retry_on_the_fake_driver(self):
        gpu = self.fake()
        gpu.device(others="20GiB", context="300MiB")
        app = self.app()
        answer = app.post(bytes=6 * GIB, model="large")
        self.check_temporary(answer, "large", 6 * GIB + 512 * MIB, 4 * GIB - HEADROOM, 0, gpu.UUID)
        gpu.device(others="1GiB", context="300MiB")
        self.assert_ok(app.post(bytes=6 * GIB, allocate=6 * GIB, model="large"))
        self.assertEqual(app.lines("ran out of GPU memory"), [])

    def test_memory_that_another_app_was_promised_but_has_not_taken_counts(self):
        self.simulated()
        one, other = self.app(), self.app()
        other.hold(bytes=20 * GIB)
        self.assertTrue(until(lambda: one.device()["reserved_bytes"] == 20 * GIB))
        self.check_temporary(one.post(bytes=6 * GIB, model="m"), "m", 6 * GIB, 4 * GIB - HEADROOM, 20 * GIB, "SIM-0-%d" % TOTAL)
        self.end_holds(other)
        self.assert_ok(one.post(bytes=6 * GIB, model="m"))

    def test_nothing_left_is_zero_not_less(self):
        self.fake().device(others="23GiB")
        answer = self.app().post(bytes=GIB)
        self.assertEqual((answer.status, answer.json["available_bytes"]), (503, 0))
        self.assertIn("Available: 0.00GB", answer.json["error"])

    def test_a_refusal_names_other_devices_and_their_room(self):
        self.simulated("sim:24GiB,sim:16GiB")
        app = self.app("--threads", "2")
        for size, reserved in ((20 * GIB, [20 * GIB, 0]), (12 * GIB, [20 * GIB, 12 * GIB])):
            app.hold(bytes=size)
            self.assertTrue(until(lambda r=reserved: [app.device(i)["reserved_bytes"] for i in (0, 1)] == r))
        answer = self.app().post(bytes=10 * GIB)
        self.assertEqual(answer.status, 503)
        devices = {d["uuid"]: d["available_bytes"] for d in app.runtime()["gpu"]["devices"]}
        body = answer.json
        self.assertEqual(body["available_bytes"], devices.pop(body["device"]))
        self.assertEqual(body["alternatives"], [{"name": name, "bytes": room} for name, room in devices.items()])
        self.end_holds(app)


class NeverFits(GpuTest):
    def test_what_fits_on_no_device_is_507_without_retry_after(self):
        self.simulated("sim:24GiB,sim:16GiB")
        answer = self.app().post(bytes=23 * GIB, model="huge")
        self.assertEqual(answer.status, 507, answer)
        self.assertNotIn("Retry-After", answer.headers)
        body = answer.json
        self.assertEqual(sorted(body), sorted(set(FIELDS) - {"retry_after"} | {"most_bytes"}))
        self.assertEqual(body["code"], "GPU_MEMORY_IMPOSSIBLE")
        self.assertEqual((body["model"], body["device"], body["required_bytes"], body["available_bytes"], body["reserved_bytes"], body["headroom_bytes"], body["source"]),
                         ("huge", "SIM-0-%d" % TOTAL, 23 * GIB, TOTAL - HEADROOM, 0, HEADROOM, "declared"))
        self.assertEqual(body["error"], impossible_message_for("huge", 23 * GIB, TOTAL - HEADROOM))
        self.assertEqual((body["reason"], body["most_bytes"]), ("memory", TOTAL - HEADROOM))

    def test_what_fits_only_when_others_end_is_no_507(self):
        gpu = self.fake()
        gpu.device(others="20GiB")
        self.assertEqual(self.app().post(bytes=20 * GIB).status, 503)

    def test_a_number_beyond_all_memory_is_507_and_disturbs_nobody(self):
        self.simulated()
        app = self.app()
        self.assertEqual(app.post(bytes=2**63 - 1).status, 507)
        self.assertEqual(app.device()["reserved_bytes"], 0)
        self.assert_ok(app.post(bytes=GIB))


class Statuses(GpuTest):
    def refuse(self, *arguments, size=10 * GIB):
        self.fake().device(others="20GiB")
        return self.app(*arguments).post(bytes=size, model="m")

    def check_500(self, answer):
        self.assertEqual(answer.status, 500, answer)
        self.assertEqual((answer.json["code"], list(answer.json)), ("INSUFFICIENT_GPU_MEMORY", FIELDS))
        self.assertEqual(answer.headers["Retry-After"], str(answer.json["retry_after"]))

    def test_vram_error_status_500_gives_the_status_of_the_python_sdk(self):
        self.check_500(self.refuse("--vram-error-status", "500"))

    def test_status_codes_python_implies_vram_error_status_500(self):
        self.check_500(self.refuse("--status-codes", "python"))

    def test_status_codes_python_makes_every_failure_500_but_those_of_pages(self):
        answer = self.refuse("--status-codes", "python", size=23 * GIB)
        self.assertEqual((answer.status, answer.json["code"]), (500, "GPU_MEMORY_IMPOSSIBLE"))
        app = self.app("--status-codes", "python", "--max-body", "1KiB")
        self.assertEqual(app.ask("POST", "/", b"x" * 2000).status, 500)
        self.assertEqual(app.ask("POST", "/", b"{", {"Content-Encoding": "gzip"}).status, 500)
        self.assertEqual((app.ask("GET", "/nowhere").status, app.ask("DELETE", "/").status), (404, 405))

    def test_an_explicit_vram_error_status_wins_over_the_preset(self):
        self.assertEqual(self.refuse("--status-codes", "python", "--vram-error-status", "503").status, 503)

    def test_what_never_fits_stays_507_with_vram_error_status_500(self):
        self.assertEqual(self.refuse("--vram-error-status", "500", size=23 * GIB).status, 507)

    def test_a_one_shot_run_that_is_refused_ends_with_75_and_what_never_fits_with_69(self):
        self.fake().device(others="20GiB")
        for more in ([], ["--vram-error-status", "500"], ["--status-codes", "python"]):
            for size, status in ((10 * GIB, 75), (23 * GIB, 69), (GIB, 0)):
                command = [os.path.join(BIN, "clams-vram-demo"), "--bytes", str(size), "-", "-"] + more
                done = subprocess.run(command, input=BODY, capture_output=True, env=self.environment, timeout=60)
                self.assertEqual(done.returncode, status, done)
                if status:
                    self.assertIn(b"Insufficient GPU memory for demo." if status == 75 else b"no GPU here can give more than", done.stderr)
                    self.assertEqual(done.stdout, b"")


class Modes(GpuTest):
    def test_observe_refuses_nothing_counts_and_charges(self):
        gpu = self.fake()
        gpu.device(others="20GiB")
        app = self.app("--vram", "observe")
        app.hold(bytes=10 * GIB)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] >= 10 * GIB))
        [answer] = self.end_holds(app)
        self.assertEqual((answer.result["device"], answer.result["source"]), (gpu.UUID, "declared"))
        metrics = app.metrics()
        self.assertEqual((metrics['clams_gpu_decisions_total{outcome="observed"}'], metrics['clams_gpu_decisions_total{outcome="refused"}']), (1, 0))
        self.assertEqual(len(app.lines("would have been refused")), 1, app.output())
        self.assert_ok(app.post(bytes=GIB))
        self.assertEqual(app.metrics()['clams_gpu_decisions_total{outcome="granted"}'], 1)

    def test_off_checks_nothing_and_charges_nothing(self):
        self.simulated()
        app = self.app("--vram", "off")
        app.hold(bytes=30 * GIB, allocate=8 * GIB)
        self.assertTrue(until(lambda: app.device()["free_bytes"] == 16 * GIB), app.runtime())
        self.assertEqual(app.device()["reserved_bytes"], 0)
        [answer] = self.end_holds(app)
        self.assertEqual(answer.result["allocated"], 8 * GIB)
        self.assertEqual(app.metrics()['clams_gpu_decisions_total{outcome="uncharged"}'], 1)

    def test_headroom_as_percent_and_as_bytes(self):
        for given, headroom in (("25%", 6 * GIB), ("2GiB", 2 * GIB), ("2000000", 2000000), ("1000000B", 1000000), ("0", 0)):
            with self.subTest(given=given):
                self.simulated()
                app = self.app("--headroom", given)
                self.assertEqual(app.device()["headroom_bytes"], headroom)
                self.assert_ok(app.post(bytes=TOTAL - headroom))
                refused = app.post(bytes=TOTAL - headroom + 1)
                self.assertEqual((refused.status, refused.json["headroom_bytes"], refused.json["available_bytes"]), (507, headroom, TOTAL - headroom))
                self.assertIsNone(app.stop())

    def test_settings_from_the_environment(self):
        self.simulated()
        self.assertEqual(self.app(environment={"CLAMS_HEADROOM": "50%"}).device()["headroom_bytes"], 12 * GIB)

    def test_nonsense_in_a_setting_is_told_at_the_start(self):
        self.simulated()
        for words in (("--headroom", "lots"), ("--margin", "-1"), ("--first-share", "200%"), ("--unknown", "maybe"), ("--vram", "perhaps"), ("--gpu", "sim:"), ("--vram-error-status", "200")):
            with self.subTest(words=words):
                app = self.app(*words, ready=False)
                self.assertIn(app.wait(), (2, 78))
                self.assertIn(words[0], app.output())
                app.ended = True


class Bodies(GpuTest):
    def test_names_of_models_survive_json_and_the_message(self):
        self.simulated()
        app = self.app()
        for name in ('a "quoted" name', "größe/模型", "x" * 300, "a\nb"):
            answer = app.post(bytes=23 * GIB, model=name)
            self.assertEqual((answer.status, answer.json["model"]), (507, name))
            self.assertTrue(answer.json["error"].startswith("%s needs 23.00GB; no GPU here" % name), answer)

    def test_a_refused_request_does_not_disturb_a_granted_one(self):
        self.simulated()
        app = self.app("--threads", "3")
        app.hold(bytes=20 * GIB, allocate=20 * GIB)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] == 20 * GIB))
        for _ in range(20):
            self.assertEqual(app.post(bytes=6 * GIB).status, 503)
        self.assertEqual(app.device()["reserved_bytes"], 20 * GIB)
        self.end_holds(app)
        self.assertEqual(app.device()["reserved_bytes"], 0)

    def test_retry_after_follows_what_is_running_and_what_was_learned(self):
        self.simulated()
        app = self.app("--threads", "3")
        # Its own duration is learned with a peak.
        begin = time.monotonic()
        app.hold(bytes=20 * GIB, allocate=GIB)
        self.assertTrue(until(lambda: app.device()["free_bytes"] == TOTAL - GIB))
        time.sleep(2)
        self.end_holds(app)
        longest = math.ceil(time.monotonic() - begin)
        app.hold(bytes=20 * GIB, allocate=GIB)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] == 20 * GIB))
        self.assertLessEqual(app.post(bytes=6 * GIB).json["retry_after"], longest + 1)
        self.end_holds(app)
        app.hold(bytes=20 * GIB, model="never seen")
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] == 20 * GIB))
        self.assertGreaterEqual(app.post(bytes=6 * GIB).json["retry_after"], 30)
        self.end_holds(app)


if __name__ == "__main__":
    unittest.main(verbosity=2)
