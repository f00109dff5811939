#!/usr/bin/env python3
"""Says which #include goes against the layers or is missing, and which source no target compiles.

    layering.py [--root DIR] [--compile-commands FILE]

The layers are those of docs/ARCHITECTURE.md: arrows never point back, a library's src/ is its own business, and third-party headers
stand where PARTIES allows, in no public header at all. With compile_commands.json each source must be in it; without, each must be
named in a CMake file at or above its folder. Exit status: 0 nothing found, 1 something found.
"""
import argparse
import fnmatch
import json
import os
import re
import sys

# Folder -> libraries whose public headers it may include (its own are always allowed).
LAYERS = {
    "libs/base": (),
    "libs/vram": ("base",),
    "libs/mmif": ("base",),
    "libs/worker": ("base",),
    "libs/sdk": ("base", "mmif", "vram", "worker"),
    "libs/server": ("base", "mmif", "vram", "worker", "sdk"),
    "libs/media": ("base",),
    "tools": ("base", "mmif", "vram", "worker", "sdk", "server"),
    "apps": ("base", "mmif", "vram", "sdk", "server", "media"),
    "bindings": ("base", "mmif", "vram", "worker", "sdk", "server"),
    "fuzz": ("base", "mmif", "vram", "worker", "sdk", "server", "media"),
    "bench": ("base", "mmif", "vram", "worker", "sdk", "server", "media"),
    "tests": ("base", "mmif", "vram", "worker", "sdk", "server", "media"),
}
# Folders that may look into a library's src/ and testing/: they check its insides.
INSIDERS = ("fuzz/", "tests/")

# Third-party headers -> where they may be included. Never in a public header (libs/*/include).
PARTIES = {
    "boost/": ("libs/server/src/http_server.cpp", "libs/server/src/*.hpp"),
    "CLI/": ("tools/clams/src/command_line.cpp", "*/main.cpp", "*_main.cpp", "*/cli.cpp", "*_cli.cpp"),
    "spdlog/": ("libs/sdk/src/*", "libs/server/src/*", "tools/*", "apps/*"),
    "fmt/": ("libs/sdk/src/*", "libs/server/src/*", "libs/media/src/*", "tools/*", "apps/*"),
    "prometheus/": ("libs/server/src/*", "libs/sdk/src/*"),
    "toml++/": ("libs/server/src/*", "libs/sdk/src/*", "tools/*"),
    "simdjson": ("libs/mmif/src/*", "libs/mmif/tests/*", "libs/sdk/src/*", "libs/vram/src/profile/*", "bench/*", "fuzz/*"),
    "nlohmann/": ("libs/mmif/src/*", "libs/mmif/tests/*", "libs/sdk/src/*", "libs/sdk/tests/*", "libs/server/src/*", "libs/server/tests/*", "libs/vram/src/profile/*",
                  "libs/vram/src/cache/*", "libs/vram/tests/profile*", "tools/*", "apps/*", "bench/*", "fuzz/*", "tests/*"),
    "libav": ("libs/media/src/*", "libs/media/tests/*", "libs/media/testing/*"),
    "libsw": ("libs/media/src/*",),
    "tesseract/": ("apps/tesseract/*",),
    "leptonica/": ("apps/tesseract/*",),
    "allheaders.h": ("apps/tesseract/*",),
    "whisper.h": ("apps/speech/engine_log.cpp", "apps/whisper/engine/*", "apps/vad/app/detector.cpp"),
    "clams_vram.h": ("bindings/c/*",),
    "gtest/": ("*/tests/*", "*/testing/*", "tests/*"),
    "gmock/": ("*/tests/*", "*/testing/*", "tests/*"),
    "rapidcheck": ("*/tests/*", "*/testing/*", "tests/*"),
}

# Headers that only one source may reach, private headers of ours included: each unit with them costs 20 s of compiling.
ONE_UNIT = {"boost/": "libs/server/src/http_server.cpp"}

# What the C++ library and Linux bring. Anything else in angle brackets must be ours or a party above.
SYSTEM = re.compile(r"[a-z_]+|(c?assert|ctype|errno|fenv|float|inttypes|limits|locale|math|setjmp|signal|stdarg|stddef|stdint|stdio|stdlib|string|strings|time|wchar|"
                    r"aio|cpuid|cxxabi|dirent|dlfcn|execinfo|fcntl|fnmatch|ftw|getopt|glob|grp|ifaddrs|libgen|link|malloc|mntent|netdb|poll|pthread|pwd|sched|semaphore|"
                    r"spawn|sysexits|syscall|syslog|termios|ucontext|unistd|utime|immintrin|x86intrin|features|paths|endian|byteswap|elf)\.h|"
                    r"(sys|linux|arpa|net|netinet|asm|bits|sanitizer|experimental)/[a-z_0-9]+(\.h)?")

SOURCE = (".cpp", ".hpp", ".c", ".h", ".inc")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
FOLDERS = ("libs", "apps", "tools", "bindings", "fuzz", "bench", "tests")
# Not sources of this build: projects of their own, and text that `clams develop` writes out.
NOT_OURS = ("tests/install/", "*/templates/*", "*/template/*", "*/tests/snippets/*")


def sources(root):
    """Paths relative to root."""
    for folder in FOLDERS:
        for directory, inner, files in os.walk(os.path.join(root, folder)):
            inner[:] = [d for d in inner if d not in ("build", "__pycache__")]
            for name in files:
                path = os.path.relpath(os.path.join(directory, name), root)
                if name.endswith(SOURCE) and not any(path.startswith(n) or fnmatch.fnmatch(path, n) for n in NOT_OURS):
                    yield path


def layer_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "libs" else parts[0]


class Layers:
    def __init__(self, root):
        self.root = root
        self.public = {}  # header as included -> library
        libs = os.path.join(root, "libs")
        for library in sorted(os.listdir(libs)) if os.path.isdir(libs) else ():
            include = os.path.join(libs, library, "include")
            for directory, _, files in os.walk(include):
                for name in files:
                    self.public[os.path.relpath(os.path.join(directory, name), include)] = library

    def problem(self, path, header, quoted):
        """What is wrong with `#include header` in the file `path`, or None."""
        layer = layer_of(path)
        own = layer.split("/")[-1]
        library = self.public.get(header)
        if library is not None:
            if library == own and layer.startswith("libs/") or library in LAYERS.get(layer, ()):
                return None
            return "%s must not include %s: it belongs to libs/%s, and arrows never point back" % (path, header, library)
        for party, allowed in PARTIES.items():
            if header.startswith(party):
                if "/include/" in path and path.startswith("libs/"):
                    return "%s is a public header and must not include %s: no third-party type stands in a public header" % (path, header)
                if not any(fnmatch.fnmatch(path, pattern) for pattern in allowed):
                    return "%s must not include %s: only %s may" % (path, header, ", ".join(allowed))
                return None
        if not quoted and SYSTEM.fullmatch(header):
            return None
        owner = self.private_owner(path, header)
        if owner is None:
            return "%s includes %s, which is neither ours nor known: add it to ci/layering.py (PARTIES) with the places that may use it" % (path, header)
        if owner == layer or path.startswith(INSIDERS):
            return None
        if "/testing/" in self.found and (owner.split("/")[-1] in LAYERS.get(layer, ())) and ("/tests/" in path or "/testing/" in path):
            return None  # a library's fakes are there for other libraries' tests
        return "%s must not include %s: that is the inside of %s" % (path, header, owner)

    def private_owner(self, path, header):
        """The layer a header that is not public lies in, or None."""
        layer = layer_of(path)
        near = os.path.normpath(os.path.join(os.path.dirname(path), header))
        candidates = [near] + ["%s/%s/%s" % (l, d, header) for l in (layer,) for d in ("src", "testing", "testing/include", "tests")]
        if layer in ("apps", "tools"):
            program = "/".join(path.split("/")[:2])
            candidates += ["%s/%s" % (program, header), "%s/src/%s" % (program, header), "%s/%s" % (layer, header)]
        candidates += ["libs/%s/%s/%s" % (l.split("/")[-1], d, header) for l in LAYERS if l.startswith("libs/") for d in ("src", "testing", "testing/include", "tests")]
        candidates.append(header)
        for candidate in candidates:
            if os.path.isfile(os.path.join(self.root, candidate)):
                self.found = candidate
                return layer_of(candidate)
        return None


def wrong_includes(root):
    layers = Layers(root)
    for path in sorted(sources(root)):
        with open(os.path.join(root, path), encoding="utf-8") as f:
            text = f.read()
        for match in INCLUDE.finditer(text):
            problem = layers.problem(path, match.group(2), match.group(1) == '"')
            if problem:
                yield "%s:%d: %s" % (path, text.count("\n", 0, match.start()) + 1, problem.replace(path + " ", "", 1))


def missing_includes(root):
    """Headers that say std::uint64_t and leave <cstdint> to another header: up to g++ 12 the library brings it along, from 13 on not."""
    for path in sorted(sources(root)):
        if path.endswith(".hpp") and "cstdint" not in includes_of(root, path):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                text = f.read()
            match = re.search(r"\bstd::u?int(8|16|32|64|max|ptr)_t\b", text)
            if match:
                yield "%s:%d: %s needs #include <cstdint>" % (path, text.count("\n", 0, match.start()) + 1, match.group(0))


def includes_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return [m.group(2) for m in INCLUDE.finditer(f.read())]


def reaches(root, path, party, layers, seen):
    """Whether `path`, or a header that is not public and that it includes, includes headers of `party`."""
    if path in seen:
        return False
    seen.add(path)
    for header in includes_of(root, path):
        if header.startswith(party):
            return True
        if header not in layers.public and layers.private_owner(path, header) is not None and reaches(root, layers.found, party, layers, seen):
            return True
    return False


def wrong_units(root):
    layers = Layers(root)
    for path in sorted(sources(root)):
        for party, unit in ONE_UNIT.items():
            if path.endswith(".cpp") and path != unit and reaches(root, path, party, layers, set()):
                yield "%s: reaches %s through private headers: only %s may" % (path, party, unit)


def cmake_text(root, path, cache):
    """The text of the CMake files at and above the folder of `path`."""
    folder, text = os.path.dirname(path), ""
    while True:
        if folder not in cache:
            cache[folder] = ""
            for name in sorted(os.listdir(os.path.join(root, folder))):
                if name == "CMakeLists.txt" or name.endswith(".cmake"):
                    with open(os.path.join(root, folder, name), encoding="utf-8") as f:
                        cache[folder] += f.read()
        text += cache[folder]
        if not folder:
            return text
        folder = os.path.dirname(folder)


def is_listed(name, text):
    """By its name, or as ${item}_app.cpp of a foreach whose items are listed."""
    def word(w):
        return re.search(r"(?<![A-Za-z0-9_])" + re.escape(w) + r"(?![A-Za-z0-9_])", text) is not None
    if word(name):
        return True
    for before, after in re.findall(r"([A-Za-z0-9_]*)\$\{[a-z_]+\}([A-Za-z0-9_]*\.c(?:pp)?)(?![A-Za-z0-9_])", text):
        if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after):
            if word(name[len(before):-len(after)]):
                return True
    return False


def forgotten(root, compile_commands, left_out=()):
    """Sources that nothing compiles. Folders that this configuration leaves out are looked at as if there were none."""
    compiled = None
    if compile_commands:
        with open(compile_commands, encoding="utf-8") as f:
            compiled = {os.path.realpath(os.path.join(c["directory"], c["file"])) for c in json.load(f)}
    cache = {}
    for path in sorted(sources(root)):
        if not path.endswith((".cpp", ".c")):
            continue
        listed = is_listed(os.path.basename(path), cmake_text(root, path, cache))
        if compiled is not None and "fuzz" not in path.split("/") and not path.startswith(tuple(folder + "/" for folder in left_out)):  # the fuzz targets are built by a preset of their own
            listed = os.path.realpath(os.path.join(root, path)) in compiled
        if not listed:
            what = "this test never runs" if path.endswith("_test.cpp") else "nothing compiles it"
            yield "%s: %s: list it in a CMakeLists.txt, or remove it" % (path, what)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser.add_argument("--compile-commands", metavar="FILE")
    parser.add_argument("--left-out", metavar="FOLDER", nargs="*", default=[], help="not part of that configuration: a CMakeLists.txt must list its sources")
    options = parser.parse_args()
    root = os.path.abspath(options.root)
    found = list(wrong_includes(root)) + list(wrong_units(root)) + list(missing_includes(root)) + list(forgotten(root, options.compile_commands, options.left_out))
    for line in found:
        print(line)
    print("layering: %d files, %d problems" % (len(list(sources(root))), len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
