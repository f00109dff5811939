// Writing of an MMIF: what came stays as its bytes, what is new is written in Python's form.
#pragma once
#include "mmif/mmif.hpp"

namespace mmif {

class DocumentWriter {
 public:
  static Written write(const Mmif& mmif, bool pretty);
  // Metadata of a view as it will be written, but for properties that move to `contains`.
  static Object view_metadata(const View& view);

 private:
  static bool follows(std::string_view bytes, std::string_view before, std::string_view after);
};

}  // namespace mmif
