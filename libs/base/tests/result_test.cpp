#include "base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace base {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{ErrorCode::InvalidArgument, "odd"};
  return n / 2;
}
Result<int> quarter(int n) {
  BASE_TRY_ASSIGN(const int once, half(n));
  return half(once);
}
Status both(int n) {
  BASE_TRY(half(n));
  BASE_TRY(quarter(n));
  return {};
}

TEST(Result, PassesValuesAndErrorsOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_TRUE(both(4));
  EXPECT_FALSE(both(2));
}

TEST(Result, CarriesMoveOnlyValues) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(ResultDeath, AskingAnErrorForItsValueEndsTheProcess) { EXPECT_DEATH((void)*half(1), ""); }

}  // namespace
}  // namespace base
