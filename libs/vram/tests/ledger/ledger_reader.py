#!/usr/bin/env python3
"""Reads a GPU ledger file without any code of the library: written from docs/formats/ledger.md.

  ledger_reader.py dump DIRECTORY            the living and the dead, as JSON
  ledger_reader.py check DIRECTORY           every invariant of the file that can be seen from outside; exit status 1 when one is broken
  ledger_reader.py watch DIRECTORY SECONDS   checks again and again, each time under the device locks
  ledger_reader.py page PAGE                 decodes the worked bytes of the page and compares them with what the page says
"""
import fcntl
import json
import re
import struct
import sys
import time

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
F_WRLCK, F_UNLCK = 1, 2
FILE_BYTES = 1675264
DEVICES_AT, SLOTS_AT, INFOS_AT, CELLS_AT = 4096, 20480, 36864, 626688
DEVICE_BYTES, SLOT_BYTES, INFO_BYTES, MODEL_BYTES, CELL_BYTES = 256, 64, 2304, 128, 64
TOKEN_LOCK = 4096


def flock(kind, start, length=1):
    return struct.pack("hhqqi4x", kind, 0, start, length, 0)


def text(data):
    return data.split(b"\0", 1)[0].decode("utf-8", "replace")


class Ledger:
    def __init__(self, data):
        self.data = data
        assert len(data) == FILE_BYTES, f"{len(data)} bytes"
        (self.magic, self.version, self.file_bytes, self.devices_max, self.slots_max, self.device_count, self.slots_used,
         self.created) = struct.unpack_from("<8s6IQ", data, 0)
        self.boot_id = text(data[40:80])

    def device(self, i):
        at = DEVICES_AT + i * DEVICE_BYTES
        total, cool_until = struct.unpack_from("<2Q", self.data, at + 176)
        return {"uuid": text(self.data[at:at + 80]), "name": text(self.data[at + 80:at + 176]), "total": total, "cool_until_ns": cool_until}

    def slot(self, i):
        generation, death, start, pid, kind, claimed = struct.unpack_from("<3Q2IQ", self.data, SLOTS_AT + i * SLOT_BYTES)
        info = INFOS_AT + i * INFO_BYTES
        return {"slot": i, "generation": generation, "death_ns": death, "start_ns": start, "pid": pid, "kind": kind, "claimed_ns": claimed,
                "app": text(self.data[info:info + 128]), "models": self.models(info + 256)}

    def models(self, at):
        found = []
        for i in range(16):
            sequence, flags, device, reload_ms, size, used = struct.unpack_from("<4I2Q", self.data, at + i * MODEL_BYTES)
            if flags & 1 and not sequence & 1:
                name = text(self.data[at + i * MODEL_BYTES + 40:at + (i + 1) * MODEL_BYTES])
                found.append({"name": name, "device": device, "reload_ms": reload_ms, "bytes": size, "idle": bool(flags & 2), "last_used_ns": used})
        return found

    def cell(self, device, slot):
        words = struct.unpack_from("<3Q2I4Q", self.data, CELLS_AT + (device * 256 + slot) * CELL_BYTES)
        names = ("reserved", "materialised", "headroom", "requests", "unenforced", "transient", "expected_end_ns", "wait_ticket", "wait_bytes")
        return dict(zip(names, words))

    def broken(self):
        """Sentences about what is wrong. A slot whose owner died unnoticed still counts, as it does for everybody."""
        wrong = []
        if self.magic != b"CLMVRAM\n" or self.version != 1 or self.file_bytes != FILE_BYTES or self.devices_max != 64 or self.slots_max != 256:
            return ["the header is damaged"]
        if self.device_count > 64 or self.slots_used > 256:
            return ["a count leads outside the file"]
        for d in range(self.device_count):
            total, charges, headroom, unenforced = self.device(d)["total"], 0, 0, 0
            for s in range(256):
                slot, cell = struct.unpack_from("<2Q", self.data, SLOTS_AT + s * SLOT_BYTES), self.cell(d, s)
                claimed, dead = slot[0] & 1, slot[1] != 0
                if not claimed and cell["reserved"]:
                    wrong.append(f"free slot {s} has {cell['reserved']} bytes reserved on device {d}")
                if claimed and s >= self.slots_used:
                    wrong.append(f"slot {s} is claimed beyond slots_used {self.slots_used}")
                if claimed and not dead:
                    headroom = max(headroom, cell["headroom"])
                    unenforced += cell["unenforced"]
                    charges += min(cell["reserved"], total)
            if unenforced == 0 and charges > total - headroom:
                wrong.append(f"device {d}: {charges} bytes are promised, {total} - {headroom} is the limit")
        for d in range(self.device_count, 64):
            if any(self.cell(d, s)["reserved"] for s in range(self.slots_used)):
                wrong.append(f"bytes are reserved on device {d}, which is not in the table")
        return wrong


def locked(directory, action):
    """Runs `action(fd)` with every device lock held: sums can then only fall."""
    with open(directory + "/ledger", "r+b", buffering=0) as file:
        fcntl.fcntl(file, F_OFD_SETLKW, flock(F_WRLCK, 0, 64))
        try:
            return action(file)
        finally:
            fcntl.fcntl(file, F_OFD_SETLK, flock(F_UNLCK, 0, 64))


def read_all(file):
    file.seek(0)
    return Ledger(file.read())


def check(directory):
    return locked(directory, read_all).broken()


def token_held(file, slot):
    answer = fcntl.fcntl(file, F_OFD_GETLK, flock(F_WRLCK, TOKEN_LOCK + slot))
    return struct.unpack("hhqqi4x", answer)[0] != F_UNLCK


def dump(directory):
    with open(directory + "/ledger", "r+b", buffering=0) as file:
        ledger = read_all(file)
        alive = [s for s in range(ledger.slots_used) if token_held(file, s)]
    slots = []
    for s in range(ledger.slots_used):
        slot = ledger.slot(s)
        slot["alive"] = s in alive
        slot["cells"] = {ledger.device(d)["uuid"]: ledger.cell(d, s) for d in range(ledger.device_count)}
        slots.append(slot)
    return {"boot_id": ledger.boot_id, "version": ledger.version, "devices": [ledger.device(d) for d in range(ledger.device_count)], "slots": slots}


def decode_page(path):
    """The worked bytes of the page against the table of values under them."""
    data, stated = bytearray(FILE_BYTES), {}
    for line in open(path, encoding="utf-8"):
        match = re.fullmatch(r"([0-9a-f]{8})  ((?:[0-9a-f]{2} ?){16})\n", line)
        if match:
            at = int(match.group(1), 16)
            data[at:at + 16] = bytes.fromhex(match.group(2))
        match = re.fullmatch(r"\| `decoded\.([a-z_.]+)` \| `([^`]*)` \|\n", line)
        if match:
            stated[match.group(1)] = match.group(2)
    ledger = Ledger(bytes(data))
    slot, cell, model = ledger.slot(0), ledger.cell(0, 0), ledger.slot(0)["models"][0]
    found = {"header.boot_id": ledger.boot_id, "header.version": ledger.version, "header.device_count": ledger.device_count,
             "header.slots_used": ledger.slots_used}
    for prefix, fields in (("device", ledger.device(0)), ("slot", slot), ("cell", cell), ("model", model)):
        found.update({f"{prefix}.{name}": value for name, value in fields.items() if name != "models"})
    assert len(stated) >= 20, f"the page states only {len(stated)} values"
    for name, value in stated.items():
        assert str(found[name]) == value, f"{name}: the bytes say {found[name]}, the page says {value}"
    assert not ledger.broken(), ledger.broken()
    return len(stated)


def main(arguments):
    command, rest = arguments[0], arguments[1:]
    if command == "dump":
        print(json.dumps(dump(rest[0]), indent=2))
        return 0
    if command == "page":
        print(f"{decode_page(rest[0])} values agree")
        return 0
    rounds, wrong, end = 0, [], time.monotonic() + (float(rest[1]) if command == "watch" else 0)
    while not wrong and (rounds == 0 or time.monotonic() < end):
        wrong = check(rest[0])
        rounds += 1
        if command == "watch":
            time.sleep(0.005)
    print("\n".join(wrong) if wrong else f"{rounds} looks, nothing broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
