"""clams-vad once and as a server, on a recording of real speech."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

PROGRAM = pathlib.Path(os.environ["CLAMS_BIN"]) / "clams-vad"
RECORDING = pathlib.Path(os.environ["VAD_RECORDING"])
WANTED = [(320, 2270), (3270, 4410), (5380, 7680), (8160, 10620)]


def request():
    document = {"@type": "http://clams.ai/vocabulary/type/AudioDocument/v2", "properties": {"mime": "audio/wav", "id": "d1", "location": RECORDING.as_uri()}}
    return json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [document], "views": []})


class Program(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.directory = pathlib.Path(place.name)

    def check(self, mmif):
        frames = [a["properties"] for a in json.loads(mmif)["views"][-1]["annotations"]]
        self.assertEqual(len(frames), len(WANTED))
        for frame, (start, end) in zip(frames, WANTED):
            self.assertAlmostEqual(frame["start"], start, delta=60)
            self.assertAlmostEqual(frame["end"], end, delta=60)

    def test_once(self):
        (self.directory / "in.mmif").write_text(request())
        done = subprocess.run([PROGRAM, self.directory / "in.mmif", self.directory / "out.mmif"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check((self.directory / "out.mmif").read_text())

    def test_over_http(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = open(self.directory / "log", "w+")
        self.addCleanup(log.close)
        server = subprocess.Popen([PROGRAM, "--production", "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        url = "http://127.0.0.1:%d/" % port
        for _ in range(600):
            self.assertIsNone(server.poll(), "the server ended: " + (self.directory / "log").read_text())
            try:
                urllib.request.urlopen(url + "health", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        with urllib.request.urlopen(urllib.request.Request(url, data=request().encode(), headers={"Content-Type": "application/json"}), timeout=120) as answer:
            self.check(answer.read())


if __name__ == "__main__":
    unittest.main()
