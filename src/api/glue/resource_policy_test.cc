#include "api/glue/resource_policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace skep::glue {
namespace {

const PolicyQuestion kQuestion{"222222222222", "arn:aws:iam::222222222222:user/u", "glue:GetTable"};
const std::vector<std::string> kResources = {"arn:aws:glue:r:1:catalog",
                                             "arn:aws:glue:r:1:table/d/t"};

std::string Policy(const std::string& statements) {
  return fmt::format(R"({{"Version":"2012-10-17","Statement":[{}]}})", statements);
}

TEST(ResourcePolicy, LetsInWhomItNames) {
  constexpr const char* kAllow =
      R"({"Effect":"Allow","Principal":"*","Action":"glue:*","Resource":"*"})";
  struct Case {
    std::string policy;
    bool allowed;
  };
  const auto one = [](const char* principal, const char* action, const char* resource) {
    return Policy(fmt::format(R"({{"Effect":"Allow","Principal":{},"Action":{},"Resource":{}}})",
                              principal, action, resource));
  };
  const Case cases[] = {
      {Policy(kAllow), true},
      {"", false},
      {"[]", false},
      {R"({"Statement":7})", false},
      {one(R"({"AWS":"222222222222"})", R"("glue:GetTable")", R"("*")"), true},
      {one(R"({"AWS":["x","arn:aws:iam::222222222222:root"]})", R"(["glue:get*"])", R"("*")"),
       true},
      {one(R"({"AWS":"arn:aws:iam::222222222222:user/u"})", R"("glue:Get?able")", R"("*")"), true},
      {one(R"({"AWS":"arn:aws:iam::222222222222:user/v"})", R"("glue:*")", R"("*")"), false},
      {one(R"({"AWS":"333333333333"})", R"("glue:*")", R"("*")"), false},
      {one(R"({"Service":"*"})", R"("glue:*")", R"("*")"), false},
      {one(R"("*")", R"("glue:GetTables")", R"("*")"), false},
      {one(R"("*")", R"("s3:*")", R"("*")"), false},
      // Every resource must be allowed.
      {one(R"("*")", R"("glue:*")", R"("arn:aws:glue:r:1:table/d/*")"), false},
      {one(R"("*")", R"("glue:*")", R"(["arn:aws:glue:r:1:catalog","arn:aws:glue:r:1:table/d/*"])"),
       true},
      {one(R"("*")", R"("glue:*")", R"(["arn:aws:glue:r:1:catalog","arn:aws:glue:r:1:table/d/T"])"),
       false},
      // Deny wins, wherever it stands.
      {Policy(std::string(kAllow) +
              R"(,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*:table/*/t"})"),
       false},
      {Policy(R"({"Effect":"Deny","Principal":"*","Action":"*","Resource":"*:table/*/u"},)" +
              std::string(kAllow)),
       true},
      // Conditions are not known.
      {Policy(R"({"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{}})"),
       false},
      {Policy(std::string(kAllow) +
              R"(,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{}})"),
       false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(ResourcePolicyAllows(c.policy, kQuestion, kResources), c.allowed) << c.policy;
}

}  // namespace
}  // namespace skep::glue
