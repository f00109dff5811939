#!/usr/bin/env python3
"""Word error rate of a text against what was really said.

    word_errors.py KNOWN.txt HEARD.txt

Prints one line. Case, punctuation and hyphens do not count; "mister" is "Mr."; numbers are compared as they are written.
"""
import re
import sys

SAME = {"mister": "mr", "missus": "mrs", "doctor": "dr"}


def words_of(text):
    text = text.lower().replace("-", " ").replace("’", "'")
    return [SAME.get(word, word) for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*", text)]


def distance(known, heard):
    """Fewest insertions, deletions and changes of words (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for n, word in enumerate(known, 1):
        corner, row[0] = row[0], n
        for m, other in enumerate(heard, 1):
            corner, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, corner + (word != other))
    return row[-1]


def report(known, heard):
    known, heard = words_of(known), words_of(heard)
    if not known:
        raise ValueError("the known text has no words")
    errors = distance(known, heard)
    return "word error rate: %.1f %% (%d errors in %d words)" % (100 * errors / len(known), errors, len(known))


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    texts = []
    for path in arguments:
        with open(path, encoding="utf-8") as text:
            texts.append(text.read())
    print(report(*texts))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
