#include "worker/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "worker/session_fixture.h"

namespace skep::worker {
namespace {

// Runs for minutes in the engine, with one row at its end or with rows without end.
constexpr const char* kLongAggregate =
    "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where "
    "a.a % 7 = b.b % 11";
constexpr const char* kLongRows =
    "select a.a, 'some text that fills frames' from generate_series(1, 1000000) a, "
    "generate_series(1, 1000000) b";

class SessionTest : public EngineFixture {};

TEST_F(SessionTest, AnswersAStatementWithItsRows) {
  auto client = Client();
  auto statement =
      SessionClient::Statement("select 1 as a, 'x' as b union all select 2, null order by 1");
  statement.describe = true;
  const Reply reply = client->Run(statement);
  EXPECT_TRUE(reply.attached);
  EXPECT_EQ(reply.Text(), "1|x ; 2|NULL");
  EXPECT_EQ(reply.messages.described, (std::vector<uint32_t>{oid::kInt4, oid::kVarchar}));
  ASSERT_TRUE(reply.complete);
  EXPECT_EQ(reply.complete->tag, "SELECT 2");
  EXPECT_EQ(reply.transaction, 'I');
}

TEST_F(SessionTest, AManyBranchedUnionDoesNotStopAtItsHeldFrames) {
  // Every branch is a pipeline that ends with a frame too small to be sent at once; in all they are
  // more than may wait.
  auto client = Client();
  std::string text = "select repeat('x', 15000) a";
  for (int i = 0; i < 500; i++) text += " union all select repeat('y', 15000)";
  const Reply reply = client->Run(text);
  ASSERT_TRUE(reply.complete) << reply.Text();
  EXPECT_EQ(reply.messages.rows.size(), 501u);
}

TEST_F(SessionTest, CancelsAStatementThatOnlyComputes) {
  auto client = Client();
  client->Run("select 1");
  client->Send(ipc::FrameType::kExecute, SessionClient::Statement(kLongAggregate));
  client->Cancel();
  const Reply reply = client->Read();
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->kind, ErrorKind::kQueryCanceled);
  EXPECT_EQ(client->Run("select 2").Text(), "2");
}

TEST_F(SessionTest, CancelsAStatementWhoseClientDoesNotRead) {
  auto client = Client();
  client->Send(ipc::FrameType::kExecute, SessionClient::Statement(kLongRows));
  // The first rows are here: it runs. Nobody reads on, so that it stands.
  pollfd readable{client->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 60'000), 1);
  client->Cancel();
  const Reply reply = client->Read();
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->kind, ErrorKind::kQueryCanceled);
  EXPECT_GT(reply.messages.rows.size(), 0u);
  EXPECT_EQ(client->Run("select 2").Text(), "2");
}

TEST_F(SessionTest, ACancelFollowsTheStatementThatWasSentBeforeIt) {
  // Whether the session's thread has read the statement, or has not even begun: each must be
  // cancelled.
  for (int i = 0; i < 50; i++) {
    auto client = Client("session-" + std::to_string(i));
    if (i % 2 == 0) ASSERT_EQ(client->Run("select 1").Text(), "1");
    client->Send(ipc::FrameType::kExecute,
                 SessionClient::Statement(i % 3 == 0 ? kLongRows : kLongAggregate));
    client->Cancel();
    const Reply reply = client->Read();
    ASSERT_TRUE(reply.error) << i;
    ASSERT_EQ(reply.error->kind, ErrorKind::kQueryCanceled);
    ASSERT_EQ(client->Run("select 2").Text(), "2");
  }
}

TEST_F(SessionTest, ACancelThatComesTooLateHurtsNoLaterStatement) {
  auto client = Client();
  ASSERT_TRUE(client->Run("create table t(a int)").complete);
  for (int i = 0; i < 20; i++) {
    // Something to roll back, so that there is time between a statement's end and its answer.
    auto begin = SessionClient::Statement(
        "insert into t select generate_series from generate_series(1, 50000)");
    begin.begin_first = true;
    ASSERT_EQ(client->Run(begin).transaction, 'T');
    std::atomic<bool> answered = false;
    std::thread late([&] {
      while (!answered) client->Cancel();
    });
    const Reply reply = client->Run("select 1/0");
    answered = true;
    late.join();
    ASSERT_TRUE(reply.error);
    // All cancels are over before this one is sent.
    ASSERT_EQ(client->Run("select count(*) from t").Text(), "0") << i;
  }
}

TEST_F(SessionTest, ACancelOfAnotherSessionDoesNothing) {
  auto client = Client("mine");
  ASSERT_EQ(client->Run("select 1").Text(), "1");
  client->Send(ipc::FrameType::kExecute,
               SessionClient::Statement("select count(*) from generate_series(1, 3000000)"));
  client->session().Cancel("another");
  client->session().Cancel("");
  EXPECT_EQ(client->Read().Text(), "3000000");
  // Nor does one that came before this session said its name.
  SessionClient unnamed(*engine_, *reactor_, "unnamed", false);
  unnamed.session().Cancel("another");
  unnamed.Send(ipc::FrameType::kAttach, unnamed.Attachment());
  EXPECT_EQ(unnamed.Run("select 1").Text(), "1");
}

TEST_F(SessionTest, ACancelThatOvertakesTheFirstRequestIsKept) {
  SessionClient client(*engine_, *reactor_, "early", false);
  client.session().Cancel("somebody else");
  client.session().Cancel("early");
  client.SendRaw(
      ipc::EncodeFrame(ipc::FrameType::kAttach, client.Attachment()) +
      ipc::EncodeFrame(ipc::FrameType::kExecute, SessionClient::Statement(kLongAggregate)));
  const Reply reply = client.Read();
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->kind, ErrorKind::kQueryCanceled);
  EXPECT_EQ(client.Run("select 2").Text(), "2");
}

TEST_F(SessionTest, StopsAStatementAtItsTimeout) {
  auto client = Client();
  for (const char* text : {kLongAggregate, kLongRows}) {
    auto statement = SessionClient::Statement(text);
    statement.timeout_ms = 50;
    client->Send(ipc::FrameType::kExecute, statement);
    const Reply reply = client->Read();
    ASSERT_TRUE(reply.error);
    EXPECT_EQ(reply.error->kind, ErrorKind::kStatementTimeout) << reply.error->message;
  }
  auto statement = SessionClient::Statement("select 2");
  statement.timeout_ms = 60'000;
  EXPECT_EQ(client->Run(statement).Text(), "2");
}

TEST_F(SessionTest, EndsAStatementWhoseGatewayIsGone) {
  for (const char* text : {kLongAggregate, kLongRows}) {
    auto client = Client();
    client->Run("select 1");
    client->Send(ipc::FrameType::kExecute, SessionClient::Statement(text));
    client->Leave();  // joins the session's thread
  }
}

TEST_F(SessionTest, EndsAQueuedStatementWhoseGatewayIsGoneThoughItsForerunnerWasCancelled) {
  auto client = Client();
  client->Run("select 1");
  client->Send(ipc::FrameType::kExecute, SessionClient::Statement(kLongAggregate));
  client->Cancel();
  // Three more are on the way when the gateway dies.
  for (int i = 0; i < 3; i++)
    client->Send(ipc::FrameType::kExecute, SessionClient::Statement(kLongAggregate));
  client->Leave();
}

TEST_F(SessionTest, EndStopsWhatRunsAndWhatWaits) {
  auto client = Client();
  client->Run("select 1");
  const std::string one =
      ipc::EncodeFrame(ipc::FrameType::kExecute, SessionClient::Statement(kLongAggregate));
  client->SendRaw(one + one + one);
  client->session().End();
  client->Join();
}

TEST_F(SessionTest, RollsBackWhatItsClientDidNotCommit) {
  auto client = Client();
  ASSERT_TRUE(client->Run("create table t(a int)").complete);
  auto begin = SessionClient::Statement("insert into t values (1)");
  begin.begin_first = true;
  EXPECT_EQ(client->Run(begin).transaction, 'T');
  client->Leave();
  auto next = Client("session-2");
  EXPECT_EQ(next->Run("select count(*) from t").Text(), "0");
}

TEST_F(SessionTest, AFailedStatementEndsTheTransactionAndSaysSo) {
  auto client = Client();
  ASSERT_TRUE(client->Run("create table t(a int)").complete);
  auto begin = SessionClient::Statement("insert into t values (1)");
  begin.begin_first = true;
  ASSERT_EQ(client->Run(begin).transaction, 'T');
  const Reply failed = client->Run("select 1/0");
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->kind, ErrorKind::kDivisionByZero);
  EXPECT_EQ(failed.transaction, 'E');
  EXPECT_EQ(client->Run("select count(*) from t").Text(), "0");
}

TEST_F(SessionTest, FetchesAPortalInParts) {
  auto client = Client();
  auto statement =
      SessionClient::Statement("select generate_series from generate_series(1, 5000) order by 1");
  statement.begin_first = true;
  statement.portal = "p";
  statement.max_rows = 3;
  const Reply first = client->Run(statement);
  EXPECT_EQ(first.Text(), "1 ; 2 ; 3");
  ASSERT_TRUE(first.complete);
  EXPECT_TRUE(first.complete->suspended);
  const Reply second = client->Fetch("p", 4990);
  EXPECT_EQ(second.messages.rows.size(), 4990u);
  EXPECT_EQ(second.messages.rows.front()[0], "4");
  EXPECT_TRUE(second.complete && second.complete->suspended);
  const Reply last = client->Fetch("p", 0);
  EXPECT_EQ(last.Text(), "4994 ; 4995 ; 4996 ; 4997 ; 4998 ; 4999 ; 5000");
  EXPECT_TRUE(last.complete && !last.complete->suspended);
  const Reply gone = client->Fetch("p", 1);
  ASSERT_TRUE(gone.error);
  EXPECT_EQ(gone.error->kind, ErrorKind::kInvalidCursorName);
}

TEST_F(SessionTest, CancelsAFetchWhoseClientDoesNotRead) {
  auto client = Client();
  auto statement =
      SessionClient::Statement("select repeat('x', 1000) from generate_series(1, 50000)");
  statement.portal = "p";
  statement.max_rows = 1;
  ASSERT_TRUE(client->Run(statement).complete);
  client->Send(ipc::FrameType::kFetch, ipc::FetchPortal{"p", 0});
  pollfd readable{client->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 60'000), 1);
  client->Cancel();
  const Reply reply = client->Read();
  ASSERT_TRUE(reply.error) << reply.messages.rows.size();
  EXPECT_EQ(reply.error->kind, ErrorKind::kQueryCanceled);
  // Some of its rows are lost, so it cannot go on.
  const Reply again = client->Fetch("p", 1);
  ASSERT_TRUE(again.error);
  EXPECT_EQ(again.error->kind, ErrorKind::kInvalidCursorName);
}

TEST_F(SessionTest, CancelsAFetchThatNeverFillsItsSocket) {
  // All of it may wait in the outlet, so that nothing but the cancel stops it. It may be done
  // before the cancel comes, though not each time.
  auto client = Client();
  int cancelled = 0;
  for (int i = 0; i < 50 && cancelled == 0; i++) {
    auto statement =
        SessionClient::Statement("select repeat('x', 40) from generate_series(1, 50000)");
    statement.portal = "p";
    statement.max_rows = 1;
    ASSERT_TRUE(client->Run(statement).complete);
    client->Send(ipc::FrameType::kFetch, ipc::FetchPortal{"p", 0});
    client->Cancel();
    const Reply reply = client->Read();
    if (!reply.error) continue;
    EXPECT_EQ(reply.error->kind, ErrorKind::kQueryCanceled);
    cancelled++;
  }
  EXPECT_GT(cancelled, 0);
}

TEST_F(SessionTest, RefusesAResultOfTooManyColumns) {
  auto client = Client();
  std::string text = "select 0";
  for (size_t i = 0; i < kMaxColumns; i++) text += ",0";
  const Reply reply = client->Run(text);
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->kind, ErrorKind::kTooManyColumns);
  EXPECT_EQ(reply.error->message, "target lists can have at most 1664 entries");
  const Reply described = client->Describe(text);
  ASSERT_TRUE(described.error);
  EXPECT_EQ(described.error->kind, ErrorKind::kTooManyColumns);
  EXPECT_EQ(client->Run("select 2").Text(), "2");
}

TEST_F(SessionTest, SendsARowLargerThanAllThatMayWait) {
  auto client = Client();
  const Reply reply = client->Run("select repeat('x', 16000000) a, repeat('y', 16000000) b");
  ASSERT_TRUE(reply.complete) << reply.Text();
  ASSERT_EQ(reply.messages.rows.size(), 1u);
  EXPECT_EQ(reply.messages.rows[0][1]->size(), 16'000'000u);
  auto portal =
      SessionClient::Statement("select repeat('x', 16000000) a from generate_series(1, 2)");
  portal.portal = "p";
  portal.max_rows = 1;
  EXPECT_EQ(client->Run(portal).messages.rows.size(), 1u);
  const Reply refused = client->Run("select repeat('x', 40000000) a, repeat('y', 40000000) b");
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->kind, ErrorKind::kPayloadTooLarge);
}

TEST_F(SessionTest, ClosesTheSocketOfAGatewayThatDoesNotSpeakTheProtocol) {
  const auto attach = [](const SessionClient& client) {
    return ipc::EncodeFrame(ipc::FrameType::kAttach, client.Attachment());
  };
  SessionClient reference(*engine_, *reactor_, "reference");
  const std::string good = attach(reference),
                    statement = ipc::EncodeFrame(ipc::FrameType::kExecute,
                                                 SessionClient::Statement("select 1"));
  const std::string attacks[] = {
      std::string("\xff\xff\xff\xff\x02\0\0\0", 8),    // longer than any frame
      std::string("\x04\0\0\0\x01\0\0\0ABCD", 12),     // an attachment that is none
      std::string("\0\0\0\0\x63\0\0\0", 8),            // an unknown type
      std::string("\0\0\0\0\x11\0\0\0", 8),            // an answer
      good + good,                                     // attached twice
      good + std::string("\x01\0\0\0\x02\0\0\0X", 9),  // a statement that is none
      good + ipc::EncodeFrame(ipc::FrameType::kInfer, ipc::InferRequest{}),  // not a scratch worker
      good.substr(0, good.size() - 5),                                       // torn
      statement.substr(0, 6)};
  for (const auto& attack : attacks) {
    SessionClient client(*engine_, *reactor_, "attack", false);
    client.SendRaw(attack);
    ::shutdown(client.fd(), SHUT_WR);
    client.Join();  // its thread ends
  }
  EXPECT_EQ(reference.Run("select 1").Text(), "1");
}

TEST_F(SessionTest, AnswersRequestsBeforeAnAttachmentWithAnError) {
  SessionClient client(*engine_, *reactor_, "none", false);
  for (int i = 0; i < 2; i++) {
    const Reply reply = client.Run("select 1");
    ASSERT_TRUE(reply.error);
    EXPECT_EQ(reply.error->kind, ErrorKind::kProtocolViolation);
  }
  EXPECT_TRUE(client.Fetch("p", 1).error);
  EXPECT_TRUE(client.Describe("select 1").error);
}

TEST_F(SessionTest, TellsWhyADatabaseCannotBeOpened) {
  SessionClient client(*engine_, *reactor_, "wrong", false);
  auto attach = client.Attachment();
  attach.database = "../dev";
  client.Send(ipc::FrameType::kAttach, attach);
  const Reply reply = client.Run("select 1");
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->kind, ErrorKind::kUndefinedDatabase);
}

TEST_F(SessionTest, TwoSessionsDoNotDisturbEachOther) {
  auto a = Client("a"), b = Client("b");
  a->Send(ipc::FrameType::kExecute, SessionClient::Statement(kLongRows));
  pollfd readable{a->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 60'000), 1);
  for (int i = 0; i < 20; i++)
    ASSERT_EQ(b->Run("select count(*) from generate_series(1, 10000)").Text(), "10000");
  a->Cancel();
  EXPECT_TRUE(a->Read().error);
  EXPECT_EQ(b->Run("select 1").Text(), "1");
}

TEST_F(SessionTest, ManySessionsComeAndGoInTheMiddleOfTheirStatements) {
  for (int round = 0; round < 10; round++) {
    std::vector<std::unique_ptr<SessionClient>> clients;
    for (int i = 0; i < 4; i++) {
      clients.push_back(Client("s" + std::to_string(i)));
      clients.back()->Send(ipc::FrameType::kExecute,
                           SessionClient::Statement(i % 2 == 0 ? kLongRows : kLongAggregate));
    }
    for (int i = 0; i < 4; i++) {
      if ((i + round) % 3 == 0) clients[static_cast<size_t>(i)]->Cancel();
      if ((i + round) % 3 == 1) clients[static_cast<size_t>(i)]->session().End();
    }
  }
  EXPECT_EQ(Client("last")->Run("select 1").Text(), "1");
}

}  // namespace
}  // namespace skep::worker
