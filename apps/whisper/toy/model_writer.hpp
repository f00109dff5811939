// Writes the file format of whisper.cpp's models.
#pragma once
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace toy {

// ggml's numbers of tensor types.
enum class TensorType : std::int32_t { F32 = 0, F16 = 1, Q8_0 = 8 };

class ModelWriter {
 public:
  // A value by its place: column, row, plane (ggml's first, second, third dimension).
  using Fill = std::function<float(int, int, int)>;

  // `matrices`: type of the large matrices.
  ModelWriter(const std::string& path, TensorType matrices) : out_(path, std::ios::binary), matrices_(matrices) {}

  void number(std::int32_t value) { raw(&value, sizeof value); }
  void number(float value) { raw(&value, sizeof value); }
  void word(const std::string& text);
  void vector(const std::string& name, const std::vector<int>& dimensions, const Fill& fill) {
    tensor(name, dimensions, TensorType::F32, fill);
  }
  void convolution(const std::string& name, const std::vector<int>& dimensions, const Fill& fill) {
    tensor(name, dimensions, TensorType::F16, fill);
  }
  void matrix(const std::string& name, const std::vector<int>& dimensions, const Fill& fill) {
    tensor(name, dimensions, matrices_, fill);
  }
  // Whether everything was written.
  bool finish();

 private:
  void raw(const void* bytes, std::size_t count) {
    out_.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count));
  }
  void tensor(const std::string& name, const std::vector<int>& dimensions, TensorType type, const Fill& fill);
  void row(const std::vector<float>& values, TensorType type);
  void quantised_block(const float* values);

  std::ofstream out_;
  TensorType matrices_;
};

}  // namespace toy
