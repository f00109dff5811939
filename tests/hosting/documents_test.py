"""Documents of all sizes, envelopes, and the methods beside POST, through `clams serve`."""
import json
import socket
import threading
import time
import unittest

from hosted import APPS, BODY, MEMORY_TELLS, PATIENCE, SOURCE, HostingTest, at_once, in_background, status_bytes, until

ODD = SOURCE / "bindings" / "python" / "tests" / "apps" / "odd" / "app.py"
ECHO = APPS / "wire_echo" / "app.py"
MB = 1_000_000


def text_document(size):
    """A valid document whose one text has `size` bytes."""
    head = b'{"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [{"@type": "http://mmif.clams.ai/vocabulary/TextDocument/v1", "properties": {"id": "d1", "text": {"@value": "'
    return head + b"0123456789abcdef" * (size // 16) + b'"}}}], "views": []}'


def filled(body, size):
    """The document with white space behind it, so that it has exactly `size` bytes."""
    return body + b" " * (size - len(body))


class Peak:
    """The largest value of a line of /proc/PID/status while the block runs, beyond what it was before."""

    def __init__(self, pid, key):
        self.pid, self.key, self.done = pid, key, threading.Event()

    def __enter__(self):
        self.before = self.most = status_bytes(self.pid, self.key)
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self):
        while not self.done.wait(0.002):
            self.look()

    def look(self):
        self.most = max(self.most, status_bytes(self.pid, self.key))

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    @property
    def growth(self):
        return self.most - self.before


class Upload:
    """A POST whose body is sent piece by piece, as a slow client does."""

    def __init__(self, server, body, chunked):
        self.body, self.chunked = body, chunked
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: %d" % len(body)
        self.socket.sendall(("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n" % framing).encode())

    def send_all(self, pieces, pause):
        for sent in range(0, len(self.body), len(self.body) // pieces):
            piece = self.body[sent:sent + len(self.body) // pieces]
            self.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if self.chunked else piece)
            time.sleep(pause)
        if self.chunked:
            self.socket.sendall(b"0\r\n\r\n")

    def answer(self):
        with self.socket, self.socket.makefile("rb") as f:
            head, _, body = f.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), body


def annotations(answer):
    return answer.json["views"][-1]["annotations"]


class Documents(HostingTest):
    def test_five_megabytes(self):
        server = self.serve(ODD, "--workers", "1")
        body = text_document(5 * MB)
        answer = self.assert_ok(server.post(body))
        self.assertEqual(answer.json["documents"][0]["properties"]["text"]["@value"], json.loads(body)["documents"][0]["properties"]["text"]["@value"])

    @unittest.skipUnless(MEMORY_TELLS, "under a sanitizer")
    def test_fifty_megabytes_leave_no_copy_in_the_fronts_heap_while_the_app_works(self):
        server = self.serve(ODD, "--workers", "1")
        self.assert_ok(server.post(text_document(5 * MB)))
        before = status_bytes(server.pid, "RssAnon")
        body = text_document(50 * MB)
        running = self.begin(server, body=body, do="hold")
        # Once the worker holds the document, the front has no use for its bytes.
        held = status_bytes(server.pid, "RssAnon") - before
        [answer] = self.end(server, running)
        self.assertLess(held, 10 * MB, "the front keeps %d bytes of a document that its worker has" % held)
        self.assertGreater(len(answer.body), 50 * MB)
        self.assertTrue(until(lambda: status_bytes(server.pid, "VmRSS") < before + 40 * MB))

    @unittest.skipUnless(MEMORY_TELLS, "under a sanitizer")
    def test_a_large_body_never_lies_in_the_fronts_heap(self):
        server = self.serve(ODD, "--workers", "1")
        self.assert_ok(server.post())
        # The first is a whole number of pages, whose end is the end of a mapping.
        for size, body in (5 << 20, filled(text_document(5 * MB), 5 << 20)), (50 * MB, text_document(50 * MB)):
            for chunked in False, True:
                with self.subTest(size=size, chunked=chunked):
                    busy = self.begin(server, do="hold")
                    with Peak(server.pid, "RssAnon") as heap:
                        upload = Upload(server, body, chunked)
                        upload.send_all(pieces=20, pause=0.01)
                        self.assertTrue(until(lambda: server.metrics()["clams_requests_queued"] >= 1))
                        self.end(server, busy)
                        status, answer = upload.answer()
                    self.assertEqual(status, 200)
                    self.assertEqual(json.loads(answer)["documents"], json.loads(body)["documents"])
                    self.assertLess(heap.growth, 3 * MB, "the front's heap grew by %d bytes" % heap.growth)

    def test_an_envelope(self):
        server = self.serve(ECHO, "--workers", "1")
        envelope = b'{"parameters": {"count": 3, "label": "intro"}, "mmif": ' + BODY + b"}"
        self.assertEqual([a["properties"]["label"] for a in annotations(self.assert_ok(server.post(envelope))) if "start" in a["properties"]], ["intro-1", "intro-2", "intro-3"])
        # What stands in the query comes first.
        self.assertEqual(sum("start" in a["properties"] for a in annotations(self.assert_ok(server.post(envelope, count=1)))), 1)

    def test_a_broken_envelope_is_told_by_the_app_s_sdk(self):
        server = self.serve(ECHO, "--workers", "1", "--status-codes", "python")
        answer = server.post(b'{"parameters": [], "mmif": ' + BODY + b"}")
        self.assertEqual(answer.status, 500)
        self.assertIn("nvalid", answer.body.decode())

    def test_metadata_in_both_forms_and_without_a_body(self):
        server = self.serve(ECHO, "--workers", "1")
        plain, pretty = server.get("/"), server.get("/?pretty")
        self.assertEqual(plain.json, pretty.json)
        self.assertNotIn(b"\n", plain.body.strip())
        self.assertIn(b'\n  "name"', server.get("/?pretty=true").body)
        head = server.ask("HEAD", "/")
        self.assertEqual((head.status, head.body, int(head.headers["Content-Length"])), (200, b"", len(plain.body)))

    def test_options_and_other_methods(self):
        server = self.serve(ECHO, "--workers", "1")
        allow = lambda answer: sorted(word.strip() for word in answer.headers["Allow"].split(","))  # noqa: E731
        self.assertEqual(allow(server.ask("OPTIONS", "/")), ["GET", "HEAD", "OPTIONS", "POST", "PUT"])
        self.assertEqual(server.ask("DELETE", "/").status, 405)
        self.assertEqual(server.get("/nowhere").status, 404)
        self.assertEqual(self.assert_ok(server.ask("PUT", "/", BODY)).json["views"][0]["id"], "v_0")

    def test_eight_clients_at_once_get_their_own_answers(self):
        server = self.serve(ECHO, "--workers", "2")

        def ask(number):
            for round in range(5):
                text = "client %d round %d" % (number, round)
                found = [a["properties"]["text"]["@value"] for a in annotations(self.assert_ok(server.post(text=text))) if "text" in a["properties"]]
                self.assertEqual(found, [text])

        at_once([lambda number=number: ask(number) for number in range(8)])

    def test_a_full_queue_is_told(self):
        server = self.serve(ODD, "--workers", "1", "--queue", "1")
        running = [self.begin(server, do="hold")]
        running.append(in_background(server.post))
        self.assertTrue(until(lambda: server.metrics()["clams_requests_queued"] >= 1))
        answer = server.post()
        self.assertEqual((answer.status, answer.json["code"]), (429, "QUEUE_FULL"), answer)
        self.end(server, *running)

    def test_a_body_beyond_the_limit(self):
        server = self.serve(ODD, "--workers", "1", "--max-body", "1MiB")
        self.assertEqual(server.post(text_document(2 * MB)).status, 413)
        self.assert_ok(server.post())


if __name__ == "__main__":
    unittest.main(verbosity=2)
