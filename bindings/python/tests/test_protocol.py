"""The frames in Python against the format's page and against hostile bytes."""
import pathlib
import random
import re

import pytest
from front import HERE, protocol as p

PAGE = HERE.parents[2] / "docs" / "formats" / "worker-protocol.md"

EXPECTED = {
    "A worker introduces itself": p.Frame(p.HELLO, kind="odd", pid=4711, versions=(1, 1)),
    "It is ready for two requests at once and holds nothing": p.Frame(p.READY, number=2, memory=p.Memory()),
    "A request with an inline document": p.Frame(p.REQUEST, 7, kind="http", attributes=[("method", "POST"), ("query", "a=1")], body=b"{}"),
    "A request whose document of 50,000 bytes comes along as a descriptor": p.Frame(p.REQUEST, 8, kind="http", memfd_bytes=50000),
    "Half done": p.Frame(p.PROGRESS, 7, text="half", number=500000),
    "A result, with what the request took on one device": p.Frame(
        p.RESULT, 7, attributes=[("status", "200")], body=b"[]",
        memory=p.Memory([p.Device("GPU-1", held_before=0, peak_reserved=3 << 30)], host_resident=1 << 28)),
    "The device had no memory left": p.Frame(p.ERROR, 8, text="no room", code=p.OUT_OF_MEMORY),
    "Models that the worker holds": p.Frame(p.MODELS, models=[("large", 3 << 30)]),
    "Ping": p.Frame(p.PING, 5),
}


def worked_bytes():
    blocks = re.findall(r"^### (.*?)\n\n```hex\n(.*?)```", pathlib.Path(PAGE).read_text(), re.M | re.S)
    return {heading: bytes.fromhex(digits) for heading, digits in blocks}


def test_the_worked_bytes_of_the_formats_page():
    blocks = worked_bytes()
    assert blocks.keys() == EXPECTED.keys()
    for heading, raw in blocks.items():
        assert p.decode(raw) == EXPECTED[heading], heading
        assert p.encode(EXPECTED[heading]) == raw, heading


def test_bytes_that_are_no_text_pass_through():
    frame = p.decode(p.encode(p.Frame(p.REQUEST, attributes=[("query", b"a=\xff\xfe")])))
    assert p.to_bytes(frame.attribute("query")) == b"a=\xff\xfe"
    assert p.decode(p.encode(p.Frame(p.ERROR, text="lone \ud800 surrogate"))).text == "lone ? surrogate"


@pytest.mark.parametrize("frame", [p.Frame(p.LOG, text="x" * (p.MAX_TEXT + 1)), p.Frame(p.HELLO, kind="x" * (p.MAX_KIND + 1)),
                                   p.Frame(p.RESULT, body=b"x" * (p.MAX_INLINE_BODY + 1)), p.Frame(p.RESULT, attributes=[("a", "b")] * (p.MAX_FIELDS + 1)),
                                   p.Frame(p.RESULT, attributes=[("a", "x" * p.MAX_VALUE)] * 2)])
def test_limits_are_told_by_the_sender(frame):
    with pytest.raises(p.ProtocolError):
        p.encode(frame)


def test_hostile_bytes_raise_nothing_but_protocol_errors():
    raw = p.encode(EXPECTED["A result, with what the request took on one device"])
    for size in range(len(raw)):
        with pytest.raises(p.ProtocolError):
            p.decode(raw[:size])
    numbers = random.Random(7)
    taken = 0
    for _ in range(20000):
        changed = bytearray(raw)
        for _ in range(numbers.randrange(1, 4)):
            changed[numbers.randrange(len(raw))] = numbers.randrange(256)
        try:
            p.encode(p.decode(bytes(changed)))
            taken += 1
        except p.ProtocolError:
            pass
    assert taken > 100
