"""A front in Python, for tests: starts a worker as the pool does, and speaks the protocol with it."""
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent / "clams_worker"
sys.path.insert(0, str(HERE.parent))

from clams_worker import protocol  # noqa: E402
from clams_worker.channel import Channel  # noqa: E402

PATIENCE = 60  # seconds until a silent worker fails the test


class WorkerGone(Exception):
    pass


class Front:
    def __init__(self, python, app, args=(), options=(), env=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        life_read, self._life = os.pipe()
        command = [str(python), str(PACKAGE), "--fd", str(theirs.fileno()), "--life-fd", str(life_read), *options, "--", str(app), *args]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno(), life_read], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=pathlib.Path(app).parent, start_new_session=True,
                                        env={**os.environ, "CLAMS_APP_VERSION": "1.0.0", "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})})
        theirs.close()
        os.close(life_read)
        self._socket = ours
        self.channel = Channel(ours.detach())
        self.output = {"out": [], "err": []}
        self._readers = [threading.Thread(target=self._read, args=item, daemon=True)
                         for item in ((self.process.stdout, "out"), (self.process.stderr, "err"))]
        for reader in self._readers:
            reader.start()
        self._next = 0
        self.hello = self.ready = None

    def _read(self, stream, name):
        for line in stream:
            self.output[name].append(line.decode("utf-8", "replace").rstrip("\n"))

    def receive(self):
        if not select.select([self.channel._socket], [], [], PATIENCE)[0]:
            raise AssertionError("the worker is silent; it printed: {}".format(self.output))
        received = self.channel.receive()
        if received is None:
            self.process.wait(PATIENCE)
            for reader in self._readers:
                reader.join(PATIENCE)
            raise WorkerGone("status {}: {}".format(self.process.returncode, "\n".join(self.output["err"])))
        return received

    def wait_ready(self):
        self.hello, _ = self.receive()
        self.ready, _ = self.receive()
        assert (self.hello.type, self.ready.type) == (protocol.HELLO, protocol.READY)
        return self

    def ask(self, kind, attributes=(), body=b""):
        self._next += 1
        self.channel.send(protocol.Frame(protocol.REQUEST, self._next, kind=kind, attributes=attributes), [body] if body else [])
        while True:
            frame, document = self.receive()
            if frame.type in (protocol.RESULT, protocol.ERROR):
                assert frame.id == self._next
                return frame, document.bytes()

    def http(self, method="POST", query="", body=b"", path="/", headers=(), valid=False):
        attributes = [("method", method), ("path", path), ("query", query)]
        attributes += [("header." + name, value) for name, value in headers]
        attributes += [("valid", valid if isinstance(valid, str) else "document")] if valid else []
        return self.ask("http", attributes, body)

    def close(self):
        if self.process.poll() is None:
            try:
                self.channel.send(protocol.Frame(protocol.SHUTDOWN))
            except OSError:
                pass
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.channel.close()
        if self._life is not None:
            os.close(self._life)
        self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)

    def break_life_line(self):
        os.close(self._life)
        self._life = None

    def __enter__(self):
        return self.wait_ready()

    def __exit__(self, *_):
        self.close()


def status_of(frame):
    return int(frame.attribute("status"))
