#include "protocol/pgwire/startup.h"

#include <gtest/gtest.h>

namespace skep::pgwire {
namespace {

constexpr uint32_t kVersion = 3u << 16;

StartupMessage Of(std::vector<std::pair<std::string, std::string>> parameters) {
  parameters.insert(parameters.begin(), {"user", "ada"});
  return {kVersion, std::move(parameters)};
}

TEST(PgwireStartup, ReadsUserDatabaseAndSettings) {
  const auto startup = ReadStartup(Of({{"database", "dev"},
                                       {"application_name", "psql"},
                                       {"TimeZone", "UTC"},
                                       {"client_encoding", "UTF8"}}));
  ASSERT_TRUE(startup);
  EXPECT_EQ(startup->user, "ada");
  EXPECT_EQ(startup->database, "dev");
  EXPECT_EQ(startup->settings,
            (ipc::Settings{
                {"application_name", "psql"}, {"timezone", "UTC"}, {"client_encoding", "UTF8"}}));
  EXPECT_FALSE(startup->redshift_driver);
  EXPECT_FALSE(startup->client_protocol);
}

TEST(PgwireStartup, TakesWhatRedshiftsDriversSayAboutThemselvesAndPassesNoneOfItOn) {
  const auto startup = ReadStartup(Of({{"client_protocol_version", "2"},
                                       {"driver_version", "2.1"},
                                       {"os_version", "Linux"},
                                       {"plugin_name", ""},
                                       {"driver_discovery_version", "1"},
                                       {"idp_type", "x"},
                                       {"provider_name", "x"},
                                       {"identity_namespace", "x"},
                                       {"token_type", "x"}}));
  ASSERT_TRUE(startup);
  EXPECT_TRUE(startup->settings.empty());
  EXPECT_TRUE(startup->redshift_driver);
  EXPECT_EQ(startup->client_protocol, 2);
  for (const char* strange : {"", "x", "99999999999999999999"})
    EXPECT_EQ(ReadStartup(Of({{"client_protocol_version", strange}}))->client_protocol, 0);
}

TEST(PgwireStartup, FindsWorkgroupAndAuthenticationAmongTheOptionsWhichCountLast) {
  const auto startup = ReadStartup(
      Of({{"options",
           "-c workgroup=etl --authentication=MD5 -c search_path=a\\ b --statement-timeout=5s"},
          {"search_path", "other"}}));
  ASSERT_TRUE(startup);
  EXPECT_EQ(startup->workgroup, "etl");
  EXPECT_EQ(startup->authentication, "md5");
  EXPECT_EQ(startup->settings,
            (ipc::Settings{
                {"search_path", "other"}, {"search_path", "a b"}, {"statement_timeout", "5s"}}));
}

TEST(PgwireStartup, SplitsOptionsAsPostgresDoes) {
  EXPECT_EQ(*ReadOptions(""), ipc::Settings{});
  EXPECT_EQ(*ReadOptions("  \t\n"), ipc::Settings{});
  EXPECT_EQ(*ReadOptions("-cA=1 -c  B=2 --C-d=x=y"),
            (ipc::Settings{{"a", "1"}, {"b", "2"}, {"c_d", "x=y"}}));
  EXPECT_EQ(*ReadOptions("-c a=\\\\x\\ y\\"), (ipc::Settings{{"a", "\\x y\\"}}));
  EXPECT_EQ(*ReadOptions("-c a="), (ipc::Settings{{"a", ""}}));
  for (const char* bad : {"a=1", "-c", "-c a", "-c =1", "--", "--=1", "-d 5", "-"})
    EXPECT_FALSE(ReadOptions(bad)) << bad;
}

TEST(PgwireStartup, RefusesOtherVersionsAndPacketsWithoutUser) {
  EXPECT_EQ(ReadStartup({2u << 16, {}}).error().kind, ErrorKind::kFeatureNotSupported);
  EXPECT_EQ(ReadStartup({kVersion, {}}).error().kind, ErrorKind::kProtocolViolation);
  EXPECT_EQ(ReadStartup({kVersion, {{"user", ""}}}).error().kind, ErrorKind::kProtocolViolation);
  EXPECT_EQ(ReadStartup(Of({{"options", "nonsense"}})).error().kind, ErrorKind::kProtocolViolation);
}

TEST(PgwireStartup, CollectsProtocolOptionsItDoesNotKnow) {
  const auto startup =
      ReadStartup({kVersion | 2, {{"user", "ada"}, {"_pq_.command_tag_format", "x"}}});
  ASSERT_TRUE(startup);
  EXPECT_EQ(startup->unknown_options, std::vector<std::string>{"_pq_.command_tag_format"});
}

TEST(PgwireStartup, KnowsWhatReplicationLooksLike) {
  for (const char* on : {"database", "true", "1", "yes"})
    EXPECT_TRUE(ReadStartup(Of({{"replication", on}}))->replication) << on;
  for (const char* off : {"", "0", "False", "off", "no"})
    EXPECT_FALSE(ReadStartup(Of({{"replication", off}}))->replication) << off;
}

TEST(PgwireStartup, ChoosesTheProofByWhatTheClientSpeaks) {
  Startup plain, redshift, asking;
  redshift.redshift_driver = true;
  asking.authentication = "md5";
  struct Row {
    const char* configured;
    const Startup& startup;
    bool md5_only;
    Method method;
  };
  const Row rows[] = {
      {"auto", plain, false, Method::kScram},   {"auto", redshift, false, Method::kDigest},
      {"auto", asking, false, Method::kMd5},    {"auto", plain, true, Method::kMd5},
      {"auto", redshift, true, Method::kMd5},   {"trust", plain, true, Method::kTrust},
      {"digest", plain, true, Method::kDigest}, {"scram-sha-256", redshift, true, Method::kScram},
      {"md5", plain, false, Method::kMd5},
  };
  for (const auto& row : rows)
    EXPECT_EQ(ChooseMethod(row.configured, row.startup, row.md5_only), row.method)
        << row.configured;
}

TEST(PgwireStartup, ReadsTheWorkgroupFromTheServersName) {
  const auto redshift =
      ReadServerName("ETL.123456789012.us-east-1.redshift-serverless.amazonaws.com");
  EXPECT_EQ(redshift.workgroup, "etl");
  EXPECT_TRUE(redshift.certain);
  const auto local = ReadServerName("localhost");
  EXPECT_EQ(local.workgroup, "localhost");
  EXPECT_FALSE(local.certain);
  EXPECT_EQ(ReadServerName("etl.warehouse.example").workgroup, "etl");
  EXPECT_EQ(ReadServerName("").workgroup, "");
}

}  // namespace
}  // namespace skep::pgwire
