#include "identity/role_chain.h"

#include <gtest/gtest.h>

namespace skep::identity {
namespace {

constexpr char kFirst[] = "arn:aws:iam::111111111111:role/first";
constexpr char kSecond[] = "arn:aws:iam::222222222222:role/lake/second";
constexpr char kNoKeys[] = "arn:aws:iam::333333333333:role/nokeys";
constexpr char kUntrusting[] = "arn:aws:iam::111111111111:role/untrusting";

std::vector<Account> Accounts() {
  return {{"111111111111", "AK1", Secret("s1"), "http://one", "us-east-1", true},
          {"222222222222", "AK2", Secret("s2"), "http://two", "eu-west-1", true}};
}
std::vector<Role> Roles() {
  return {{kFirst, {"workspace:w"}, {}},
          {kSecond, {kFirst}, {"bucket/lake/"}},
          {kNoKeys, {"workspace:w"}, {}},
          {kUntrusting, {}, {}}};
}

struct ChainCase {
  const char* what;
  Principal principal;
  std::vector<std::string> chain;
  bool ok;
  ErrorKind kind;
  const char* message;
};

TEST(RoleChain, DefaultIsTheConfiguredChainOrNone) {
  ConfiguredKeys keys(Accounts());
  RoleChainResolver resolver(Roles(), keys, [] { return int64_t{1000}; });
  const auto w = Principal::Workspace("w"), v = Principal::Workspace("v");
  EXPECT_EQ(resolver.Resolve(w, {"default"}).error().kind, ErrorKind::kInvalidRole);
  resolver.UseDefaultChain({kFirst, kSecond});
  const auto resolved = resolver.Resolve(w, {"default"});
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->role, kSecond);
  // The default chain is walked as any other: it has to trust the workspace.
  EXPECT_EQ(resolver.Resolve(v, {"default"}).error().kind, ErrorKind::kInsufficientPrivilege);
  // It stands alone.
  EXPECT_EQ(resolver.Resolve(w, {"default", kSecond}).error().kind, ErrorKind::kInvalidArgument);
}

TEST(RoleChain, WalksHopByHopAndDeniesTheUnknown) {
  ConfiguredKeys keys(Accounts());
  const RoleChainResolver resolver(Roles(), keys, [] { return int64_t{1000}; });
  const auto w = Principal::Workspace("w");
  const ChainCase cases[] = {
      {"one hop", w, {kFirst}, true, {}, ""},
      {"two hops", w, {kFirst, kSecond}, true, {}, ""},
      {"no hop", w, {}, false, ErrorKind::kInvalidArgument, "empty"},
      {"unknown role",
       w,
       {"arn:aws:iam::111111111111:role/ghost"},
       false,
       ErrorKind::kInvalidRole,
       "cannot be assumed"},
      {"unknown second role",
       w,
       {kFirst, "arn:aws:iam::222222222222:role/ghost"},
       false,
       ErrorKind::kInvalidRole,
       "ghost"},
      {"skipping the first hop",
       w,
       {kSecond},
       false,
       ErrorKind::kInsufficientPrivilege,
       "role/lake/second"},
      {"another workspace",
       Principal::Workspace("v"),
       {kFirst},
       false,
       ErrorKind::kInsufficientPrivilege,
       "workspace:v"},
      {"a workspace named like a prefix",
       Principal::Workspace(""),
       {kFirst},
       false,
       ErrorKind::kInsufficientPrivilege,
       ""},
      {"a workspace named like a role",
       Principal::Workspace(kFirst),
       {kSecond},
       false,
       ErrorKind::kInsufficientPrivilege,
       ""},
      {"a service named like a workspace",
       Principal::Service("w"),
       {kFirst},
       false,
       ErrorKind::kInsufficientPrivilege,
       "service:w"},
      {"a role that trusts nobody",
       w,
       {kUntrusting},
       false,
       ErrorKind::kInsufficientPrivilege,
       "untrusting"},
      {"a role assuming itself", w, {kFirst, kFirst}, false, ErrorKind::kInsufficientPrivilege, ""},
      {"an account without keys", w, {kNoKeys}, false, ErrorKind::kInvalidRole, "333333333333"},
      {"case matters",
       w,
       {"arn:aws:iam::111111111111:role/First"},
       false,
       ErrorKind::kInvalidRole,
       ""},
      {"not an ARN", w, {"workspace:w"}, false, ErrorKind::kInvalidArgument, "not a role ARN"},
      {"ARN with a line break",
       w,
       {std::string(kFirst) + "\n"},
       false,
       ErrorKind::kInvalidArgument,
       ""},
      {"eleven hops", w, std::vector<std::string>(11, kFirst), false, ErrorKind::kInvalidArgument,
       "11"},
  };
  for (const auto& c : cases) {
    const auto r = resolver.Resolve(c.principal, c.chain);
    ASSERT_EQ(r.has_value(), c.ok) << c.what;
    if (c.ok) {
      EXPECT_EQ(r->expires_s, 4600) << c.what;
      continue;
    }
    EXPECT_EQ(r.error().kind, c.kind) << c.what << ": " << r.error().message;
    EXPECT_NE(r.error().message.find(c.message), std::string::npos)
        << c.what << ": " << r.error().message;
  }
}

TEST(RoleChain, AnswersTheLastRolesKeysAndLimits) {
  ConfiguredKeys keys(Accounts());
  const RoleChainResolver resolver(Roles(), keys);
  const auto r = resolver.Resolve(Principal::Workspace("w"), {kFirst, kSecond});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->account, "222222222222");
  EXPECT_EQ(r->access_key_id, "AK2");
  EXPECT_EQ(r->endpoint, "http://two");
  EXPECT_EQ(r->role, kSecond);
  EXPECT_TRUE(r->MayRead("bucket", "lake/a"));
  EXPECT_FALSE(r->MayRead("bucket", "other/a"));
}

TEST(RoleChain, ForgetsARevokedRoleAtOnce) {
  ConfiguredKeys keys(Accounts());
  RoleChainResolver resolver(Roles(), keys);
  ASSERT_TRUE(resolver.Resolve(Principal::Workspace("w"), {kFirst}));
  resolver.SetRoles({});
  EXPECT_FALSE(resolver.Resolve(Principal::Workspace("w"), {kFirst}));
}

TEST(RoleLimits, CoverExactlyWhatTheyName) {
  struct Case {
    std::vector<std::string> allowed;
    const char* bucket;
    const char* key;
    bool read, list;
  };
  const Case cases[] = {
      {{}, "any", "a/b", true, true},
      {{}, "any", "", false, true},
      {{"b"}, "b", "x", true, true},
      {{"b"}, "bb", "x", false, false},
      {{"b"}, "b", "", false, true},
      {{"b/p"}, "b", "p", true, false},
      {{"b/p"}, "b", "p/", true, true},
      {{"b/p"}, "b", "p/x", true, true},
      {{"b/p"}, "b", "p2/x", false, false},
      {{"b/p"}, "b", "", false, false},
      {{"b/p/"}, "b", "p", false, false},
      {{"b/p/"}, "b", "p/x", true, true},
      {{"b/p*"}, "b", "p2/x", true, true},
      {{"b/p*"}, "b", "q", false, false},
      {{"b/*"}, "b", "q", true, true},
      {{"a/x/", "b/y/"}, "b", "y/1", true, true},
      {{"a/x/", "b/y/"}, "b", "x/1", false, false},
      {{"b/p/"}, "b", "p/../secret", false, false},
      {{"b/p/"}, "b", "p/./x", false, false},
      {{}, "b", "..", false, false},
      {{}, "b/../c", "x", false, false},
      {{}, "b", "p/..x", true, true},
  };
  for (const auto& c : cases) {
    Credentials credentials;
    credentials.allowed = c.allowed;
    EXPECT_EQ(credentials.MayRead(c.bucket, c.key), c.read) << c.bucket << '/' << c.key;
    EXPECT_EQ(credentials.MayList(c.bucket, c.key), c.list) << c.bucket << '/' << c.key;
  }
}

TEST(RoleLimits, WriteOnlyWhenTheyAreSaidToAndWhatTheyCover) {
  Credentials credentials;
  credentials.allowed = {"b/p/"};
  for (const char* action : {"s3:PutObject", "s3:DeleteObject"}) {
    credentials.writes_objects = false;
    const auto refused = credentials.DecideWrite(action, "b", "p/x");
    EXPECT_FALSE(refused.allowed);
    EXPECT_NE(refused.reason.find("objects = \"write\""), std::string::npos);
    credentials.writes_objects = true;
    EXPECT_TRUE(credentials.DecideWrite(action, "b", "p/x").allowed);
    for (const char* key : {"", "p", "p2/x", "p/../x", "../x"})
      EXPECT_FALSE(credentials.DecideWrite(action, "b", key).allowed) << key;
    EXPECT_FALSE(credentials.DecideWrite(action, "other", "p/x").allowed);
  }
}

TEST(RoleLimits, ConfiguredRolesReadTheSecretsThatTheyNameAndNoOther) {
  const std::string arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:orders";
  Credentials credentials;
  const auto refused = credentials.DecideSecret(arn);
  EXPECT_FALSE(refused.allowed);
  EXPECT_NE(refused.reason.find("secrets"), std::string::npos);
  credentials.secrets = {arn};
  EXPECT_TRUE(credentials.DecideSecret(arn).allowed);
  for (const std::string& other : {arn + "x", arn.substr(0, arn.size() - 1), std::string(),
                                   std::string("*"), arn.substr(0, arn.rfind(':')) + ":*"})
    EXPECT_FALSE(credentials.DecideSecret(other).allowed) << other;
}

TEST(RoleLimits, StoredRolesReadTheSecretsOfTheirAccountThatPoliciesAllow) {
  Credentials credentials;
  credentials.secrets = {"arn:aws:secretsmanager:us-east-1:123456789012:secret:other"};
  credentials.subject = std::make_shared<const Subject>();  // without a policy
  for (const char* arn : {"arn:aws:secretsmanager:us-east-1:123456789012:secret:other", "orders",
                          "", "arn:aws:secretsmanager:us-east-1"})
    EXPECT_FALSE(credentials.DecideSecret(arn).allowed) << arn;
}

TEST(RoleChain, NeedsNoKeysOfTheAccountWhenNoObjectIsRead) {
  const std::string role = "arn:aws:iam::210987654321:role/federated";
  ConfiguredKeys none({});
  const RoleChainResolver resolver({{role, {"workspace:w"}, {}, false, false, {"arn:s"}}}, none);
  EXPECT_EQ(resolver.Resolve(Principal::Workspace("w"), {role}).error().kind,
            ErrorKind::kInvalidRole);
  ChainPurpose purpose;
  purpose.keys = false;
  const auto resolved = resolver.Resolve(Principal::Workspace("w"), {role}, nullptr, purpose);
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_EQ(resolved->account, "210987654321");
  EXPECT_TRUE(resolved->access_key_id.empty());
  EXPECT_TRUE(resolved->DecideSecret("arn:s").allowed);
  EXPECT_EQ(resolver.Resolve(Principal::Workspace("x"), {role}, nullptr, purpose).error().kind,
            ErrorKind::kInsufficientPrivilege);
}

}  // namespace
}  // namespace skep::identity
