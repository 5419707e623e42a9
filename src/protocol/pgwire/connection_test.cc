// Who gets in and how: from the first byte to ReadyForQuery, and the end of the server.
#include <gtest/gtest.h>

#include "protocol/pgwire/door_fixture.h"

namespace skep::pgwire::testing {
namespace {

using PgwireConnection = DoorTest;

uint32_t MethodOf(const Answer& answer) {
  return answer.type == 'R' ? ByteReader(answer.body).U32Be() : 0;
}

TEST_F(PgwireConnection, LogsInAndSaysWhatRedshiftSays) {
  auto& client = Connect();
  const auto said =
      LogIn(client, "ada", "secret", {{"database", "dev"}, {"application_name", "test"}});
  EXPECT_EQ(Types(said), "RRRRSSKZ");
  EXPECT_EQ(said.back().body, "I");
  EXPECT_EQ(client.parameters["server_version"], "8.0.2");
  EXPECT_EQ(client.parameters["session_authorization"], "ada");
  EXPECT_EQ(client.process_id, 1001u);
  EXPECT_EQ(client.key.size(), 4u);
  const auto& options = door_->sessions.last;
  EXPECT_EQ(options.workspace, "default");
  EXPECT_EQ(options.database, "dev");
  EXPECT_TRUE(options.superuser);
  EXPECT_EQ(options.settings, (ipc::Settings{{"application_name", "test"}}));
  EXPECT_TRUE(options.client.starts_with("pgwire 127.0.0.1:")) << options.client;
}

TEST_F(PgwireConnection, EveryMethodTakesTheRightPasswordAndNoOther) {
  for (const auto& [configured, method] :
       std::map<std::string, uint32_t>{{"scram-sha-256", 10}, {"md5", 5}, {"digest", 13}}) {
    door_.reset();
    options_.authentication = configured;
    const auto right = LogIn(Connect());
    EXPECT_EQ(MethodOf(right.front()), method);
    EXPECT_EQ(right.back().type, 'Z') << configured;
    const auto wrong = LogIn(Connect(), "ada", "guess");
    EXPECT_EQ(MethodOf(wrong.front()), method);
    EXPECT_EQ(CodeIn(wrong), "28P01") << configured;
    EXPECT_EQ(Fields(wrong.back())['S'], "FATAL");
    EXPECT_EQ(record().opened, 1);
    clients_.clear();
  }
}

TEST_F(PgwireConnection, AnUnknownUserLooksLikeAWrongPassword) {
  for (const char* configured : {"scram-sha-256", "md5", "digest"}) {
    door_.reset();
    options_.authentication = configured;
    const auto wrong = LogIn(Connect(), "ada", "guess"), unknown = LogIn(Connect(), "eve", "guess");
    EXPECT_EQ(Types(wrong), Types(unknown));
    for (size_t i = 0; i < wrong.size() && i < unknown.size(); i++) {
      if (wrong[i].type == 'R') {
        EXPECT_EQ(wrong[i].body.size(), unknown[i].body.size()) << configured;
      }
    }
    auto one = Fields(wrong.back()), other = Fields(unknown.back());
    EXPECT_EQ(one['M'], "password authentication failed for user \"ada\"");
    EXPECT_EQ(other['M'], "password authentication failed for user \"eve\"");
    one.erase('M');
    other.erase('M');
    EXPECT_EQ(one, other);
    clients_.clear();
  }
}

TEST_F(PgwireConnection, AnUnknownUsersSaltStaysTheSameAfterARestart) {
  const auto salt = [&] {
    const auto said = LogIn(Connect(), "eve", "guess");
    const std::string first = said.at(1).body;
    const size_t at = first.find(",s=");
    return first.substr(at, first.find(",i=") - at);
  };
  const std::string before = salt();
  EXPECT_EQ(salt(), before);
  clients_.clear();
  door_.reset();
  EXPECT_EQ(salt(), before);
}

TEST_F(PgwireConnection, AFailedLoginIsAnsweredLate) {
  options_.failed_login_delay = std::chrono::milliseconds(80);
  Open();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(CodeIn(LogIn(Connect(), "ada", "guess")), "28P01");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(80));
}

TEST_F(PgwireConnection, OffersEachClientWhatItCanSpeak) {
  AddUser("default", "old", "secret", true);
  EXPECT_EQ(MethodOf(LogIn(Connect()).front()), 10u);
  EXPECT_EQ(MethodOf(LogIn(Connect(), "ada", "secret", {{"client_protocol_version", "2"}}).front()),
            13u);
  EXPECT_EQ(
      MethodOf(LogIn(Connect(), "ada", "secret", {{"options", "-c authentication=md5"}}).front()),
      5u);
  const auto old = LogIn(Connect(), "old");
  EXPECT_EQ(MethodOf(old.front()), 5u);
  EXPECT_EQ(old.back().type, 'Z');
}

TEST_F(PgwireConnection, TrustAsksForNoPasswordButForAUser) {
  options_.authentication = "trust";
  EXPECT_EQ(Types(LogIn(Connect())), "RSSKZ");
  EXPECT_EQ(CodeIn(LogIn(Connect(), "eve")), "28P01");
}

TEST_F(PgwireConnection, AUserWithoutPasswordCannotLogIn) {
  ASSERT_TRUE(store_->PutUser({"default", "bob", false, false, "", "", ""}));
  EXPECT_EQ(CodeIn(LogIn(Connect(), "bob", "")), "28P01");
}

TEST_F(PgwireConnection, AnUnknownDatabaseIsNamedAfterTheLogin) {
  const auto said = LogIn(Connect(), "ada", "secret", {{"database", "nowhere"}});
  EXPECT_EQ(Types(said), "RRRRE");
  EXPECT_EQ(CodeIn(said), "3D000");
  EXPECT_EQ(CodeIn(LogIn(Connect(), "ada", "guess", {{"database", "nowhere"}})), "28P01");
}

TEST_F(PgwireConnection, FindsTheWorkgroupByOptionsThenConfigurationThenIfItIsTheOnlyOne) {
  ASSERT_TRUE(store_->PutWorkspace({"etl"}));
  AddUser("etl", "ada", "other");
  EXPECT_EQ(LogIn(Connect(), "ada", "other", {{"options", "-c workgroup=etl"}}).back().type, 'Z');
  EXPECT_EQ(door_->sessions.last.workspace, "etl");
  EXPECT_EQ(LogIn(Connect()).back().type, 'Z');
  EXPECT_EQ(door_->sessions.last.workspace, "default");
  const auto unknown = LogIn(Connect(), "ada", "secret", {{"options", "-c workgroup=none"}});
  EXPECT_EQ(CodeIn(unknown), "42704");
  EXPECT_EQ(Fields(unknown.back())['M'], "workgroup \"none\" does not exist");
  clients_.clear();
  door_.reset();
  options_.default_workspace.clear();
  EXPECT_EQ(CodeIn(LogIn(Connect())), "42704");
}

TEST_F(PgwireConnection, TakesTheOnlyWorkgroupWhenNoneIsConfigured) {
  options_.default_workspace.clear();
  EXPECT_EQ(LogIn(Connect()).back().type, 'Z');
}

TEST_F(PgwireConnection, TheServersNameInTlsChoosesTheWorkgroup) {
  UseTls();
  ASSERT_TRUE(store_->PutWorkspace({"etl"}));
  AddUser("etl", "ada", "other");
  EXPECT_EQ(
      LogIn(ConnectTls("etl.example.org"), "ada", "other", {{"options", "-c workgroup=default"}})
          .back()
          .type,
      'Z');
  EXPECT_EQ(door_->sessions.last.workspace, "etl");
  EXPECT_EQ(LogIn(ConnectTls("localhost")).back().type, 'Z');
  EXPECT_EQ(LogIn(ConnectTls()).back().type, 'Z');
  EXPECT_EQ(
      CodeIn(LogIn(ConnectTls("none.123456789012.us-east-1.redshift-serverless.amazonaws.com"))),
      "42704");
}

TEST_F(PgwireConnection, SpeaksTlsThroughoutOnceAgreed) {
  UseTls();
  auto& client = ConnectTls();
  EXPECT_EQ(LogIn(client).back().type, 'Z');
  EXPECT_EQ(Types(Ask(client, "rows 3")), "TDDDCZ");
  const auto large = Ask(client, "rows 2000 1000");
  EXPECT_EQ(large.size(), 2003u);
  // More than one record at once, and one that comes in pieces.
  std::string many;
  for (int i = 0; i < 3000; i++) many += QueryOf("insert");
  client.Send(many);
  for (int i = 0; i < 3000; i++) ASSERT_EQ(Types(client.ReadUntil('Z')), "CZ") << i;
  client.Send(Framed('X'));
  EXPECT_TRUE(client.Closed());
}

TEST_F(PgwireConnection, RequiredTlsRefusesPlainClientsButTakesTheirCancelRequests) {
  UseTls();
  options_.require_tls = true;
  EXPECT_EQ(CodeIn(LogIn(Connect())), "28000");
  auto& client = ConnectTls();
  EXPECT_EQ(LogIn(client).back().type, 'Z');
  client.Send(QueryOf("wait"));
  ASSERT_TRUE(Eventually([&] { return record().running == 1; }));
  EXPECT_TRUE(Connect().Send(CancelPacket(client.process_id, client.key)).Closed());
  EXPECT_EQ(CodeIn(client.ReadUntil('Z')), "57014");
}

TEST_F(PgwireConnection, DeclinesEncryptionItCannotOfferAndGoesOn) {
  auto& client = Connect();
  client.Send(Packet(80877104));
  EXPECT_EQ(client.ReadExactly(1), "N");
  client.Send(Packet(80877103));
  EXPECT_EQ(client.ReadExactly(1), "N");
  EXPECT_EQ(LogIn(client).back().type, 'Z');
}

TEST_F(PgwireConnection, RefusesToBeAskedForEncryptionAgainAndAgain) {
  auto& client = Connect();
  client.Send(Packet(80877103));
  EXPECT_EQ(client.ReadExactly(1), "N");
  EXPECT_EQ(CodeIn(client.Send(Packet(80877103)).ReadUntil('E')), "08P01");
  EXPECT_TRUE(client.Closed());
}

TEST_F(PgwireConnection, NeverReadsWhatWasSentBeforeTheHandshakeAsIfItHadComeThroughIt) {
  UseTls();
  auto& client = Connect();
  client.Send(Packet(80877103) + StartPacket({{"user", "ada"}}));
  const auto said = client.ReadUntil('E');
  EXPECT_EQ(CodeIn(said), "08P01");
  EXPECT_TRUE(client.Closed());
}

TEST_F(PgwireConnection, RubbishInsteadOfAHandshakeClosesTheConnection) {
  UseTls();
  auto& client = Connect();
  client.Send(Packet(80877103));
  EXPECT_EQ(client.ReadExactly(1), "S");
  client.Send("\x16\x03\x01\xff\xff" + std::string(2000, '\xaa'));
  EXPECT_TRUE(client.Closed());
}

TEST_F(PgwireConnection, ABadStartClosesTheConnection) {
  for (const std::string& bytes :
       {"\0\0\0\7"s, "\0\0\0\x08\0\2\0\0"s, "\x40\0\0\0\0\3\0\0"s, std::string(100, '\xff'),
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n"s, Packet(99u << 16), Packet(196608, "user"),
        Packet(196608, "\0"s), Packet(80877102),
        Packet(196608, "user\0ada\0options\0nonsense\0\0"s), "\x16\x03\x01\2\0\1\0"s}) {
    EXPECT_TRUE(Connect().Send(bytes).Closed()) << ::testing::PrintToString(bytes);
  }
  for (const std::string& bytes : {""s, "\0"s, "\0\0\0\x20\0\3\0\0us"s}) {
    auto& client = Connect().Send(bytes);
    client.ShutdownSend();
    EXPECT_TRUE(client.Closed()) << ::testing::PrintToString(bytes);
  }
  EXPECT_EQ(LogIn(Connect()).back().type, 'Z');
  EXPECT_EQ(record().opened, 1);
}

TEST_F(PgwireConnection, ReadsAStartByteByByte) {
  auto& client = Connect();
  for (const char byte : StartPacket({{"user", "ada"}})) client.Send(std::string(1, byte));
  EXPECT_EQ(MethodOf(client.Read()), 10u);
}

TEST_F(PgwireConnection, RefusesMalformedProofsAndMessagesOutOfOrder) {
  const std::string initial = "SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc"s;
  for (const std::string& bytes :
       {QueryOf("rows 1"), Framed('p'), Framed('p', "SCRAM-SHA-1\0\0\0\0\0"s),
        Framed('p', "SCRAM-SHA-256\0\x7f\xff\xff\xff"s), "p\x40\0\0\0"s,
        Framed('d', "\0\0\0\0\0\0\0\0"s),
        Framed('p', initial) + Framed('p', "c=biws,r=wrong,p=AAAA"),
        Framed('p', initial) + QueryOf("rows 1")}) {
    auto& client = Connect();
    client.Send(StartPacket({{"user", "ada"}}) + bytes);
    const auto said = client.ReadUntil('E');
    EXPECT_EQ(CodeIn(said), "08P01") << ::testing::PrintToString(bytes);
    EXPECT_TRUE(client.Closed());
  }
  EXPECT_EQ(record().opened, 0);
}

TEST_F(PgwireConnection, AClientThatTakesTooLongToLogInIsDropped) {
  options_.authentication_timeout = std::chrono::milliseconds(60);
  EXPECT_TRUE(Connect().Closed());
  EXPECT_TRUE(Connect().Send("\0\0"s).Closed());
  auto& half = Connect();
  half.Send(StartPacket({{"user", "ada"}}));
  EXPECT_EQ(CodeIn(half.ReadUntil('E')), "57014");
  EXPECT_TRUE(half.Closed());
  UseTls();
  door_.reset();
  auto& shy = Connect();
  shy.Send(Packet(80877103));
  EXPECT_EQ(shy.ReadExactly(1), "S");
  EXPECT_TRUE(shy.Closed());
  EXPECT_TRUE(Eventually([&] { return door_->connections() == 0; }));
}

TEST_F(PgwireConnection, ALoggedInClientMayIdleForLongerThanItMayTakeToLogIn) {
  options_.authentication_timeout = std::chrono::milliseconds(200);
  auto& client = Ready();
  EXPECT_TRUE(Connect().Closed());  // by then the time is over
  EXPECT_EQ(Types(Ask(client, "rows 1")), "TDCZ");
}

TEST_F(PgwireConnection, TooManyClientsAreToldSoAndCanStillCancel) {
  options_.max_connections = 2;
  auto& first = Ready();
  Ready();
  const auto refused = LogIn(Connect());
  EXPECT_EQ(CodeIn(refused), "53300");
  first.Send(QueryOf("wait"));
  ASSERT_TRUE(Eventually([&] { return record().running == 1; }));
  EXPECT_TRUE(Connect().Send(CancelPacket(first.process_id, first.key)).Closed());
  EXPECT_EQ(CodeIn(first.ReadUntil('Z')), "57014");
  first.Send(Framed('X'));
  EXPECT_TRUE(first.Closed());
  ASSERT_TRUE(Eventually([&] { return record().closed == 1; }));
  EXPECT_TRUE(Eventually([&] { return LogIn(Connect()).back().type == 'Z'; }));
}

TEST_F(PgwireConnection, NegotiatesNewerProtocolsDown) {
  auto& client = Connect();
  const auto said = LogIn(client, "ada", "secret", {{"_pq_.new", "1"}}, 3u << 16 | 2);
  EXPECT_EQ(Types(said), "vRRRRSSKZ");
  EXPECT_EQ(said.front().body, "\0\3\0\0\0\0\0\1_pq_.new\0"s);
}

TEST_F(PgwireConnection, GrantsRedshiftsProtocolUpToTwo) {
  for (const auto& [asked, granted] : std::map<std::string, std::string>{
           {"0", "0"}, {"1", "1"}, {"2", "2"}, {"9", "2"}, {"-3", "0"}}) {
    EXPECT_EQ(Ready(0, {{"client_protocol_version", asked}}).parameters["server_protocol_version"],
              granted);
  }
  EXPECT_FALSE(Ready().parameters.contains("server_protocol_version"));
}

TEST_F(PgwireConnection, RefusesReplication) {
  EXPECT_EQ(CodeIn(LogIn(Connect(), "ada", "secret", {{"replication", "database"}})), "0A000");
}

TEST_F(PgwireConnection, RefusesOptionsItDoesNotKnowAtItsStart) {
  asio::io_context io;
  ScriptedSessions sessions(io.get_executor());
  net::BlockingPool blocking{1};
  const auto start = [&](ServerOptions options) {
    return Server(io, sessions, *store_, blocking, std::move(options)).Start();
  };
  EXPECT_EQ(start({.authentication = "kerberos"}).error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(start({.require_tls = true}).error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(start({.host = "256.0.0.1"}).error().kind, ErrorKind::kIoError);
  EXPECT_EQ(start({.port = Open().server->port()}).error().kind, ErrorKind::kIoError);
}

// ---------------------------------------------------------------- the end

TEST_F(PgwireConnection, TerminateAndDisappearanceEndTheSession) {
  auto& polite = Ready();
  polite.Send(Framed('X'));
  EXPECT_TRUE(polite.Closed());
  EXPECT_TRUE(Eventually([&] { return record().closed == 1; }));
  Ready().Close();
  EXPECT_TRUE(Eventually([&] { return record().closed == 2; }));
  EXPECT_TRUE(Eventually([&] { return door_->connections() == 0; }));
}

TEST_F(PgwireConnection, DrainingTellsWhoIdlesWaitsForWhatRunsAndForTransactions) {
  auto &idle = Ready(), &running = Ready(), &transaction = Ready(), &starting = Connect(),
       &halfway = Connect();
  halfway.Send(StartPacket({{"user", "ada"}}));
  EXPECT_EQ(MethodOf(halfway.Read()), 10u);
  EXPECT_EQ(Types(Ask(transaction, "begin")), "CZ");
  running.Send(QueryOf("wait"));
  ASSERT_TRUE(Eventually([&] { return record().running == 1; }));
  auto drained = asio::co_spawn(door_->io, door_->server->Drain(), asio::use_future);
  for (auto* client : {&idle, &starting, &halfway}) {
    const auto said = client->ReadUntil('E');
    EXPECT_EQ(CodeIn(said), "57P01");
    EXPECT_EQ(Fields(said.back())['S'], "FATAL");
    EXPECT_TRUE(client->Closed());
  }
  EXPECT_EQ(Types(Ask(transaction, "rows 1")), "TDCZ");
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(Types(Ask(transaction, "commit")), "CZ");
  EXPECT_EQ(CodeIn(transaction.ReadUntil('E')), "57P01");
  door_->Abort();
  drained.get();
  EXPECT_TRUE(running.Closed());
  EXPECT_EQ(record().cancelled, 1);
  EXPECT_EQ(door_->connections(), 0u);
}

TEST_F(PgwireConnection, DrainingLetsAStatementFinishAndGivesItsAnswer) {
  auto& client = Ready();
  client.Send(QueryOf("wait"));
  ASSERT_TRUE(Eventually([&] { return record().running == 1; }));
  auto drained = asio::co_spawn(door_->io, door_->server->Drain(), asio::use_future);
  EXPECT_EQ(door_->connections(), 1u);
  // No new connection gets in any more, not even to cancel: the client leaves by itself.
  client.Close();
  drained.get();
  EXPECT_EQ(record().cancelled, 1);
}

TEST_F(PgwireConnection, AbortEndsClientsInEveryState) {
  auto &idle = Ready(), &running = Ready(), &slow = Ready(4096), &starting = Connect(),
       &halfway = Connect();
  halfway.Send(StartPacket({{"user", "ada"}}));
  EXPECT_EQ(MethodOf(halfway.Read()), 10u);
  running.Send(QueryOf("wait"));
  slow.Send(QueryOf("rows 100000 1000"));
  ASSERT_TRUE(Eventually([&] { return record().running == 2; }));
  door_->Abort();
  for (auto* client : {&idle, &running, &slow, &starting, &halfway}) EXPECT_TRUE(client->Closed());
  EXPECT_TRUE(Eventually([&] { return door_->connections() == 0; }));
  EXPECT_EQ(record().closed, 3);
}

}  // namespace
}  // namespace skep::pgwire::testing
