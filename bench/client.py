"""A small HTTP client whose own work is out of the way: requests are made beforehand, answers are read and counted."""
import socket
import time


def get_request(path="/"):
    return b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode()


def post_request(body, path="/"):
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body


class Client:
    """One connection at a time, kept as long as the server keeps it."""

    def __init__(self, port, timeout=600):
        self.port, self.timeout, self.socket = port, timeout, None
        self.buffer = bytearray(1 << 20)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def ask(self, request):
        """(status, length of the body). A connection that the server closed between requests is opened again."""
        fresh = self.socket is None
        try:
            return self._ask(request)
        except (ConnectionError, EOFError):
            self.close()
            if fresh:
                raise
            return self._ask(request)

    def _ask(self, request):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError("closed by the server")
            head += piece
        head, _, rest = head.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), None)
        if length is None:
            raise ValueError("an answer without Content-Length: %r" % head[:200])
        left = length - len(rest)
        while left > 0:
            n = self.socket.recv_into(self.buffer, min(left, len(self.buffer)))
            if n == 0:
                raise EOFError("closed in the middle of an answer")
            left -= n
        if b"connection: close" in lines:
            self.close()
        return int(lines[0].split()[1]), length

    def expect(self, request, least=0):
        """Asks; anything but 200 and at least `least` bytes is an error."""
        status, length = self.ask(request)
        if status != 200 or length < least:
            raise RuntimeError("port %d answered %d with %d bytes, expected 200 with at least %d" % (self.port, status, length, least))


def cpu_per_request(server, request, least, seconds, enough_cpu=1.0, most=200_000):
    """(CPU seconds, wall seconds) of the server per request: as many as give a figure well above the clock's tick."""
    client = Client(server.port)
    try:
        client.expect(request, least)
        begin_cpu, begin, n = server.cpu_seconds(), time.perf_counter(), 0
        while True:
            client.expect(request, least)
            n += 1
            if n >= most or time.perf_counter() - begin > seconds:
                break
            if n % 64 == 0 and server.cpu_seconds() - begin_cpu > enough_cpu:
                break
        wall = (time.perf_counter() - begin) / n
        if server.cpu_seconds() == begin_cpu:
            raise RuntimeError("%s used no measurable CPU over %d requests" % (server.name, n))
        return (server.cpu_seconds() - begin_cpu) / n, wall
    finally:
        client.close()


def latencies(port, request, count, timeout=5):
    """Sorted seconds of `count` requests on one connection; None when an answer took longer than `timeout`."""
    client, found = Client(port, timeout), []
    try:
        for _ in range(count):
            begin = time.perf_counter()
            client.expect(request)
            found.append(time.perf_counter() - begin)
        return sorted(found)
    except (OSError, EOFError):
        return None
    finally:
        client.close()
