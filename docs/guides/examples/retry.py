#!/usr/bin/env python3
"""Post an MMIF to an app; come back while its GPU is busy or while the server restarts.

    retry.py URL [IN [OUT]]        IN: standard input if absent or "-"; OUT: standard output, else a file that appears when it is whole

Exit status: 0 done, 1 failed (one line says why), 75 still refused after 10 minutes.
"""
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request

PATIENCE = 600  # seconds of waiting in all
LONGEST = 60  # of one pause
ANSWER = 6 * 3600  # the longest silence of a server that works


class Final(Exception):
    """Trying again would not help."""


class OutOfPatience(Exception):
    """Still refused."""


class Refused(Exception):
    """Not now. `pause`: seconds that the server asks for, or None."""

    def __init__(self, text, pause=None):
        super().__init__(text)
        self.pause = pause


def seconds(text):
    """Retry-After as seconds, or None for a date or nonsense."""
    try:
        return min(max(float(text), 0), LONGEST)
    except (TypeError, ValueError):
        return None


def one_line(body):
    return " ".join(body.decode("utf-8", "replace").split())


def message_of(body):
    """What an answer says: "error" of a refusal, the last view's error of an MMIF, or its text."""
    try:
        answer = json.loads(body)
        return answer["error"] if "error" in answer else answer["views"][-1]["metadata"]["error"]["message"].splitlines()[0]
    except (ValueError, LookupError, TypeError, AttributeError):
        return one_line(body)[:500]


def post(url, document):
    request = urllib.request.Request(url, data=document, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        body, asked = error.read(), error.headers.get("Retry-After")
        # The header decides, not the status: a server may refuse with 500. A server that goes down says 503, at times without it.
        if asked is not None or error.code in (429, 503):
            raise Refused(f"{error.code}: {one_line(body)}", seconds(asked)) from None
        raise Final(f"{error.code}: {message_of(body)}") from None
    except http.client.InvalidURL as error:
        raise Final(f"{url}: {error}") from None
    except (ConnectionError, http.client.HTTPException) as error:  # cut off in the middle
        raise Refused(f"the connection was lost: {error}") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionError):
            raise Refused(f"no connection: {error.reason}") from None
        raise Final(f"{url}: {error.reason}") from None
    except (OSError, ValueError) as error:
        raise Final(f"{url}: {error}") from None


def post_patiently(url, document):
    deadline = time.monotonic() + PATIENCE
    own_pause = 1
    while True:
        try:
            return post(url, document)
        except Refused as refusal:
            print(refusal, file=sys.stderr, flush=True)
            pause = refusal.pause
        if pause is None:
            pause, own_pause = own_pause, min(2 * own_pause, LONGEST)
        if time.monotonic() + pause > deadline:
            raise OutOfPatience(f"still refused after {PATIENCE} s")
        time.sleep(pause)


def write(path, answer):
    """A file appears whole or not at all."""
    if path == "-":
        sys.stdout.buffer.write(answer)
        sys.stdout.flush()
        return
    with open(path + ".tmp", "wb") as out:
        out.write(answer)
    os.replace(path + ".tmp", path)


def main(arguments):
    if not 1 <= len(arguments) <= 3 or not arguments[0].startswith(("http://", "https://")):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    url, source, target = (arguments + ["-", "-"])[:3]
    try:
        with open(0 if source == "-" else source, "rb") as document:
            answer = post_patiently(url, document.read())
        write(target, answer)
        return 0
    except OutOfPatience as error:
        print(error, file=sys.stderr)
        return 75
    except (Final, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
