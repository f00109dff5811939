#include "worker/document.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace worker {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

base::Error refused(const std::string& why) {
  return {base::ErrorCode::InvalidArgument, "a document handed over as a descriptor cannot be used: " + why};
}

constexpr char kNothing[Document::kReadPadding]{};  // what an empty document shows

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

// Bytes mapped for reading, and readable for kReadPadding beyond their end: a mapping of the file alone would end with its last
// page. So zero pages are mapped first, and the file over their beginning.
class Mapping {
 public:
  Mapping() = default;
  ~Mapping() {
    if (bytes_ != nullptr) ::munmap(bytes_, reserved_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool map(int fd, std::size_t size) {
    const std::size_t reserve = whole_pages(size + Document::kReadPadding);
    void* place = ::mmap(nullptr, reserve, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) return false;
    bytes_ = place;
    reserved_ = reserve;
    // MAP_PRIVATE: kernels before 6.7 refuse a shared mapping of a write-sealed memfd even when it is read-only.
    return ::mmap(place, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED;
  }
  const char* bytes() const noexcept { return static_cast<const char*>(bytes_); }

 private:
  void* bytes_ = nullptr;
  std::size_t reserved_ = 0;
};

}  // namespace

struct Document::Storage {
  std::string bytes;
  base::Fd fd;
  Mapping mapping;
  std::string_view view{kNothing, 0};  // of one of the above
};

Document Document::of(std::string bytes) {
  auto storage = std::make_shared<Storage>();
  storage->bytes = std::move(bytes);
  storage->bytes.reserve(storage->bytes.size() + kReadPadding);
  storage->view = storage->bytes;
  Document document;
  document.storage_ = std::move(storage);
  return document;
}

base::Result<Document> Document::from_sealed(base::Fd fd, std::uint64_t size) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0) return refused("it is no memfd");
  if ((seals & kSeals) != kSeals) return refused("it is not sealed against writing and changes of size");
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return base::error_from_errno("cannot look at a handed-over document", errno);
  if (static_cast<std::uint64_t>(info.st_size) != size) {
    return refused("it has " + std::to_string(info.st_size) + " bytes, announced were " + std::to_string(size));
  }
  auto storage = std::make_shared<Storage>();
  const auto length = static_cast<std::size_t>(size);
  if (length > 0) {
    if (!storage->mapping.map(fd.get(), length))
      return base::error_from_errno("cannot map a handed-over document of " + std::to_string(size) + " bytes", errno);
    storage->view = {storage->mapping.bytes(), length};
  }
  storage->fd = std::move(fd);
  Document document;
  document.storage_ = std::move(storage);
  return document;
}

std::string_view Document::view() const noexcept { return storage_ ? storage_->view : std::string_view(kNothing, 0); }

bool Document::in_memfd() const noexcept { return storage_ && storage_->fd; }
int Document::descriptor() const noexcept { return storage_ ? storage_->fd.get() : -1; }

base::Result<Document> Document::as_memfd() const {
  if (in_memfd()) return *this;
  BASE_TRY_ASSIGN(DocumentWriter writer, DocumentWriter::create());
  BASE_TRY(writer.append(view()));
  return std::move(writer).finish();
}

base::Result<DocumentWriter> DocumentWriter::create() {
  const int fd = ::memfd_create("clams-document", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return base::error_from_errno("cannot create a memory file for a document", errno);
  return DocumentWriter(base::Fd(fd));
}

base::Status DocumentWriter::append(std::string_view bytes) {
  BASE_TRY(base::write_all(fd_.get(), bytes, "memory file of a document"));
  size_ += bytes.size();
  return {};
}

base::Result<Document> DocumentWriter::finish() && {
  base::Fd fd = std::move(fd_);
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return base::error_from_errno("cannot seal a document", errno);
  return Document::from_sealed(std::move(fd), size_);
}

}  // namespace worker
