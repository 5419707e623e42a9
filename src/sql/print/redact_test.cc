#include "sql/print/redact.h"

#include <gtest/gtest.h>

#include <string>

#include "sql/parse/script.h"
#include "sql/print/print.h"

namespace skep::sql {
namespace {

TEST(Redact, BlanksSecretsAndNothingElse) {
  static constexpr std::pair<std::string_view, std::string_view> kCases[] = {
      {"create user nina PASSWORD  'Secret1x' createdb",
       "create user nina PASSWORD  '***' createdb"},
      {"create user nina password disable", "create user nina password disable"},
      {"alter user nina login password 'md5abc'", "alter user nina login password '***'"},
      {"copy t from 's3://b/p' with credentials as 'aws_access_key_id=a;b' delimiter ','",
       "copy t from 's3://b/p' with credentials as '***' delimiter ','"},
      {"copy t from 's3://b' access_key_id 'AK' secret_access_key 'it''s' session_token $$x$$ csv",
       "copy t from 's3://b' access_key_id '***' secret_access_key '***' session_token '***' csv"},
      {"unload ('select 1') to 's3://b' iam_role 'r' master_symmetric_key 'k' encrypted",
       "unload ('select 1') to 's3://b' iam_role 'r' master_symmetric_key '***' encrypted"},
      {"create external schema x from postgres database 'p' uri 'h' secret_arn 'arn:s' iam_role "
       "'r'",
       "create external schema x from postgres database 'p' uri 'h' secret_arn '***' iam_role 'r'"},
      {"create identity provider p type azure namespace 'n' parameters '{\"client_secret\":\"x\"}'",
       "create identity provider p type azure namespace 'n' parameters '***'"},
      {"create library l language plpythonu from 's3://b' credentials 'x'",
       "create library l language plpythonu from 's3://b' credentials '***'"},
      {"create procedure p() as $$ begin copy t from 's3://b' credentials 'k' csv; end $$ language "
       "plpgsql",
       "create procedure p() as $$ begin copy t from 's3://b' credentials '***' csv; end $$ "
       "language "
       "plpgsql"},
      {"select 'password', password from t where password = 'x'",
       "select 'password', password from t where password = 'x'"},
  };
  for (const auto& [sql, redacted] : kCases) {
    const std::string script_text = "select 0; " + std::string(sql) + ";";
    const ParsedScript script = ParseWholeScript(script_text);
    ASSERT_EQ(script.statements.size(), 2u) << sql;
    ASSERT_TRUE(script.statements[1].tree) << sql << script.statements[1].error.message;
    EXPECT_EQ(Redact(*script.statements[1].tree, script.statements[1].text), redacted);
  }
}

TEST(Redact, LeavesNoSecretInPrintedText) {
  const ParsedScript script =
      ParseWholeScript("prepare p as copy t from 's3://b' credentials 'hidden' csv");
  ASSERT_TRUE(script.statements.at(0).tree);
  EXPECT_EQ(Print(*script.statements[0].tree, {.redact = true}),
            "prepare p as copy t from 's3://b' credentials '***' csv");
}

TEST(RedactScript, BlanksEachStatementByItsTreeOrItsWords) {
  static constexpr std::pair<std::string_view, std::string_view> kCases[] = {
      {" select 'password', 'a' ;create user u password 'p'; -- end",
       " select 'password', 'a' ;create user u password '***'; -- end"},
      {"creat user u password 'p'; select ` password 'q'; select password 'r",
       "creat user u password '***'; select ` password '***'; select password '***'"},
      {"select password = 'plain' from t", "select password = 'plain' from t"},
      {"", ""},
  };
  for (const auto& [text, redacted] : kCases) EXPECT_EQ(RedactScript(text), redacted) << text;
}

TEST(RedactText, BlanksWhatStandsBehindAnnouncingWords) {
  static constexpr std::pair<std::string_view, std::string_view> kCases[] = {
      {"creat user x password 'p'", "creat user x password '***'"},
      {"copy t credentials as 'unterminated", "copy t credentials as '***'"},
      {"copy t secret_access_key = 'a\\'b' x", "copy t secret_access_key = '***' x"},
      {"execute 'alter user u password ''pw'' createdb'",
       "execute 'alter user u password ''***'' createdb'"},
      {"select 'AKIAIOSFODNN7EXAMPLE'", "select '***'"},
      {"copy t 'aws_access_key_id=x;aws_secret_access_key=a/b+c==;x=t' csv",
       "copy t 'aws_access_key_id=x;aws_secret_access_key=***;x=t' csv"},
      {"select 1 -- password 'x'\n, 'y'", "select 1 -- password 'x'\n, 'y'"},
      {"", ""},
  };
  for (const auto& [text, redacted] : kCases) EXPECT_EQ(RedactText(text), redacted) << text;
}

}  // namespace
}  // namespace skep::sql
