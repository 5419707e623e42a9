#include "session/trivial.h"

#include <gtest/gtest.h>

namespace skep::session {
namespace {

TEST(Probes, AreAnsweredWhateverTheirCaseAndBlanks) {
  for (const char* text : {"select 1", "SELECT  1 ;", "\nselect\t1\n"}) {
    const auto answer = AnswerProbe(text, "dev", "ada", 7);
    ASSERT_TRUE(answer) << text;
    EXPECT_EQ(*answer->rows[0][0], "1");
    EXPECT_EQ(answer->columns[0].type_oid, 23u);
  }
  EXPECT_EQ(*AnswerProbe("select pg_backend_pid()", "dev", "ada", 7)->rows[0][0], "7");
  EXPECT_NE(AnswerProbe("select version()", "dev", "ada", 7)->rows[0][0]->find("Redshift"),
            std::string::npos);
}

TEST(Probes, LeaveEverythingElseToTheWorker) {
  for (const char* text : {"select 1 from t", "select -1", "select 1.5", "select 01",
                           "select 99999999999", "select '1'", "insert", "select "}) {
    EXPECT_FALSE(AnswerProbe(text, "dev", "ada", 7)) << text;
  }
}

TEST(Probes, EncodeIntegersInBinaryWhenAsked) {
  const auto answer = AnswerProbe("select 258", "dev", "ada", 7);
  const std::string row = EncodeRows(*answer, {1});
  EXPECT_EQ(row, std::string("D\0\0\0\x0e\0\1\0\0\0\4\0\0\1\2", 15));
}

}  // namespace
}  // namespace skep::session
