#!/usr/bin/env python3
"""ci/layering.py: each kind of forbidden include and each forgotten source is found, and the allowed ones are not."""
import importlib.util
import os
import tempfile
import unittest

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "ci", "layering.py")
spec = importlib.util.spec_from_file_location("layering", PATH)
layering = importlib.util.module_from_spec(spec)
spec.loader.exec_module(layering)

TREE = {
    "libs/base/include/base/bytes.hpp": "",
    "libs/mmif/include/mmif/mmif.hpp": "",
    "libs/mmif/src/index.hpp": "",
    "libs/vram/include/vram/lease.hpp": "",
    "libs/sdk/include/clams/app.hpp": "",
    "libs/media/testing/clip.hpp": "",
    "CMakeLists.txt": "",
}


class Layering(unittest.TestCase):
    def found(self, path, text, **more):
        with tempfile.TemporaryDirectory() as root:
            for name, content in {**TREE, path: text, **more}.items():
                os.makedirs(os.path.join(root, os.path.dirname(name)), exist_ok=True)
                with open(os.path.join(root, name), "w", encoding="utf-8") as f:
                    f.write(content)
            return list(layering.wrong_includes(root)), list(layering.forgotten(root, None))

    def allowed(self, path, header):
        self.assertEqual(self.found(path, "#include %s\n" % header)[0], [])

    def refused(self, path, header, why):
        found = self.found(path, "#include <vector>\n#include %s\n" % header)[0]
        self.assertEqual(len(found), 1, found)
        self.assertIn(why, found[0])
        self.assertTrue(found[0].startswith(path + ":2: "), found[0])

    def test_an_arrow_that_points_forward_is_allowed(self):
        self.allowed("libs/sdk/src/app.cpp", '"mmif/mmif.hpp"')
        self.allowed("apps/x/main.cpp", "<clams/app.hpp>")
        self.allowed("libs/base/src/bytes.cpp", '"base/bytes.hpp"')
        self.allowed("libs/base/src/fd.cpp", "<sys/stat.h>")

    def test_an_arrow_that_points_back_is_refused(self):
        self.refused("libs/base/src/bytes.cpp", '"mmif/mmif.hpp"', "arrows never point back")
        self.refused("libs/vram/src/ledger.cpp", '"mmif/mmif.hpp"', "arrows never point back")
        self.refused("libs/mmif/src/read.cpp", '"vram/lease.hpp"', "arrows never point back")
        self.refused("libs/mmif/src/read.cpp", '"clams/app.hpp"', "arrows never point back")

    def test_the_inside_of_another_library_is_refused(self):
        self.refused("libs/sdk/src/app.cpp", '"../../mmif/src/index.hpp"', "inside of libs/mmif")
        self.refused("apps/x/main.cpp", '"index.hpp"', "inside of libs/mmif")
        self.allowed("libs/mmif/src/read.cpp", '"index.hpp"')
        self.allowed("libs/mmif/tests/index_test.cpp", '"index.hpp"')
        self.allowed("fuzz/mmif_fuzz.cpp", '"index.hpp"')

    def test_fakes_are_for_tests_of_layers_above(self):
        self.allowed("libs/media/tests/clip_test.cpp", '"clip.hpp"')
        self.refused("libs/sdk/src/app.cpp", '"clip.hpp"', "inside of libs/media")

    def test_third_party_headers_stay_in_their_places(self):
        self.allowed("libs/server/src/http_server.cpp", "<boost/beast/http.hpp>")
        self.refused("libs/server/src/other.cpp", "<boost/asio/post.hpp>", "only libs/server/src/http_server.cpp")
        self.refused("libs/sdk/src/app.cpp", "<CLI/CLI.hpp>", "only ")
        self.refused("libs/base/src/x.cpp", "<fmt/format.h>", "only ")

    def test_one_source_alone_reaches_the_http_library(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "libs/server/src"))
            for name, text in (("core.hpp", "#include <boost/asio/post.hpp>\n"), ("http_server.cpp", '#include "core.hpp"\n'), ("other.cpp", '#include "core.hpp"\n')):
                with open(os.path.join(root, "libs/server/src", name), "w", encoding="utf-8") as f:
                    f.write(text)
            found = list(layering.wrong_units(root))
        self.assertEqual([line.split(":")[0] for line in found], ["libs/server/src/other.cpp"])

    def test_no_third_party_header_in_a_public_header(self):
        self.refused("libs/mmif/include/mmif/value.hpp", "<nlohmann/json.hpp>", "public header")

    def test_an_unknown_header_is_refused(self):
        self.refused("libs/mmif/src/read.cpp", "<surprise/surprise.hpp>", "neither ours nor known")

    def test_a_header_includes_what_its_integers_need(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "libs/base/src"))
            for name, text in (("bare", "\nstd::uint64_t n;\n"), ("whole", "#include <cstdint>\nstd::uint64_t n;\n"), ("plain", "int n;\n")):
                with open(os.path.join(root, "libs/base/src/%s.hpp" % name), "w", encoding="utf-8") as f:
                    f.write(text)
            self.assertEqual(list(layering.missing_includes(root)), ["libs/base/src/bare.hpp:2: std::uint64_t needs #include <cstdint>"])

    def test_a_source_that_nothing_compiles_is_found(self):
        forgotten = self.found("libs/mmif/tests/lost_test.cpp", "")[1]
        self.assertEqual(len(forgotten), 1)
        self.assertIn("this test never runs", forgotten[0])
        listed = self.found("libs/mmif/tests/kept_test.cpp", "", **{"libs/mmif/CMakeLists.txt": "SOURCES tests/kept_test.cpp"})[1]
        self.assertEqual(listed, [])
        self.assertEqual(len(self.found("libs/mmif/tests/kept_test.cpp", "", **{"libs/mmif/CMakeLists.txt": "SOURCES tests/unkept_test.cpp"})[1]), 1)

    def test_a_source_that_a_loop_names_is_listed(self):
        loop = "foreach(app IN ITEMS engine models)\n  add_executable(${app} ${app}_app.cpp)\nendforeach()\n"
        for name, count in (("engine_app.cpp", 0), ("models_app.cpp", 0), ("other_app.cpp", 1), ("engine_test.cpp", 1)):
            self.assertEqual(len(self.found("libs/mmif/tests/" + name, "", **{"libs/mmif/CMakeLists.txt": loop})[1]), count, name)


if __name__ == "__main__":
    unittest.main()
