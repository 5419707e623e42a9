#include "identity/sts_client.h"

#include <gtest/gtest.h>

#include <fstream>

namespace skep::identity {
namespace {

constexpr char kForeign[] = "222222222222";
constexpr char kForeignRole[] = "arn:aws:iam::222222222222:role/reader";
constexpr char kSecond[] = "arn:aws:iam::222222222222:role/second";
constexpr char kOwnRole[] = "arn:aws:iam::111111111111:role/own";

// Hands out what it is asked for and remembers it.
class FakeAssumer final : public RoleAssumer {
 public:
  Result<SessionKeys> Assume(const Account& account, const SessionKeys& caller,
                             const ForeignRole& asked) override {
    callers.push_back(caller.access_key_id);
    last = asked;
    if (refuse) return Fail(ErrorKind::kInsufficientPrivilege, "no", "AccessDenied: no");
    return SessionKeys{"ASIA-" + account.id, Secret("s"), Secret("t"), 1900};
  }
  Result<SessionKeys> OwnKeys(const Account&) override {
    return SessionKeys{"AKIA-own", Secret("k"), Secret(), 0};
  }
  std::vector<std::string> callers;
  ForeignRole last;
  bool refuse = false;
};

class ForeignRoles : public testing::Test {
 protected:
  ForeignRoles() : keys_(Accounts()), roles_(Roles(), keys_, [] { return int64_t{1000}; }) {
    roles_.UseForeignRoles(assumer_);
  }
  static std::vector<Account> Accounts() {
    Account own, foreign;
    own.id = "111111111111";
    own.access_key_id = "AKIA-builtin";
    foreign.id = kForeign;
    foreign.foreign = true;
    foreign.endpoint = "http://s3";
    foreign.glue_endpoint = "http://glue";
    return {own, foreign};
  }
  static std::vector<Role> Roles() {
    Role reader{kForeignRole, {"workspace:w"}, {"bucket"}};
    reader.external_id = "id";
    reader.session_tags = {{"a", "b"}};
    return {reader, Role{kOwnRole, {"workspace:w"}, {}}};
  }
  Result<Credentials> Resolve(const std::vector<std::string>& chain,
                              const std::string& workspace = "w") {
    return roles_.Resolve(Principal::Workspace(workspace), chain);
  }

  FakeAssumer assumer_;
  ConfiguredKeys keys_;
  RoleChainResolver roles_;
};

TEST_F(ForeignRoles, AreAskedForWithTheAccountsKeysAndGiveTheSessions) {
  const auto credentials = Resolve({kForeignRole});
  ASSERT_TRUE(credentials) << credentials.error().message;
  EXPECT_EQ(assumer_.callers, std::vector<std::string>{"AKIA-own"});
  EXPECT_EQ(assumer_.last.external_id, "id");
  EXPECT_EQ(assumer_.last.tags, (SessionTags{{"a", "b"}}));
  EXPECT_TRUE(credentials->foreign);
  EXPECT_EQ(credentials->access_key_id, "ASIA-222222222222");
  EXPECT_EQ(credentials->session_token.Reveal(), "t");
  EXPECT_EQ(credentials->glue_endpoint, "http://glue");
  EXPECT_EQ(credentials->expires_s, 1900);
  // The other side decides, but for the paths of the configured role and keys that lead elsewhere.
  EXPECT_TRUE(credentials->MayRead("bucket", "a"));
  EXPECT_FALSE(credentials->MayRead("other", "a"));
  EXPECT_FALSE(credentials->MayRead("bucket", "../a"));
  EXPECT_TRUE(credentials->DecideCatalog("glue:CreateTable", "d", "t").allowed);
  EXPECT_TRUE(credentials->DecideWrite("s3:PutObject", "bucket", "a").allowed);
}

TEST_F(ForeignRoles, OfOneAccountAreAskedForInTurn) {
  ASSERT_TRUE(Resolve({kForeignRole, kSecond}));
  EXPECT_EQ(assumer_.callers, (std::vector<std::string>{"AKIA-own", "ASIA-222222222222"}));
}

TEST_F(ForeignRoles, AreNotAskedForByWhomTheConfigurationDoesNotTrust) {
  for (const auto& [chain, workspace] :
       {std::pair(std::vector<std::string>{kForeignRole}, "other"),
        std::pair(std::vector<std::string>{kSecond}, "w"),
        std::pair(std::vector<std::string>{kOwnRole, kSecond}, "w"),
        std::pair(std::vector<std::string>{kOwnRole, kForeignRole}, "w")}) {
    const auto refused = Resolve(chain, workspace);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kInsufficientPrivilege);
  }
  EXPECT_TRUE(assumer_.callers.empty());
}

TEST_F(ForeignRoles, DoNotLeadOnToOurs) { EXPECT_FALSE(Resolve({kForeignRole, kOwnRole})); }

TEST_F(ForeignRoles, ThatAreRefusedSayWhichHop) {
  assumer_.refuse = true;
  std::vector<ChainHop> hops;
  const auto refused = roles_.Resolve(Principal::Workspace("w"), {kForeignRole}, &hops);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInsufficientPrivilege);
  EXPECT_EQ(refused.error().detail, "hop 1: AccessDenied: no");
  ASSERT_EQ(hops.size(), 1u);
  EXPECT_FALSE(hops[0].decision.allowed);
}

TEST(StsClient, ReadsAProfileOfACredentialsFile) {
  const std::string path = ::testing::TempDir() + "/credentials";
  std::ofstream(path) << "# keys\n[default]\naws_access_key_id = d\n\n[ two ]\n"
                         "aws_access_key_id=AKIA2\naws_secret_access_key = a=b\r\n"
                         "aws_session_token = t\n[three]\naws_secret_access_key = x\n";
  const auto keys = ReadCredentialsFile(path, "two");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->access_key_id, "AKIA2");
  EXPECT_EQ(keys->secret_access_key.Reveal(), "a=b");
  EXPECT_EQ(keys->session_token.Reveal(), "t");
  for (const char* profile : {"default", "three", "four", ""})
    EXPECT_EQ(ReadCredentialsFile(path, profile).error().kind, ErrorKind::kInvalidRole);
  EXPECT_EQ(ReadCredentialsFile(path + "-none", "two").error().kind, ErrorKind::kInvalidRole);
}

TEST(StsClient, ReadsTimes) {
  EXPECT_EQ(ReadXmlTime("1970-01-02T00:00:01Z"), 86401);
  EXPECT_EQ(ReadXmlTime("2026-11-24T14:00:00.123Z"), 1795528800);
  EXPECT_EQ(ReadXmlTime("soon"), 0);
}

}  // namespace
}  // namespace skep::identity
