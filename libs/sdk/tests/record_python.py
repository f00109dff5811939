#!/usr/bin/env python3
"""Records how Python casts parameters, reads queries and writes times; the tests compare ours with it.

    record_python.py >python_records.inc

Run it again when a case is added. Python 3.11 wrote the records that are checked in.
"""
import codecs
import datetime
import sys
import urllib.parse

INTS = ["0", "1", "-1", "+1", "007", "-0", "+0", "00", "1_000", "1__0", "_1", "1_", "1_0_0", "-_1", "- 1", " 5 ", "\t5\n", "\u00a05\u3000", "\x1c5\x1f", "\x1c\u0665\x1f", "\x855", "5\u200b", "", " ", "abc", "2.0", "1e3", "0x10", "0b1", "1,5", "\u0661\u0662\u0663", "\uff11\uff12",
        "\u0967_\u0968", "1\u0662", "\u00b2", "\u2460", "\U0001d7d9", "\u0be7", "\u4e00", "\u2212" "1", "--1", "+-1", "1 2", "1\x00", "\x001", "it's", "\u00e9", "9223372036854775808", "-9223372036854775809", "1" * 4300, "0" * 4300, "1" * 4301, "0" * 4301, "1_" * 4299 + "1", "True", "nan", "\U0001f600",
        "\n", "0_0", "-\u0663"]
FLOATS = ["0", "1", "-1", "+1.5", "1.0", ".5", "5.", ".", "-.5", "+.5e1", "1e3", "1E3", "1e+3", "1e-3", "1e", "1e+", "e5", "1_0.5", "1_.5", "1._5", "1.5_5", "1e1_0", "1e_1", "_1.0", "1.0_", "1__0.0", "nan", "NaN", "-nan", "+nan", "NAN", "inf", "-inf", "+inf", "Infinity", "-INFINITY", "infinit", "in f",
          "nan()", "1e400", "-1e400", "1e-400", "1,5", "", " ", " 1.5 ", "\x1c1.5", "\x1f\u0661.5\x1d", "\u00a01.5\u2003", "\t1\n", "\u0661.\u0665", "\uff11e\uff12", "0x1p3", "1.5f", "1.5L", "--1", "1 .5", "1\x00", "abc", "0.1", "1e-7", "1e22", "123456789012345678901234567890", "-0", "-0.0", "00.5", "1" * 400, "0." + "0" * 400 + "1",
          "True", "\u00e9", "it's", "\u221e", "1e99999999999999999999", "1e-99999999999999999999", "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880"]
QUERIES = ["", "a", "a=", "a=1", "a=1&a=2", "a=1&b=2&a=3", "&", "&&a=1&&", "=x", "=", "a==b", "a=b=c", "a=1;b=2", "a+b=c+d", "a%20b=%20", "a=%2B", "a=%", "a=%4", "a=%zz", "a=%4z", "a=100%", "a=%C3%A9", "a=%c3%a9", "a=%FF", "a=%ff", "a=%C3", "a=%C3%28", "a=%E2%82", "a=%E2%82%AC",
           "a=%ED%A0%80", "a=%C0%AF", "a=%F4%90%80%80", "a=%F0%9F%98%80", "a=%F0%9F%98", "a=x%FFy", "%61=%62", "a=%00", "a=%26b", "a%3Db=c", "A=1&a=2", "a=%25", "a=%2525", "a=%EF%BB%BFx", "a[]=1&a[]=2", "a=1#b", "pretty", "pretty&text=x&foo=a&foo=b&hwFetch=1", "a=\"'<>", "a=%0A%0D", "a=1&A=1&%61=2",
           "a=%80%81", "a=%E9t%E9"]
TIMEDELTAS = [0, 1, 123, 394, 1000, 999999, 1000000, 5000000, 59999999, 60000000, 3599999999, 3600000000, 36000000000, 86399999999, 86400000000, 86400000001, 93604000005, 172799000000, 172800000000, 864000000000, 8640000000000, 123456789012345]


def literal(data):
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    text = "".join(chr(b) if 0x20 <= b < 0x7F and chr(b) not in '"\\?' else "\\%03o" % b for b in data)
    pieces, start = [], 0
    while len(text) - start > 140:
        end = start + 140
        backslash = text.rfind("\\", end - 3, end)
        end = backslash if backslash >= 0 else end
        pieces.append(text[start:end])
        start = end
    return " ".join('"%s"' % p for p in pieces + [text[start:]]) + "sv"


def table(name, kind, rows):
    print("constexpr %s %s[] = {" % (kind, name))
    for row in rows:
        print("  {%s}," % ", ".join(row))
    print("};")


def cast(function, text):
    """(whether it is taken, repr or error)"""
    try:
        value = function(text)
    except ValueError as e:
        return ["false", literal(str(e))]
    sys.set_int_max_str_digits(0)
    shown = repr(value)
    sys.set_int_max_str_digits(4300)
    return ["true", literal(shown)]


def url_quote_errors(error):
    """As Werkzeug: bytes that are no UTF-8 stay percent-encoded."""
    return urllib.parse.quote(error.object[error.start:error.end], safe=""), error.end


def main():
    codecs.register_error("url_quote", url_quote_errors)
    print("// Written by record_python.py with Python %s.%s.%s; not by hand." % sys.version_info[:3])
    table("kInts", "CastRecord", ([literal(t)] + cast(int, t) for t in INTS))
    table("kFloats", "CastRecord", ([literal(t)] + cast(float, t) for t in FLOATS))
    table("kQueries", "QueryRecord", ([literal(q), literal("".join("%s\x01%s\x02" % pair for pair in urllib.parse.parse_qsl(q, keep_blank_values=True, errors="url_quote")))] for q in QUERIES))
    table("kTimedeltas", "TimedeltaRecord", ([str(t), literal(str(datetime.timedelta(microseconds=t)))] for t in TIMEDELTAS))


if __name__ == "__main__":
    main()
