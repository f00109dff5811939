// Every kind of value in every place, as mmif-python leaves it (record_values.py).
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "mmif/json.hpp"
#include "mmif/mmif.hpp"

namespace mmif {
namespace {

struct ValueRecord {
  std::string_view place, name, given, written;
};
#include "value_records.inc"

constexpr std::string_view kEmpty = R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": []})";

std::unique_ptr<Mmif> read(std::string_view text) {
  auto mmif = Mmif::parse(std::string(text));
  if (!mmif) throw std::runtime_error(mmif.error().message);
  return std::move(*mmif);
}

Value written(const Mmif& mmif) { return *parse_json(mmif.write().to_string()); }
const Value& at(const Value& value, std::string_view key) { return *value.object()->find(key); }

void drop_time(Value& value) {
  if (value.object() == nullptr) return;
  Object& object = *value.object();
  Value* metadata = object.find("metadata");
  (metadata == nullptr ? object : *metadata->object()).erase("timestamp");
}

Object document(std::string_view type, Object properties) { return {{"@type", type}, {"properties", std::move(properties)}}; }

Value read_document(Object made) {
  Value text = *parse_json(kEmpty);
  text.object()->set("documents", Array{std::move(made)});
  return at(written(*read(to_mmif_text(text))), "documents").array()->front();
}

// The view that an app writes.
template <class Fill>
Value view_of(Fill fill) {
  const auto mmif = read(kEmpty);
  View& view = mmif->new_view();
  view.edit_metadata().set("app", "http://x.org/app");
  fill(view);
  return at(written(*mmif), "views").array()->front();
}

// Of the annotations that say something about a document of the input.
Value properties_of_own_view(const Value& given) {
  Value text = *parse_json(kEmpty);
  text.object()->set("documents",
                     Array{document(types::VideoDocument, {{"id", "d1"}, {"mime", "video/mp4"}, {"location", "file:///a.mp4"}})});
  const auto mmif = read(to_mmif_text(text));
  mmif->documents().front()->set("p", given);
  mmif->write_document_properties([&]() -> View& {
    View& view = mmif->new_view();
    view.edit_metadata().set("app", "http://x.org/app");
    return view;
  });
  Array list;
  const Value all = written(*mmif);
  for (const Value& view : *at(all, "views").array()) {
    for (const Value& annotation : *at(view, "annotations").array()) list.push_back(at(annotation, "properties"));
  }
  return list;
}

Value made(const ValueRecord& record) {
  const std::string_view place = record.place;
  const Value given = *parse_json(record.given);
  const std::string name(record.name);
  if (place == "property_of_one") return view_of([&](View& view) { view.new_annotation(types::TimeFrame, {{"p", given}}); });
  if (place == "property_of_two") {
    return view_of([&](View& view) {
      view.new_annotation(types::TimeFrame, {{"p", given}});
      view.new_annotation(types::TimeFrame, {{"p", given}});
    });
  }
  if (place == "property_set_later")
    return view_of([&](View& view) { view.new_annotation(types::TimeFrame, {{"p", "before"}}).set("p", given); });
  if (place == "contain") {
    return view_of([&](View& view) {
      view.new_contain(types::TimeFrame, {{"p", given}});
      view.new_annotation(types::TimeFrame, {{"start", 0}});
    });
  }
  if (place == "text_document") return view_of([&](View& view) { view.new_text_document(given.as_string(), name); });
  if (place == "metadata_of_view") return at(view_of([&](View& view) { view.edit_metadata().set(name, given); }), "metadata");
  if (place == "within_metadata")
    return at(view_of([&](View& view) { view.edit_metadata().set(name, Object{{"k", given}}); }), "metadata");
  if (place == "read_document") {
    Object properties{{"id", "d1"}, {"mime", "video/mp4"}, {"location", "file:///a.mp4"}};
    properties.set(name, given);
    return read_document(document(types::VideoDocument, std::move(properties)));
  }
  if (place == "error_of_view")
    return at(view_of([&](View& view) { view.edit_metadata().set("error", Object{{name, given}, {"k", 1}}); }), "metadata");
  if (place == "property_of_a_document") return properties_of_own_view(given);
  if (place == "read_text")
    return read_document(document(types::TextDocument, {{"id", "d1"}, {"text", Object{{"@value", given}, {"@language", name}}}}));
  if (place == "metadata_of_mmif") {
    Value text = *parse_json(kEmpty);
    text.object()->find("metadata")->object()->set("k", given);
    return at(written(*read(to_mmif_text(text))), "metadata");
  }
  throw std::runtime_error("no such place: " + std::string(place));
}

TEST(ValuesInPlaces, LeaveAsThePythonSdkLeavesThem) {
  for (const ValueRecord& record : kValueRecords) {
    Value ours = made(record);
    drop_time(ours);
    EXPECT_EQ(to_mmif_text(ours), record.written) << record.place << " " << record.name << " " << record.given;
  }
}

TEST(ValuesInPlaces, AnEmptyObjectSaidOfADocumentIsKeptAndNothingSaysNothing) {
  EXPECT_EQ(to_mmif_text(properties_of_own_view(Object())), R"([{"p": {}, "document": "d1", "id": "v_0:an_1"}])");
  EXPECT_EQ(to_mmif_text(properties_of_own_view(nullptr)), "[]");
}

}  // namespace
}  // namespace mmif
