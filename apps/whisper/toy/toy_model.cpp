// How it works. Every state that matters is a code: a row of a 64 x 64 Hadamard matrix, entries +1 and -1, orthogonal to the other
// rows and with mean zero, so that the norms of the network let it pass.
//
//   encoder  The first convolution takes the mean of the lower mel bands minus that of the upper ones into channel 0, and the
//            negative of it into channel 1. What follows keeps them. The positional embedding drowns every frame after 5 s.
//   decoder  Self attention does nothing. Cross attention has all queries zero, so it averages over the frames, and adds the codes
//            HearsLow and HearsHigh to the stream. The feed-forward layer is a table: one hidden unit for each line "after this
//            token, hearing that, comes this token". The embedding of a token is its code, so it says what the table chose.
#include "toy/toy_model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace toy {
namespace {

constexpr int kState = 64, kHidden = 4 * kState, kHeads = 1, kLayers = 1;
constexpr int kAudioContext = 1500, kTextContext = 448, kMelBands = 80, kSpectrumBins = 201;
constexpr int kWindowPositions = 250;  // 5 s in steps of 20 ms
constexpr float kEmbedding = 8;        // length of a code in the embedding, per entry

enum Code {
  kStartCode = 1,
  kBeginCode,
  kLowCode,
  kHighCode,
  kSilenceCode,
  kToneCode,
  kHeardCode,
  kStopCode,
  kEndCode,
  kEotCode,
  kHearsLow,
  kHearsHigh,
  kDetectCode,
  kSpanishCode
};

float code(int row, int column) { return std::popcount(static_cast<unsigned>(row & column)) % 2 == 0 ? 1.0F : -1.0F; }

// Numbers of the tokens, which follow from the size of the vocabulary.
struct Tokens {
  explicit Tokens(Languages languages) : many(languages == Languages::Many) {
    const int shift = many ? 1 : 0;
    size = 51864 + shift;
    eot = 50256 + shift;
    sot = eot + 1;
    begin = 50363 + shift;
  }
  int spanish() const { return sot + 4; }
  int translate() const { return sot + 100; }
  int transcribe() const { return sot + 101; }
  int window_end() const { return begin + kWindowPositions; }

  bool many;
  int size, eot, sot, begin;
  static constexpr int kSpace = 220, kLow = 1000, kHigh = 1001, kSilence = 1002, kTone = 1003, kHeard = 1004, kStop = 1005;
};

struct Embedding {
  int token;
  Code code;
};

std::vector<Embedding> embeddings_of(const Tokens& t) {
  std::vector<Embedding> list = {
      {t.begin, kBeginCode},      {Tokens::kLow, kLowCode},     {Tokens::kHigh, kHighCode}, {Tokens::kSilence, kSilenceCode},
      {Tokens::kTone, kToneCode}, {Tokens::kHeard, kHeardCode}, {Tokens::kStop, kStopCode}, {t.window_end(), kEndCode},
      {t.eot, kEotCode}};
  if (!t.many) {
    list.push_back({t.sot, kStartCode});
    return list;
  }
  // The text begins after the task; after the first token alone the language is asked for.
  list.insert(list.end(),
              {{t.transcribe(), kStartCode}, {t.translate(), kStartCode}, {t.sot, kDetectCode}, {t.spanish(), kSpanishCode}});
  return list;
}

// A hidden unit: it fires when `token` x (stream along `after`) + `hears` x (stream along HearsLow - HearsHigh) exceeds -`bias`,
// and then adds `gain` x code of `next`.
struct Unit {
  Code after;
  float token, hears, bias, gain;
  Code next;
};
constexpr auto kTable = std::to_array<Unit>({
    {kStartCode, 20, 0, -4, 100, kBeginCode},
    {kDetectCode, 20, 0, -4, 100, kSpanishCode},
    {kBeginCode, 10, 10, -10.5F, 1000, kLowCode},
    {kBeginCode, 10, -10, -10.5F, 1000, kHighCode},
    {kBeginCode, 10, 0, -9, 50, kSilenceCode},
    {kLowCode, 20, 0, -4, 100, kToneCode},
    {kHighCode, 20, 0, -4, 100, kToneCode},
    {kToneCode, 20, 0, -4, 100, kHeardCode},
    {kHeardCode, 20, 0, -4, 100, kStopCode},
    {kSilenceCode, 20, 0, -4, 100, kStopCode},
    {kStopCode, 20, 0, -4, 100, kEndCode},
    // The engine's rules forbid a third time stamp in a row: the second choice then ends the text.
    {kEndCode, 20, 0, -4, 100, kEndCode},
    {kEndCode, 20, 0, -4, 50, kEotCode},
});

const Unit* unit_at(int hidden) {
  return hidden < static_cast<int>(kTable.size()) ? &kTable[static_cast<std::size_t>(hidden)] : nullptr;
}

const ModelWriter::Fill kZero = [](int, int, int) { return 0.0F; };
const ModelWriter::Fill kOne = [](int, int, int) { return 1.0F; };

// Triangles of equal area over the bins of a 400-point spectrum at 16 kHz, on Slaney's scale: linear below 1 kHz, then logarithmic.
void write_mel_filters(ModelWriter& out) {
  const double logarithmic = std::log(6.4) / 27;
  const auto hertz = [&](double mel) { return mel < 15 ? mel * 200 / 3 : 1000 * std::exp((mel - 15) * logarithmic); };
  const double top = 15 + std::log(8.0) / logarithmic;  // 8 kHz
  out.number(kMelBands);
  out.number(kSpectrumBins);
  for (int band = 0; band < kMelBands; ++band) {
    const auto edge = [&](int n) { return hertz(top * (band + n) / (kMelBands + 1)); };
    for (int bin = 0; bin < kSpectrumBins; ++bin) {
      const double at = 40.0 * bin;
      const double height = std::min((at - edge(0)) / (edge(1) - edge(0)), (edge(2) - at) / (edge(2) - edge(1)));
      out.number(static_cast<float>(std::max(0.0, height) * 2 / (edge(2) - edge(0))));
    }
  }
}

std::string spelling(int token) {
  switch (token) {
    case Tokens::kSpace: return " ";
    case Tokens::kLow: return " low";
    case Tokens::kHigh: return " high";
    case Tokens::kSilence: return " silence";
    case Tokens::kTone: return " tone";
    case Tokens::kHeard: return " heard";
    case Tokens::kStop: return ".";
    default: return {};
  }
}

void write_head(ModelWriter& out, const Tokens& tokens, TensorType matrices) {
  const int file_type = matrices == TensorType::Q8_0 ? 7 : static_cast<int>(matrices);
  out.number(0x67676d6c);
  for (const int figure :
       {tokens.size, kAudioContext, kState, kHeads, kLayers, kTextContext, kState, kHeads, kLayers, kMelBands, file_type})
    out.number(figure);
  write_mel_filters(out);
  out.number(tokens.eot + 1);
  for (int token = 0; token <= tokens.eot; ++token) out.word(spelling(token));
}

void write_norm(ModelWriter& out, const std::string& name) {
  out.vector(name + ".weight", {kState}, kOne);
  out.vector(name + ".bias", {kState}, kZero);
}

void write_attention(ModelWriter& out, const std::string& name, const ModelWriter::Fill& value, const ModelWriter::Fill& result) {
  write_norm(out, name + "_ln");
  out.matrix(name + ".query.weight", {kState, kState}, kZero);
  out.vector(name + ".query.bias", {kState}, kZero);
  out.matrix(name + ".key.weight", {kState, kState}, kZero);
  out.matrix(name + ".value.weight", {kState, kState}, value);
  out.vector(name + ".value.bias", {kState}, kZero);
  out.matrix(name + ".out.weight", {kState, kState}, result);
  out.vector(name + ".out.bias", {kState}, kZero);
}

void write_feed_forward(ModelWriter& out, const std::string& block, const ModelWriter::Fill& in, const ModelWriter::Fill& bias,
                        const ModelWriter::Fill& back) {
  write_norm(out, block + ".mlp_ln");
  out.matrix(block + ".mlp.0.weight", {kState, kHidden}, in);
  out.vector(block + ".mlp.0.bias", {kHidden}, bias);
  out.matrix(block + ".mlp.2.weight", {kHidden, kState}, back);
  out.vector(block + ".mlp.2.bias", {kState}, kZero);
}

void write_encoder(ModelWriter& out) {
  out.vector("encoder.positional_embedding", {kState, kAudioContext},
             [](int channel, int position, int) { return channel == 2 && position >= kWindowPositions ? 1000.0F : 0.0F; });
  out.convolution("encoder.conv1.weight", {3, kMelBands, kState}, [](int tap, int band, int channel) {
    if (tap != 1 || channel > 1) return 0.0F;
    return (band < kMelBands / 2) == (channel == 0) ? 1.0F : -1.0F;
  });
  out.vector("encoder.conv1.bias", {1, kState}, kZero);
  out.convolution("encoder.conv2.weight", {3, kState, kState},
                  [](int tap, int in, int channel) { return tap == 1 && in == channel && in < 2 ? 1.0F : 0.0F; });
  out.vector("encoder.conv2.bias", {1, kState}, kZero);
  write_norm(out, "encoder.ln_post");
  write_attention(out, "encoder.blocks.0.attn", kZero, kZero);
  write_feed_forward(out, "encoder.blocks.0", kZero, kZero, kZero);
}

void write_decoder(ModelWriter& out, const Tokens& tokens) {
  out.vector("decoder.positional_embedding", {kState, kTextContext}, kZero);
  const auto embeddings = embeddings_of(tokens);
  out.matrix("decoder.token_embedding.weight", {kState, tokens.size}, [&](int channel, int token, int) {
    const auto found = std::find_if(embeddings.begin(), embeddings.end(), [&](const Embedding& e) { return e.token == token; });
    return found == embeddings.end() ? 0.0F : kEmbedding * code(found->code, channel);
  });
  write_norm(out, "decoder.ln");
  write_attention(out, "decoder.blocks.0.attn", kZero, kZero);
  write_attention(
      out, "decoder.blocks.0.cross_attn",
      [](int in, int channel, int) { return in > 1 ? 0.0F : code(in == 0 ? kHearsLow : kHearsHigh, channel) / 8; },
      [](int in, int channel, int) { return in == channel ? 100.0F : 0.0F; });
  write_feed_forward(
      out, "decoder.blocks.0",
      [](int channel, int hidden, int) {
        const Unit* unit = unit_at(hidden);
        if (unit == nullptr) return 0.0F;
        return (unit->token * code(unit->after, channel) + unit->hears * (code(kHearsLow, channel) - code(kHearsHigh, channel))) /
               kState;
      },
      [](int hidden, int, int) { return unit_at(hidden) == nullptr ? 0.0F : unit_at(hidden)->bias; },
      [](int hidden, int channel, int) {
        return unit_at(hidden) == nullptr ? 0.0F : unit_at(hidden)->gain * code(unit_at(hidden)->next, channel);
      });
}

}  // namespace

bool write_toy_model(const std::string& path, TensorType matrices, Languages languages) {
  const Tokens tokens(languages);
  ModelWriter out(path, matrices);
  write_head(out, tokens, matrices);
  write_encoder(out);
  write_decoder(out, tokens);
  return out.finish();
}

}  // namespace toy
