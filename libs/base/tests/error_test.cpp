#include "base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace base {
namespace {

TEST(ErrorTable, EveryCodeHasARowThatFitsAllThreeTables) {
  std::set<std::string_view> names;
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const auto& row = traits_of(static_cast<ErrorCode>(i));
    EXPECT_EQ(static_cast<int>(row.code), i);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_GE(row.http_status, 400);
    EXPECT_LE(row.http_status, 599);
    EXPECT_TRUE(std::set<int>({1, 2, 65, 69, 75, 78}).contains(row.exit_status)) << row.name;
    EXPECT_FALSE(row.python_exception.empty());
  }
}

TEST(ErrorFromErrno, NamesTheThingAndKeepsTheNumber) {
  const Error error = error_from_errno("cannot open '/x'", ENOENT);
  EXPECT_EQ(error.code, ErrorCode::NotFound);
  EXPECT_EQ(error.native, ENOENT);
  EXPECT_EQ(error.message, "cannot open '/x': No such file or directory");
}

}  // namespace
}  // namespace base
