"""Hosting: a Python app behind `clams serve` against the same app under its own production server; the way to a worker; one load of a model for all; workers killed under load."""
import os
import statistics
import sys
import threading
import time

from client import Client, get_request, latencies, post_request
from processes import Server, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = 4
LOAD_SECONDS, ANNOTATE_SECONDS, REQUESTS = 2.0, 0.05, 60
IDEAL = LOAD_SECONDS + REQUESTS * ANNOTATE_SECONDS / CLIENTS


def rate(port, request, least, seconds):
    """Requests a second of CLIENTS clients together. Those of a server that drops connections between requests ask again, as its clients do."""
    counts, failures = [0] * CLIENTS, []
    end = time.perf_counter() + seconds

    def run(number):
        client = Client(port)
        refused = 0
        while time.perf_counter() < end:
            try:
                client.expect(request, least)
                counts[number] += 1
            except (ConnectionError, EOFError) as e:
                client.close()
                refused += 1
                if refused > 10000:
                    failures.append(e)
                    return
        client.close()

    begin = time.perf_counter()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures or not sum(counts):
        raise RuntimeError("port %d answered nothing usable: %s" % (port, failures[:1]))
    return sum(counts) / (time.perf_counter() - begin)


class Hosting:
    def __init__(self, bench):
        self.bench = bench
        self.clams = os.path.join(bench.build, "bin", "clams")
        self.seconds = 5 if bench.quick else 20
        self.workers = os.cpu_count() or 1

    def hosted(self, app, *arguments, workers=None):
        port = free_port()
        own = os.path.join(self.bench.out, "hosting")
        os.makedirs(own, exist_ok=True)
        environment = {"CLAMS_GPU": "none", "CLAMS_VRAM_DIR": own + "/vram", "CLAMS_PROFILE_DIR": own + "/profiles", "CLAMS_APP_VERSION": "1.0.0", "PYTHONPATH": HERE,
                       "PYTHONDONTWRITEBYTECODE": "1"}
        command = [self.clams, "serve", os.path.join(HERE, app), "--python", self.bench.venv_python(), "--production", "--host", "127.0.0.1", "--port", str(port),
                   "--workers", str(workers or self.workers), "--log-level", "warning", "--", *arguments]
        return Server("clams serve", command, port, os.path.join(own, "serve.log"), environment)

    def python(self, mode, workers):
        port = free_port()
        environment = {"CLAMS_GUNICORN_WORKERS": str(workers)} if workers else {}
        return Server("python-" + mode, [self.bench.venv_python(), os.path.join(HERE, "python_echo.py"), str(port), mode], port,
                      os.path.join(self.bench.out, "hosting-python.log"), environment)

    def against_its_own_server(self):
        small = post_request(self.bench.body("2 KB"))
        found = {}
        for name, make in (("ours", lambda: self.hosted("python_echo.py", "0", "no-recycling")), ("as-shipped", lambda: self.python("as-shipped", None)),
                           ("no-recycling", lambda: self.python("no-recycling", self.workers))):
            with make() as server:
                server.wait_ready()
                rate(server.port, small, 1000, 2)  # every worker is there and warm
                found[name] = rate(server.port, small, 1000, self.seconds)
                print("  POST 2 KB, %d clients, %-12s %8.1f requests/s" % (CLIENTS, name, found[name]), flush=True)
        self.bench.keep("hosting", "requests/s at 2 KB", found)
        for mode, least in (("as-shipped", 10.0), ("no-recycling", 1.5)):
            ratio = found["ours"] / found[mode]
            self.bench.goal("hosted POST 2 KB: ours / Python %s" % mode, "%.2f x" % ratio, ">= %g x" % least, ratio >= least)

    def large(self):
        name = "1 MB" if self.bench.quick else "5 MB"
        body = self.bench.body(name)
        found = {}
        for mode, make in (("ours", lambda: self.hosted("python_echo.py", "0", "no-recycling", workers=1)), ("no-recycling", lambda: self.python("no-recycling", 1))):
            with make() as server:
                server.wait_ready()
                client = Client(server.port)
                client.expect(post_request(self.bench.body("2 KB")), 1000)
                times = []
                for _ in range(2):
                    begin = time.perf_counter()
                    client.expect(post_request(body), len(body) // 2)
                    times.append(time.perf_counter() - begin)
                client.close()
                found[mode] = min(times)
                print("  POST %s, %-12s %8.2f s" % (name, mode, found[mode]), flush=True)
        self.bench.keep("hosting", "seconds at " + name, found)
        ratio = found["no-recycling"] / found["ours"]
        self.bench.goal("hosted POST %s: Python / ours" % name, "%.2f x" % ratio, ">= 1 x", ratio >= 1)

    def hop(self):
        request = post_request(self.bench.body("2 KB"))
        with self.hosted("hop_app.py", workers=1) as server:
            server.wait_ready()
            latencies(server.port, request, 300)
            with_worker, alone = [], []
            for _ in range(5):
                with_worker.append(statistics.median(latencies(server.port, request, 600)))
                alone.append(statistics.median(latencies(server.port, get_request("/health"), 600)))
        hop = min(with_worker) - min(alone)
        self.bench.keep("hosting", "hop", {"with worker": min(with_worker), "front alone": min(alone)})
        self.bench.goal("hop to a Python worker at 2 KB", "%.0f us" % (hop * 1e6), "<= 150 us", hop <= 150e-6)

    def one_load(self):
        port = free_port()
        events = os.path.join(self.bench.out, "model-events")
        if os.path.exists(events):
            os.remove(events)
        own = os.path.join(self.bench.out, "hosting")
        os.makedirs(own, exist_ok=True)
        environment = {"CLAMS_GPU": "none", "CLAMS_VRAM_DIR": own + "/vram", "CLAMS_PROFILE_DIR": own + "/profiles", "CLAMS_APP_VERSION": "1.0.0", "BENCH_EVENTS": events,
                       "BENCH_LOAD_MS": str(int(LOAD_SECONDS * 1000)), "BENCH_MODEL_MB": "300", "BENCH_ANNOTATE_MS": str(int(ANNOTATE_SECONDS * 1000))}
        command = [self.bench.program(), "--app", "model", "--production", "--host", "127.0.0.1", "--port", str(port), "--threads", str(CLIENTS)]
        request = post_request(self.bench.body("2 KB"))
        with Server("clams-bench-app model", command, port, os.path.join(own, "model.log"), environment) as server:
            server.wait_ready()
            begin = time.perf_counter()
            ask_all(server.port, request, REQUESTS)
            wall = time.perf_counter() - begin
            resident = server.rss_bytes()
        with open(events, encoding="ascii") as f:
            loads = sum(line.startswith("load ") for line in f)
        self.bench.keep("hosting", "model", {"loads": loads, "wall": wall, "ideal": IDEAL, "resident": resident})
        self.bench.goal("loads of one model for %d requests" % REQUESTS, str(loads), "1", loads == 1)
        self.bench.goal("wall time of them / ideal", "%.2f x" % (wall / IDEAL), "<= 1.15 x", wall <= 1.15 * IDEAL)
        copies = resident / (300 * 2 ** 20)
        self.bench.goal("copies of the model in memory", "%.2f" % copies, "< 1.5", copies < 1.5)

    def kills(self):
        """What tests/hosting/kills_test.py does, a thousand times."""
        sys.path.insert(0, os.path.join(HERE, "..", "tests", "hosting"))
        from storm import Load, kill_workers
        wanted = 50 if self.bench.quick else 1000
        with self.hosted("hop_app.py", workers=2) as server:
            server.wait_ready()
            watched = Watched(server)
            kill_workers(watched, 3, 1)
            Client(server.port).expect(post_request(self.bench.body("2 KB")))
            before = server.resident_bytes()
            load = Load(server.port, self.bench.body("2 KB"), CLIENTS)
            killed = kill_workers(watched, wanted, 2, seconds=3600)
            answered = load.answered()
            deadline = time.perf_counter() + 60
            while load.answered() <= answered and time.perf_counter() < deadline:
                time.sleep(0.05)
            recovered = load.answered() > answered
            counts = load.stop()
            growth = server.resident_bytes() - before
            descriptors = len(os.listdir("/proc/%d/fd" % server.pid))
            zombies = watched.zombies()
        lost = sum(n for kind, n in counts.items() if not kind.startswith(("answered", "refused")))
        self.bench.keep("hosting", "kills", {"killed": killed, "answers": counts, "growth of the front": growth, "descriptors at the end": descriptors, "zombies": zombies})
        self.bench.goal("requests without an answer, %d kills" % killed, str(lost), "0", lost == 0 and killed == wanted and recovered)
        self.bench.goal("zombies and memory of the front after them", "%d, %+.1f MB" % (zombies, growth / 1e6), "0, < 8 MB", zombies == 0 and growth < 8e6)


class Watched:
    """A server as storm.kill_workers knows one."""

    def __init__(self, server):
        self.server, self.process = server, server.process

    def _children(self):
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open("/proc/%s/stat" % entry, encoding="ascii", errors="replace") as f:
                        fields = f.read().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if int(fields[1]) == self.server.pid:
                    yield int(entry), fields[0]

    def workers(self):
        return [pid for pid, state in self._children() if state != "Z"]

    def zombies(self):
        return sum(state == "Z" for _, state in self._children())


def ask_all(port, request, count):
    """`count` requests by CLIENTS clients that share them."""
    left, lock, problems = [count], threading.Lock(), []

    def run():
        client = Client(port)
        while True:
            with lock:
                if not left[0]:
                    break
                left[0] -= 1
            try:
                client.expect(request, 1000)
            except (RuntimeError, OSError, EOFError) as e:
                problems.append(e)
                break
        client.close()

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise RuntimeError(problems[0])


def measure(bench):
    hosting = Hosting(bench)
    if not os.access(hosting.clams, os.X_OK):
        return bench.lacks("hosting", "no clams in %s/bin; ./dev build" % bench.build)
    for step in (hosting.one_load, hosting.against_its_own_server, hosting.large, hosting.hop, hosting.kills):
        try:
            step()
        except (RuntimeError, OSError, EOFError, ValueError) as e:
            bench.lacks("hosting, " + step.__name__, e)
