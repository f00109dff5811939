"""GPU memory of hosted Python apps: a mock of PyTorch on the fake CUDA driver, so that what an app takes shows on the device for everybody."""
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
import unittest

from hosted import APPS, BODY, CLAMS, SOURCE, HostingTest, alive, at_once, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "service" / "gpu"))

from gpu_service import FakeGpu  # noqa: E402
from storm import Load, kill_workers  # noqa: E402

GIB, MIB = 1 << 30, 1 << 20
LIB = os.path.join(os.environ.get("CLAMS_BUILD", ""), "lib")
MOCK = str(SOURCE / "bindings" / "python" / "tests" / "data" / "mock_torch")
DEMO, KEEPER = APPS / "vram_demo" / "app.py", APPS / "keeper" / "app.py"
TOTAL = 24 * GIB
BACK_SECONDS = 70
HELD = 600_000  # milliseconds; `end` is sooner


class HostedGpu(HostingTest):
    def setUp(self):
        super().setUp()
        self.gpu = FakeGpu(os.path.join(self.path, "gpu-state"))
        self.gpu.device(context="100MiB")
        cuda = os.path.join(LIB, "libfake_cuda.so")
        self.environment = {"CLAMS_GPU": "auto", "VRAM_NVML_PATH": os.path.join(LIB, "libfake_nvml.so"), "VRAM_CUDA_PATH": cuda, "MOCK_TORCH_CUDA": cuda,
                            "FAKE_GPU_STATE": self.gpu.path, "PYTHONPATH": MOCK}

    def result(self, answer):
        self.assert_ok(answer)
        return next(a["properties"] for v in answer.json["views"] for a in v.get("annotations", []))

    def shown(self, server):
        """What `clams gpu` says now."""
        shown = subprocess.run([CLAMS, "gpu", "--json"], env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        return json.loads(shown.stdout)

    def free(self, server):
        return self.shown(server)["devices"][0]["free_bytes"]

    def refused(self, answer):
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (503, "application/json"), answer)
        self.assertTrue(1 <= int(answer.headers["Retry-After"]) <= 60)
        body = answer.json
        self.assertEqual(body["code"], "INSUFFICIENT_GPU_MEMORY")
        self.assertRegex(body["error"], {"memory": "^Insufficient GPU memory for ", "allocation": " ran out of GPU memory although "}[body["reason"]])
        return body


class Requirements(HostedGpu):
    def test_declared_memory_is_reserved_while_the_request_runs_and_seen_on_the_device(self):
        server = self.serve(DEMO, "--workers", "2")
        running = self.begin(server, bytes=8 * GIB, allocate=8 * GIB, hold_ms=HELD, model="big")
        self.assertGreaterEqual(server.device()["reserved_bytes"], 8 * GIB, "nothing was reserved")
        self.assertTrue(until(lambda: self.free(server) <= TOTAL - 8 * GIB), "nothing was taken")
        [answer] = self.end(server, running)
        self.assertEqual(self.result(answer)["bytes"], 8 * GIB)
        self.assertTrue(until(lambda: server.device()["reserved_bytes"] < GIB, BACK_SECONDS), server.device())

    def test_a_full_card_refuses_and_a_retry_succeeds(self):
        server = self.serve(DEMO, "--workers", "2")
        running = self.begin(server, bytes=16 * GIB, allocate=16 * GIB, hold_ms=HELD)
        body = self.refused(server.post(bytes=8 * GIB, allocate=8 * GIB, model="second"))
        self.assertEqual((body["model"], body["source"]), ("second", "declared"))
        self.assertGreaterEqual(body["required_bytes"], 8 * GIB)
        self.assertLess(body["available_bytes"], 8 * GIB)
        self.end(server, running)
        self.result(server.post(bytes=8 * GIB, allocate=8 * GIB, model="second"))

    def test_what_never_fits_is_told_so(self):
        answer = self.serve(DEMO, "--workers", "1").post(bytes=30 * GIB)
        self.assertEqual((answer.status, answer.json["code"]), (507, "GPU_MEMORY_IMPOSSIBLE"), answer)
        self.assertIsNone(answer.headers["Retry-After"])

    def test_status_of_a_refusal_as_the_python_sdk(self):
        server = self.serve(DEMO, "--workers", "1", "--status-codes", "python")
        self.gpu.device(context="100MiB", others="20GiB")
        answer = server.post(bytes=8 * GIB)
        self.assertEqual((answer.status, answer.json["code"]), (500, "INSUFFICIENT_GPU_MEMORY"), answer)

    def test_an_undeclared_request_is_conservative_first_and_learned_then(self):
        server = self.serve(DEMO, "--workers", "2")
        running = self.begin(server, allocate=2 * GIB, hold_ms=HELD)
        self.assertGreaterEqual(server.device()["reserved_bytes"], round(TOTAL * 0.8), "not charged the conservative share")
        self.end(server, running)
        running = self.begin(server, allocate=2 * GIB, hold_ms=HELD)
        self.assertTrue(2 * GIB <= server.device()["reserved_bytes"] <= 4 * GIB, server.device())
        self.end(server, running)

    def test_two_learned_requests_run_at_once(self):
        server = self.serve(DEMO, "--workers", "2")
        self.end(server, self.begin(server, allocate=2 * GIB, hold_ms=HELD))
        # The second begins although the first lasts until it has.
        both = [self.begin(server, allocate=2 * GIB, hold_ms=HELD) for _ in range(2)]
        self.assertEqual(len({self.result(answer)["pid"] for answer in self.end(server, *both)}), 2)

    def test_workers_are_given_the_devices_by_uuid(self):
        server = self.serve(DEMO, "--workers", "1")
        self.assertEqual(self.result(server.post(allocate=MIB))["visible"], FakeGpu.UUID)

    def test_the_front_never_initialises_cuda_nor_lists_processes(self):
        server = self.serve(DEMO, "--workers", "1")
        self.result(server.post(allocate=MIB))
        self.assertEqual(self.gpu.listings(), 0)
        with open("/proc/%d/maps" % server.pid, encoding="utf-8") as f:
            self.assertNotIn("libfake_cuda", f.read())


class Failures(HostedGpu):
    def test_out_of_memory_is_a_refusal_and_raises_the_figure(self):
        server = self.serve(DEMO, "--workers", "1")
        self.result(server.post(allocate=2 * GIB))  # learned: 2 GiB
        self.gpu.device(context="100MiB", others="20GiB")
        self.assertTrue(until(lambda: self.free(server) <= 4 * GIB))
        body = self.refused(server.post(bytes=GIB, allocate=6 * GIB))  # it declares less than it takes
        self.assertGreaterEqual(body["required_bytes"], GIB)
        self.assertIn("ran out of GPU memory", server.output())
        self.gpu.device(context="100MiB")
        self.assertTrue(until(lambda: self.free(server) >= 20 * GIB))
        self.result(server.post(bytes=GIB, allocate=GIB))

    def test_a_learned_figure_rises_after_out_of_memory(self):
        server = self.serve(DEMO, "--workers", "1")
        self.assertEqual(server.post(allocate=GIB, fail="oom").status, 503)
        self.assertTrue(until(lambda: server.device()["reserved_bytes"] < GIB, BACK_SECONDS))
        self.assertTrue(until(lambda: list(pathlib.Path(self.path, "profiles").rglob("memory_*.json"))))
        [file] = pathlib.Path(self.path, "profiles").rglob("memory_*.json")
        self.assertGreaterEqual(json.loads(file.read_text())["peak_bytes"], GIB)

    def test_an_app_s_error_is_an_error_view_and_the_charge_is_back(self):
        server = self.serve(DEMO, "--workers", "1")
        answer = server.post(bytes=4 * GIB, allocate=4 * GIB, fail="throw")
        self.assertEqual(answer.status, 500)
        self.assertIn("failed because it was asked to", answer.error)
        self.assertTrue(until(lambda: server.device()["reserved_bytes"] < GIB, BACK_SECONDS))

    def test_a_crash_gives_the_bytes_back(self):
        server = self.serve(DEMO, "--workers", "1")
        self.assertEqual(server.post(bytes=4 * GIB, allocate=4 * GIB, fail="crash").json["code"], "WORKER_DIED")
        self.assertTrue(until(lambda: server.device()["reserved_bytes"] < GIB and self.free(server) > TOTAL - GIB, BACK_SECONDS), server.device())
        self.result(server.post(bytes=20 * GIB, allocate=20 * GIB))

    def test_a_hang_gives_the_bytes_back(self):
        server = self.serve(DEMO, "--workers", "1", "--request-timeout", "2s")
        self.assertEqual(server.post(bytes=20 * GIB, allocate=20 * GIB, fail="hang").status, 504)
        self.assertTrue(until(lambda: server.device()["reserved_bytes"] < GIB and self.free(server) > TOTAL - GIB), server.device())
        # The time limit covers the start of the next worker too, which a busy machine may not manage at once.
        self.assertTrue(until(lambda: server.post(bytes=20 * GIB, allocate=20 * GIB).status == 200))

    def test_a_request_reruns_once_when_the_server_may(self):
        server = self.serve(DEMO, "--workers", "1", "--rerun")
        before = server.metrics()["clams_worker_starts_total"]
        self.assertEqual(server.post(bytes=GIB, allocate=GIB, fail="crash").json["code"], "WORKER_DIED")
        self.assertEqual(len([line for line in server.output().splitlines() if "runs once more" in line]), 1)
        self.assertGreaterEqual(server.metrics()["clams_worker_starts_total"], before + 1)
        self.result(server.post(bytes=GIB, allocate=GIB))


class HeldMemory(HostedGpu):
    def resident(self, server):
        return sum(entry["bytes"] for entry in server.device()["resident"])

    def test_what_a_worker_keeps_counts_as_resident_and_its_next_request_is_warm(self):
        server = self.serve(KEEPER, "--workers", "1")
        self.end(server, self.begin(server, mib=4096, hold_ms=HELD))
        self.assertEqual(self.resident(server), 4096 * MIB)
        self.assertEqual([entry["app"] for entry in server.device()["resident"]], ["http://apps.clams.ai/keeper/1.0.0"])
        # The next run is charged what the first left unheld, so that a model of more than half a card is not loaded twice.
        running = self.begin(server, mib=4096, hold_ms=HELD)
        self.assertLess(server.device()["reserved_bytes"], 6 * GIB, "the model was charged twice")
        self.end(server, running)

    def test_a_model_of_most_of_the_card_is_loaded_once(self):
        server = self.serve(KEEPER, "--workers", "1")
        pids = [self.result(server.post(mib=16 * 1024))["pid"] for _ in range(3)]
        self.assertEqual(len(set(pids)), 1)
        self.assertEqual(self.resident(server), 16 * GIB)

    def test_a_declared_model_that_stays_is_not_charged_a_second_time(self):
        server = self.serve(KEEPER, "--workers", "1", environment={"KEEPER_DECLARES": "1"})
        pids = [self.result(server.post(mib=16 * 1024))["pid"] for _ in range(3)]
        self.assertEqual(len(set(pids)), 1)

    def test_an_idle_worker_ends_to_make_room_for_other_parameters(self):
        server = self.serve(KEEPER, "--workers", "1")
        first = self.result(server.post(mib=14 * 1024))["pid"]
        self.assertEqual(self.resident(server), 14 * GIB)
        # 80 % of the card do not fit beside it.
        self.assertNotEqual(self.result(server.post(mib=2048))["pid"], first)
        self.assertFalse(alive(first))
        self.assertEqual(self.resident(server), 2 * GIB)
        # Learned by now: 14 fit beside 2, and the peak of the process is not the figure of the request.
        second = self.result(server.post(mib=14 * 1024))["pid"]
        self.assertEqual(self.resident(server), 16 * GIB)
        self.assertEqual(self.result(server.post(mib=2048))["pid"], second)

    def test_a_start_that_loads_a_model_is_promised_its_memory(self):
        self.environment.update(KEEPER_START_MIB="9000", KEEPER_DECLARES="1")
        server = self.serve(KEEPER, "--workers", "2")
        self.assertTrue(until(lambda: self.resident(server) == 9000 * MIB), server.device())
        # Both workers fit: 18,000 of 24,576 MiB less headroom. A third party then leaves no room for another start.
        # The requests must say that they need little: beside one of unknown needs there is no room for a second worker.
        running = [self.begin(server, mib=1, hold_ms=HELD) for _ in range(2)]
        self.assertEqual(len(server.workers()), 2)
        self.end(server, *running)
        refused = len(server.lines("Insufficient"))
        self.gpu.device(context="100MiB", others="13GiB")
        for pid in server.workers():
            os.kill(pid, 9)
        self.assertTrue(until(lambda: self.free(server) <= 11 * GIB))
        self.assertTrue(until(lambda: self.resident(server) == 9000 * MIB or len(server.lines("Insufficient")) > refused), server.device())

    def test_a_start_without_room_is_a_refusal_and_is_tried_again(self):
        self.environment["KEEPER_START_MIB"] = "9000"
        server = self.serve(KEEPER, "--workers", "1")
        self.result(server.post())
        self.gpu.device(context="100MiB", others="20GiB")
        [worker] = server.workers()
        os.kill(worker, 9)
        body = self.refused(until(lambda: (lambda a: a if a.status == 503 else None)(server.post())))
        self.assertGreaterEqual(body["required_bytes"], 9000 * MIB)
        self.assertEqual(server.workers(), [], "it was started without room for it")
        self.gpu.device(context="100MiB")
        self.assertTrue(until(lambda: server.post().status == 200), server.output()[-2000:])


class TakenByALibrary(HostedGpu):
    """Nobody can ask what it holds: what the driver shows counts, and counts once."""

    def test_a_model_of_most_of_the_card_is_loaded_once(self):
        self.environment["KEEPER_LIBRARY"] = self.environment["VRAM_CUDA_PATH"]
        server = self.serve(KEEPER, "--workers", "1")
        pids = [self.result(server.post(mib=14 * 1024))["pid"] for _ in range(3)]
        self.assertEqual(len(set(pids)), 1)
        device = server.device()
        # With what is charged for the context.
        self.assertTrue(14 * GIB <= device["reserved_bytes"] <= 15 * GIB, device)
        self.assertGreater(device["available_bytes"], 6 * GIB, "what it holds counts twice")

    def test_a_declared_one_too(self):
        self.environment.update(KEEPER_LIBRARY=self.environment["VRAM_CUDA_PATH"], KEEPER_DECLARES="1")
        server = self.serve(KEEPER, "--workers", "1")
        pids = [self.result(server.post(mib=14 * 1024))["pid"] for _ in range(3)]
        self.assertEqual(len(set(pids)), 1)


class Placement(HostedGpu):
    """Which worker gets a request, and how many there are."""

    def setUp(self):
        super().setUp()
        self.environment["KEEPER_DECLARES"] = "1"

    def pid(self, answer):
        return self.result(answer)["pid"]

    def test_a_request_goes_to_the_worker_that_holds_its_model(self):
        server = self.serve(KEEPER, "--workers", "2")
        running = [self.begin(server, mib=size, hold_ms=HELD) for size in (1000, 2000)]
        home = [self.pid(answer) for answer in self.end(server, *running)]
        self.assertEqual(len(set(home)), 2)
        # Known by the requirement alone: these parameters never ran before.
        self.assertEqual([self.pid(server.post(mib=size)) for size in (2000, 1000)], home[::-1])
        self.assertEqual([self.pid(server.post(mib=size)) for size in (2000, 1000, 1000, 2000)], [home[1], home[0], home[0], home[1]])

    def test_no_more_workers_than_fit_and_nobody_is_refused_for_that(self):
        server = self.serve(KEEPER)
        answers = at_once([lambda: server.post(mib=15000) for _ in range(4)])
        self.assertEqual(len({self.pid(answer) for answer in answers}), 1)

    def test_an_idle_worker_that_keeps_memory_ends_in_time(self):
        server = self.serve(KEEPER, "--workers", "1", "--model-idle", "500ms")
        first = self.pid(server.post(mib=4096))
        self.assertTrue(until(lambda: server.device()["reserved_bytes"] == 0 and not alive(first)), server.device())
        self.assertNotEqual(self.pid(server.post(mib=4096)), first)

    def test_it_stays_when_models_never_go(self):
        server = self.serve(KEEPER, "--workers", "1", "--model-idle", "-1")
        pids = {self.pid(server.post(mib=4096)) for _ in range(2)}
        self.assertEqual(set(server.workers()), pids)


class Killed(HostedGpu):
    """Workers die at random while the card is contested: nothing is promised twice, and all of it comes back."""
    kills = int(os.environ.get("CLAMS_TEST_KILLS", "20"))

    def test_deaths_under_load_never_over_commit_the_card(self):
        seed = random.randrange(1 << 30)
        print("seed %d" % seed)
        # Not all of them fit at once.
        server = self.serve(DEMO, "--workers", "4", "--log-level", "warning")
        room = TOTAL - server.device()["headroom_bytes"]
        self.result(server.post(bytes=GIB, allocate=GIB))
        load = Load(server.port, BODY, 6, "/?bytes=%d&allocate=%d&hold_ms=30" % (7 * GIB, 7 * GIB))
        promised, taken, stop = [], [], threading.Event()

        def watch():
            while not stop.is_set():
                device = server.device()
                promised.append(device["reserved_bytes"])
                taken.append(TOTAL - device["free_bytes"])
                time.sleep(0.01)
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        killed = kill_workers(server, self.kills, seed, seconds=3000, pause=0.4)
        answered = load.answered()
        self.assertTrue(until(lambda: load.answered() > answered + 4), "nothing works after the last kill")
        # Two at once, or it was no contest.
        self.assertTrue(until(lambda: max(taken) > 14 * GIB), "at most %d bytes were taken" % max(taken))
        counts = load.stop()
        stop.set()
        watcher.join()
        print("%d killed, %s, %d samples, at most %.2f GiB promised and %.2f taken of %.2f" % (
            killed, counts, len(promised), max(promised) / GIB, max(taken) / GIB, room / GIB))
        self.assertEqual(killed, self.kills)
        self.assertEqual((load.strange, [kind for kind in counts if kind.startswith("lost")]), ([], []), counts)
        self.assertEqual({kind for kind in counts} - {"answered", "refused: WORKER_DIED", "refused: INSUFFICIENT_GPU_MEMORY"}, set(), counts)
        self.assertLessEqual(max(promised), room)
        self.assertLessEqual(max(taken), room)
        self.assertEqual(server.lines("ran out of GPU memory"), [])
        # All capacity is back but what the contexts of the living are charged.
        contexts = 4 * 512 * MIB
        self.assertTrue(until(lambda: server.device()["reserved_bytes"] <= contexts and self.free(server) > TOTAL - GIB, BACK_SECONDS), server.device())
        self.assertEqual(server.zombies(), [])


class SeenByOthers(HostedGpu):
    def test_the_command_shows_the_workers(self):
        server = self.serve(KEEPER, "--workers", "1")
        self.result(server.post(mib=1024))
        [worker] = server.workers()
        processes = {process["pid"]: process for process in self.shown(server)["processes"]}
        self.assertIn(worker, processes)
        self.assertEqual(processes[worker]["app"], "http://apps.clams.ai/keeper/1.0.0")
        self.assertGreaterEqual(processes[worker]["reserved_bytes"], 1024 * MIB)

    def test_two_apps_share_the_card(self):
        demo, keeper = self.serve(DEMO, "--workers", "1"), self.serve(KEEPER, "--workers", "1")
        self.result(keeper.post(mib=12 * 1024))
        body = self.refused(demo.post(bytes=12 * GIB, allocate=12 * GIB))
        self.assertLess(body["available_bytes"], 12 * GIB)
        self.result(demo.post(bytes=6 * GIB, allocate=6 * GIB))

    def test_the_card_is_free_after_the_server_was_killed(self):
        server = self.serve(KEEPER, "--workers", "1")
        self.result(server.post(mib=12 * 1024))
        server.kill()
        other = self.serve(DEMO, "--workers", "1")
        self.assertTrue(until(lambda: self.free(other) > TOTAL - GIB and other.device()["reserved_bytes"] < GIB, BACK_SECONDS), other.device())
        self.result(other.post(bytes=20 * GIB, allocate=20 * GIB))


if __name__ == "__main__":
    unittest.main(verbosity=2)
