#!/usr/bin/env python3
"""Compares clams-bench-app with the Python SDK, simdjson and nginx, all in one run on this machine.

    run.py [--build DIR] [--out DIR] [--parts LIST] [--quick]

Makes its own Python environment with the SDK (from PyPI), documents of 2 KB to 50 MB (the same bytes every time), and measures CPU time of the whole
server, its children included, from /proc. Only ratios within one run mean something: machines differ. Prints a table with the goals beside it and
writes everything to DIR/result.json. Exit status: 0 all goals met, 1 one missed, 2 wrong use, 3 something was not measured.

Parts: floor (simdjson), python (both modes of its production server), post, memory, get, ready, waiting, gpu (the storm on a card, one admission, the ledger), hosting (Python apps behind clams serve,
models that stay), speech (clams-whisper beside whisper.cpp's command and faster-whisper; needs the weights of ./dev demo-speech).
"""
import argparse
import json
import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

import gpu
import hosting
import speech
import waiting
from client import Client, cpu_per_request, get_request, post_request
from documents import document
from processes import Server, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = ("floor", "python", "post", "memory", "get", "ready", "waiting", "gpu", "hosting", "speech")
KB, MB = 1000, 1_000_000
SIZES = {"2 KB": 2 * KB, "200 KB": 200 * KB, "1 MB": MB, "5 MB": 5 * MB, "50 MB": 50 * MB}
SDK = "clams-python==1.8.0"
PYTHON_MODES = ("as-shipped", "no-recycling")


class Bench:
    def __init__(self, build, out, quick):
        self.build, self.out, self.quick = build, out, quick
        self.result = {"machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "system": platform.platform()}, "sdk": SDK}
        self.goals = []    # (what, measured, goal, met or None)
        self.missing = []  # what could not be measured, and why
        self.files = {}
        os.makedirs(out, exist_ok=True)
        for name, size in SIZES.items():
            self.files[name] = os.path.join(out, "document-%d.mmif" % size)
            if not os.path.exists(self.files[name]):
                with open(self.files[name], "wb") as f:
                    f.write(document(size))

    def body(self, name):
        with open(self.files[name], "rb") as f:
            return f.read()

    def keep(self, group, name, value):
        self.result.setdefault(group, {})[name] = value

    def goal(self, what, measured, text, met):
        self.goals.append((what, measured, text, met))

    def lacks(self, what, why):
        self.missing.append("%s: %s" % (what, why))
        print("  not measured: %s: %s" % (what, why), flush=True)

    # --- servers

    def program(self):
        path = os.path.join(self.build, "bin", "clams-bench-app")
        return path if os.access(path, os.X_OK) else None

    def ours(self, log="ours.log"):
        port = free_port()
        own = os.path.join(self.out, "state")
        os.makedirs(own, exist_ok=True)
        environment = {"CLAMS_GPU": "none", "CLAMS_VRAM_DIR": own + "/vram", "CLAMS_PROFILE_DIR": own + "/profiles", "CLAMS_APP_VERSION": "1.0.0", "XDG_CACHE_HOME": own}
        return Server("clams-bench-app", [self.program(), "--app", "echo", "--production", "--host", "127.0.0.1", "--port", str(port)], port, os.path.join(self.out, log), environment)

    def python(self, mode):
        port = free_port()
        return Server("python-" + mode, [self.venv_python(), os.path.join(HERE, "python_echo.py"), str(port), mode], port, os.path.join(self.out, "python-%s.log" % mode))

    def venv_python(self):
        """The Python of the benchmark's own environment, made at the first call. RuntimeError when PyPI cannot be had."""
        venv = os.path.join(self.out, "..", "bench-venv")
        python = os.path.abspath(os.path.join(venv, "bin", "python"))
        if subprocess.run([python, "-c", "import clams, gunicorn"], capture_output=True).returncode == 0 if os.path.exists(python) else False:
            return python
        print("making %s with %s from PyPI" % (os.path.relpath(os.path.abspath(venv)), SDK), flush=True)
        for command in ([sys.executable, "-m", "venv", "--clear", venv], [python, "-m", "pip", "install", "--quiet", SDK, "gunicorn"]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError("%s failed: %s" % (" ".join(command), (done.stderr or done.stdout).strip()[-400:]))
        return python

    # --- parts

    def floor(self):
        program = os.path.join(self.build, "bin", "simdjson_floor")
        if not os.access(program, os.X_OK):
            return self.lacks("the simdjson floor", "no program %s" % program)
        names = list(SIZES)
        done = subprocess.run([program] + [self.files[n] for n in names], check=True, capture_output=True, text=True)
        for name, line in zip(names, done.stdout.splitlines()):
            figures = json.loads(line)
            self.keep("floor", name, {"warm": figures["warm_ns"] / 1e9, "cold": figures["cold_ns"] / 1e9})
            print("  simdjson + memcpy, %-6s %10s warm, %10s cold" % (name, seconds(figures["warm_ns"] / 1e9), seconds(figures["cold_ns"] / 1e9)), flush=True)

    def python_posts(self):
        for mode in PYTHON_MODES:
            with self.python(mode) as server:
                self.keep("ready", "python " + mode, server.wait_ready())
                self.keep("idle", "python " + mode, server.rss_bytes())
                for name in ("2 KB", "200 KB", "1 MB", "5 MB"):
                    if self.quick and SIZES[name] > MB:
                        continue
                    body = self.body(name)
                    limit = 4 if self.quick else 10
                    # The Python SDK drops what it takes for unused, so its answer may be shorter than the document.
                    cpu, wall = cpu_per_request(server, post_request(body), len(body) // 2, limit, enough_cpu=limit)
                    self.keep("python " + mode, name, cpu)
                    print("  POST %-6s python %-12s %10s CPU, %10s until the answer" % (name, mode, seconds(cpu), seconds(wall)), flush=True)

    def posts(self):
        with self.ours() as server:
            server.wait_ready()
            for name in SIZES:
                body = self.body(name)
                cpu, wall = cpu_per_request(server, post_request(body), len(body), 5 if self.quick else 15)
                self.keep("ours", name, cpu)
                print("  POST %-6s ours                %10s CPU, %10s until the answer" % (name, seconds(cpu), seconds(wall)), flush=True)

    def memory(self):
        body = self.body("50 MB")
        with self.ours() as server:
            server.wait_ready()
            client = Client(server.port)
            small = self.body("2 KB")
            for _ in range(100):
                client.expect(post_request(small), len(small))
            before = server.resident_bytes()
            server.reset_peak()
            client.expect(post_request(body), len(body))
            client.close()
            growth = (server.peak_bytes() - before) / len(body)
        self.keep("memory", "growth in bodies at 50 MB", growth)
        self.goal("peak memory of a 50 MB POST, in bodies", "%.2f" % growth, "<= 3", growth <= 3)

    def gets(self):
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
        with self.ours("ours-get.log") as server:
            server.wait_ready()
            cpu, _ = cpu_per_request(server, get_request(), 1, 5 if self.quick else 15)
            client = Client(server.port)
            _, length = client.ask(get_request())
            client.close()
        self.keep("get", "ours", cpu)
        print("  GET %d bytes, ours  %10s CPU" % (length, seconds(cpu)), flush=True)
        if nginx is None:
            return self.lacks("GET against nginx", "no nginx here; apt-get install nginx-light")
        with self.nginx(nginx, length) as server:
            server.wait_ready()
            theirs, _ = cpu_per_request(server, get_request(), length, 5 if self.quick else 15)
        self.keep("get", "nginx", theirs)
        print("  GET %d bytes, nginx %10s CPU" % (length, seconds(theirs)), flush=True)
        self.goal("CPU of GET / against nginx, logs on in both", "%.2f x" % (cpu / theirs), "<= 3 x", cpu <= 3 * theirs)

    def nginx(self, program, length):
        folder = os.path.join(self.out, "nginx")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "tmp"))
        with open(os.path.join(folder, "metadata.json"), "wb") as f:
            f.write(b"x" * length)
        port = free_port()
        with open(os.path.join(HERE, "nginx.conf.in"), encoding="utf-8") as f:
            text = f.read().replace("@FOLDER@", folder).replace("@PORT@", str(port)).replace("@USER@", "user root;" if os.getuid() == 0 else "")
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(text)
        return Server("nginx", [program, "-c", os.path.join(folder, "nginx.conf"), "-p", folder, "-e", os.path.join(folder, "error.log")], port, os.path.join(folder, "output.log"))

    def ready(self):
        times = []
        for _ in range(5 if self.quick else 15):
            with self.ours() as server:
                times.append(server.wait_ready())
                idle = server.resident_bytes()
        self.keep("ready", "ours", statistics.median(times))
        self.keep("idle", "ours", idle)
        self.goal("ready after exec", seconds(statistics.median(times)), "< 50 ms", statistics.median(times) < 0.05)
        self.goal("idle memory", "%.1f MB" % (idle / MB), "< 15 MB", idle < 15 * MB)

    def waiting(self):
        idle, slow = (500, 50) if self.quick else (5000, 200)
        with self.ours("ours-waiting.log") as server:
            server.wait_ready()
            found = waiting.measure(server, post_request(self.body("2 KB")), idle, slow)
        self.keep("waiting", "ours", found)
        print(waiting.line("ours", found), flush=True)
        met = found["after"] is not None and found["after"]["median"] <= 1.5 * found["before"]["median"] and found["after"]["p99"] <= 3 * found["before"]["p99"]
        self.goal("latency with %d idle and %d slow clients" % (idle, slow), waiting.short(found), "as it was", met)
        try:
            with self.python("no-recycling") as server:
                server.wait_ready()
                found = waiting.measure(server, post_request(self.body("2 KB")), idle, slow)
            self.keep("waiting", "python", found)
            print(waiting.line("python", found), flush=True)
        except RuntimeError as e:
            self.lacks("idle clients of the Python server", e)

    # --- report

    def ratios(self):
        ours, floor = self.result.get("ours", {}), self.result.get("floor", {})
        for mode in PYTHON_MODES:
            for name, cpu in self.result.get("python " + mode, {}).items():
                if name in ours:
                    least = 100 if name == "2 KB" else 300
                    ratio = cpu / ours[name]
                    self.goal("POST %s: Python %s / ours" % (name, mode), "%.0f x" % ratio, ">= %d x" % least, ratio >= least)
        for name, cpu in ours.items():
            if SIZES[name] >= MB and name in floor:
                # A request brings fresh memory, so the floor is the one with fresh parser and buffers; the other is told beside it.
                ratio = cpu / floor[name]["cold"]
                self.goal("POST %s: ours / (simdjson + memcpy)" % name, "%.2f x (warm %.2f)" % (ratio, cpu / floor[name]["warm"]), "<= 4 x", ratio <= 4)

    def report(self):
        print("\n%-46s %-26s %-10s %s" % ("what", "measured", "goal", ""))
        for what, measured, text, met in self.goals:
            print("%-46s %-26s %-10s %s" % (what, measured, text, "ok" if met else "MISSED"))
        for line in self.missing:
            print("not measured: " + line)
        self.result["goals"] = [{"what": w, "measured": m, "goal": g, "met": ok} for w, m, g, ok in self.goals]
        self.result["missing"] = self.missing
        path = os.path.join(self.out, "result.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(self.result, f, indent=1)
        print("all figures: " + os.path.relpath(path))
        if any(not met for _, _, _, met in self.goals):
            return 1
        return 3 if self.missing else 0


def seconds(value):
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * factor >= 1 or unit == "us":
            return "%.3g %s" % (value * factor, unit)
    raise AssertionError("the last unit takes everything")


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())


def interrupted(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"), metavar="DIR", help="the release build")
    parser.add_argument("--out", default=os.path.join(HERE, "..", "build", "bench"), metavar="DIR")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="LIST", help="comma-separated; default all")
    parser.add_argument("--quick", action="store_true", help="smaller and coarser")
    options = parser.parse_args()
    parts = options.parts.split(",")
    unknown = [p for p in parts if p not in PARTS]
    if unknown:
        parser.error("no part %s; there are: %s" % (", ".join(unknown), " ".join(PARTS)))
    signal.signal(signal.SIGTERM, interrupted)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(os.path.abspath(options.build), os.path.abspath(options.out), options.quick)
    steps = {"floor": bench.floor, "python": bench.python_posts, "post": bench.posts, "memory": bench.memory, "get": bench.gets, "ready": bench.ready, "waiting": bench.waiting, "gpu": lambda: gpu.measure(bench),
             "hosting": lambda: hosting.measure(bench), "speech": lambda: speech.measure(bench)}
    for part in PARTS:
        if part not in parts:
            continue
        print("%s:" % part, flush=True)
        if part not in ("floor", "python", "speech") and bench.program() is None:
            bench.lacks(part, "no clams-bench-app in %s/bin; ./dev build" % options.build)
            continue
        try:
            begin = time.monotonic()
            steps[part]()
            bench.keep("took", part, time.monotonic() - begin)
        except (RuntimeError, OSError, EOFError, ValueError) as e:
            bench.lacks(part, e)
    bench.ratios()
    return bench.report()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
