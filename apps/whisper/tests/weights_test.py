#!/usr/bin/env python3
"""weights/from_ctranslate2.py on a small invented model: every number is where whisper.cpp looks for it, and what is no model is refused
in one line."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "weights", "from_ctranslate2.py")
WIDTH, BANDS, VOCABULARY, TOKENS = 64, 80, 11, 50257
HEAD = (0x67676D6C, VOCABULARY, 1500, WIDTH, 1, 1, 448, WIDTH, 1, 1, BANDS, 1)


def shapes():
    """Tensors of a Whisper model with one layer on each side, by CTranslate2's names."""
    norm = lambda name: {name + "/gamma": [WIDTH], name + "/beta": [WIDTH]}
    linear = lambda name, out, into=WIDTH: {name + "/weight": [out, into], name + "/bias": [out]}
    out = {"decoder/embeddings/weight": [VOCABULARY, WIDTH], "decoder/position_encodings/encodings": [4, WIDTH],
           "encoder/position_encodings/encodings": [5, WIDTH], "encoder/conv1/weight": [WIDTH, BANDS, 3], "encoder/conv1/bias": [WIDTH],
           "encoder/conv2/weight": [WIDTH, WIDTH, 3], "encoder/conv2/bias": [WIDTH], **norm("decoder/layer_norm"), **norm("encoder/layer_norm")}
    for side in ("encoder", "decoder"):
        layer = side + "/layer_0"
        out.update({**norm(layer + "/self_attention/layer_norm"), **linear(layer + "/self_attention/linear_0", 3 * WIDTH),
                    **linear(layer + "/self_attention/linear_1", WIDTH), **norm(layer + "/ffn/layer_norm"),
                    **linear(layer + "/ffn/linear_0", 4 * WIDTH), **linear(layer + "/ffn/linear_1", WIDTH, 4 * WIDTH)})
    cross = "decoder/layer_0/attention"
    out.update({**norm(cross + "/layer_norm"), **linear(cross + "/linear_0", WIDTH), **linear(cross + "/linear_1", 2 * WIDTH),
                **linear(cross + "/linear_2", WIDTH)})
    return out


def values_of(name, shape):
    """Small whole numbers, which 16 bits hold exactly. The biases of keys are zero, as in every Whisper model."""
    count = 1
    for length in shape:
        count *= length
    seed = sum(name.encode())
    values = [float((seed + 7 * n) % 1999 - 999) for n in range(count)]
    if name.endswith("self_attention/linear_0/bias"):
        values[WIDTH:2 * WIDTH] = [0.0] * WIDTH
    if name.endswith("/attention/linear_1/bias"):
        values[:WIDTH] = [0.0] * WIDTH
    return values


def text(value):
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def model(spec="WhisperSpec", version=6, kind=4, change=None):
    names = shapes()
    out = struct.pack("<I", version) + text(spec) + struct.pack("<II", 3, len(names))
    for name, shape in names.items():
        values = values_of(name, shape)
        if change:
            change(name, values)
        data = struct.pack("<%d%s" % (len(values), {4: "e", 0: "f", 2: "h"}[kind]), *(map(int, values) if kind == 2 else values))
        out += text(name) + struct.pack("<B%dI" % len(shape), len(shape), *shape) + struct.pack("<BI", kind, len(data)) + data
    return out + struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings/weight")


def tokenizer():
    """Tokens of one byte first, in GPT-2's spelling, so that each byte is there; then invented ones."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    characters = [chr(byte) for byte in plain] + [chr(256 + n) for n in range(len(others))]
    vocabulary = {character: number for number, character in enumerate(characters)}
    vocabulary.update({"t%d" % number: number for number in range(256, TOKENS + 5)})
    return json.dumps({"model": {"vocab": vocabulary}}), [bytes([byte]) for byte in plain + others]


def head(numbers=HEAD):
    return struct.pack("<12i", *numbers) + struct.pack("<2i", BANDS, 3) + struct.pack("<240f", *range(240)) + struct.pack("<i", 0)


def read_ggml(data):
    numbers, at = struct.unpack_from("<12i", data), 48
    rows, columns = struct.unpack_from("<2i", data, at)
    filters = struct.unpack_from("<%df" % (rows * columns), data, at + 8)
    at += 8 + 4 * rows * columns
    count, = struct.unpack_from("<i", data, at)
    at, tokens = at + 4, []
    for _ in range(count):
        size, = struct.unpack_from("<i", data, at)
        tokens.append(data[at + 4:at + 4 + size])
        at += 4 + size
    tensors = {}
    while at < len(data):
        rank, size, kind = struct.unpack_from("<3i", data, at)
        shape = struct.unpack_from("<%di" % rank, data, at + 12)
        at += 12 + 4 * rank
        name, at = data[at:at + size].decode(), at + size
        number = 1
        for length in shape:
            number *= length
        tensors[name] = (shape, kind, list(struct.unpack_from("<%d%s" % (number, "fe"[kind]), data, at)))
        at += number * (4, 2)[kind]
    return numbers, filters, tokens, tensors


class Weights(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("tokenizer.json", tokenizer()[0].encode())
        self.write("head.bin", head())

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as out:
            out.write(data)

    def convert(self, data):
        self.write("model.bin", data)
        out = os.path.join(self.folder, "out.bin")
        done = subprocess.run([sys.executable, PROGRAM, self.folder, os.path.join(self.folder, "head.bin"), out], capture_output=True, text=True, timeout=120)
        return done.returncode, done.stderr, out

    def refused(self, because, data):
        status, err, out = self.convert(data)
        self.assertEqual(status, 1, err)
        self.assertIn(because, err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertFalse(os.path.exists(out))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith(".")], [])

    def test_every_number_is_where_whisper_cpp_looks_for_it(self):
        for kind in (4, 0):
            status, err, out = self.convert(model(kind=kind))
            self.assertEqual((status, err), (0, ""))
            with open(out, "rb") as data:
                numbers, filters, tokens, tensors = read_ggml(data.read())
            self.assertEqual(numbers, HEAD)
            self.assertEqual(filters, tuple(float(n) for n in range(240)))
            self.assertEqual(tokens[:256], tokenizer()[1])
            self.assertEqual((len(tokens), tokens[-1]), (TOKENS, b"t50256"))
            self.expect(tensors, "decoder.token_embedding.weight", (WIDTH, VOCABULARY), 1, "decoder/embeddings/weight")
            self.expect(tensors, "encoder.conv1.weight", (3, BANDS, WIDTH), 1, "encoder/conv1/weight")
            self.expect(tensors, "encoder.conv1.bias", (1, WIDTH), 0, "encoder/conv1/bias")
            self.expect(tensors, "encoder.positional_embedding", (WIDTH, 5), 0, "encoder/position_encodings/encodings")
            self.expect(tensors, "decoder.blocks.0.mlp.2.weight", (4 * WIDTH, WIDTH), 1, "decoder/layer_0/ffn/linear_1/weight")
            self.expect(tensors, "decoder.blocks.0.cross_attn_ln.bias", (WIDTH,), 0, "decoder/layer_0/attention/layer_norm/beta")
            self.parts(tensors, "encoder.blocks.0.attn", ("query", "key", "value"), "encoder/layer_0/self_attention/linear_0")
            self.parts(tensors, "decoder.blocks.0.cross_attn", ("key", "value"), "decoder/layer_0/attention/linear_1")
            # A block has 15 tensors, and 9 more where it listens to the encoder; 3 + 2 + 2 + 4 stand outside.
            self.assertEqual(len(tensors), 15 + 15 + 9 + 11)

    def expect(self, tensors, name, shape, kind, source):
        self.assertEqual(tensors[name], (shape, kind, values_of(source, shapes()[source])), name)

    def parts(self, tensors, name, names, source):
        weight, bias = (values_of(source + ending, shapes()[source + ending]) for ending in ("/weight", "/bias"))
        for n, part in enumerate(names):
            self.assertEqual(tensors["%s.%s.weight" % (name, part)][2], weight[n * WIDTH * WIDTH:(n + 1) * WIDTH * WIDTH])
            if part == "key":
                self.assertNotIn("%s.key.bias" % name, tensors)
            else:
                self.assertEqual(tensors["%s.%s.bias" % (name, part)][2], bias[n * WIDTH:(n + 1) * WIDTH])

    def test_a_file_that_was_cut_off_is_refused_wherever_it_ends(self):
        whole = model()
        for size in (0, 3, 4, 9, 25, 26, 40, 200, 5000, len(whole) // 2, len(whole) - 1):
            self.refused("model.bin", whole[:size])

    def test_what_is_no_such_model_is_refused(self):
        self.refused("is TransformerSpec, version 6; WhisperSpec, version 6, is wanted", model(spec="TransformerSpec"))
        self.refused("WhisperSpec, version 7", model(version=7))
        self.refused("it is a quantised model", model(kind=2))
        self.refused("", os.urandom(4000))

        def bias_for_keys(name, values):
            if name == "encoder/layer_0/self_attention/linear_0/bias":
                values[WIDTH] = 1.0
        self.refused("has a bias for the keys", model(change=bias_for_keys))

    def test_a_head_for_another_size_or_other_tokens_are_refused(self):
        self.write("head.bin", head(HEAD[:3] + (128,) + HEAD[4:]))
        self.refused("the head is for a model of other sizes", model())
        self.write("head.bin", b"not a model at all, but long enough to be one of some kind, and more")
        self.refused("does not begin as a model file of whisper.cpp", model())
        self.write("head.bin", head())
        self.write("tokenizer.json", b'{"model": {"vocab": {"a": 0}}}')
        self.refused("does not hold Whisper's 50257 tokens", model())
        os.unlink(os.path.join(self.folder, "tokenizer.json"))
        self.refused("No such file or directory", model())

    def test_wrong_use_is_told_apart(self):
        done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr.startswith("from_ctranslate2.py FOLDER HEAD.bin OUT.bin")), (2, True))


if __name__ == "__main__":
    unittest.main()
