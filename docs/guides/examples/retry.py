#!/usr/bin/env python3
"""Post an MMIF to an app and come back when its GPU is busy.

    retry.py URL < in.mmif > out.mmif
"""
import sys
import time
import urllib.error
import urllib.request

PATIENCE = 600  # seconds in all
LONGEST = 60  # of one pause


def post(url, document):
    """The answer, or None and the pause that the server asks for."""
    request = urllib.request.Request(url, data=document, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read(), 0
    except urllib.error.HTTPError as refusal:
        pause = refusal.headers.get("Retry-After")
        if refusal.code not in (429, 503) or pause is None:
            raise  # 507 never fits, 4xx is the document: trying again would not help
        print(f"{refusal.code}: {refusal.read().decode()}", file=sys.stderr)
        return None, min(float(pause), LONGEST)


def main():
    document = sys.stdin.buffer.read()
    deadline = time.monotonic() + PATIENCE
    while True:
        answer, pause = post(sys.argv[1], document)
        if answer is not None:
            sys.stdout.buffer.write(answer)
            return 0
        if time.monotonic() + pause > deadline:
            print(f"still refused after {PATIENCE} s", file=sys.stderr)
            return 75
        time.sleep(pause)


if __name__ == "__main__":
    sys.exit(main())
