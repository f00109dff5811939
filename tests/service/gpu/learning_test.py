#!/usr/bin/env python3
"""An app that declares nothing: conservative first, then what it was seen to need; estimates of the metadata; what runs out of memory."""
import os
import unittest

from gpu_service import DEATH_SECONDS, GIB, MIB, GpuTest, until

TOTAL = 24 * GIB
ROOM = TOTAL - round(TOTAL * 0.1)


class Learning(GpuTest):
    def charged(self, app, **parameters):
        """What a request is charged while it runs."""
        before = app.device()["reserved_bytes"]
        held = app.hold(**parameters)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] > before or held.done()))
        charge = app.device()["reserved_bytes"]
        [answer] = self.end_holds(app)
        return answer.result["source"], charge

    def test_conservative_first_then_learned_also_after_a_restart(self):
        self.simulated()
        app = self.app()
        self.assertEqual(self.charged(app, allocate=2 * GIB), ("conservative", round(TOTAL * 0.8)))
        self.assertEqual(self.charged(app, allocate=2 * GIB), ("learned", round(2 * GIB * 1.2)))
        self.assertIsNone(app.stop())
        app = self.app()
        self.assertEqual(self.charged(app, allocate=2 * GIB), ("learned", round(2 * GIB * 1.2)))
        # Each set of parameters has a profile of its own.
        self.assertEqual(self.charged(app, allocate=3 * GIB)[0], "conservative")
        self.assertEqual(self.charged(app, allocate=3 * GIB)[0], "learned")

    def test_learned_on_the_fake_driver_without_the_context(self):
        self.fake().device(context="300MiB")
        app = self.app()
        self.assertEqual(self.assert_ok(app.post(allocate=2 * GIB)).result["source"], "conservative")
        self.assertEqual(self.assert_ok(app.post(allocate=2 * GIB)).result["source"], "learned")
        self.assertIsNone(app.stop())
        [profile] = self.profiles().values()
        self.assertEqual((profile["peak_bytes"], profile["instrument"], profile["runs"]), (2 * GIB, "allocator", 2))

    def test_two_servers_of_an_app_share_what_was_learned(self):
        self.simulated()
        one, other = self.app(), self.app()
        self.assert_ok(one.post(allocate=2 * GIB))
        self.assertTrue(until(lambda: other.post(allocate=2 * GIB, pretty="true").result["source"] == "learned"))

    def test_universal_parameters_do_not_tell_profiles_apart(self):
        self.simulated()
        app = self.app()
        self.assert_ok(app.post(allocate=GIB))
        self.assertEqual(self.assert_ok(app.post(allocate=GIB, pretty="true", runningTime="true")).result["source"], "learned")
        self.assertIsNone(app.stop())
        self.assertEqual(len(self.profiles()), 1)

    def test_a_second_request_waits_for_nobody_to_be_refused_by_the_conservative_share(self):
        self.simulated()
        app = self.app("--threads", "2")
        app.hold(allocate=GIB)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] > 0))
        refused = app.post(allocate=2 * GIB)
        self.assertEqual((refused.status, refused.json["source"], refused.json["required_bytes"]), (503, "conservative", round(TOTAL * 0.8)))
        self.end_holds(app)

    def test_first_share_and_margin_are_settings(self):
        self.simulated()
        app = self.app("--first-share", "25%", "--margin", "2")
        self.assertEqual(self.charged(app, allocate=2 * GIB), ("conservative", 6 * GIB))
        self.assertEqual(self.charged(app, allocate=2 * GIB), ("learned", 4 * GIB))

    def test_the_conservative_share_never_makes_an_app_impossible(self):
        self.simulated()
        app = self.app("--headroom", "50%", "--first-share", "80%")
        self.assertIn(self.assert_ok(app.post(allocate=GIB)).result["source"], ("conservative",))
        self.assertEqual(self.assert_ok(app.post(allocate=GIB)).result["source"], "learned")

    def test_what_is_declared_counts_before_what_was_learned(self):
        self.simulated()
        app = self.app()
        for _ in range(2):
            self.assertEqual(self.charged(app, bytes=3 * GIB, allocate=GIB), ("declared", 3 * GIB))

    def test_a_learned_figure_that_is_too_large_for_the_card_is_measured_again(self):
        self.simulated()
        app = self.app()
        self.charged(app, allocate=GIB)
        self.assertIsNone(app.stop())
        [name] = self.profiles()
        [path] = [os.path.join(folder, name) for folder, _, files in os.walk(self.profile_dir) if name in files]
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace('"peak_bytes": %d' % GIB, '"peak_bytes": %d' % (100 * GIB)))
        app = self.app()
        self.assertEqual(self.charged(app, allocate=GIB)[0], "learned")
        self.assertEqual(app.metrics()['clams_gpu_decisions_total{outcome="probe_run"}'], 1)
        self.assertEqual(self.charged(app, allocate=GIB), ("learned", round(GIB * 1.2)))


class Estimate(GpuTest):
    def test_the_estimate_of_the_metadata_is_a_declared_prior(self):
        # The app states 600 MB at least and 500 typically, and declares nothing for a request.
        self.fake().device(others="21GiB")
        app = self.app("--app", "gpu", program="clams-wire-app")
        metadata = app.get("/").json
        estimate = metadata["est_gpu_mem_typ"] * MIB
        answer = app.post()
        self.assertEqual(answer.status, 503, answer)
        body = answer.json
        self.assertEqual((body["source"], body["required_bytes"], body["model"]), ("declared", estimate + 512 * MIB, metadata["identifier"]))
        self.gpu.device(others="20GiB")
        self.assert_ok(app.post())

    def test_an_app_that_uses_no_gpu_is_never_constrained(self):
        self.fake().device(others="24GiB")
        self.assert_ok(self.app("--app", "echo", program="clams-bench-app").post())

    def test_without_a_gpu_nothing_is_refused(self):
        self.environment["CLAMS_GPU"] = "none"
        self.assert_ok(self.app("--app", "gpu", program="clams-wire-app").post())
        self.assert_ok(self.app().post(allocate=TOTAL * 9))


class Failures(GpuTest):
    def test_an_app_that_throws_gives_an_error_view_and_the_charge_is_back(self):
        self.simulated()
        app = self.app()
        answer = app.post(bytes=4 * GIB, allocate=4 * GIB, fail="throw")
        self.assertEqual(answer.status, 500)
        self.assertIn("failed because it was asked to", answer.error)
        self.assertTrue(until(lambda: (lambda d: d["reserved_bytes"] == 0 and d["free_bytes"] == TOTAL)(app.device()), DEATH_SECONDS))
        self.assertEqual(self.profiles(), {})

    def test_out_of_memory_is_a_temporary_refusal_and_raises_the_figure(self):
        self.simulated()
        app = self.app()
        self.assert_ok(app.post(allocate=GIB))
        answer = app.post(allocate=GIB, fail="oom")
        self.assertEqual(answer.status, 503, answer)
        body = answer.json
        self.assertEqual((body["code"], body["model"], body["device"]), ("INSUFFICIENT_GPU_MEMORY", app.get("/").json["identifier"], "SIM-0-%d" % TOTAL))
        self.assertTrue(1 <= int(answer.headers["Retry-After"]) <= 60)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] == 0, DEATH_SECONDS))

    def test_out_of_memory_raises_the_learned_figure_of_these_parameters(self):
        self.simulated()
        app = self.app()
        held = [app.post(allocate=4 * GIB, fail="oom").json["required_bytes"] for _ in range(3)]
        self.assertEqual(held[0], round(TOTAL * 0.8))
        self.assertGreater(held[1], held[0])
        # It is never raised so far that the request could not run any more, alone on the card.
        self.assertLessEqual(held[2], ROOM)
        self.assertIsNone(app.stop())
        [profile] = self.profiles().values()
        self.assertEqual((profile["out_of_memory"], profile["runs"]), (3, 0))
        self.assertGreaterEqual(profile["peak_bytes"] * 1.2, held[1])

    def test_out_of_memory_below_the_card_raises_by_a_quarter(self):
        self.simulated()
        app = self.app()
        answer = app.post(bytes=2 * GIB, allocate=2 * GIB, fail="oom")
        self.assertEqual((answer.status, answer.json["required_bytes"], answer.json["source"]), (503, 5 * GIB // 2, "declared"))

    def test_an_allocation_beyond_the_card_is_out_of_memory(self):
        self.fake().device(context="300MiB")
        app = self.app()
        answer = app.post(bytes=GIB, allocate=30 * GIB)
        self.assertEqual((answer.status, answer.json["code"]), (503, "INSUFFICIENT_GPU_MEMORY"))
        self.assertEqual(len(app.lines("ran out of GPU memory")), 1)
        self.assert_ok(app.post(bytes=GIB, allocate=GIB))

    def test_a_request_that_is_stopped_gives_its_charge_back(self):
        self.simulated()
        app = self.app("--request-timeout", "1s")
        answer = app.post(bytes=8 * GIB, allocate=8 * GIB, fail="hang")
        self.assertEqual((answer.status, answer.json["code"]), (504, "REQUEST_TIMEOUT"), answer)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] == 0, DEATH_SECONDS))
        self.assert_ok(app.post(bytes=20 * GIB, allocate=20 * GIB))


if __name__ == "__main__":
    unittest.main(verbosity=2)
