"""GPU memory: the storm on a card whose allocations fail beyond its end, the cost of one admission, and the ledger's own figures.

The card is a unix stream socket (BENCH_CARD of clams-bench-app --app storm): `alloc MB PID` is answered `ok` or `oom`, `free` gives it back, and so
does the end of the connection.
"""
import http.client
import json
import os
import random
import shutil
import socketserver
import subprocess
import threading
import time

from processes import Server, free_port

CARD_MB = 24 * 1024
HEADROOM = 0.10
CLIENTS = 24
SIZES_MB = (256, 512, 1024, 1536, 2048, 3072, 4096, 6144)
LONGEST_PAUSE = 0.03  # clients come back after Retry-After or this, whichever is less
DRIVER_CALL_US = 12
BODY = json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.1.0"}, "documents": [], "views": []}).encode()


class Card:
    """Counts what is held, and says oom where a card would."""

    def __init__(self, path, megabytes):
        self.total, self.held, self.highest, self.refused = megabytes, 0, 0, 0
        self.changes = [(time.monotonic(), 0)]
        self.lock = threading.Lock()
        card = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self):
                mine = 0
                try:
                    for line in self.rfile:
                        words = line.split()
                        if words[0] == b"alloc":
                            got = card.move(int(words[1]))
                            mine += int(words[1]) if got else 0
                            self.wfile.write(b"ok\n" if got else b"oom\n")
                        else:
                            card.move(-mine)
                            mine = 0
                            self.wfile.write(b"ok\n")
                except OSError:
                    pass
                finally:
                    card.move(-mine)

        class Listener(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 128
        self.server = Listener(path, Connection)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def move(self, megabytes):
        with self.lock:
            if self.held + megabytes > self.total:
                self.refused += 1
                return False
            self.held += megabytes
            self.highest = max(self.highest, self.held)
            self.changes.append((time.monotonic(), self.held))
            return True

    def mean(self, begin, end):
        """What was held on average between two moments."""
        area, last, held = 0.0, begin, 0
        for at, now in self.changes:
            if at > end:
                break
            if at > last:
                area += held * (at - last)
                last = at
            held = now
        return (area + held * (end - last)) / (end - begin)


class Storm:
    def __init__(self, ports, each):
        self.ports, self.each = ports, each
        self.lock = threading.Lock()
        self.done = self.refusals = self.wrong_refusals = 0
        self.others = {}       # status: count, of what is neither success nor refusal
        self.first_out = None  # when the first client had no work left

    def client(self, number):
        draw = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[number % len(self.ports)], timeout=300)
        for _ in range(self.each):
            path = "/?vramMB=%d&holdMs=%d" % (draw.choice(SIZES_MB), draw.randrange(150, 450))
            while True:
                connection.request("POST", path, BODY)
                response = connection.getresponse()
                body = response.read()
                if response.status != 503:
                    break
                refusal = json.loads(body)
                with self.lock:
                    self.refusals += 1
                    self.wrong_refusals += refusal["required_bytes"] <= refusal["available_bytes"]
                time.sleep(min(LONGEST_PAUSE * draw.uniform(0.5, 1.0), int(response.headers["Retry-After"])))
            with self.lock:
                if response.status == 200:
                    self.done += 1
                else:
                    self.others[response.status] = self.others.get(response.status, 0) + 1
        with self.lock:
            self.first_out = self.first_out or time.monotonic()

    def run(self):
        threads = [threading.Thread(target=self.client, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def storm(bench):
    """Two servers, one card, 24 clients with mixed sizes."""
    folder = os.path.join(bench.out, "storm")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    card_path = os.path.join("/tmp", "clams-bench-card-%d" % os.getpid())
    card = Card(card_path, CARD_MB)
    environment = {"CLAMS_GPU": "sim:24GiB", "CLAMS_VRAM_DIR": folder + "/vram", "CLAMS_PROFILE_DIR": folder + "/profiles", "BENCH_CARD": card_path, "CLAMS_APP_VERSION": "1.0.0"}

    def server(number):
        port = free_port()
        return Server("storm-%d" % number, [bench.program(), "--app", "storm", "--production", "--host", "127.0.0.1", "--port", str(port), "--threads", str(CLIENTS // 2)], port,
                      os.path.join(folder, "server-%d.log" % number), environment)
    try:
        with server(1) as one, server(2) as other:
            one.wait_ready()
            other.wait_ready()
            work = Storm([one.port, other.port], 8 if bench.quick else 25)
            begin = time.monotonic()
            work.run()
            end = time.monotonic()
    finally:
        card.server.shutdown()
        card.server.server_close()
        os.unlink(card_path)
    room = CARD_MB * (1 - HEADROOM)
    # As long as everybody has work: at the end there is too little of it to fill a card.
    use = card.mean(begin + 0.5, work.first_out) / room
    asked = CLIENTS * work.each
    found = {"requests": asked, "finished": work.done, "other_statuses": work.others, "out_of_memory": card.refused, "highest_mb": card.highest, "use": use, "refusals": work.refusals,
             "refused_with_room": work.wrong_refusals, "seconds": end - begin}
    bench.keep("gpu", "storm", found)
    print("  storm: %d of %d requests finished in %.1f s after %d refusals; the card held up to %d of %d MiB, %.0f %% of what the headroom leaves on average"
          % (work.done, asked, end - begin, work.refusals, card.highest, CARD_MB, use * 100), flush=True)
    bench.goal("storm: requests that finished", "%d of %d" % (work.done, asked), "all", work.done == asked)
    bench.goal("storm: out of memory on the card", "%d" % card.refused, "0", card.refused == 0)
    bench.goal("storm: most that was held", "%d MiB" % card.highest, "<= %d" % room, card.highest <= room)
    bench.goal("storm: use of what the headroom leaves", "%.0f %%" % (use * 100), ">= 85 %", use >= 0.85)
    bench.goal("storm: refused though there was room", "%d" % work.wrong_refusals, "0", work.wrong_refusals == 0)


def admission(bench):
    """The whole step of one request, beside one driver call and the start of a child."""
    program = os.path.join(bench.build, "bin", "admission_step")
    if not os.access(program, os.X_OK):
        return bench.lacks("the admission step", "no program %s" % program)
    folder = os.path.join(bench.out, "admission")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    state = os.path.join(folder, "state")
    with open(state, "w", encoding="utf-8") as f:
        f.write("device GPU-11111111-1111-1111-1111-111111111111 total=24GiB\n")
    environment = dict(os.environ, VRAM_NVML_PATH=os.path.join(bench.build, "lib", "libfake_nvml.so"), FAKE_GPU_STATE=state)
    done = subprocess.run([program, os.path.join(folder, "ledger")], env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        return bench.lacks("the admission step", done.stderr.strip())
    found = json.loads(done.stdout)
    bench.keep("gpu", "admission", found)
    # The fake driver's call takes what it takes here; the goal is stated for one of 12 us.
    stated = found["step_us"] - found["driver_us"] + DRIVER_CALL_US
    print("  admission step: %.1f us (p99 %.0f), of it the driver %.1f us; starting a child that does nothing: %.0f us (p99 %.0f)"
          % (found["step_us"], found["step_p99_us"], found["driver_us"], found["child_us"], found["child_p99_us"]), flush=True)
    bench.goal("admission step with a 12 us driver call", "%.0f us" % stated, "<= 50 us", stated <= 50)
    bench.goal("starting a child / admission step", "%.0f x" % (found["child_us"] / found["step_us"]), "told", True)


def ledger(bench):
    """What libs/vram/bench prints."""
    program = os.path.join(bench.build, "bin", "vram_bench")
    if not os.access(program, os.X_OK):
        return bench.lacks("the ledger's figures", "no program %s" % program)
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        return bench.lacks("the ledger's figures", done.stderr.strip())
    lines = done.stdout.splitlines()
    bench.keep("gpu", "ledger", lines)
    for line in lines:
        print("  " + line, flush=True)


def measure(bench):
    storm(bench)
    admission(bench)
    ledger(bench)
