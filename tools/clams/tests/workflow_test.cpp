#include "workflow.hpp"

#include <gtest/gtest.h>

#include "mmif/json.hpp"

namespace clams::tool {
namespace {

std::string hash_of(std::string_view json) { return parameter_hash(*mmif::parse_json(json).value().object()); }

std::unique_ptr<mmif::Mmif> parsed(const std::string& documents, const std::string& views) {
  return mmif::Mmif::parse(R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [)" + documents +
                           R"(], "views": [)" + views + "]}")
      .value();
}

std::string view(const std::string& id, const std::string& app, const std::string& timestamp,
                 const std::string& more = "\"contains\": {}") {
  const std::string time = timestamp.empty() ? "" : "\"timestamp\": \"" + timestamp + "\", ";
  return "{\"id\": \"" + id + "\", \"metadata\": {\"app\": \"" + app + "\", " + time + more + "}, \"annotations\": []}";
}

std::vector<std::vector<std::string>> ids_of(const std::vector<Execution>& runs) {
  std::vector<std::vector<std::string>> out;
  for (const Execution& run : runs) {
    out.emplace_back();
    for (const mmif::View* member : run) out.back().push_back(member->id());
  }
  return out;
}

TEST(ParameterHash, gives_the_published_examples) {
  EXPECT_EQ(hash_of("{}"), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hash_of(R"({"pretty":"True"})"), "5fe49d06725497b274b6eaaf0fe0c5d2");
  EXPECT_EQ(hash_of(R"({"param1":"value1","param2":42})"), "b415e3c82ee504af81c0553f48fc075f");
  EXPECT_EQ(hash_of(R"({"useStitcher":"false","runningTime":"true","hwFetch":"true"})"), "eccbfd0460c3f5503531d673e579d1c9");
  EXPECT_EQ(hash_of(R"({"b":true,"a":1.0,"c":[1,"x"],"n":null,"B":1e-7,"é":"é"})"), "d13021810b9b9e3f5979a38d9556a228");
}

TEST(ParameterHash, sorts_whole_texts_so_that_im0_comes_before_im) {
  EXPECT_EQ(
      hash_of(
          R"({"#RAW#":{"req":["1"]},"b":false,"bt":true,"hwFetch":false,"i":3,"im":[1,2],"im0":[],"mode":"ok","mp":{"k":"v","k2":"v2"},"n":0.5,"n1":1.0,
                       "nbig":1e-7,"pretty":false,"req":1,"runningTime":true,"sc":"aa","sm":["x","y"],"tfSamplingMode":"representatives"})"),
      "ec7a742fba1494ea2d0a7c2d2e23e116");
}

TEST(ParameterHash, does_not_depend_on_the_order_of_the_keys) {
  EXPECT_EQ(hash_of(R"({"a":1,"b":2})"), hash_of(R"({"b":2,"a":1})"));
}

TEST(AppUri, is_split_into_name_and_version) {
  const auto split = [](std::string_view uri) {
    const AppName app = split_app_uri(uri);
    return app.name + " " + app.version;
  };
  EXPECT_EQ(split("http://apps.clams.ai/swt-detection/v8.9"), "swt-detection v8.9");
  EXPECT_EQ(split("http://apps.clams.ai/swt-detection/unresolvable"), "swt-detection unversioned");
  EXPECT_EQ(split("http://apps.clams.ai/swt-detection"), "swt-detection unversioned");
  EXPECT_EQ(split("http://apps.clams.ai/"), "unknown unversioned");
  EXPECT_EQ(split("no-uri"), "unknown unversioned");
  EXPECT_EQ(split("http://apps.clams.ai/whisper-v3/v3"), "whisper v3");
  EXPECT_EQ(split("http://apps.clams.ai/v3/v3"), "unknown v3");
  EXPECT_EQ(split("http://apps.clams.ai//./a/b/c"), "a b");
}

TEST(Executions, are_views_of_one_app_and_time_sorted_by_time) {
  const auto document = parsed("", view("v_0", "http://b", "2026-01-02") + "," + view("v_1", "http://a", "2026-01-01") + "," +
                                       view("v_2", "http://b", "2026-01-02") + "," + view("v_3", "http://a", "2026-01-02") + "," +
                                       view("v_4", "http://a", ""));
  EXPECT_EQ(ids_of(executions(*document)), (std::vector<std::vector<std::string>>{{"v_1"}, {"v_3"}, {"v_0", "v_2"}}));
}

TEST(WorkflowId, names_documents_by_type_and_runs_by_app_and_parameters) {
  const std::string documents =
      R"({"@type": "http://clams.ai/vocabulary/type/VideoDocument/v2", "properties": {"id": "d1", "location": "file:///v"}},
         {"@type": "http://clams.ai/vocabulary/type/TextDocument/v2", "properties": {"id": "d2", "location": "file:///t"}},
         {"@type": "http://clams.ai/vocabulary/type/TextDocument/v1", "properties": {"id": "d3", "location": "file:///t"}})";
  const auto document =
      parsed(documents, view("v_0", "http://apps.clams.ai/a/v1", "1", R"("contains": {}, "parameters": {"pretty": "True"})") + "," +
                            view("v_1", "http://apps.clams.ai/b/v1", "2", R"("error": {"message": "no"})") + "," +
                            view("v_2", "http://apps.clams.ai/c/v1", "3", R"("warnings": ["odd"])"));
  EXPECT_EQ(workflow_id(*document).value(), "TextDocument-2-VideoDocument-1/a/v1/5fe49d06725497b274b6eaaf0fe0c5d2");
}

TEST(WorkflowId, of_a_document_without_anything_is_empty) { EXPECT_EQ(workflow_id(*parsed("", "")).value(), ""); }

}  // namespace
}  // namespace clams::tool
