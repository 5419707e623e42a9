#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace skep {

TEST(ErrorTable, GivesEveryKindAFiveCharacterSqlstateAndAUniqueName) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < static_cast<size_t>(ErrorKind::kCount); i++) {
    const auto& codes = CodesOf(static_cast<ErrorKind>(i));
    EXPECT_EQ(codes.sqlstate.size(), 5u) << i;
    EXPECT_TRUE(names.insert(codes.name).second) << codes.name;
    EXPECT_GE(codes.http_status, 400);
    EXPECT_TRUE(codes.aws_exception.ends_with("Exception"));
  }
}

TEST(ErrorTable, AnswersInternalForAnUnknownKind) {
  EXPECT_EQ(CodesOf(static_cast<ErrorKind>(250)).sqlstate, "XX000");
}

TEST(ErrorTable, KeepsItsRowsInTheOrderOfTheKinds) {
  EXPECT_EQ(CodesOf(ErrorKind::kSyntaxError).sqlstate, "42601");
  EXPECT_EQ(CodesOf(ErrorKind::kFailedTransaction).sqlstate, "25P02");
  EXPECT_EQ(CodesOf(ErrorKind::kWorkerLost).sqlstate, "57P02");
  EXPECT_EQ(CodesOf(ErrorKind::kInvalidSettingValue).name, "invalid_setting_value");
}

}  // namespace skep
