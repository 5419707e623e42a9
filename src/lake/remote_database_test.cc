#include "lake/remote_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace skep::lake {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kArn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:orders";
constexpr const char* kPassword = "pw-d41d8cd98f";

TEST(RemoteDatabase, KnowsAddressesThatNobodyMayReach) {
  const struct {
    const char* address;
    bool alone, listed;
  } kRows[] = {
      {"10.0.0.5", true, true},
      {"192.168.7.1", true, true},
      {"203.0.113.9", true, true},
      {"2001:db8::7", true, true},
      {"fd12:3456::1", true, true},
      {"127.0.0.1", false, true},
      {"127.8.9.10", false, true},
      {"::1", false, true},
      {"::ffff:127.0.0.1", false, true},
      {"::ffff:10.0.0.5", true, true},
      {"169.254.169.254", false, false},
      {"169.254.0.1", false, false},
      {"::ffff:169.254.169.254", false, false},
      {"64:ff9b::a9fe:a9fe", false, false},
      {"2002:a9fe:a9fe::1", false, false},
      {"64:ff9b::7f00:1", false, false},
      {"fe80::1%eth0", false, false},
      {"fd00:ec2::254", false, false},
      {"100.100.100.200", false, false},
      {"0.0.0.0", false, false},
      {"0.1.2.3", false, false},
      {"::", false, false},
      {"::7f00:1", false, false},
      {"224.0.0.1", false, false},
      {"255.255.255.255", false, false},
      {"ff02::1", false, false},
      {"localhost", false, false},
      {"", false, false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(MayConnectTo(row.address, false), row.alone) << row.address;
    EXPECT_EQ(MayConnectTo(row.address, true), row.listed) << row.address;
  }
}

RemoteOptions Options(const std::string& host, uint32_t port) {
  RemoteOptions options;
  options.secrets.push_back({kArn, "reader", Secret(kPassword)});
  options.hosts.push_back({host, port, "disable"});
  options.connect_timeout = std::chrono::milliseconds(2000);
  return options;
}

TEST(RemoteDatabase, ConnectsToListedHostsOnly) {
  RemoteDatabases databases(Options("127.0.0.1", 1));
  for (const RemotePlace& place :
       {RemotePlace{"127.0.0.1", 2, "d", kArn}, RemotePlace{"127.0.0.2", 1, "d", kArn},
        RemotePlace{"169.254.169.254", 80, "d", kArn},
        RemotePlace{"127.0.0.1 hostaddr=10.0.0.1", 1, "d", kArn}, RemotePlace{"", 1, "d", kArn}}) {
    const auto opened = databases.Open(place, "default");
    ASSERT_FALSE(opened) << place.Text();
    EXPECT_EQ(opened.error().kind, ErrorKind::kInsufficientPrivilege) << place.Text();
    EXPECT_THAT(opened.error().message, HasSubstr("may not be connected to"));
  }
  const auto unknown =
      databases.Open({"127.0.0.1", 1, "d", "arn:aws:secretsmanager:x:y:secret:z"}, "default");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kUndefinedObject);
  const auto down = databases.Open({"127.0.0.1", 1, "d", kArn}, "default");
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().kind, ErrorKind::kExternalUnavailable) << down.error().message;
}

TEST(RemoteDatabase, ListedNamesMustNotLeadToMetadataServices) {
  RemoteDatabases databases(Options("169.254.169.254", 80));
  const auto opened = databases.Open({"169.254.169.254", 80, "d", kArn}, "default");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInsufficientPrivilege);
}

TEST(RemoteDatabase, ASecretOfAHostIsSentToNoOther) {
  RemoteOptions options = Options("127.0.0.1", 1);
  options.secrets[0].host = "orders.example.com";
  RemoteDatabases databases(std::move(options));
  const auto opened = databases.Open({"127.0.0.1", 1, "d", kArn}, "default");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInsufficientPrivilege);
  EXPECT_THAT(opened.error().message, HasSubstr("is not for host"));
}

// Accepts one connection, reads what comes, answers `bytes`, waits for the end.
class HostileServer {
 public:
  explicit HostileServer(std::string bytes) : bytes_(std::move(bytes)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HostileServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  uint32_t port() const { return port_; }

 private:
  void Serve() {
    const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
    if (!client) return;
    char buffer[4096];
    if (::read(client.get(), buffer, sizeof buffer) <= 0) return;
    (void)::send(client.get(), bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
    while (::read(client.get(), buffer, sizeof buffer) > 0) {
    }
  }
  const std::string bytes_;
  UniqueFd listener_;
  uint32_t port_ = 0;
  std::thread thread_;
};

std::string Message(char type, const std::string& body) {
  std::string text(1, type);
  const auto length = static_cast<uint32_t>(body.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(length >> shift);
  return text + body;
}

TEST(RemoteDatabase, SurvivesServersThatDoNotSpeakTheProtocol) {
  using namespace std::string_literals;
  const std::string kAnswers[] = {
      "HTTP/1.1 200 OK\r\n\r\n"s,
      std::string(100'000, '\xff'),
      std::string(64, '\0'),
      Message('R', "\0\0\0\x0a"s + "SCRAM-SHA-256\0\0"s) + std::string(1000, 'x'),
      Message('R', std::string(8, '\x7f')),
      Message('R', "\0\0\0\0"s) + Message('Z', "I") + Message('T', "\xff\xff"s) +
          std::string(5000, 'D'),
      "N"s,
      ""s,
  };
  for (const std::string& answer : kAnswers) {
    const HostileServer server(answer);
    RemoteOptions options = Options("127.0.0.1", server.port());
    options.connect_timeout = options.metadata_timeout = std::chrono::milliseconds(1000);
    RemoteDatabases databases(std::move(options));
    const auto opened = databases.Open({"127.0.0.1", server.port(), "d", kArn}, "default");
    ASSERT_FALSE(opened) << answer.substr(0, 40);
    EXPECT_THAT(opened.error().message, HasSubstr("127.0.0.1"));
    EXPECT_THAT(opened.error().message, Not(HasSubstr(kPassword)));
  }
}

TEST(RemoteDatabase, APasswordThatTheServerRepeatsIsNotShown) {
  const std::string error = "SFATAL" + std::string(1, '\0') + "C28P01" + std::string(1, '\0') +
                            "Mpassword " + kPassword + " is wrong\x01\x1b[31m" +
                            std::string(2, '\0');
  const HostileServer server(Message('E', error));
  RemoteDatabases databases(Options("127.0.0.1", server.port()));
  const auto opened = databases.Open({"127.0.0.1", server.port(), "d", kArn}, "default");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kExternalDenied);
  EXPECT_THAT(opened.error().message, HasSubstr("password ******** is wrong??[31m"));
  EXPECT_THAT(opened.error().message, Not(HasSubstr(kPassword)));
}

TEST(RemoteDatabase, AServerThatAnswersWithoutEndIsCutOff) {
  std::string flood = Message('R', std::string(4, '\0')) + Message('Z', "I");
  for (int i = 0; i < 3000; i++)
    flood += Message('S', "parameter" + std::to_string(i) + std::string(1, '\0') +
                              std::string(1000, 'v') + std::string(1, '\0'));
  const HostileServer server(flood);
  RemoteOptions options = Options("127.0.0.1", server.port());
  options.max_metadata_bytes = 1 << 20;
  RemoteDatabases databases(std::move(options));
  const auto opened = databases.Open({"127.0.0.1", server.port(), "d", kArn}, "default");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kPayloadTooLarge) << opened.error().message;
}

}  // namespace
}  // namespace skep::lake
