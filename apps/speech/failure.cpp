#include "speech/failure.hpp"

#include "clams/exceptions.hpp"
#include "vram/out_of_memory.hpp"

namespace speech {

void fail(const base::Error& error, const std::string& context) {
  const std::string text = context.empty() ? error.message : context + ": " + error.message;
  switch (error.code) {
    case base::ErrorCode::NotFound: throw clams::FileNotFoundError(text);
    case base::ErrorCode::InvalidArgument:
    case base::ErrorCode::InvalidDocument:
    case base::ErrorCode::Unsupported:
    case base::ErrorCode::Corrupt: throw clams::ValueError(text);
    case base::ErrorCode::Cancelled: throw clams::Cancelled(text);
    case base::ErrorCode::InsufficientMemory: throw vram::OutOfMemory(text);
    default: throw clams::RuntimeError(text);
  }
}

}  // namespace speech
