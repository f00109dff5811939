#!/usr/bin/env python3
"""`clams profiles`: what was learned is listed, shown, cleared and pruned."""
import json
import os
import unittest

from gpu_processes import GIB, WithDevices


class Profiles(WithDevices):
    app = "http://apps.clams.ai/whisper-wrapper/v10"

    def setUp(self):
        super().setUp()
        self.root = self.environment["CLAMS_PROFILE_DIR"]

    def profile(self, folder, digest, text):
        os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        path = os.path.join(self.root, folder, f"memory_{digest}.json")
        with open(path, "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def given(self):
        self.profile("http---apps.clams.ai-whisper-wrapper-v10", "00000000000000aa", {"peak_bytes": 5 * GIB, "parameters": {"model": "large"}})
        self.profile("http---apps.clams.ai-whisper-wrapper-v10", "00000000000000bb", {"peak_bytes": 1 * GIB, "parameters": {"model": "tiny"}})
        self.profile("other", "00000000000000cc", {"peak_bytes": 300 << 20, "parameters": {}})

    def test_nothing_learned_yet(self):
        self.assertEqual(self.clams("profiles", "list")[0], 0)
        self.assertEqual(json.loads(self.clams("profiles", "list", "--json")[1]), {"profiles": [], "skipped": []})

    def test_an_empty_list_says_where_it_looked(self):
        self.assertIn(self.root, self.clams("profiles", "list")[1])
        del self.environment["CLAMS_PROFILE_DIR"]
        self.environment["XDG_CACHE_HOME"] = self.folder + "/cache"
        code, out, err = self.clams("profiles", "list")
        self.assertEqual(code, 0, err)
        self.assertIn(self.folder + "/cache/clams/memory_profiles", out)

    def test_parameters_are_whole_where_the_output_is_no_terminal(self):
        self.profile("other", "00000000000000ee", {"peak_bytes": GIB, "parameters": {"prompt": "word " * 60 + "end"}})
        for arguments in (["profiles", "list"], ["profiles"], ["profiles", "list", "--wide"]):
            self.assertIn("word end", self.clams(*arguments)[1], arguments)

    def test_a_profile_is_shown_with_its_whole_path(self):
        self.given()
        self.assertIn(os.path.join(self.root, "other", "memory_00000000000000cc.json"), self.clams("profiles", "show", "00000000000000cc")[1])

    def test_list_has_sizes_for_people(self):
        self.given()
        code, out, err = self.clams("profiles", "list")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^\S+ +00000000000000aa +5\.00 GiB ")
        self.assertIn("300 MiB", out)
        self.assertEqual(out, self.clams("profiles")[1])

    def test_list_as_json_and_of_one_app(self):
        self.given()
        profiles = json.loads(self.clams("profiles", "list", "--json")[1])["profiles"]
        self.assertEqual([(one["hash"][-2:], one["peak_bytes"]) for one in profiles], [("aa", 5 * GIB), ("bb", GIB), ("cc", 300 << 20)])
        self.assertEqual(profiles[0]["parameters"], {"model": "large"})
        for app in ("other", "--json"):
            self.assertEqual([one["hash"][-2:] for one in json.loads(self.clams("profiles", "list", "--json", "--app", "other")[1])["profiles"]], ["cc"])

    def test_show(self):
        self.given()
        code, out, _ = self.clams("profiles", "show", "00000000000000a")
        self.assertEqual(code, 0)
        self.assertIn("5.00 GiB", out)
        self.assertEqual(json.loads(self.clams("profiles", "show", "00000000000000aa", "--json")[1])["peak_bytes"], 5 * GIB)
        self.assertEqual(self.clams("profiles", "show", "0000")[0], 2, "several begin so")
        self.assertEqual(self.clams("profiles", "show", "ffff")[0], 1)

    def test_clear_forgets_one_app_or_all(self):
        self.given()
        code, out, _ = self.clams("profiles", "clear", "--app", "other", "--include-python-sdk")
        self.assertRegex(out, r"^removed 1 file, \d+ B\n$")
        self.assertEqual(len(json.loads(self.clams("profiles", "list", "--json")[1])["profiles"]), 2)
        code, out, _ = self.clams("profiles", "clear", "--json", "--include-python-sdk")
        self.assertEqual(json.loads(out)["files"], 2)
        self.assertEqual(json.loads(self.clams("profiles", "list", "--json")[1])["profiles"], [])

    def test_prune_keeps_the_newest(self):
        self.given()
        code, out, err = self.clams("profiles", "prune", "--max-files", "1", "--include-python-sdk", "--json")
        self.assertEqual((code, json.loads(out)["files"]), (0, 1), err)
        self.assertEqual(self.clams("profiles", "prune", "--max-days", "-3")[0], 2)

    def test_what_cannot_be_used_is_named_and_skipped(self):
        self.given()
        path = self.profile("other", "00000000000000dd", "{not json")
        code, out, err = self.clams("profiles", "list")
        self.assertEqual(code, 0)
        self.assertIn(path, err)
        self.assertIn("00000000000000aa", out)


if __name__ == "__main__":
    unittest.main(verbosity=1)
