#!/usr/bin/env python3
"""Where requests run: models that live in worker processes, by routing, room and number."""
import json
import os
import subprocess
import unittest

from gpu_service import BIN, CORES, PATIENCE, GpuTest, at_once, until

MODELS = os.path.join(os.environ.get("CLAMS_BUILD", ""), "tests", "clams_gpu_models")


class ExecutorTest(GpuTest):
    kind = "isolated"

    def setUp(self):
        super().setUp()
        self.fake().device(context="100MiB")

    def models(self, *flags):
        return self.app("--executor", self.kind, *flags, program=MODELS)

    def ok(self, answer):
        return self.assert_ok(answer).result

    def resident(self, app):
        """Names of the models that are loaded."""
        return sorted(entry["model"] for entry in app.device()["resident"] if not entry["loading"])

    def coming(self, app):
        """Names of the models that are promised and not loaded yet."""
        return sorted(entry["model"] for entry in app.device()["resident"] if entry["loading"])

    def processes(self):
        shown = subprocess.run([os.path.join(BIN, "clams"), "gpu", "--json"], env=self.environment, stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        return json.loads(shown.stdout)["processes"]

    def running(self):
        """Requests that were promised memory and have not ended."""
        return sum(process["requests"] for process in self.processes())

    def hold(self, app, **parameters):
        return app.hold(how="holdMs", **parameters)

    def pids(self, answers):
        return [self.ok(answer)["pid"] for answer in answers]


class ModelsThatStay:
    """Of an engine that states nothing of what it takes: not one byte of a held model counts twice."""

    def test_a_held_model_of_most_of_the_card_is_used_again(self):
        app = self.models()
        results = [self.ok(app.post(mb=15000)) for _ in range(3)]
        self.assertEqual({result["loads"] for result in results}, {1})
        self.assertEqual(len({result["pid"] for result in results}), 1)
        self.assertGreater(app.device()["available_bytes"], 5 << 30)

    def test_so_is_one_that_was_loaded_by_several_requests_at_once(self):
        app = self.models("--threads", "2")
        at_once([lambda: app.post(mb=9000, holdMs=300) for _ in range(2)])
        self.assertEqual(self.ok(app.post(mb=9000))["loads"], 1)
        self.assertGreater(app.device()["available_bytes"], 10 << 30)
        answers = at_once([lambda: app.post(mb=9000, holdMs=300) for _ in range(2)])
        self.assertEqual([self.ok(answer)["loads"] for answer in answers], [1, 1])

    def test_those_who_come_while_a_model_is_loaded_are_charged_as_finding_it(self):
        app = self.models("--threads", "4")
        answers = [app.hold(how="loadMs", mb=15000)]
        self.assertTrue(until(lambda: self.coming(app) == ["m"]), app.device())
        answers += [app.hold(how="loadMs", mb=15000) for _ in range(2)]
        self.assertTrue(until(lambda: self.running() == 3), app.device())
        self.assertEqual(app.device()["reserved_bytes"] >> 20, 15000 + 3 * 64 + 512)
        refused = app.post(model="other", mb=15000)
        self.assertEqual(refused.status, 503, "the model that is on its way was promised to somebody else")
        results = [self.ok(answer) for answer in app.end_holds()]
        self.assertEqual({result["loads"] for result in results}, {1})
        self.assertEqual((self.resident(app), self.coming(app)), (["m"], []))
        self.ok(app.post(mb=15000))

    def test_a_model_that_cannot_be_loaded_is_promised_to_nobody(self):
        app = self.models("--threads", "2")
        for _ in range(2):
            app.hold(how="loadMs", mb=15000, failLoad="true")
        self.assertTrue(until(lambda: self.running() == 2), app.device())
        self.assertEqual([answer.status for answer in app.end_holds()], [500, 500])
        self.assertEqual(app.device()["resident"], [])
        self.ok(app.post(model="other", mb=15000))

    def test_learned_needs_are_shared_during_a_load_too(self):
        request = dict(mb=7000, workMb=512, declare="false")
        app = self.models()
        for _ in range(2):
            self.ok(app.post(holdMs=800, **request))
        self.assertIsNone(app.stop())
        app = self.models("--threads", "3")
        # The same parameter set each time: the profile tells their needs.
        answers = at_once([lambda: app.post(holdMs=800, **request) for _ in range(3)])
        self.assertEqual({self.ok(answer)["loads"] for answer in answers}, {1})

    def test_a_helper_that_is_loaded_each_time_is_part_of_what_a_warm_run_needs(self):
        app = self.models()
        for _ in range(4):
            self.ok(app.post(mb=3000, helperMb=1000, declare="false", holdMs=800))
        [profile] = self.profiles().values()
        self.assertGreater(profile["peak_bytes"], 3500 << 20)  # less the context, as guessed
        self.assertTrue(900 << 20 < profile["warm_bytes"] < 1100 << 20, profile)

    def test_a_load_that_ran_out_of_memory_raises_one_figure_once(self):
        app = self.models("--threads", "3")
        for _ in range(3):
            app.hold(how="loadMs", mb=1000, oomLoad="true")
        self.assertTrue(until(lambda: self.running() == 3))
        self.assertEqual([answer.status for answer in app.end_holds()], [503] * 3)
        self.assertTrue(until(lambda: self.profiles()))
        [profile] = self.profiles().values()
        self.assertNotIn("warm_bytes", profile)
        self.assertLess(profile["peak_bytes"], 1400 << 20)

    def test_a_helper_that_ran_out_of_memory_raises_the_figure(self):
        app = self.models()
        self.ok(app.post(mb=1000))
        self.assertEqual(app.post(mb=1000, helperMb=100, oomHelper="true").status, 503)
        self.assertIsNone(app.stop())  # figures are written by then
        self.assertEqual(sum(profile["out_of_memory"] for profile in self.profiles().values()), 1, self.profiles())

    def test_nothing_is_learned_from_a_run_that_failed(self):
        app = self.models()
        self.assertEqual(app.post(mb=2000, declare="false", holdMs=800, failLate="true").status, 500)
        self.assertIsNone(app.stop())  # figures are written by then
        self.assertEqual(sum(profile["runs"] for profile in self.profiles().values()), 0, self.profiles())

    def test_a_helper_is_not_taken_for_as_large_as_the_model(self):
        app = self.models()
        app.hold(how="holdMs", mb=3000, helperMb=50)
        self.assertTrue(until(lambda: self.resident(app) == ["helper", "m"]), app.device())
        self.assertLess(app.device()["reserved_bytes"] >> 20, 3000 + 64 + 512 + 100)
        app.end_holds()

    def test_each_model_keeps_its_own_size(self):
        app = self.models("--first-share", "40%")
        sizes = {"z": 5000, "a": 2000}
        for model, mb in sizes.items():
            self.ok(app.post(model=model, mb=mb, declare="false", holdMs=800))
        found = {entry["model"]: entry["bytes"] >> 20 for entry in app.device()["resident"]}
        for model, mb in sizes.items():
            self.assertTrue(0.85 * mb < found[model] < 1.15 * mb, found)

    def test_an_app_that_does_not_keep_its_model_is_charged_in_full(self):
        app = self.models("--threads", "2")
        self.ok(app.post(mb=12000, keep="false", holdMs=500))
        self.assertTrue(until(lambda: app.lines("are charged its whole memory each")), app.output())
        self.hold(app, mb=12000, keep="false")
        self.assertTrue(until(lambda: self.running() == 1), app.device())
        self.assertEqual(app.post(mb=12000, keep="false").status, 503)
        app.end_holds()
        # Once it has kept one, the next are charged as finding it.
        self.ok(app.post(mb=12000))
        self.assertTrue(until(lambda: self.resident(app) == ["m"]))

    def test_an_app_that_declares_nothing_is_charged_for_its_held_model_once(self):
        app = self.models()
        request = dict(mb=15000, declare="false", holdMs=800)
        results = [self.ok(app.post(**request)) for _ in range(3)]
        self.assertEqual({result["loads"] for result in results}, {1})
        # With what is charged for the context, which was only guessed.
        self.assertGreaterEqual(app.device()["reserved_bytes"], 15100 << 20)
        self.assertLess(app.device()["reserved_bytes"], 16 << 30)
        self.assertIsNone(app.stop())
        # Learned: after a restart the first request is no longer charged the conservative share.
        again = self.models()
        self.gpu.device(context="100MiB", others="2GiB")
        self.ok(again.post(**request))  # 80 % of the card would not be there

    def test_memory_of_an_unloaded_model_is_free_for_others(self):
        app = self.models("--model-idle", "0")
        self.ok(app.post(mb=15000))
        self.assertTrue(until(lambda: app.device()["available_bytes"] > 20 << 30), app.device())
        self.ok(app.post(model="other", mb=15000))


    def test_what_was_held_by_an_unloaded_model_counts_as_seen_no_longer(self):
        # Otherwise the next promise of this process would be taken for memory that the driver shows already.
        for declare in ("true", "false"):
            # Not at once: what is gone before the run ends is never seen.
            app = self.models("--model-idle", "300ms")
            self.ok(app.post(mb=15000, declare=declare))
            self.assertTrue(until(lambda: self.resident(app) == []), app.device())
            self.assertTrue(until(lambda: sum(process["materialised_bytes"] for process in self.processes()) <= 512 << 20), (declare, self.processes()))
            self.assertIsNone(app.stop())


class InProcess(ModelsThatStay, ExecutorTest):
    kind = "in-process"


class Isolated(ModelsThatStay, ExecutorTest):
    def test_an_idle_model_of_the_one_worker_makes_room_for_another(self):
        app = self.models()
        first = self.ok(app.post(model="a", mb=12000))
        self.assertEqual(self.resident(app), ["a"])
        second = self.ok(app.post(model="b", mb=12000))
        self.assertEqual(second["pid"], first["pid"], "the worker was replaced where unloading would have done")
        self.assertEqual(self.resident(app), ["b"])
        self.assertIn("unloaded idle model 'a'", app.output())

    def test_a_model_in_use_is_not_taken_away(self):
        app = self.models()
        self.hold(app, model="a", mb=12000)
        self.assertTrue(until(lambda: self.resident(app) == ["a"]), app.device())
        refused = app.post(model="b", mb=12000)
        self.assertEqual((refused.status, refused.json["code"]), (503, "INSUFFICIENT_GPU_MEMORY"), refused)
        [answer] = app.end_holds()
        self.ok(answer)

    def test_a_request_whose_worker_died_runs_once_more_when_the_app_says_that_it_may(self):
        self.environment["MODELS_MAY_RERUN"] = "1"
        app = self.models()
        first = self.ok(app.post(mb=1024))["pid"]
        self.hold(app, model="b", mb=1024)
        self.assertTrue(until(lambda: "b" in self.resident(app)), app.device())
        os.kill(first, 9)
        self.assertTrue(until(lambda: app.lines("runs once more")), app.output())
        [answer] = app.end_holds()
        self.assertNotEqual(self.ok(answer)["pid"], first)

    def test_a_request_that_ran_out_of_memory_runs_once_more_when_the_app_says_that_it_may(self):
        for may in (True, False):
            self.environment["MODELS_MAY_RERUN"] = "1" if may else None
            answer = self.models().post(mb=1024, oomOnce="true")
            self.assertEqual(answer.status, 200 if may else 503, answer)

    def test_model_events_of_the_worker_show_in_the_front_s_metrics(self):
        app = self.models()
        for model in ("a", "a", "b"):
            self.ok(app.post(model=model, mb=12000))

        def events():
            found = app.metrics()
            return [found.get("clams_model_events_total{event=%s}" % name.join('""'), 0) for name in ("load", "hit", "unload_for_room")]
        self.assertTrue(until(lambda: events() == [2, 1, 1]), events())


class Exclusive(ExecutorTest):
    kind = "exclusive"

    def test_one_request_at_a_time_in_each_of_several_processes(self):
        app = self.models("--workers", "2")
        for _ in range(4):
            self.hold(app, mb=1024)
        self.assertTrue(until(lambda: app.device()["reserved_bytes"] >= 2 * (1024 + 64) << 20), "two do not run at once")
        spans = {}
        for result in map(self.ok, app.end_holds()):
            spans.setdefault(result["pid"], []).append((result["granted_at_ns"], result["released_at_ns"]))
        self.assertEqual(len(spans), 2)
        for of_one in spans.values():
            of_one.sort()
            for (_, end), (begin, _) in zip(of_one, of_one[1:]):
                self.assertLessEqual(end, begin)

    def test_a_request_goes_to_the_worker_that_holds_its_model(self):
        app = self.models("--workers", "3")
        models = ("a", "b", "c")
        for model in models:
            self.hold(app, model=model, mb=1024)
        self.assertTrue(until(lambda: self.resident(app) == sorted(models)), app.device())
        home = {model: self.ok(answer)["pid"] for model, answer in zip(models, app.end_holds())}
        self.assertEqual(len(set(home.values())), 3)
        for model in ("c", "a", "b", "b", "a", "c"):
            result = self.ok(app.post(model=model, mb=1024))
            self.assertEqual((result["pid"], result["loads"]), (home[model], 1), model)
        # Also where nothing but the requirement tells that it is the same model.
        for model in ("c", "a", "b"):
            result = self.ok(app.post(model=model, mb=1024, holdMs=1))
            self.assertEqual((result["pid"], result["loads"]), (home[model], 1), model)

    def test_no_more_workers_than_fit_and_nobody_is_refused_for_that(self):
        app = self.models()
        self.ok(app.post(model="big", mb=15000))
        answers = at_once([lambda: app.post(model="big", mb=15000, holdMs=300) for _ in range(4)])
        self.assertEqual(len(set(self.pids(answers))), 1)

    def test_a_burst_at_the_start_is_served_by_as_many_workers_as_fit(self):
        app = self.models()
        answers = at_once([lambda: app.post(model="big", mb=15000, holdMs=300) for _ in range(4)])
        self.assertEqual(len(set(self.pids(answers))), 1)

    @unittest.skipIf(CORES < 2, "one core: one worker")
    def test_the_number_of_workers_follows_the_free_memory(self):
        self.gpu.device(context="100MiB", others="12GiB")
        app = self.models()
        at_start = at_once([lambda: app.post(mb=8000, holdMs=200) for _ in range(2)])
        self.assertEqual(len(set(self.pids(at_start))), 1, "both were taken although one fits")
        self.gpu.device(context="100MiB")
        self.assertTrue(until(lambda: len(set(self.pids(at_once([lambda: app.post(mb=8000, holdMs=400) for _ in range(2)])))) == 2),
                        "there is room for two by now")

    def test_workers_as_told_are_as_told(self):
        app = self.models("--workers", "2")
        self.ok(app.post(model="big", mb=15000))
        self.hold(app, model="big", mb=15000)
        self.assertTrue(until(lambda: self.running() == 1), app.device())
        refused = app.post(model="big", mb=15000)
        self.assertEqual((refused.status, refused.json["code"]), (503, "INSUFFICIENT_GPU_MEMORY"), refused)
        [answer] = app.end_holds()
        self.ok(answer)

    def test_surplus_workers_that_are_idle_end(self):
        app = self.models("--workers", "2", "--model-idle", "1s")
        for _ in range(2):
            self.hold(app, mb=1024)
        self.assertTrue(until(lambda: app.metrics()["clams_workers"] == 2))
        app.end_holds()
        self.assertTrue(until(lambda: app.metrics()["clams_workers"] == 1))
        self.assertTrue(until(lambda: self.resident(app) == []), app.device())
        self.ok(app.post(mb=1024))

    def test_a_crash_costs_one_request(self):
        app = self.models("--workers", "2")
        self.hold(app, mb=1024)
        self.assertTrue(until(lambda: self.resident(app)))
        other = self.ok(app.post(model="other", mb=1024))
        os.kill(other["pid"], 9)
        self.ok(app.post(model="other", mb=1024))
        [answer] = app.end_holds()
        self.assertNotEqual(self.ok(answer)["pid"], other["pid"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
