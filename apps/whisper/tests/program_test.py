"""clams-whisper once and as a server, with the model made for tests."""
import concurrent.futures
import json
import math
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import unittest
import wave

sys.path.insert(0, str(pathlib.Path(os.environ["CLAMS_SOURCE"]) / "tests" / "support"))

import serving  # noqa: E402

BIN = pathlib.Path(os.environ["CLAMS_BIN"])
MODELS = pathlib.Path(os.environ["CLAMS_BUILD"]) / "apps/whisper/models"
TEXT = "low tone heard. high tone heard. silence. high tone heard."
RATE = 16000


def write_tones(path, passages, rate=RATE):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", int(16000 * math.sin(2 * math.pi * hertz * n / rate))) for hertz in passages for n in range(5 * rate)))


def mmif_of(path):
    document = {"@type": "http://clams.ai/vocabulary/type/AudioDocument/v2", "properties": {"mime": "audio/wav", "id": "d1", "location": pathlib.Path(path).as_uri()}}
    return json.dumps({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [document], "views": []})


def named(mmif, name):
    return [a["properties"] for a in json.loads(mmif)["views"][-1]["annotations"] if "/%s/" % name in a["@type"]]


def text_of(mmif):
    return named(mmif, "TextDocument")[0]["text"]["@value"]


class Programs(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.directory = pathlib.Path(place.name)
        self.environment = {**os.environ, "CLAMS_GPU": "none", "CLAMS_WHISPER_MODELS": str(MODELS), "CLAMS_PROFILE_DIR": str(self.directory / "profiles"),
                            "CLAMS_VRAM_DIR": str(self.directory / "ledger")}
        self.sound = self.directory / "four.wav"
        write_tones(self.sound, (300, 3500, 0, 3500))

    def once(self, program, *parameters, **environment):
        (self.directory / "in.mmif").write_text(mmif_of(self.sound))
        return subprocess.run([BIN / program, self.directory / "in.mmif", self.directory / "out.mmif", *parameters], capture_output=True, text=True, timeout=120,
                              env={**self.environment, **environment})

    def serve(self, program, *flags):
        server = serving.Server(program, [BIN / program, "--production", *serving.ANY_PORT, *flags], self.directory / "log", self.environment)
        self.addCleanup(server.kill)
        return server

    def ask(self, server, **parameters):
        answer = server.post(mmif_of(self.sound).encode(), headers={"Content-Type": "application/json"}, **parameters)
        return answer.status, answer.body.decode()

    def test_once_writes_what_it_heard(self):
        done = self.once("clams-whisper", "--model", "toy", "--language", "en")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(text_of((self.directory / "out.mmif").read_text()), TEXT)

    def test_once_without_weights_ends_with_status_78_and_says_where_they_belong(self):
        done = self.once("clams-whisper", "--model", "base", CLAMS_WHISPER_MODELS=str(self.directory))
        self.assertEqual(done.returncode, 78, done.stderr)
        last = done.stderr.strip().splitlines()[-1]
        self.assertIn("put ggml-base.bin there", last)
        self.assertIn(str(self.directory), last)

    def test_once_with_a_wrong_language_ends_with_status_1(self):
        done = self.once("clams-whisper", "--model", "toy", "--language", "klingon")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("klingon", (self.directory / "out.mmif").read_text())

    def test_two_requests_at_once_give_the_same_text_in_each_way_of_running(self):
        for executor in ("in-process", "isolated"):
            with self.subTest(executor):
                server = self.serve("clams-whisper", "--executor", executor)
                with concurrent.futures.ThreadPoolExecutor(2) as clients:
                    answers = list(clients.map(lambda _: self.ask(server, model="toy", language="en"), range(2)))
                for status, body in answers:
                    self.assertEqual(status, 200, body)
                    self.assertEqual(text_of(body), TEXT)
                status, body = self.ask(server, model="base")
                self.assertEqual(status, 500)
                self.assertIn("CLAMS_WHISPER_MODELS", json.loads(body)["views"][-1]["metadata"]["error"]["message"])
                self.assertIsNone(server.stop())

    def test_a_client_that_goes_away_stops_nothing_else(self):
        server = self.serve("clams-whisper")
        body = mmif_of(self.sound).encode()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"POST /?model=toy HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        status, answer = self.ask(server, model="toy", language="en")
        self.assertEqual(status, 200, answer)
        self.assertEqual(text_of(answer), TEXT)


if __name__ == "__main__":
    unittest.main()
