#!/usr/bin/env python3
"""Records what Python's json module makes of texts and values; the tests compare ours with it.

    record_python.py >python_records.inc

Run it again when a case is added. Python 3.11 wrote the records that are checked in; the words of json's errors are those of that version.
"""
import json
import math
import random
import struct
import sys

sys.set_int_max_str_digits(0)

DOUBLES = [0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 1 / 3, 2 / 3, 1e-4, 1e-5, 9.999e-5, 0.00012345, 1e-7, 1e-10, 1.5e-5, 123456.789, 1e15, 1e16, 123456789012345680.0,
           9007199254740992.0, 9007199254740993.0, 1e17, 1e21, 1e22, 1e23, 9.999999999999999e22, 5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308, 100.0,
           1e100, 1e-100, 4.35, 0.5, 29.97, 3.141592653589793, 2.718281828459045, 1e5, 12345678.9, 999999999999999.9, 9999999999999998.0, 0.001, math.nan, math.inf, -math.inf]

VALID = ["null", "true", "false", "0", "-0", "1", "-1", "1.0", "1.50", "-0.0", "1e5", "1E5", "1e+5", "1E-5", "0.1e1", "0e0", "0E+1", "1e400", "-1e400", "1e-400", "-1e-400", "NaN",
         "Infinity", "-Infinity", "[NaN,Infinity,-Infinity]", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "123456789012345678901234567890",
         "1" * 4300, "9" * 5000, "9007199254740993", "9007199254740993.0", "1." + "0" * 400 + "1", "0." + "0" * 400 + "1", "1" + "0" * 400 + ".5", '""', '"a"', '"\\u0041"', '"\\u00e9"', '"é"', '"\\ud83d\\ude00"',
         '"\U0001f600"', '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\udc00\\ud800"', '"\\ud83dx"', '"\\uD83D\\uDE00"', '"\\ud83d\\u0041"', '"\\u0000"', '"\\/\\"\\\\\\b\\f\\n\\r\\t"', '"\x7f"', '"\u2028\u2029"',
         '"\\\\"', '"\\\\\\""', '"\\\\\\\\"', '"a\\\\"', "[]", "{}", "[[]]", "[{}]", "[[],[]]", " [ ] ", " { } ", "\t\n\r [\t\n\r1\t\n\r,\t\n\r2\t\n\r]\t\n\r", '{"a":1}', '{"a":1,"a":2}', '{"a":1,"b":2,"a":3}',
         '{"a":{"a":{"a":1}}}', '{"":0}', '{"\\u0061":1,"a":2}', '[1,"a",null,true,false,{"k":[]}]', '{"b":1,"a":2}', "[1 ,2]", '{"a" :1}', '{"a": 1 }', '"[1,2"', '"{\\"a\\":1}"', '["]"]', '[0,0.0,-0,-0.0]',
         "[" * 100 + "]" * 100, '{"a":' * 100 + "1" + "}" * 100, '"\\u2028\\u007f\\u0080\\u00ff\\u0100\\uffff"', '"\U00010000\U0010ffff"', "[1e1,1e-1,1.0e10]", '{"\\ud800":"\\udfff"}',
         '["\\u200b", "\\u00ad", "\\u0378", "\\U"]'.replace("\\U", "\U000e0001"), '"%s"' % ("x" * 1000), '"%s"' % ("é" * 200), "[%s]" % ",".join("%d" % i for i in range(100))]

INVALID = ["", " ", "   ", "\n\n", "not json", "nul", "tru", "True", "None", "nan", "-NaN", "+1", "+Infinity", "Inf", "-Infinit", "Infinityx", "NaNx", "01", "-01", "00", "1.", "-", "--1", ".5", "-.5", "1e", "1e+", "1.e5", "1.2.3",
           "0x10", "1_000", "1,2", "1 2", "tru e", "truex", "true false", '"', '"abc', '"abc\\', '"abc\\"', '"\\x"', '"\\a"', '"\\u"', '"\\u12"', '"\\u12g4"', '"\\u 123"', '"\\uD83D\\u00"', '"\\ud83d\\uxyzw"', '"\\U0041"', '"\n"',
           '"a\tb"', '"\x00"', '"\x1f"', "'a'", "[", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", '[1"a"]', '{"a":1"b"}', '[true"x"]', '["a"1]', '["a"true]', '1"a"', '1""', '{"a"1:2}', "[1{}]", "[1[]]", "1[", "true{}", "[1,,2]", "[1;2]", "]", "[1]]", "[1}", "[}", "[1.2.3, 01]", "[tru]", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}',
           '{"a" 1}', '{"a"=1}', '{a:1}', "{'a':1}", "{1:2}", '{"a":1 "b":2}', '{"a":1,,"b":2}', "{,}", '{"a":}', '{:1}', "}", '{"a":1}}', '{"a":1]', '{"a":1}{}', "{}{}", "[][]", "{} []", "[]x", "null,", "nullnull", '"a""b"', "1 x", "// c\n1",
           "/* */1", "1 // c", "# c", "\ufeff1", "\ufeff", "\u00a01", "\u30001", "1\u00a0", "\x0c1", "1\x0c", "\x0b1", "\x001", "1\x00", "[1\x00]", '{"a":\x00}', "\\u0031", "undefined", "[undefined]", '{"a":undefined}', "[1,\n2,\n3\n4]",
           '{"a":1,\n"b":\n\n}', '{\n"é": "é\t"}', '["é", é]', '["\U0001f600", x]', "[\r\n1\r\n2]", "\n\n  x", '["a\\']

INVALID_BYTES = [b"\xff", b"\x80", b'"\xff"', b'"\xc0\xaf"', b'"\xc1\x81"', b'"\xe2\x82"', b'"\xe2\x28\xa1"', b'"\xed\xa0\x80"', b'"\xed\xbf\xbf"', b'"\xe0\x80\x80"', b'"\xf0\x80\x80\x80"', b'"\xf4\x90\x80\x80"', b'"\xf5\x80\x80\x80"', b'"\xf8\x88\x80\x80\x80"',
                 b'"\xc3"', b'"abc\xe9def"', b'["ok", "\xc3\xa9", "\xf0\x9f\x98"]', b'"\xe2\x82', b"\xc3", b'{"\xe9": 1}', b"\xff\xfe[\x00]\x00", b"\x1f\x8b\x08\x00", b"[1]\xff", b'"\xf0\x28\x8c\xbc"', b'"\xf0\x90\x28\xbc"', b'"\xc3\x28"']

REPR_STRINGS = ["", "a", "'", '"', "'\"", "it's", 'say "x"', "\\", "\n\r\t", "\x00\x07\x1b\x7f", "\x80\x9f\xa0\xad\xff", "é", "日本語", "\u200b\u200e\u2028\u2029\ufeff", "\U0001f600", "\U000e0001", "\U0010ffff", "\u0378", "\ud800", "\udfff x", "\ue000",
                "\u0300e", "\u3000", "a\\'b", "tab\there", "\u00a0nbsp", "\x1f", "~", "\u061c", "\u180e", "\U0001d173", "\U0002a6df", "\U0003134a", "\U00030000"]


def literal(data):
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    out = "".join(chr(b) if 0x20 <= b < 0x7F and chr(b) not in '"\\?' else "\\%03o" % b for b in data)
    return " ".join('"%s"' % piece for piece in split(out)) + "sv"


def split(text, length=140):
    """Cut where no escape is cut."""
    pieces, start = [], 0
    while len(text) - start > length:
        end = start + length
        backslash = text.rfind("\\", end - 3, end)
        if backslash >= 0 and text[backslash:].startswith("\\"):
            end = backslash
        pieces.append(text[start:end])
        start = end
    return pieces + [text[start:]]


def table(name, kind, rows):
    print("constexpr %s %s[] = {" % (kind, name))
    for row in rows:
        print("  {%s}," % ", ".join(row))
    print("};")


def refusal(text):
    try:
        json.loads(text)
    except json.JSONDecodeError as e:
        return str(e)
    raise SystemExit("Python takes %r" % text)


def bad_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        return e.start
    raise SystemExit("%r is UTF-8" % data)


def random_doubles(n):
    rng = random.Random(20260102)
    while n:
        value = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0] if n % 2 else rng.uniform(-1e6, 1e6) * 10 ** rng.randint(-12, 12)
        if math.isfinite(value):
            n -= 1
            yield value


def main():
    print("// Written by record_python.py with Python %s.%s.%s; not by hand." % sys.version_info[:3])
    doubles = DOUBLES + list(random_doubles(60))
    table("kDoubles", "DoubleRecord", ([("0x%016xULL" % struct.unpack("<Q", struct.pack("<d", d))[0]), literal(json.dumps(d))] for d in doubles))
    table("kTaken", "TakenRecord", ([literal(t), literal(json.dumps(json.loads(t))), literal(json.dumps(json.loads(t), indent=2)), literal(json.dumps(json.loads(t), ensure_ascii=False)
           if not has_surrogate(json.loads(t)) else ""), literal(repr(json.loads(t))), literal(type(json.loads(t)).__name__)] for t in VALID))
    table("kRefused", "RefusedRecord", ([literal(t), literal(refusal(t))] for t in INVALID))
    table("kBadUtf8", "BadUtf8Record", ([literal(b), str(bad_utf8(b))] for b in INVALID_BYTES))
    table("kReprs", "ReprRecord", ([literal(s), literal(repr(s))] for s in REPR_STRINGS))


def has_surrogate(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


if __name__ == "__main__":
    main()
