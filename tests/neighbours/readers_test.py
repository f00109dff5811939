#!/usr/bin/env python3
"""What our apps write, read by the rules of transcript_converter, mmif-visualizer, aapb-evaluations and visaid_builder (readers.py)."""
import json
import unittest

import readers
import written

SPOKEN = " ".join(written.SENTENCES)
PASSAGE = 5000  # milliseconds


def loaded(path):
    return json.loads(path.read_text())


class Speech(unittest.TestCase):
    """clams-whisper with the time of each word, as it is by default."""

    def setUp(self):
        self.mmif = loaded(written.speech())
        self.view = readers.speech_view(self.mmif)

    def test_every_word_has_a_time_and_a_sentence(self):
        words = readers.words_with_times(self.view)
        self.assertEqual([word for _, _, word, _ in words], SPOKEN.split())
        self.assertEqual(len({sentence for _, _, _, sentence in words}), len(written.SENTENCES))
        for start, end, word, _ in words:
            self.assertLessEqual(start, end, word)
        self.assertEqual([start for start, *_ in words], sorted(start for start, *_ in words))

    def test_aapb_json_has_a_part_for_each_sentence_in_its_passage(self):
        transcript = readers.aapb_json(self.mmif, "cpb-aacip-1")
        self.assertEqual(transcript["language"], "en")
        self.assertEqual([part["text"] for part in transcript["parts"]], written.SENTENCES)
        for n, part in enumerate(transcript["parts"]):
            self.assertGreaterEqual(part["start_time"], 5.0 * n)
            self.assertLessEqual(part["end_time"], 5.0 * (n + 1))

    def test_webvtt_has_a_cue_for_each_sentence(self):
        text = readers.webvtt(readers.segments(readers.words_with_times(self.view)))
        self.assertTrue(text.startswith("WEBVTT\n\n00:00:0"))
        self.assertEqual([line for line in text.splitlines() if line.endswith(".")], written.SENTENCES)

    def test_the_visualizer_shows_captions(self):
        self.assertEqual(readers.kind_of_tab(self.view), "ASR")
        cues = readers.captions_of_tab(self.view).split("\n\n")
        self.assertEqual(cues[0], "WEBVTT")
        self.assertRegex(cues[1], r"^00:00:0\d\.\d{3} --> 00:00:1\d\.\d{3}\n" + " ".join(SPOKEN.split()[:9]) + "$")

    def test_evaluations_find_text_and_bounds_of_words(self):
        text = readers.transcript(self.mmif)
        self.assertEqual(text, SPOKEN)
        starts, ends = readers.word_bounds(self.mmif)
        begin = text.index("silence.")
        self.assertGreaterEqual(starts[begin], 2 * PASSAGE)
        self.assertLessEqual(ends[begin + len("silence.")], 3 * PASSAGE)


class SpeechWithoutWordTimes(unittest.TestCase):
    def test_each_sentence_is_the_target_of_a_frame(self):
        view = readers.views_of(loaded(written.speech("--wordTimestamps", "false")))[-1]
        frames = {one["properties"]["id"]: one["properties"] for one in view.of("TimeFrame")}
        sentences = {one["properties"]["id"]: view.get(one, "text") for one in view.of("Sentence")}
        found = [(frames[source]["start"], sentences[target]) for source, target in view.edges() if source in frames]
        self.assertEqual(found, [(n * PASSAGE, text) for n, text in enumerate(written.SENTENCES)])


class Voice(unittest.TestCase):
    def test_frames_have_label_and_milliseconds(self):
        view = readers.views_of(loaded(written.voice()))[-1]
        frames = view.of("TimeFrame")
        self.assertTrue(frames)
        for frame in frames:
            self.assertEqual((view.get(frame, "frameType"), view.get(frame, "timeUnit")), ("speech", "milliseconds"))
            self.assertLess(frame["properties"]["start"], frame["properties"]["end"])


class Screens(unittest.TestCase):
    def test_text_is_found_by_the_time_of_its_picture(self):
        for made, times in ((written.screens(), [1000]), (written.screens("--sampleAt", "timePoints"), [0, 1000]), (written.sampled(), [0, 1000])):
            found = readers.text_by_time(loaded(made))
            self.assertEqual(sorted(found), times)
            for text in found.values():
                self.assertIn("Four score and seven years ago", text)

    def test_text_of_a_scene_is_that_of_its_representative(self):
        mmif = loaded(written.screens())
        texts = readers.scene_texts(mmif, mmif["views"][-1]["id"])
        self.assertEqual(list(texts), ["v_0:tf_1"])
        self.assertIn("Four score", texts["v_0:tf_1"])

    def test_a_text_of_a_new_point_in_a_frame_is_last_aligned_with_the_point(self):
        scene = written.scenes()
        scene["annotations"] = [{**scene["annotations"][-1], "properties": {"id": "v_0:tf_1", "label": "slate", "start": 0, "end": 1500}}]
        mmif = loaded(written.run("clams-tesseract", written.mmif([written.document("Video", written.video())], [scene]), "--tfSamplingMode", "single"))
        view = readers.views_of(mmif)[-1]
        text = view.of("TextDocument")[0]["properties"]
        self.assertEqual(text["origin"], "v_0:tf_1")
        sources = [source for source, target in view.edges() if target == text["id"] and source != text["id"] and ":bb_" not in source]
        self.assertEqual(sources, ["v_0:tf_1", view.of("TimePoint")[0]["properties"]["id"]])
        self.assertEqual(sorted(readers.text_by_time(mmif)), [view.of("TimePoint")[0]["properties"]["timePoint"]])


class Page(unittest.TestCase):
    def test_the_text_of_a_picture_is_aligned_with_the_picture(self):
        mmif = loaded(written.page())
        view = readers.views_of(mmif)[-1]
        text = view.of("TextDocument")[0]["properties"]["id"]
        self.assertIn(("d1", text), view.edges())
        self.assertIn("Four score", readers.transcript(mmif))


if __name__ == "__main__":
    unittest.main()
