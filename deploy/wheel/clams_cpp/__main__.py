"""python -m clams_cpp ARGUMENT...: becomes the program, so that signals and exit statuses are its own."""
import os
import sys

from . import program


def arguments(words, python):
    """`serve` runs apps by this Python unless another one is named: the app's packages are those that this one sees."""
    own = words[: words.index("--")] if "--" in words else words
    named = any(word == "--python" or word.startswith("--python=") for word in own)
    return words[:1] + ["--python", python] + words[1:] if words[:1] == ["serve"] and not named else words


if __name__ == "__main__":
    path = program()
    os.execv(path, [path] + arguments(sys.argv[1:], sys.executable))
