#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace skep::app {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skep-config-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    input_.environment["HOME"] = directory_;
    input_.executable_dir = directory_ + "/bin";
  }
  ~ConfigTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& text) {
    input_.config_path = directory_ + "/skep.toml";
    std::ofstream(input_.config_path) << text;
  }
  Error ErrorOfLoading() {
    auto loaded = LoadConfig(input_);
    EXPECT_FALSE(loaded.has_value());
    return loaded ? Error{} : loaded.error();
  }

  std::string directory_;
  ConfigInput input_;
};

TEST_F(ConfigTest, TakesAValueFromTheHighestSourceThatHasIt) {
  struct Row {
    const char *file, *environment, *flag;
    uint16_t port;
    Source source;
  };
  const Row rows[] = {
      {nullptr, nullptr, nullptr, 5439, Source::kDefault},
      {"1001", nullptr, nullptr, 1001, Source::kFile},
      {nullptr, "1002", nullptr, 1002, Source::kEnvironment},
      {"1001", "1002", nullptr, 1002, Source::kEnvironment},
      {nullptr, nullptr, "1003", 1003, Source::kFlag},
      {"1001", nullptr, "1003", 1003, Source::kFlag},
      {"1001", "1002", "1003", 1003, Source::kFlag},
  };
  for (const Row& row : rows) {
    input_.environment.erase("SKEP_PGWIRE_PORT");
    input_.flags.clear();
    Write(row.file == nullptr ? "" : std::string("[pgwire]\nport = ") + row.file + "\n");
    if (row.environment != nullptr) input_.environment["SKEP_PGWIRE_PORT"] = row.environment;
    if (row.flag != nullptr) input_.flags["pgwire.port"] = row.flag;
    const auto loaded = LoadConfig(input_);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->config.pgwire.port, row.port);
    EXPECT_EQ(loaded->sources.at("pgwire.port"), row.source);
  }
}

TEST_F(ConfigTest, HasSoundDefaultsWithoutAnyFile) {
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Config& c = loaded->config;
  EXPECT_EQ(loaded->file, "");
  EXPECT_EQ(c.data_dir, directory_ + "/.skep");
  EXPECT_EQ(c.pgwire.tls_certificate, directory_ + "/.skep/tls/server.crt");
  EXPECT_EQ(c.worker.path, directory_ + "/bin/skep-worker");
  EXPECT_EQ(c.worker.idle_timeout, std::chrono::seconds(300));
  EXPECT_GE(c.worker.threads, 1u);
  EXPECT_EQ(c.lake.cache_dir, directory_ + "/.skep/cache");
  EXPECT_EQ(c.lake.cache_size_bytes, 8ull << 30);
  EXPECT_EQ(c.http.port, 8439);
}

TEST_F(ConfigTest, ReadsTheFileOfTheDataDirectory) {
  std::filesystem::create_directories(directory_ + "/data");
  std::ofstream(directory_ + "/data/skep.toml")
      << "region = \"eu-central-1\"\n[lake]\ncache_dir = \"blocks\"\n";
  input_.flags["data_dir"] = directory_ + "/data";
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.region, "eu-central-1");
  EXPECT_EQ(loaded->config.lake.cache_dir, directory_ + "/data/blocks");
}

TEST_F(ConfigTest, TakesTheFolderOfANamedFileAsDataDirectory) {
  Write("");
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.data_dir, directory_);
}

TEST_F(ConfigTest, RefusesAnUnknownKeyAndSuggestsTheNearest) {
  Write("[pgwire]\nprot = 1\n");
  const Error error = ErrorOfLoading();
  EXPECT_EQ(error.kind, ErrorKind::kUndefinedObjectSetting);
  EXPECT_THAT(error.message, HasSubstr("skep.toml:2"));
  EXPECT_THAT(error.hint, HasSubstr("pgwire.port"));
  Write("[pgwrie]\nport = 1\n");
  EXPECT_THAT(ErrorOfLoading().hint, HasSubstr("pgwire.port"));
  Write("[[account]]\nid = \"123456789012\"\nacess_key = \"a\"\n");
  EXPECT_THAT(ErrorOfLoading().hint, HasSubstr("access_key"));
}

TEST_F(ConfigTest, RefusesValuesOutOfRangeAndNamesTheirSource) {
  const std::pair<const char*, const char*> rows[] = {{"pgwire.port", "65536"},
                                                      {"pgwire.port", "-1"},
                                                      {"pgwire.port", "5439x"},
                                                      {"pgwire.port", ""},
                                                      {"pgwire.require_tls", "maybe"},
                                                      {"worker.idle_timeout", "5 parsecs"},
                                                      {"lake.cache_size", "8Gi"},
                                                      {"log.level", "loud"},
                                                      {"account", "123"},
                                                      {"pgwire.authentication", "none"},
                                                      {"lake.fetch_threads", "0"}};
  for (const auto& [key, value] : rows) {
    input_.flags = {{key, value}};
    const Error error = ErrorOfLoading();
    EXPECT_EQ(error.kind, ErrorKind::kInvalidSettingValue) << key << "=" << value;
    EXPECT_THAT(error.message, HasSubstr(FlagName(key)));
  }
}

TEST_F(ConfigTest, RefusesAMissingOrMalformedNamedFile) {
  input_.config_path = directory_ + "/none.toml";
  EXPECT_EQ(ErrorOfLoading().kind, ErrorKind::kIoError);
  Write("[pgwire\nport = 1");
  EXPECT_THAT(ErrorOfLoading().message, HasSubstr("skep.toml:1"));
}

TEST_F(ConfigTest, ReadsAccountsAndRoles) {
  Write(R"(
[[account]]
id = "210987654321"
access_key = "AK"
secret_key = "very secret"
endpoint = "http://127.0.0.1:7070"
[[role]]
arn = "arn:aws:iam::210987654321:role/lake"
trust = ["workspace:default", "service:glue"]
paths = ["bucket/prefix"]
[[role]]
arn = "arn:aws:iam::210987654321:role/writer"
trust = ["workspace:default"]
objects = "write"
)");
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->config.accounts.size(), 1u);
  EXPECT_EQ(loaded->config.accounts[0].endpoint, "http://127.0.0.1:7070");
  EXPECT_TRUE(loaded->config.accounts[0].secret_access_key == Secret("very secret"));
  ASSERT_EQ(loaded->config.roles.size(), 2u);
  EXPECT_FALSE(loaded->config.roles[0].writes_objects);  // unless it says so
  EXPECT_TRUE(loaded->config.roles[1].writes_objects);
  EXPECT_THAT(loaded->config.roles[0].trust,
              testing::ElementsAre("workspace:default", "service:glue"));
  EXPECT_THAT(loaded->config.roles[0].allowed, testing::ElementsAre("bucket/prefix"));
  const std::string shown = DescribeConfig(*loaded);
  EXPECT_THAT(shown, Not(HasSubstr("very secret")));
  EXPECT_THAT(shown, HasSubstr("arn:aws:iam::210987654321:role/lake"));
}

TEST_F(ConfigTest, RefusesBadAccountsAndRoles) {
  for (const char* text :
       {"[[account]]\nid = \"1\"\naccess_key = \"a\"\nsecret_key = \"b\"\n",
        "[[account]]\nid = \"210987654321\"\naccess_key = \"a\"\n",
        "[[account]]\nid = \"210987654321\"\naccess_key = \"a\"\nsecret_key = \"b\"\nendpoint = "
        "\"localhost\"\n",
        "[[role]]\narn = \"lake\"\n",
        "[[role]]\narn = \"arn:aws:iam::210987654321:role/a\"\ntrust = [\"everyone\"]\n",
        "[[role]]\narn = \"arn:aws:iam::210987654321:role/a\"\ntrust = \"workspace:a\"\n",
        "[[role]]\narn = \"arn:aws:iam::210987654321:role/a\"\nobjects = \"all\"\n",
        "role = 5\n"}) {
    Write(text);
    EXPECT_EQ(ErrorOfLoading().kind, ErrorKind::kInvalidSettingValue) << text;
  }
}

TEST_F(ConfigTest, ReadsSecretsAndFederatedHosts) {
  Write(R"(
[[secret]]
arn = "arn:aws:secretsmanager:us-east-1:210987654321:secret:orders"
username = "reader"
password = "very secret"
host = "orders.example.com"
port = 5433
[[federated_host]]
name = "orders.example.com"
port = 5433
sslmode = "verify-full"
ca_file = "ca.pem"
[[federated_host]]
name = "10.0.0.7"
[[role]]
arn = "arn:aws:iam::210987654321:role/orders"
secrets = ["arn:aws:secretsmanager:us-east-1:210987654321:secret:orders"]
)");
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->config.secrets.size(), 1u);
  const auto& secret = loaded->config.secrets[0];
  EXPECT_EQ(secret.username, "reader");
  EXPECT_TRUE(secret.password == Secret("very secret"));
  EXPECT_EQ(secret.host, "orders.example.com");
  EXPECT_EQ(secret.port, 5433u);
  ASSERT_EQ(loaded->config.federated_hosts.size(), 2u);
  EXPECT_TRUE(loaded->config.federated_hosts[0].ca_file.starts_with('/'));
  EXPECT_EQ(loaded->config.federated_hosts[1].port, 5432u);
  EXPECT_EQ(loaded->config.federated_hosts[1].sslmode, "prefer");
  EXPECT_THAT(loaded->config.roles[0].secrets, testing::SizeIs(1));
  const std::string shown = DescribeConfig(*loaded);
  EXPECT_THAT(shown, Not(HasSubstr("very secret")));
  EXPECT_THAT(shown, HasSubstr("username reader, password ********, host orders.example.com"));
}

TEST_F(ConfigTest, RefusesBadSecretsAndFederatedHosts) {
  const std::string arn = "arn = \"arn:aws:secretsmanager:us-east-1:1:secret:a\"\n";
  for (const std::string& text : std::initializer_list<std::string>{
           "[[secret]]\narn = \"orders\"\nusername = \"a\"\npassword = \"b\"\n",
           "[[secret]]\n" + arn + "username = \"a\"\n", "[[secret]]\n" + arn + "password = \"b\"\n",
           "[[secret]]\n" + arn + "username = \"a\"\npassword_file = \"/nowhere/at/all\"\n",
           "[[secret]]\n" + arn + "username = \"a\"\npassword = \"b\"\nport = 70000\n",
           "[[secret]]\n" + arn + "username = \"a\"\npassword = \"b\"\n[[secret]]\n" + arn +
               "username = \"a\"\npassword = \"b\"\n",
           std::string("[[federated_host]]\nport = 5432\n"),
           std::string("[[federated_host]]\nname = \"a\"\nsslmode = \"allow\"\n"),
           std::string("[[federated_host]]\nname = \"a\"\nport = 0\n"),
           std::string("[[federated_host]]\nname = \"a\"\nsslmode = \"verify-full\"\n"),
           std::string("secret = 5\n"), std::string("federated_host = \"a\"\n")}) {
    Write(text);
    EXPECT_EQ(ErrorOfLoading().kind, ErrorKind::kInvalidSettingValue) << text;
  }
}

TEST_F(ConfigTest, ReadsEventSources) {
  Write(R"(
[[event_source]]
name = "lake"
account = "210987654321"
secret = "secret of the lake"
buckets = ["one", "two"]
[[event_source]]
name = "queue"
account = "210987654321"
queue_url = "https://sqs.us-east-1.amazonaws.com/210987654321/lake"
)");
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->config.event_sources.size(), 2u);
  EXPECT_TRUE(loaded->config.event_sources[0].secret == Secret("secret of the lake"));
  EXPECT_THAT(loaded->config.event_sources[0].buckets, testing::ElementsAre("one", "two"));
  EXPECT_TRUE(loaded->config.event_sources[1].secret.empty());
  const std::string shown = DescribeConfig(*loaded);
  EXPECT_THAT(shown, Not(HasSubstr("secret of the lake")));
  EXPECT_THAT(shown, HasSubstr("event_source queue"));
}

TEST_F(ConfigTest, RefusesBadEventSources) {
  const std::string good = "[[event_source]]\nname = \"a\"\naccount = \"210987654321\"\n";
  const std::string secret = "secret = \"sixteen characters\"\n";
  for (const std::string& text :
       {std::string(good), good + "secret = \"short\"\n", good + "queue_url = \"sqs\"\n",
        good + secret + good + secret, std::string("event_source = 5\n"),
        "[[event_source]]\nname = \"A/b\"\naccount = \"210987654321\"\n" + secret,
        "[[event_source]]\nname = \"a\"\naccount = \"1\"\n" + secret}) {
    Write(text);
    EXPECT_EQ(ErrorOfLoading().kind, ErrorKind::kInvalidSettingValue) << text;
  }
  Write(good + secret + "sekret = \"x\"\n");
  EXPECT_THAT(ErrorOfLoading().hint, HasSubstr("secret"));
}

TEST_F(ConfigTest, WritesACommentedFileThatChangesNothing) {
  const auto before = LoadConfig(input_);
  Write(CommentedToml({{"data_dir", directory_ + "/.skep"}}));
  const auto after = LoadConfig(input_);
  ASSERT_TRUE(after) << after.error().message;
  for (const ConfigKey& key : ConfigKeys())
    EXPECT_EQ(key.show(before->config), key.show(after->config)) << key.name;
}

TEST_F(ConfigTest, WritesDefaultsThatAreValidWhenUncommented) {
  std::string text = CommentedToml({});
  std::string uncommented;
  std::istringstream lines(text.substr(0, text.find("# Accounts of")));
  for (std::string line; std::getline(lines, line);) {
    const bool setting = line.starts_with("# ") && line.find(" = ") != std::string::npos &&
                         line.find(' ', 2) == line.find(" = ");
    if (setting && !line.ends_with("\"\"")) line = line.substr(2);
    uncommented += line + "\n";
  }
  Write(uncommented);
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->sources.at("pgwire.port"), Source::kFile);
  EXPECT_EQ(loaded->sources.at("lake.cache_size"), Source::kFile);
}

TEST_F(ConfigTest, DescribesEveryKeyOnceWithDistinctNames) {
  std::set<std::string> environment, flags;
  for (const ConfigKey& key : ConfigKeys()) {
    EXPECT_FALSE(key.description.empty()) << key.name;
    EXPECT_TRUE(environment.insert(EnvironmentName(key.name)).second) << key.name;
    EXPECT_TRUE(flags.insert(FlagName(key.name)).second) << key.name;
    if (!key.default_text.empty()) {
      Config config;
      EXPECT_TRUE(key.set(config, std::string(key.default_text))) << key.name;
    }
  }
  EXPECT_EQ(EnvironmentName("pgwire.require_tls"), "SKEP_PGWIRE_REQUIRE_TLS");
  EXPECT_EQ(FlagName("pgwire.require_tls"), "--pgwire-require-tls");
}

TEST_F(ConfigTest, WarnsOfAMisspeltVariable) {
  input_.environment["SKEP_PGWIRE_PROT"] = "1";
  input_.environment["SKEP_TEST_JOBS"] = "2";
  const auto loaded = LoadConfig(input_);
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, testing::ElementsAre(HasSubstr("SKEP_PGWIRE_PORT")));
}

TEST_F(ConfigTest, RefusesHalfATlsPair) {
  input_.flags["pgwire.tls_key"] = "/key";
  EXPECT_EQ(ErrorOfLoading().kind, ErrorKind::kInvalidSettingValue);
}

TEST(ConfigText, ReadsDurationsAndSizes) {
  EXPECT_EQ(ParseDuration("300")->count(), 300'000);
  EXPECT_EQ(ParseDuration("250ms")->count(), 250);
  EXPECT_EQ(ParseDuration("5min")->count(), 300'000);
  EXPECT_EQ(ParseDuration("1h")->count(), 3'600'000);
  EXPECT_FALSE(ParseDuration("99999999999999999999"));
  EXPECT_FALSE(ParseDuration("9999999999999999h"));
  EXPECT_FALSE(ParseDuration("-1s"));
  EXPECT_EQ(*ParseBytes("512MiB"), 512ull << 20);
  EXPECT_EQ(*ParseBytes("1 GB"), 1'000'000'000ull);
  EXPECT_EQ(*ParseBytes("4096"), 4096ull);
  EXPECT_FALSE(ParseBytes("99999999TiB"));
  EXPECT_FALSE(ParseBytes("MiB"));
}

}  // namespace
}  // namespace skep::app
