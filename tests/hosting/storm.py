"""Load on a hosted app while its workers are killed: what tests/hosting/kills_test.py, the benchmark and the soak have in common."""
import http.client
import json
import os
import random
import signal
import threading
import time


# Of a client: while workers die faster than they start, a request waits.
PATIENCE = 900


class Load:
    """Clients that ask all the time. Every answer is counted by what it was; a connection that breaks without an answer counts as `lost`."""

    def __init__(self, port, body, clients, path="/"):
        self.port, self.body, self.path = port, body, path
        self.counts, self.strange = {}, []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                connection.request("POST", self.path, self.body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = response.read()
                kind = self._kind(response.status, content)
            except (OSError, http.client.HTTPException) as error:
                kind = "lost: " + type(error).__name__
                connection.close()
                connection = None
            with self.lock:
                self.counts[kind] = self.counts.get(kind, 0) + 1
        if connection is not None:
            connection.close()

    def _kind(self, status, content):
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if status == 200 and isinstance(document, dict) and document.get("views"):
            return "answered"
        if status >= 500 and isinstance(document, dict) and document.get("code") and document.get("error"):
            return "refused: " + document["code"]
        with self.lock:
            self.strange.append((status, content[:300]))
        return "strange"

    def total(self):
        with self.lock:
            return sum(self.counts.values())

    def answered(self):
        with self.lock:
            return self.counts.get("answered", 0)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE + 60)
        return dict(self.counts)


def kill_workers(server, count, seed, seconds=600, pause=0.03):
    """Kills `count` workers, whatever they do at that moment; returns how many it did within the time."""
    chance = random.Random(seed)
    killed, deadline, last = 0, time.monotonic() + seconds, set()
    while killed < count and time.monotonic() < deadline and server.process.poll() is None:
        candidates = [pid for pid in server.workers() if pid not in last]
        if candidates:
            pid = chance.choice(candidates)
            last = (last | {pid}) if len(last) < 1000 else {pid}
            try:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(chance.random() * 2 * pause)
    return killed
