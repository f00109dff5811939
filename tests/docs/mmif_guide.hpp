// What docs/guides/mmif.md defines; the build takes the definitions out of the guide.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "mmif/mmif.hpp"

base::Result<std::unique_ptr<mmif::Mmif>> read_document(const std::string& path);
void list_documents(const mmif::Mmif& mmif);
void list_views(const mmif::Mmif& mmif);
std::vector<std::string> labels_of_frames(const mmif::Mmif& mmif);
void look_at(const mmif::Annotation& annotation);
void tell_time(const mmif::Mmif& mmif, const mmif::Annotation& annotation);
std::string words_of(const mmif::Mmif& mmif, const mmif::Annotation& annotation);
std::unique_ptr<mmif::Mmif> make_document();
void add_results(mmif::Mmif& mmif);
base::Result<std::string> finished_text(mmif::Mmif& mmif, bool pretty);
base::Result<std::size_t> parameters_in(std::string body);
