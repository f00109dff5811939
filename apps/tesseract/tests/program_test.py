"""The programs themselves: clams-tesseract once and as a server, ocr_score on what they wrote."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["CLAMS_SOURCE"]) / "tests" / "support"))

import serving  # noqa: E402

BIN = pathlib.Path(os.environ["CLAMS_BIN"])
SAMPLE = pathlib.Path(os.environ["CLAMS_SOURCE"]) / "apps/tesseract/sample"
PAGE_TYPE = "http://clams.ai/vocabulary/type/ImageDocument/v2"


def mmif_of(path):
    return json.dumps({
        "metadata": {"mmif": "http://mmif.clams.ai/1.2.0"},
        "documents": [{"@type": PAGE_TYPE, "properties": {"mime": "image/png", "id": "d1", "location": pathlib.Path(path).as_uri()}}],
        "views": []})


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **options)


class Programs(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.directory = pathlib.Path(self.place.name)

    def once(self, mmif, *parameters):
        (self.directory / "in.mmif").write_text(mmif)
        return run(BIN / "clams-tesseract", self.directory / "in.mmif", self.directory / "out.mmif", *parameters)

    def score(self, known, read):
        return run(BIN / "ocr_score", known, read)

    def test_once_reads_the_sample_page_and_the_score_is_zero(self):
        done = self.once(mmif_of(SAMPLE / "page.png"))
        self.assertEqual(done.returncode, 0, done.stderr)
        scored = self.score(SAMPLE / "page.txt", self.directory / "out.mmif")
        self.assertEqual(scored.returncode, 0, scored.stderr)
        self.assertIn("0.00 %", scored.stdout)

    def test_a_path_with_blanks_and_other_signs_is_found(self):
        odd = self.directory / "a page #1, 100% größe.png"
        odd.write_bytes((SAMPLE / "page.png").read_bytes())
        done = self.once(mmif_of(odd), "--levels", "none")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_missing_page_ends_with_status_1_and_names_the_path(self):
        done = self.once(mmif_of(self.directory / "none.png"))
        self.assertEqual(done.returncode, 1)
        views = json.loads((self.directory / "out.mmif").read_text())["views"]
        self.assertIn(str(self.directory / "none.png"), views[-1]["metadata"]["error"]["message"])

    def test_the_score_counts_errors_of_text_files_and_of_mmif(self):
        (self.directory / "known.txt").write_text("four score and seven\n")
        (self.directory / "read.txt").write_text("four  scose and\nseven")
        scored = self.score(self.directory / "known.txt", self.directory / "read.txt")
        self.assertIn("5.00 % (1 errors in 20 characters)", scored.stdout)
        self.assertEqual(self.score(self.directory / "known.txt", self.directory / "absent.txt").returncode, 1)
        self.assertEqual(run(BIN / "ocr_score").returncode, 2)
        (self.directory / "empty.mmif").write_text(mmif_of(SAMPLE / "page.png"))
        no_text = self.score(self.directory / "known.txt", self.directory / "empty.mmif")
        self.assertEqual(no_text.returncode, 1)
        self.assertIn("no view", no_text.stderr)

    def test_the_server_reads_the_page_and_outlives_a_client_that_goes_away(self):
        server = serving.Server("clams-tesseract", [BIN / "clams-tesseract", "--production", *serving.ANY_PORT], self.directory / "log")
        self.addCleanup(server.kill)

        body = mmif_of(SAMPLE / "page.png").encode()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        answer = server.post(body, headers={"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer)
        (self.directory / "http.mmif").write_bytes(answer.body)
        self.assertIn("0.00 %", self.score(SAMPLE / "page.txt", self.directory / "http.mmif").stdout)
        self.assertIsNone(server.stop())


if __name__ == "__main__":
    unittest.main()
