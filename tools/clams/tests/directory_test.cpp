#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/files.hpp"
#include "describe.hpp"
#include "mmif/json.hpp"

namespace clams::tool {
namespace {

class DescribeDirectory : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "clams-describe.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!HasFailure()) std::filesystem::remove_all(folder_);
  }
  void put(const std::string& name, const std::string& app, const std::string& time, const std::string& more = "") {
    put_text(
        name,
        R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": [{"id": "v_0", "metadata": {"app": ")" +
            app + R"(", "timestamp": "1", "contains": {}, "appProfiling": {"runningTime": ")" + time + "\"}" + more +
            R"(}, "annotations": [
                       {"@type": "http://x.org/T", "properties": {"id": "v_0:t_1"}}]}]})");
  }
  void put_text(const std::string& name, const std::string& text) {
    ASSERT_TRUE(base::write_file_atomically(folder_ + "/" + name, text));
  }
  std::string described() const { return mmif::to_mmif_text(describe_directory(folder_).value()); }

  std::string folder_;
};

TEST_F(DescribeDirectory, puts_files_of_one_workflow_together_with_statistics) {
  put("b.mmif", "http://a/b/c/d", "0:00:01.000001");
  put("a.mmif", "http://a/b/c/d", "0:00:02.5", R"(, "appConfiguration": {"n": 1})");
  put("c.mmif", "http://a/b/c/d", "0:00:04.123456");
  put("d.mmif", "http://a/b/c/d", "0:10:00.0");
  put("ignored.json", "http://a/b/c/d", "0:00:00");
  EXPECT_EQ(described(),
            "{\"mmifCountByStatus\": {\"total\": 4, \"successful\": 4, \"withErrors\": 0, \"withWarnings\": 0, \"invalid\": 0}, "
            "\"workflows\": ["
            "{\"workflowId\": \"/b/c/d41d8cd98f00b204e9800998ecf8427e\", \"mmifs\": [\"a.mmif\", \"b.mmif\", \"c.mmif\", "
            "\"d.mmif\"], \"mmifCount\": 4, \"apps\": ["
            "{\"app\": \"http://a/b/c/d\", \"appConfiguration\": {\"n\": 1}, \"appProfiling\": {\"avgRunningTimeMS\": 151905.75, "
            "\"minRunningTimeMS\": 1000.0, "
            "\"maxRunningTimeMS\": 600000.0, \"stdevRunningTimeMS\": 298732.2221191581}}]}], \"annotationCountByType\": "
            "{\"http://x.org/T\": 4, \"total\": 4}}");
}

TEST_F(DescribeDirectory, counts_files_with_errors_with_warnings_and_invalid_ones) {
  put_text("broken.mmif", "{");
  put("time.mmif", "http://a/b/c", "soon");
  ASSERT_TRUE(base::make_directories(folder_ + "/folder.mmif"));
  const std::string start =
      R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": [{"id": "v_0", "metadata": {"app": "http://a", "timestamp": "1", )";
  put_text("error.mmif", start + R"("error": {"message": "no"}}, "annotations": []}]})");
  put_text("warned.mmif", start + R"("warnings": ["odd"]}, "annotations": []}]})");
  EXPECT_EQ(
      described(),
      "{\"mmifCountByStatus\": {\"total\": 5, \"successful\": 1, \"withErrors\": 1, \"withWarnings\": 1, \"invalid\": 3}, "
      "\"workflows\": "
      "[{\"workflowId\": \"\", \"mmifs\": [\"warned.mmif\"], \"mmifCount\": 1, \"apps\": []}], \"annotationCountByType\": {}}");
}

TEST_F(DescribeDirectory, gives_zero_as_deviation_of_one_value_and_null_for_none) {
  put("one.mmif", "http://a/b/c", "0:00:01");
  put_text(
      "none.mmif",
      R"({"metadata": {"mmif": "http://mmif.clams.ai/1.2.0"}, "documents": [], "views": [{"id": "v_0", "metadata": {"app": "http://z/y/x", "timestamp": "1",
                           "contains": {}}, "annotations": []}]})");
  const std::string text = described();
  EXPECT_NE(
      text.find(
          "\"avgRunningTimeMS\": 1000.0, \"minRunningTimeMS\": 1000.0, \"maxRunningTimeMS\": 1000.0, \"stdevRunningTimeMS\": 0.0"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find("\"avgRunningTimeMS\": null, \"minRunningTimeMS\": null, \"maxRunningTimeMS\": null, \"stdevRunningTimeMS\": null"),
      std::string::npos)
      << text;
}

TEST_F(DescribeDirectory, of_an_empty_directory_is_all_zeros) {
  EXPECT_EQ(described(),
            "{\"mmifCountByStatus\": {\"total\": 0, \"successful\": 0, \"withErrors\": 0, \"withWarnings\": 0, \"invalid\": 0}, "
            "\"workflows\": [], "
            "\"annotationCountByType\": {}}");
}

}  // namespace
}  // namespace clams::tool
