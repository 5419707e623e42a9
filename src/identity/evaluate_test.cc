#include "identity/evaluate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "identity/policy_values.h"

namespace skep::identity {
namespace {

constexpr const char* kA = "111111111111";
constexpr const char* kB = "222222222222";

std::string Wrap(const std::string& statements) {
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}
std::string Allow(const std::string& action, const std::string& resource,
                  const std::string& more = "") {
  return fmt::format(R"({{"Sid":"Give","Effect":"Allow","Action":"{}","Resource":"{}"{}}})", action,
                     resource, more);
}
std::string Deny(const std::string& action, const std::string& resource,
                 const std::string& more = "") {
  return fmt::format(R"({{"Sid":"Take","Effect":"Deny","Action":"{}","Resource":"{}"{}}})", action,
                     resource, more);
}
std::string Trust(const std::string& principal, const std::string& more = "") {
  return Wrap(fmt::format(R"({{"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"{}}})",
                          principal, more));
}
AppliedPolicy Identity(const std::string& text) {
  return MakeAppliedPolicy("identity", text, PolicyUse::kIdentity);
}

// Whether one identity policy allows, in one account.
Decision Ask(const std::string& policy, const std::string& action, const std::string& resource,
             const RequestContext& context = {}) {
  AccessRequest request;
  request.principal = {.account = kA,
                       .arn = "arn:aws:iam::111111111111:role/r",
                       .id = "AROA1",
                       .session_arn = "arn:aws:sts::111111111111:assumed-role/r/s",
                       .service = {},
                       .role = true};
  request.action = action;
  request.resource = resource;
  request.resource_account = kA;
  request.context = context;
  PolicySet set;
  set.identity.push_back(Identity(policy));
  return Evaluate(request, set);
}

TEST(Evaluate, ActionsAndResources) {
  struct Case {
    const char* what;
    std::string policy;
    const char* action;
    const char* resource;
    bool allowed;
  };
  const Case cases[] = {
      {"exact", Wrap(Allow("s3:GetObject", "arn:aws:s3:::b/k")), "s3:GetObject", "arn:aws:s3:::b/k",
       true},
      {"another key", Wrap(Allow("s3:GetObject", "arn:aws:s3:::b/k")), "s3:GetObject",
       "arn:aws:s3:::b/k2", false},
      {"actions ignore case", Wrap(Allow("S3:getobject", "*")), "s3:GetObject", "arn:aws:s3:::b/k",
       true},
      {"resources do not", Wrap(Allow("s3:*", "arn:aws:s3:::B/*")), "s3:GetObject",
       "arn:aws:s3:::b/k", false},
      {"star over folders", Wrap(Allow("s3:Get*", "arn:aws:s3:::b/p/*")), "s3:GetObject",
       "arn:aws:s3:::b/p/x/y", true},
      {"a bucket is no object", Wrap(Allow("s3:*", "arn:aws:s3:::b")), "s3:GetObject",
       "arn:aws:s3:::b/k", false},
      {"a bucket named longer", Wrap(Allow("s3:*", "arn:aws:s3:::b/*")), "s3:GetObject",
       "arn:aws:s3:::bb/k", false},
      {"question mark is one", Wrap(Allow("s3:GetObjec?", "arn:aws:s3:::b/?")), "s3:GetObject",
       "arn:aws:s3:::b/k", true},
      {"and not none", Wrap(Allow("s3:GetObject?", "*")), "s3:GetObject", "arn:aws:s3:::b/k",
       false},
      {"another service", Wrap(Allow("glue:*", "*")), "s3:GetObject", "arn:aws:s3:::b/k", false},
      {"no star over parts of an ARN", Wrap(Allow("iam:*", "arn:aws:iam::*:role/a")), "iam:GetRole",
       "arn:aws:iam::1:role/x:role/a", false},
      {"deny wins",
       Wrap(Allow("s3:*", "*") + "," + Deny("s3:GetObject", "arn:aws:s3:::b/secret/*")),
       "s3:GetObject", "arn:aws:s3:::b/secret/k", false},
      {"deny elsewhere",
       Wrap(Allow("s3:*", "*") + "," + Deny("s3:GetObject", "arn:aws:s3:::b/secret/*")),
       "s3:GetObject", "arn:aws:s3:::b/open/k", true},
      {"NotAction", Wrap(R"({"Effect":"Allow","NotAction":"iam:*","Resource":"*"})"),
       "s3:GetObject", "arn:aws:s3:::b/k", true},
      {"NotAction's own", Wrap(R"({"Effect":"Allow","NotAction":"iam:*","Resource":"*"})"),
       "iam:PutRolePolicy", "arn:aws:iam::111111111111:role/r", false},
      {"NotResource",
       Wrap(R"({"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/secret/*"})"),
       "s3:GetObject", "arn:aws:s3:::b/secret/k", false},
      {"NotResource's others",
       Wrap(R"({"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/secret/*"})"),
       "s3:GetObject", "arn:aws:s3:::b/open/k", true},
      {"no statement fits", Wrap(Allow("s3:PutObject", "*")), "s3:GetObject", "arn:aws:s3:::b/k",
       false},
      {"Statement without a list",
       R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})",
       "s3:GetObject", "arn:aws:s3:::b/k", true},
  };
  for (const auto& c : cases) {
    const Decision d = Ask(c.policy, c.action, c.resource);
    EXPECT_EQ(d.allowed, c.allowed) << c.what << ": " << d.reason;
  }
}

TEST(Evaluate, Conditions) {
  struct Case {
    const char* condition;
    RequestContext context;
    bool holds;
  };
  const Case cases[] = {
      {R"({"StringEquals":{"sts:ExternalId":"x1"}})", {{"sts:externalid", {"x1"}}}, true},
      {R"({"StringEquals":{"STS:externalID":["x0","x1"]}})", {{"sts:externalid", {"x1"}}}, true},
      {R"({"StringEquals":{"sts:ExternalId":"x1"}})", {{"sts:externalid", {"X1"}}}, false},
      {R"({"StringEquals":{"sts:ExternalId":"x*"}})", {{"sts:externalid", {"x1"}}}, false},
      {R"({"StringEquals":{"sts:ExternalId":"x1"}})", {}, false},
      {R"({"StringEqualsIfExists":{"sts:ExternalId":"x1"}})", {}, true},
      {R"({"StringEqualsIfExists":{"sts:ExternalId":"x1"}})", {{"sts:externalid", {"y"}}}, false},
      {R"({"StringNotEquals":{"sts:ExternalId":"x1"}})", {}, true},
      {R"({"StringNotEquals":{"sts:ExternalId":["x1","x2"]}})",
       {{"sts:externalid", {"x2"}}},
       false},
      {R"({"StringEqualsIgnoreCase":{"a:b":"X"}})", {{"a:b", {"x"}}}, true},
      {R"({"StringNotEqualsIgnoreCase":{"a:b":"X"}})", {{"a:b", {"x"}}}, false},
      {R"({"StringLike":{"s3:prefix":["lake/*",""]}})", {{"s3:prefix", {"lake/a/"}}}, true},
      {R"({"StringLike":{"s3:prefix":["lake/*",""]}})", {{"s3:prefix", {""}}}, true},
      {R"({"StringLike":{"s3:prefix":"lake/*"}})", {{"s3:prefix", {"lake"}}}, false},
      {R"({"StringNotLike":{"s3:prefix":"lake/*"}})", {{"s3:prefix", {"lake/x"}}}, false},
      {R"({"NumericLessThanEquals":{"s3:max-keys":10}})", {{"s3:max-keys", {"10"}}}, true},
      {R"({"NumericLessThan":{"s3:max-keys":"10"}})", {{"s3:max-keys", {"10"}}}, false},
      {R"({"NumericGreaterThan":{"s3:max-keys":"10"}})", {{"s3:max-keys", {"1e2"}}}, true},
      {R"({"NumericGreaterThanEquals":{"s3:max-keys":"10"}})", {{"s3:max-keys", {"ten"}}}, false},
      {R"({"NumericNotEquals":{"s3:max-keys":"10"}})", {{"s3:max-keys", {"11"}}}, true},
      {R"({"NumericEquals":{"s3:max-keys":"10"}})", {{"s3:max-keys", {"10.0"}}}, true},
      {R"({"DateLessThan":{"aws:CurrentTime":"2026-02-01T00:00:00Z"}})",
       {{"aws:currenttime", {"2026-01-31T23:59:59Z"}}},
       true},
      {R"({"DateGreaterThan":{"aws:CurrentTime":"2026-02-01T00:00:00+01:00"}})",
       {{"aws:currenttime", {"2026-01-31T23:00:00Z"}}},
       false},
      {R"({"DateGreaterThanEquals":{"aws:EpochTime":"1000"}})",
       {{"aws:epochtime", {"1000"}}},
       true},
      {R"({"DateLessThanEquals":{"aws:CurrentTime":"2026-02-01"}})",
       {{"aws:currenttime", {"soon"}}},
       false},
      {R"({"DateEquals":{"aws:CurrentTime":"1970-01-02"}})",
       {{"aws:currenttime", {"86400"}}},
       true},
      {R"({"DateNotEquals":{"aws:CurrentTime":"1970-01-02"}})",
       {{"aws:currenttime", {"86400"}}},
       false},
      {R"({"Bool":{"aws:SecureTransport":true}})", {{"aws:securetransport", {"true"}}}, true},
      {R"({"Bool":{"aws:SecureTransport":"false"}})", {{"aws:securetransport", {"true"}}}, false},
      {R"({"Bool":{"aws:SecureTransport":"true"}})", {}, false},
      {R"({"BoolIfExists":{"aws:SecureTransport":"true"}})", {}, true},
      {R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:sourceip", {"10.200.3.4"}}}, true},
      {R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:sourceip", {"11.0.0.1"}}}, false},
      {R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:sourceip", {"::1"}}}, false},
      {R"({"IpAddress":{"aws:SourceIp":["2001:db8::/32"]}})",
       {{"aws:sourceip", {"2001:db8:1::9"}}},
       true},
      {R"({"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}})",
       {{"aws:sourceip", {"10.1.1.1"}}},
       false},
      {R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:sourceip", {"10.0.0.0/4"}}}, false},
      {R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/app-*"}})",
       {{"aws:principalarn", {"arn:aws:iam::111111111111:role/app-1"}}},
       true},
      {R"({"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/app-*"}})",
       {{"aws:principalarn", {"arn:aws:iam::111111111111:user/app-1"}}},
       false},
      {R"({"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/app-*"}})",
       {{"aws:principalarn", {"arn:aws:iam::111111111111:role/app-1"}}},
       false},
      {R"({"ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::b"}})",
       {{"aws:sourcearn", {"arn:aws:s3:::c"}}},
       true},
      {R"({"Null":{"sts:ExternalId":"true"}})", {}, true},
      {R"({"Null":{"sts:ExternalId":"false"}})", {}, false},
      {R"({"Null":{"sts:ExternalId":false}})", {{"sts:externalid", {"x"}}}, true},
      {R"({"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}})",
       {{"aws:tagkeys", {"a", "b"}}},
       true},
      {R"({"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}})",
       {{"aws:tagkeys", {"a", "b"}}},
       false},
      {R"({"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}})", {}, true},
      {R"({"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}})",
       {{"aws:tagkeys", {"a", "b"}}},
       true},
      {R"({"ForAnyValue:StringEquals":{"aws:TagKeys":["c"]}})",
       {{"aws:tagkeys", {"a", "b"}}},
       false},
      {R"({"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}})", {}, false},
      {R"({"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}})",
       {{"aws:tagkeys", {"a", "b"}}},
       true},
      {R"({"ForAllValues:StringNotEquals":{"aws:TagKeys":["a"]}})",
       {{"aws:tagkeys", {"a", "b"}}},
       false},
      {R"({"StringEquals":{"aws:TagKeys":"a"}})", {{"aws:tagkeys", {"a", "b"}}}, false},
      {R"({"StringEquals":{"aws:PrincipalTag/team":"blue"}})",
       {{"aws:principaltag/team", {"blue"}}},
       true},
      {R"({"StringEquals":{"aws:SourceAccount":"111111111111","sts:ExternalId":"x"}})",
       {{"aws:sourceaccount", {"111111111111"}}},
       false},
      {R"({"StringEquals":{"s3:prefix":"${aws:username}/"}})",
       {{"aws:username", {"ada"}}, {"s3:prefix", {"ada/"}}},
       true},
      {R"({"StringLike":{"s3:prefix":"${aws:username}/*"}})",
       {{"aws:username", {"*"}}, {"s3:prefix", {"bob/x"}}},
       false},
      {R"({"StringEquals":{"s3:prefix":"${aws:username}/"}})", {{"s3:prefix", {"/"}}}, false},
      {R"({"StringEquals":{"s3:prefix":"${aws:PrincipalTag/team, 'none'}/"}})",
       {{"s3:prefix", {"none/"}}},
       true},
      {R"({"StringLike":{"s3:prefix":"a${*}"}})", {{"s3:prefix", {"a*"}}}, true},
      {R"({"StringLike":{"s3:prefix":"a${*}"}})", {{"s3:prefix", {"ab"}}}, false},
  };
  for (const auto& c : cases) {
    const std::string policy = Wrap(
        Allow("s3:ListBucket", "arn:aws:s3:::b", fmt::format(R"(,"Condition":{})", c.condition)));
    EXPECT_EQ(Ask(policy, "s3:ListBucket", "arn:aws:s3:::b", c.context).allowed, c.holds)
        << c.condition;
  }
}

TEST(Evaluate, WhatCannotBeComparedDeniesAlsoInDeny) {
  const std::string policy =
      Wrap(Allow("s3:*", "*") + "," +
           Deny("s3:GetObject", "*", R"(,"Condition":{"NumericLessThan":{"s3:max-keys":5}})"));
  EXPECT_TRUE(Ask(policy, "s3:GetObject", "arn:aws:s3:::b/k", {{"s3:max-keys", {"6"}}}).allowed);
  EXPECT_FALSE(Ask(policy, "s3:GetObject", "arn:aws:s3:::b/k", {{"s3:max-keys", {"six"}}}).allowed);
  const std::string variable =
      Wrap(Allow("s3:*", "*") + "," + Deny("s3:*", "arn:aws:s3:::b/${aws:username}/*"));
  EXPECT_FALSE(Ask(variable, "s3:GetObject", "arn:aws:s3:::b/k").allowed);
}

TEST(Evaluate, VariablesOfTheOldVersionAreText) {
  const std::string policy =
      R"({"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"}]})";
  EXPECT_FALSE(
      Ask(policy, "s3:GetObject", "arn:aws:s3:::b/ada", {{"aws:username", {"ada"}}}).allowed);
  EXPECT_TRUE(Ask(policy, "s3:GetObject", "arn:aws:s3:::b/${aws:username}").allowed);
}

TEST(Evaluate, NamesThePolicyAndStatementThatDecided) {
  const std::string policy =
      Wrap(R"({"Effect":"Allow","Action":"s3:*","Resource":"*"},)" + Deny("s3:GetObject", "*"));
  const Decision denied = Ask(policy, "s3:GetObject", "arn:aws:s3:::b/k");
  EXPECT_EQ(denied.policy, "identity");
  EXPECT_EQ(denied.statement, "Take");
  EXPECT_EQ(denied.reason, "with an explicit deny in an identity-based policy");
  const Decision allowed = Ask(policy, "s3:PutObject", "arn:aws:s3:::b/k");
  EXPECT_TRUE(allowed.allowed);
  EXPECT_EQ(allowed.statement, "1");
  const Decision missing = Ask(policy, "glue:GetTable", "arn:aws:glue:us-east-1:1:catalog");
  EXPECT_EQ(missing.by, DecidedBy::kIdentity);
  EXPECT_EQ(missing.reason, "because no identity-based policy allows the glue:GetTable action");
}

// Who may assume role t of account B or A.
struct TrustCase {
  const char* what;
  std::string trust;
  const char* caller_account;
  const char* identity;  // of the caller; empty = none
  RequestContext context;
  bool allowed;
};
TEST(Evaluate, TrustWithinAndBetweenAccounts) {
  const std::string may = Wrap(Allow("sts:AssumeRole", "arn:aws:iam::222222222222:role/t"));
  const std::string role = R"({"AWS":"arn:aws:iam::%:role/c"})";
  const auto named = [&](const char* account) {
    std::string text = role;
    return text.replace(text.find('%'), 1, account);
  };
  const std::string external = R"(,"Condition":{"StringEquals":{"sts:ExternalId":"e1"}})";
  const TrustCase cases[] = {
      {"same account, named, nothing of its own", Trust(named(kB)), kB, "", {}, true},
      {"same account, root, nothing of its own",
       Trust(R"({"AWS":"222222222222"})"),
       kB,
       "",
       {},
       false},
      {"same account, root, may",
       Trust(R"({"AWS":"arn:aws:iam::222222222222:root"})"),
       kB,
       may.c_str(),
       {},
       true},
      {"same account, may, not trusted", Trust(named(kA)), kB, may.c_str(), {}, false},
      {"cross account, both", Trust(named(kA)), kA, may.c_str(), {}, true},
      {"cross account, trust only", Trust(named(kA)), kA, "", {}, false},
      {"cross account, caller only", Trust(named(kB)), kA, may.c_str(), {}, false},
      {"cross account, account, both",
       Trust(R"({"AWS":"111111111111"})"),
       kA,
       may.c_str(),
       {},
       true},
      {"another account's root", Trust(R"({"AWS":"333333333333"})"), kA, may.c_str(), {}, false},
      {"everybody, both", Trust(R"("*")"), kA, may.c_str(), {}, true},
      {"everybody, cross account, trust only", Trust(R"({"AWS":"*"})"), kA, "", {}, false},
      {"external id",
       Trust(named(kA), external),
       kA,
       may.c_str(),
       {{"sts:externalid", {"e1"}}},
       true},
      {"wrong external id",
       Trust(named(kA), external),
       kA,
       may.c_str(),
       {{"sts:externalid", {"e2"}}},
       false},
      {"no external id", Trust(named(kA), external), kA, may.c_str(), {}, false},
      {"its unique identifier", Trust(R"({"AWS":"AROACALLERCALLER1"})"), kA, may.c_str(), {}, true},
      {"another's unique identifier",
       Trust(R"({"AWS":"AROACALLERCALLER2"})"),
       kA,
       may.c_str(),
       {},
       false},
      {"its session, cross account",
       Trust(R"({"AWS":"arn:aws:sts::111111111111:assumed-role/c/s"})"),
       kA,
       may.c_str(),
       {},
       true},
      {"another session",
       Trust(R"({"AWS":"arn:aws:sts::111111111111:assumed-role/c/t"})"),
       kA,
       may.c_str(),
       {},
       false},
      {"a service is not a role",
       Trust(R"({"Service":"redshift.amazonaws.com"})"),
       kA,
       may.c_str(),
       {},
       false},
      {"a wildcard in a principal is malformed",
       Trust(R"({"AWS":"arn:aws:iam::*:role/c"})"),
       kA,
       may.c_str(),
       {},
       false},
      {"denied by NotPrincipal",
       Wrap(
           R"({"Effect":"Allow","Principal":"*","Action":"sts:*"},{"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"sts:*"})"),
       kA,
       may.c_str(),
       {},
       false},
      {"spared by NotPrincipal",
       Wrap(
           R"({"Effect":"Allow","Principal":"*","Action":"sts:*"},{"Effect":"Deny","NotPrincipal":{"AWS":["111111111111","arn:aws:iam::111111111111:role/c","arn:aws:sts::111111111111:assumed-role/c/s"]},"Action":"sts:*"})"),
       kA,
       may.c_str(),
       {},
       true},
  };
  for (const auto& c : cases) {
    AccessRequest request;
    request.principal = {
        .account = c.caller_account,
        .arn = fmt::format("arn:aws:iam::{}:role/c", c.caller_account),
        .id = "AROACALLERCALLER1",
        .session_arn = fmt::format("arn:aws:sts::{}:assumed-role/c/s", c.caller_account),
        .service = {},
        .role = true};
    request.action = "sts:AssumeRole";
    request.resource = "arn:aws:iam::222222222222:role/t";
    request.resource_account = kB;
    request.context = c.context;
    PolicySet set;
    if (*c.identity != '\0') set.identity.push_back(Identity(c.identity));
    set.resource.push_back(MakeAppliedPolicy("trust", c.trust, PolicyUse::kTrust));
    set.resource_must_allow = true;
    const Decision d = Evaluate(request, set);
    EXPECT_EQ(d.allowed, c.allowed) << c.what << ": " << d.reason;
  }
}

TEST(Evaluate, BoundariesAndSessionPoliciesOnlyTakeAway) {
  AccessRequest request;
  request.principal = {.account = kA,
                       .arn = "arn:aws:iam::111111111111:role/r",
                       .id = {},
                       .session_arn = "arn:aws:sts::111111111111:assumed-role/r/s",
                       .service = {},
                       .role = true};
  request.action = "s3:GetObject";
  request.resource = "arn:aws:s3:::b/k";
  request.resource_account = kA;
  const AppliedPolicy gives = Identity(Wrap(Allow("s3:*", "*")));
  const AppliedPolicy others = Identity(Wrap(Allow("glue:*", "*")));
  const auto resource = [](const std::string& principal) {
    return MakeAppliedPolicy(
        "bucket",
        Wrap(fmt::format(R"({{"Effect":"Allow","Principal":{},"Action":"s3:*","Resource":"*"}})",
                         principal)),
        PolicyUse::kResource);
  };
  PolicySet set;
  set.identity = {gives};
  EXPECT_TRUE(Evaluate(request, set).allowed);
  set.boundary = {others};
  EXPECT_EQ(Evaluate(request, set).by, DecidedBy::kBoundary);
  set.boundary = {gives};
  set.session = {others};
  EXPECT_EQ(Evaluate(request, set).by, DecidedBy::kSession);
  set.identity = {};
  set.session = {gives};
  EXPECT_EQ(Evaluate(request, set).by, DecidedBy::kIdentity) << "limits give nothing";
  // A bucket policy that names the role stands in for its own policies, within the limits.
  set.resource = {resource(R"({"AWS":"arn:aws:iam::111111111111:role/r"})")};
  EXPECT_TRUE(Evaluate(request, set).allowed);
  set.boundary = {others};
  EXPECT_FALSE(Evaluate(request, set).allowed);
  // One that names the session itself is above them, but not above a deny.
  set.resource = {resource(R"({"AWS":"arn:aws:sts::111111111111:assumed-role/r/s"})")};
  EXPECT_TRUE(Evaluate(request, set).allowed);
  set.boundary = {Identity(Wrap(Deny("s3:*", "*")))};
  EXPECT_FALSE(Evaluate(request, set).allowed);
}

TEST(Evaluate, AMalformedPolicyDenies) {
  AccessRequest request;
  request.principal.account = request.resource_account = kA;
  request.action = "s3:GetObject";
  request.resource = "arn:aws:s3:::b/k";
  PolicySet set;
  set.identity = {Identity(Wrap(Allow("*", "*"))), Identity("{")};
  const Decision d = Evaluate(request, set);
  EXPECT_FALSE(d.allowed);
  EXPECT_EQ(d.statement, "malformed");
}

TEST(Evaluate, ServicesNeedTheTrustOnly) {
  AccessRequest request;
  request.principal.service = "redshift.amazonaws.com";
  request.action = "sts:AssumeRole";
  request.resource = "arn:aws:iam::111111111111:role/w";
  request.resource_account = kA;
  PolicySet set;
  set.resource_must_allow = true;
  set.resource = {MakeAppliedPolicy("trust", Trust(R"({"Service":"redshift.amazonaws.com"})"),
                                    PolicyUse::kTrust)};
  EXPECT_TRUE(Evaluate(request, set).allowed);
  request.principal.service = "glue.amazonaws.com";
  EXPECT_FALSE(Evaluate(request, set).allowed);
}

TEST(Evaluate, MatchingStaysCheapOnHostilePatterns) {
  std::string stars, text(20'000, 'a');
  for (int i = 0; i < 500; i++) stars += "*a*?";
  EXPECT_FALSE(Matches(WildcardPattern(stars + "b"), text, false));
  EXPECT_TRUE(Matches(WildcardPattern(stars), text, false));
}

TEST(PolicyDocument, RefusesWhatItDoesNotUnderstand) {
  struct Case {
    std::string text;
    PolicyUse use;
    const char* part;
  };
  const auto one = [](const std::string& statement) { return Wrap(statement); };
  const Case cases[] = {
      {"", PolicyUse::kIdentity, "Syntax"},
      {"[]", PolicyUse::kIdentity, "Syntax"},
      {"{}", PolicyUse::kIdentity, "no Statement"},
      {R"({"Statement":[]})", PolicyUse::kIdentity, "no Statement"},
      {R"({"Version":"2012","Statement":[]})", PolicyUse::kIdentity, "Version"},
      {R"({"Statement":[],"Extra":1})", PolicyUse::kIdentity, "Extra"},
      {one(R"({"Effect":"allow","Action":"*","Resource":"*"})"), PolicyUse::kIdentity, "Effect"},
      {one(R"({"Effect":"Allow","Resource":"*"})"), PolicyUse::kIdentity, "actions"},
      {one(R"({"Effect":"Allow","Action":[],"Resource":"*"})"), PolicyUse::kIdentity, "actions"},
      {one(R"({"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"})"),
       PolicyUse::kIdentity, "actions"},
      {one(R"({"Effect":"Allow","Action":"GetObject","Resource":"*"})"), PolicyUse::kIdentity,
       "vendor"},
      {one(R"({"Effect":"Allow","Action":"s3:Get Object","Resource":"*"})"), PolicyUse::kIdentity,
       "malformed"},
      {one(R"({"Effect":"Allow","Action":"s3:*"})"), PolicyUse::kIdentity, "resources"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"bucket"})"), PolicyUse::kIdentity,
       "ARN format"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3*"})"), PolicyUse::kIdentity,
       "ARN format"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"})"),
       PolicyUse::kIdentity, "principal"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"*","Resources":"*"})"),
       PolicyUse::kIdentity, "Resources"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringMaybe":{"a:b":"c"}}})"),
       PolicyUse::kIdentity, "StringMaybe"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"ab":"c"}}})"),
       PolicyUse::kIdentity, "vendor"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericEquals":{"a:b":"c"}}})"),
       PolicyUse::kIdentity, "compare"},
      {one(R"({"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NullIfExists":{"a:b":"true"}}})"),
       PolicyUse::kIdentity, "NullIfExists"},
      {one(R"({"Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*"})"),
       PolicyUse::kIdentity, "twice"},
      {one(R"({"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"})"),
       PolicyUse::kIdentity, "unique"},
      {one(R"({"Sid":"a b","Effect":"Allow","Action":"s3:*","Resource":"*"})"),
       PolicyUse::kIdentity, "alpha-numeric"},
      {one(R"({"Effect":"Allow","Principal":"*","Action":"s3:*"})"), PolicyUse::kTrust, "STS"},
      {one(R"({"Effect":"Allow","Action":"sts:AssumeRole"})"), PolicyUse::kTrust, "principal"},
      {one(R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"})"),
       PolicyUse::kTrust, "Resource"},
      {one(R"({"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"})"),
       PolicyUse::kTrust, "NotPrincipal"},
      {one(R"({"Effect":"Allow","Principal":"111111111111","Action":"sts:AssumeRole"})"),
       PolicyUse::kTrust, "principal"},
      {one(R"({"Effect":"Allow","Principal":{"AWS":"11111111111"},"Action":"sts:AssumeRole"})"),
       PolicyUse::kTrust, "principal"},
      {one(R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/*"},"Action":"sts:AssumeRole"})"),
       PolicyUse::kTrust, "principal"},
      {one(R"({"Effect":"Allow","Principal":{"Service":"*.amazonaws.com"},"Action":"sts:AssumeRole"})"),
       PolicyUse::kTrust, "principal"},
      {one(R"({"Effect":"Allow","Principal":{"Everyone":"x"},"Action":"sts:AssumeRole"})"),
       PolicyUse::kTrust, "principal"},
      {std::string(300'000, ' '), PolicyUse::kIdentity, "long"},
      {std::string(100'000, '['), PolicyUse::kIdentity, "Syntax"},
  };
  for (const auto& c : cases) {
    const auto parsed = ParsePolicy(c.text, c.use);
    ASSERT_FALSE(parsed) << c.text.substr(0, 300);
    EXPECT_NE(parsed.error().message.find(c.part), std::string::npos)
        << c.text.substr(0, 300) << ": " << parsed.error().message;
  }
}

TEST(PolicyDocument, CountsBytesWithoutBlanks) {
  EXPECT_EQ(PolicyBytes(R"( { "a" : "b c" } )"), std::string(R"({"a":"b c"})").size());
}

TEST(PolicyValues, DatesGoThereAndBack) {
  EXPECT_EQ(WriteDate(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(ReadDate(WriteDate(1'800'000'000)), 1'800'000'000.0);
  EXPECT_FALSE(ReadDate("2026-02-30"));
  EXPECT_FALSE(ReadDate("2026-02-03T25:00:00Z"));
  EXPECT_EQ(ReadDate("1970-01-01T00:00:00.5Z"), 0.5);
}

}  // namespace
}  // namespace skep::identity
