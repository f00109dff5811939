#!/usr/bin/env python3
"""Whisper weights in the form of CTranslate2 (faster-whisper's) written as a model file of whisper.cpp.

    from_ctranslate2.py MODEL.bin ASSETS OUT.bin

MODEL.bin  "model.bin" of a CTranslate2 Whisper model, version 6 of its format, 16- or 32-bit floats.
ASSETS     the folder whisper/assets of the package openai-whisper: mel filters and the list of tokens, which the weights do not hold.
OUT.bin    written whole or not at all; named ggml-NAME.bin it is found by clams-whisper as model NAME.

Needs numpy. Exit status: 0 written, 1 the input is not such a model, 2 wrong use.

The layout of OUT.bin is the one that whisper.cpp reads (whisper_model_load): a head of twelve 32-bit integers, the mel filters, the
tokens, then the tensors with name and shape, matrices as 16-bit floats. The file has the size of the published one to the byte, but not
its checksum: tensors stand in another order, and the encoder's positions went through 16 bits.
"""
import base64
import os
import struct
import sys
import tempfile

import numpy

MAGIC = 0x67676D6C  # "ggml"
HEAD_WIDTH = 64  # of every Whisper model: values of an attention head
AUDIO_CONTEXT, TEXT_CONTEXT = 1500, 448
FLOAT32, FLOAT16 = 0, 1
TYPES = {0: numpy.float32, 1: numpy.int8, 2: numpy.int16, 3: numpy.int32, 4: numpy.float16}


class NotAModel(Exception):
    pass


class Reader:
    """The bytes of a CTranslate2 model, little-endian, texts with a 16-bit length."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise NotAModel("ends at byte %d, in the middle of a value of %d bytes" % (len(self.data), count))
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def text(self):
        return self.take(self.number("H")).rstrip(b"\0").decode()

    def tensor(self):
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = self.number("B")
        if kind not in TYPES:
            raise NotAModel("holds values of the unknown type %d" % kind)
        count = self.number("I") // numpy.dtype(TYPES[kind]).itemsize
        values = numpy.frombuffer(self.take(count * numpy.dtype(TYPES[kind]).itemsize), TYPES[kind])
        return values.reshape(shape)


def read_ctranslate2(data):
    """name -> array."""
    reader = Reader(data)
    version, spec = reader.number("I"), reader.text()
    if version != 6 or spec != "WhisperSpec":
        raise NotAModel("is %s, version %d; WhisperSpec, version 6, is wanted" % (spec or "nothing", version))
    reader.number("I")  # revision of the specification
    tensors = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        tensors[name] = reader.tensor()
    for _ in range(reader.number("I")):  # second names of the same tensors
        alias = reader.text()
        tensors[alias] = tensors[reader.text()]
    return tensors


def layers(tensors, side):
    numbers = {name.split("/")[1][len("layer_"):] for name in tensors if name.startswith(side + "/layer_")}
    return len([number for number in numbers if number.isdigit()])


class Names:
    """Tensors under the names that whisper.cpp has for them."""

    def __init__(self, tensors):
        self.source, self.tensors = tensors, {}

    def take(self, name):
        if name not in self.source:
            raise NotAModel("has no tensor " + name)
        return self.source[name]

    def put(self, name, source):
        self.tensors[name] = self.take(source)

    def linear(self, name, source):
        self.put(name + ".weight", source + "/weight")
        self.put(name + ".bias", source + "/bias")

    def norm(self, name, source):
        self.put(name + ".weight", source + "/gamma")
        self.put(name + ".bias", source + "/beta")

    def split(self, names, source, width):
        """One matrix of CTranslate2 holds several of whisper.cpp's below each other. Keys have no bias: it is zero there."""
        weight, bias = self.take(source + "/weight"), self.take(source + "/bias")
        for n, name in enumerate(names):
            rows = slice(n * width, (n + 1) * width)
            self.tensors[name + ".weight"] = weight[rows]
            if not name.endswith(".key"):
                self.tensors[name + ".bias"] = bias[rows]
            elif bias[rows].any():
                raise NotAModel("has a bias for the keys of " + source + ", which Whisper has not")

    def block(self, side, number, width):
        name, source = "%s.blocks.%d" % (side, number), "%s/layer_%d" % (side, number)
        self.norm(name + ".attn_ln", source + "/self_attention/layer_norm")
        self.split([name + ".attn." + part for part in ("query", "key", "value")], source + "/self_attention/linear_0", width)
        self.linear(name + ".attn.out", source + "/self_attention/linear_1")
        if side == "decoder":
            self.norm(name + ".cross_attn_ln", source + "/attention/layer_norm")
            self.linear(name + ".cross_attn.query", source + "/attention/linear_0")
            self.split([name + ".cross_attn." + part for part in ("key", "value")], source + "/attention/linear_1", width)
            self.linear(name + ".cross_attn.out", source + "/attention/linear_2")
        self.norm(name + ".mlp_ln", source + "/ffn/layer_norm")
        self.linear(name + ".mlp.0", source + "/ffn/linear_0")
        self.linear(name + ".mlp.2", source + "/ffn/linear_1")


def renamed(tensors):
    names = Names(tensors)
    width = names.take("decoder/embeddings/weight").shape[1]
    names.put("decoder.positional_embedding", "decoder/position_encodings/encodings")
    names.put("encoder.positional_embedding", "encoder/position_encodings/encodings")
    names.put("decoder.token_embedding.weight", "decoder/embeddings/weight")
    for side in ("decoder", "encoder"):
        for number in range(layers(tensors, side)):
            names.block(side, number, width)
    names.norm("decoder.ln", "decoder/layer_norm")
    names.norm("encoder.ln_post", "encoder/layer_norm")
    for layer in ("conv1", "conv2"):
        names.linear("encoder." + layer, "encoder/" + layer)
    return names.tensors


def packed(name, values):
    """One tensor of the file. Vectors, positions and biases of convolutions (which are columns there) stay 32-bit."""
    column = name in ("encoder.conv1.bias", "encoder.conv2.bias")
    if column:
        values = values.reshape(-1, 1)
    exact = column or values.ndim < 2 or name.endswith("positional_embedding")
    body = numpy.ascontiguousarray(values.astype(numpy.float32 if exact else numpy.float16)).tobytes()
    head = struct.pack("<3i", values.ndim, len(name), FLOAT32 if exact else FLOAT16)
    return head + struct.pack("<%di" % values.ndim, *values.shape[::-1]) + name.encode() + body


def read_tokens(assets, multilingual):
    path = os.path.join(assets, "multilingual.tiktoken" if multilingual else "gpt2.tiktoken")
    with open(path, "rb") as lines:
        tokens = [base64.b64decode(line.split()[0]) for line in lines if line.strip()]
    return tokens + [b"<|endoftext|>"]


def write_model(tensors, assets, out):
    vocabulary, width = tensors["decoder/embeddings/weight"].shape
    heads = width // HEAD_WIDTH
    bands = tensors["encoder/conv1/weight"].shape[1]
    # A model of English alone has 51864 tokens, every other one more.
    tokens = read_tokens(assets, vocabulary > 51864)
    filters = numpy.load(os.path.join(assets, "mel_filters.npz"))["mel_%d" % bands].astype("<f4")
    head = (MAGIC, vocabulary, AUDIO_CONTEXT, width, heads, layers(tensors, "encoder"), TEXT_CONTEXT, width, heads,
            layers(tensors, "decoder"), bands, FLOAT16)
    out.write(struct.pack("<12i", *head))
    out.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
    out.write(struct.pack("<i", len(tokens)))
    for token in tokens:
        out.write(struct.pack("<i", len(token)) + token)
    for name, values in renamed(tensors).items():
        out.write(packed(name, values))


def convert(model, assets, path):
    with open(model, "rb") as data:
        tensors = read_ctranslate2(data.read())
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".weights-")
    try:
        with os.fdopen(descriptor, "wb") as out:
            write_model(tensors, assets, out)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main(arguments):
    if len(arguments) != 3:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    try:
        convert(*arguments)
    except NotAModel as error:
        print("%s is not a Whisper model of CTranslate2: it %s" % (arguments[0], error), file=sys.stderr)
        return 1
    except (OSError, KeyError) as error:
        print("%s cannot be converted: %s" % (arguments[0], error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
