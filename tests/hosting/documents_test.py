"""Documents of all sizes, envelopes, and the methods beside POST, through `clams serve`."""
import json
import unittest

from hosted import APPS, BODY, MEMORY_TELLS, SOURCE, HostingTest, at_once, in_background, status_bytes, until

ODD = SOURCE / "bindings" / "python" / "tests" / "apps" / "odd" / "app.py"
ECHO = APPS / "wire_echo" / "app.py"
MB = 1_000_000


def text_document(size):
    """A valid document whose one text has `size` bytes."""
    head = b'{"metadata": {"mmif": "http://mmif.clams.ai/1.0.0"}, "documents": [{"@type": "http://mmif.clams.ai/vocabulary/TextDocument/v1", "properties": {"id": "d1", "text": {"@value": "'
    return head + b"0123456789abcdef" * (size // 16) + b'"}}}], "views": []}'


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
