// How readers make an Mmif of checked bytes.
#pragma once
#include <memory>
#include <string>

#include "document_index.hpp"
#include "mmif/mmif.hpp"

namespace mmif {

class MmifBuilder {
 public:
  // Slices of `index` point into `bytes`.
  static std::unique_ptr<Mmif> build(std::shared_ptr<const std::string> bytes, const DocumentIndex& index,
                                     std::size_t first_structural = 0);
};

}  // namespace mmif
