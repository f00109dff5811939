#!/usr/bin/env python3
"""What our apps write, read by mmif-python itself; and `clams summarize` beside its summarizer."""
import json
import os
import subprocess
import sys
import unittest

import written

sys.path.insert(0, str(written.SOURCE / "bindings" / "python" / "tests"))

import sdks  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def in_mmif_python(what, path):
    try:
        python = sdks.python_of(sdks.SDKS[-1])
    except sdks.Unreachable as error:
        raise unittest.SkipTest(str(error))
    done = subprocess.run([str(python), os.path.join(HERE, "in_mmif_python.py"), what, str(path)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def summarized(path):
    done = subprocess.run([written.BIN / "clams", "summarize", str(path)], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


class Helpers(unittest.TestCase):
    def test_words_have_one_time_each_in_every_way_of_asking(self):
        read = in_mmif_python("speech", written.speech())
        spoken = " ".join(written.SENTENCES).split()
        self.assertEqual([word[:2] for word in read["words"]], [[word, word] for word in spoken])
        self.assertEqual({word[4] for word in read["words"]}, {1})
        self.assertEqual([0 <= start <= end / 1000 <= 20 for _, _, start, end, _ in read["words"]], [True] * len(spoken))
        self.assertEqual(list(read["alignments"].values()), [len(spoken)])
        self.assertEqual(read["sentences"], [[len(text.split()), text] for text in written.SENTENCES])
        self.assertEqual((read["text"], read["language"], read["frame_types"], len(read["views_with_all"])), (" ".join(spoken), "en", ["speech"], 1))

    def test_frames_of_the_voice_detector(self):
        frames = in_mmif_python("voice", written.voice())
        self.assertTrue(frames)
        for start, end, label, unit in frames:
            self.assertLess(start, end)
            self.assertEqual((label, unit), ("speech", "milliseconds"))

    def test_text_by_time_of_a_video(self):
        read = in_mmif_python("screens", written.screens("--sampleAt", "timePoints"))
        self.assertEqual(sorted(map(int, read["texts"])), [0, 1000])
        self.assertTrue(all("Four score" in text for text in read["texts"].values()))
        self.assertEqual(read["fps"], 2)
        self.assertGreater(read["boxes"], 100)


class Summaries(unittest.TestCase):
    def test_what_python_finds_ours_finds_too(self):
        """Python's transcript and captions are empty: it knows neither app. All else is equal."""
        for made in (written.voice, written.screens, written.sampled, written.page):
            with self.subTest(made.__wrapped__.__name__):
                ours, theirs = summarized(made()), in_mmif_python("summary", made())
                self.assertEqual((theirs.pop("transcript"), theirs.pop("captions")), ([], []))
                del ours["transcript"], ours["captions"]
                self.assertEqual(ours, theirs)

    def test_ours_shows_what_was_said_and_read(self):
        self.assertEqual([entry["text"] for entry in summarized(written.speech())["transcript"]], written.SENTENCES)
        sentences = summarized(written.speech("--wordTimestamps", "false"))["transcript"]
        self.assertEqual([(entry["start-time"], entry["end-time"], entry["text"]) for entry in sentences],
                         [(5000 * n, 5000 * (n + 1), text) for n, text in enumerate(written.SENTENCES)])
        self.assertEqual([entry["time-point"] for entry in summarized(written.sampled())["captions"]], [0, 1000])

    def test_python_shows_the_same_words_once_it_knows_the_app(self):
        """Under the name of an app that Python knows, both programs print the same transcript."""
        known = json.loads(written.speech().read_text())
        for view in known["views"]:
            view["metadata"]["app"] = "http://apps.clams.ai/whisper-wrapper/v8"
        path = written.speech().with_name("known.mmif")
        path.write_text(json.dumps(known))
        theirs = in_mmif_python("summary", path)["transcript"]
        self.assertEqual(theirs, summarized(path)["transcript"])
        self.assertEqual(theirs, summarized(written.speech())["transcript"])


if __name__ == "__main__":
    unittest.main()
