"""clams-vad once and as a server, on a recording of real speech."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["CLAMS_SOURCE"]) / "tests" / "support"))

import serving  # noqa: E402

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
        server = serving.Server("clams-vad", [PROGRAM, "--production", *serving.ANY_PORT], self.directory / "log")
        self.addCleanup(server.kill)
        answer = server.post(request().encode(), headers={"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer)
        self.check(answer.body)


if __name__ == "__main__":
    unittest.main()
