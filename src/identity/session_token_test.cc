#include "identity/session_token.h"

#include <gtest/gtest.h>

#include <set>

#include "base/crypto.h"

namespace skep::identity {
namespace {

SessionClaims Claims() {
  SessionClaims c;
  c.account = "111111111111";
  c.name = "r";
  c.id = "AROA1";
  c.session_name = "s";
  c.policy = R"({"a":"ü"})";
  c.policy_arns = {"arn:x"};
  c.tags = {{"team", "blue"}};
  c.transitive_tags = {"team"};
  c.issued_s = 10;
  c.expires_s = 3610;
  return c;
}

TEST(SessionToken, ComesBackAsItWasIssued) {
  const SessionTokens tokens(Secret(std::string(32, 'k')));
  const SessionCredentials made = tokens.Issue(Claims());
  EXPECT_TRUE(made.access_key_id.starts_with("ASIA"));
  EXPECT_EQ(made.access_key_id.size(), 20u);
  EXPECT_EQ(made.secret_access_key.Reveal().size(), 40u);
  EXPECT_EQ(made.secret_access_key, tokens.SecretOf(made.access_key_id));
  const auto opened = tokens.Open(made.session_token, made.access_key_id);
  ASSERT_TRUE(opened);
  SessionClaims wanted = Claims();
  wanted.access_key_id = made.access_key_id;
  EXPECT_EQ(*opened, wanted);
}

TEST(SessionToken, RefusesEveryOther) {
  const SessionTokens tokens(Secret(std::string(32, 'k')));
  const SessionTokens others(Secret(std::string(32, 'l')));
  const SessionCredentials made = tokens.Issue(Claims());
  EXPECT_FALSE(others.Open(made.session_token, made.access_key_id));
  EXPECT_FALSE(tokens.Open(made.session_token, tokens.Issue(Claims()).access_key_id));
  EXPECT_FALSE(tokens.Open("", made.access_key_id));
  EXPECT_FALSE(tokens.Open("%%%", made.access_key_id));
  EXPECT_FALSE(tokens.Open(std::string(100'000, 'A'), made.access_key_id));
  const std::string bytes = *Base64Decode(made.session_token);
  for (size_t i = 0; i < bytes.size(); i++) {
    std::string altered = bytes;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(tokens.Open(Base64Encode(altered), made.access_key_id)) << i;
    EXPECT_FALSE(tokens.Open(Base64Encode(bytes.substr(0, i)), made.access_key_id)) << i;
  }
}

TEST(SessionToken, SecretsDifferByAccessKeyAndByInstallation) {
  const SessionTokens tokens(Secret(std::string(32, 'k')));
  const SessionTokens others(Secret(std::string(32, 'l')));
  const std::set<std::string> secrets = {tokens.SecretOf("ASIA1").Reveal(),
                                         tokens.SecretOf("ASIA2").Reveal(),
                                         others.SecretOf("ASIA1").Reveal()};
  EXPECT_EQ(secrets.size(), 3u);
}

}  // namespace
}  // namespace skep::identity
