#!/usr/bin/env python3
"""Whisper weights in the form of CTranslate2 (faster-whisper's) written as a model file of whisper.cpp.

    from_ctranslate2.py FOLDER HEAD.bin OUT.bin

FOLDER    "model.bin" (version 6 of CTranslate2's format, 16- or 32-bit floats) and "tokenizer.json", as faster-whisper has them.
HEAD.bin  a model file of whisper.cpp for a model of the same size; its mel filters are taken. The source of whisper.cpp has such
          files without weights: models/for-tests-ggml-tiny.en.bin and others.
OUT.bin   written whole or not at all; named ggml-NAME.bin it is found by clams-whisper as model NAME.

Needs nothing but Python 3.8. Exit status: 0 written, 1 the input is not such a model, 2 wrong use.

The layout of OUT.bin is the one that whisper.cpp reads (whisper_model_load): a head of twelve 32-bit integers, the mel filters, the
tokens, then the tensors with name and shape, matrices as 16-bit floats. The file has the size of the published one to the byte, but not
its checksum: tensors stand in another order, and the encoder's positions went through 16 bits.
"""
import json
import os
import struct
import sys
import tempfile

MAGIC = 0x67676D6C  # "ggml"
HEAD_WIDTH = 64  # of every Whisper model: values of an attention head
AUDIO_CONTEXT, TEXT_CONTEXT = 1500, 448
TOKENS = 50257  # words of the vocabulary and the end of the text; whisper.cpp knows the marks behind them itself
FLOAT32, FLOAT16 = 0, 1
FORMS = {0: "f", 4: "e"}  # types of CTranslate2 that are floats, as struct names them; integers are only found in flags


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
        return self.take(self.number("H")).rstrip(b"\0").decode(errors="replace")

    def tensor(self):
        shape = [self.number("I") for _ in range(self.number("B"))]
        form = FORMS.get(self.number("B"))
        return Tensor(shape, form, self.take(self.number("I")))


class Tensor:
    """Numbers in rows, as bytes: most leave as they came."""

    def __init__(self, shape, form, data):
        self.shape, self.form, self.data = shape, form, data
        count = 1
        for length in shape:
            count *= length
        if form is not None and count * struct.calcsize(form) != len(data):
            raise NotAModel("has %d bytes where a tensor of the shape %s needs %d" % (len(data), shape, count * struct.calcsize(form)))

    def rows(self, start, end):
        size = len(self.data) // self.shape[0]
        return Tensor([end - start] + self.shape[1:], self.form, self.data[start * size:end * size])

    def values(self):
        if self.form is None:
            raise NotAModel("has integers where weights are floats: it is a quantised model")
        return struct.unpack("<%d%s" % (len(self.data) // struct.calcsize(self.form), self.form), self.data)

    def as_form(self, form):
        if self.form == form:
            return self.data
        values = self.values()
        return struct.pack("<%d%s" % (len(values), form), *values)


def read_ctranslate2(data):
    """name -> Tensor."""
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
            rows = (n * width, (n + 1) * width)
            self.tensors[name + ".weight"] = weight.rows(*rows)
            if not name.endswith(".key"):
                self.tensors[name + ".bias"] = bias.rows(*rows)
            elif any(bias.rows(*rows).values()):
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


def packed(name, tensor):
    """One tensor of the file. Vectors, positions and biases of convolutions (which are columns there) stay 32-bit."""
    column = name in ("encoder.conv1.bias", "encoder.conv2.bias")
    shape = tensor.shape + [1] if column else tensor.shape
    exact = column or len(shape) < 2 or name.endswith("positional_embedding")
    head = struct.pack("<3i", len(shape), len(name), FLOAT32 if exact else FLOAT16)
    return head + struct.pack("<%di" % len(shape), *reversed(shape)) + name.encode() + tensor.as_form("f" if exact else "e")


def read_head(data):
    """(the twelve integers, the bytes of the mel filters) of a model file of whisper.cpp."""
    reader = Reader(data)
    numbers = struct.unpack("<12i", reader.take(48))
    if numbers[0] != MAGIC:
        raise NotAModel("does not begin as a model file of whisper.cpp")
    bands, columns = struct.unpack("<2i", reader.take(8))
    return numbers, struct.pack("<2i", bands, columns) + reader.take(4 * bands * columns)


def byte_of_character():
    """GPT-2's way to write any byte as a character that can be printed."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {**{chr(byte): byte for byte in plain}, **{chr(256 + n): byte for n, byte in enumerate(others)}}


def read_tokens(data):
    """The tokens in order, as whisper.cpp has them: the length of each before its bytes."""
    try:
        vocabulary = json.loads(data)["model"]["vocab"]
        names = {number: name for name, number in vocabulary.items()}
        byte_of = byte_of_character()
        tokens = [bytes(byte_of[character] for character in names[number]) for number in range(TOKENS)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAModel("does not hold Whisper's %d tokens: %r" % (TOKENS, error)) from None
    return struct.pack("<i", TOKENS) + b"".join(struct.pack("<i", len(token)) + token for token in tokens)


def head_of(tensors):
    vocabulary, width = tensors["decoder/embeddings/weight"].shape
    heads = width // HEAD_WIDTH
    bands = tensors["encoder/conv1/weight"].shape[1]
    return (MAGIC, vocabulary, AUDIO_CONTEXT, width, heads, layers(tensors, "encoder"), TEXT_CONTEXT, width, heads,
            layers(tensors, "decoder"), bands, FLOAT16)


def write_model(tensors, tokens, head, out):
    numbers, filters = head
    wanted = head_of(tensors)
    # The last number is the type of the weights: a file without any may have another one.
    if numbers[:-1] != wanted[:-1]:
        raise NotAModel("the head is for a model of other sizes than the weights: %s, not %s" % (numbers[1:-1], wanted[1:-1]))
    out.write(struct.pack("<12i", *wanted) + filters + tokens)
    for name, tensor in renamed(tensors).items():
        out.write(packed(name, tensor))


def read(path, reader):
    with open(path, "rb") as data:
        try:
            return reader(data.read())
        except NotAModel as error:
            raise NotAModel("%s %s" % (path, error)) from None


def convert(folder, head, path):
    tensors = read(os.path.join(folder, "model.bin"), read_ctranslate2)
    tokens = read(os.path.join(folder, "tokenizer.json"), read_tokens)
    head = read(head, read_head)
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".weights-")
    try:
        with os.fdopen(descriptor, "wb") as out:
            write_model(tensors, tokens, head, out)
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
    except (NotAModel, OSError, KeyError) as error:
        print("from_ctranslate2.py: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
