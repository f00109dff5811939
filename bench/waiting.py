"""Clients that only wait: idle connections, and clients that send one byte a second. What do they do to everybody else?"""
import socket
import threading
import time

from client import get_request, latencies

SETTLE_SECONDS = 3
REQUESTS = 1000


class SlowClients:
    """Connections that each send a request header, a byte a second."""

    def __init__(self, port, count):
        self.sockets = [connect(port) for _ in range(count)]
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        text = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + b"x" * 1000
        for i in range(len(text)):
            for s in self.sockets:
                try:
                    s.send(text[i:i + 1])
                except OSError:  # the server may have had enough of this one
                    pass
            if self.stopping.wait(1):
                return

    def close(self):
        self.stopping.set()
        self.thread.join()
        for s in self.sockets:
            s.close()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), 5)


def idle_connections(port, count):
    """Connections that asked once, if the server answers, and then stay."""
    found = []
    for i in range(count):
        s = connect(port)
        found.append(s)
        if i % 10 == 0:
            s.sendall(get_request())
    return found


def figures(sorted_seconds):
    if not sorted_seconds:
        return None
    n = len(sorted_seconds)
    return {"median": sorted_seconds[n // 2], "p99": sorted_seconds[n * 99 // 100], "max": sorted_seconds[-1], "requests": n}


def measure(server, request, idle, slow):
    """Latencies of one normal client, alone and beside `idle` idle and `slow` slow ones; `after` is None when it got no answer within 5 s."""
    latencies(server.port, request, 50)
    before = figures(latencies(server.port, request, REQUESTS))
    if before is None:
        raise RuntimeError("%s did not answer a client that was alone" % server.name)
    waiting, slow_clients = [], None
    try:
        waiting = idle_connections(server.port, idle)
        slow_clients = SlowClients(server.port, slow)
        time.sleep(SETTLE_SECONDS)
        after = figures(latencies(server.port, request, REQUESTS))
        memory = server.rss_bytes()
    except OSError as e:
        return {"before": before, "after": None, "error": str(e)}
    finally:
        if slow_clients is not None:
            slow_clients.close()
        for s in waiting:
            s.close()
    return {"before": before, "after": after, "rss": memory}


def short(found):
    if found["after"] is None:
        return "no answer within 5 s"
    return "%.0f -> %.0f us" % (found["before"]["median"] * 1e6, found["after"]["median"] * 1e6)


def line(name, found):
    text = "  %-7s alone: median %.0f us, p99 %.0f us" % (name, found["before"]["median"] * 1e6, found["before"]["p99"] * 1e6)
    if found["after"] is None:
        return text + "; beside waiting clients: no answer within 5 s"
    return text + "; beside waiting clients: median %.0f us, p99 %.0f us, %.1f MB" % (found["after"]["median"] * 1e6, found["after"]["p99"] * 1e6, found["rss"] / 1e6)
