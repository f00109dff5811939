#include "failure.hpp"

#include "clams/exceptions.hpp"

namespace ocr_app {

void fail(const base::Error& error, const std::string& context) {
  const std::string text = context.empty() ? error.message : context + ": " + error.message;
  switch (error.code) {
    case base::ErrorCode::NotFound: throw clams::FileNotFoundError(text);
    case base::ErrorCode::InvalidArgument:
    case base::ErrorCode::InvalidDocument:
    case base::ErrorCode::Unsupported:
    case base::ErrorCode::Corrupt: throw clams::ValueError(text);
    case base::ErrorCode::Cancelled: throw clams::Cancelled(text);
    default: throw clams::RuntimeError(text);
  }
}

}  // namespace ocr_app
