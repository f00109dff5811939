// A request's or answer's body: immutable bytes in this process's heap, or in a sealed memfd that crosses to another process
// without a copy.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace worker {

// Cheap to copy (shared ownership). Thread-safe: nothing changes after construction; the mapping is made when it is made.
class Document {
 public:
  // So many bytes behind the end of view() may be read too, as simdjson does. What they hold is not defined.
  static constexpr std::size_t kReadPadding = 64;

  Document() = default;  // empty
  // The bytes are moved where the string has kReadPadding of capacity to spare, else copied.
  static Document of(std::string bytes);
  // A memfd that its writer sealed against writing, shrinking and growing, of exactly `size` bytes: the seals are checked, so that
  // the text can neither change under a parser nor vanish (SIGBUS). Errors: InvalidArgument (size, seals), Io.
  static base::Result<Document> from_sealed(base::Fd fd, std::uint64_t size);

  std::string_view view() const noexcept;
  std::size_t size() const noexcept { return view().size(); }
  bool in_memfd() const noexcept;
  // Of the memfd, -1 without one. Owned by the document.
  int descriptor() const noexcept;
  // This document as a memfd: itself if it is one, else a copy. Errors: Io (no memory for it).
  base::Result<Document> as_memfd() const;

 private:
  struct Storage;
  std::shared_ptr<const Storage> storage_;
};

// Writes a document piece by piece straight into a memfd: the bytes never lie in the heap. Move-only; abandoning it frees
// everything.
class DocumentWriter {
 public:
  // Errors here and below: Io (no memory, no descriptor).
  static base::Result<DocumentWriter> create();
  base::Status append(std::string_view bytes);
  // How much was appended.
  std::uint64_t size() const noexcept { return size_; }
  // Seals and maps. May wait for a moment, since sealing waits for every core of the machine: nothing for an event loop. The writer
  // is empty afterwards.
  base::Result<Document> finish() &&;

 private:
  explicit DocumentWriter(base::Fd fd) : fd_(std::move(fd)) {}
  base::Fd fd_;
  std::uint64_t size_ = 0;
};

}  // namespace worker
