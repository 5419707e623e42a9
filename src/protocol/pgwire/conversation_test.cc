// What clients and sessions say to each other: both protocols, cancelling, slow and vanished
// clients.
#include <gtest/gtest.h>

#include "protocol/pgwire/door_fixture.h"

namespace skep::pgwire::testing {
namespace {

using PgwireConversation = DoorTest;

// ---------------------------------------------------------------- the simple protocol

TEST_F(PgwireConversation, RunsScriptsAndEndsEachWithTheStateOfTheTransaction) {
  auto& client = Ready();
  auto said = Ask(client, "rows 2;insert;begin");
  EXPECT_EQ(Types(said), "TDDCCCZ");
  EXPECT_EQ(said[3].body, "SELECT 2\0"s);
  EXPECT_EQ(said.back().body, "T");
  said = Ask(client, "bad;insert");
  EXPECT_EQ(Types(said), "EZ");
  EXPECT_EQ(CodeIn(said), "42601");
  EXPECT_EQ(Fields(said[0])['P'], "3");
  EXPECT_EQ(said.back().body, "E");
  EXPECT_EQ(Ask(client, "rollback").back().body, "I");
  EXPECT_EQ(Types(Ask(client, "")), "IZ");
}

TEST_F(PgwireConversation, PassesOnNoticesAndChangedSettings) {
  auto& client = Ready();
  auto said = Ask(client, "notice");
  EXPECT_EQ(Types(said), "NCZ");
  EXPECT_EQ(Fields(said[0])['M'], "mind the gap");
  EXPECT_EQ(Fields(said[0])['S'], "WARNING");
  said = Ask(client, "set TimeZone Asia/Tokyo");
  EXPECT_EQ(Types(said), "CSZ");
  EXPECT_EQ(said[1].body, "TimeZone\0Asia/Tokyo\0"s);
}

TEST_F(PgwireConversation, AnswersAQueryThatComesByteByByteAndManyThatComeAtOnce) {
  auto& client = Ready();
  for (const char byte : QueryOf("rows 1")) client.Send(std::string(1, byte));
  EXPECT_EQ(Types(client.ReadUntil('Z')), "TDCZ");
  std::string many;
  for (int i = 0; i < 2000; i++) many += QueryOf("rows 1");
  client.Send(many);
  for (int i = 0; i < 2000; i++) ASSERT_EQ(Types(client.ReadUntil('Z')), "TDCZ") << i;
}

TEST_F(PgwireConversation, RefusesTextThatIsNoUtf8AndGoesOn) {
  auto& client = Ready();
  EXPECT_EQ(CodeIn(Ask(client, "rows '\xff\xfe'")), "22021");
  Ask(client, "begin");
  EXPECT_EQ(Ask(client, "rows '\xff\xfe'").back().body, "E");
  const auto said = client.Send(ParseOf("", "\xc3") + kSync).ReadUntil('Z');
  EXPECT_EQ(CodeIn(said), "22021");
  EXPECT_EQ(record().executed, 1);
}

TEST_F(PgwireConversation, ABrokenInvariantEndsTheConnectionWithANumber) {
  auto& client = Ready();
  const auto said = client.Send(QueryOf("throw")).ReadUntil('E');
  EXPECT_EQ(CodeIn(said), "XX000");
  EXPECT_EQ(Fields(said.back())['S'], "FATAL");
  EXPECT_NE(Fields(said.back())['M'].find("incident "), std::string::npos);
  EXPECT_EQ(Fields(said.back())['M'].find("broken"), std::string::npos);
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(Types(Ask(Ready(), "rows 1")), "TDCZ");
}

TEST_F(PgwireConversation, MalformedMessagesEndTheConnectionWithAReason) {
  for (const std::string& bytes :
       {Framed('Q', "unended"), "Q\x40\0\0\0"s, "?"s, Framed('B', "\0\0\0\1\0\7"s),
        Framed('p', "secret\0"s), "E\0\0\0\3"s}) {
    auto& client = Ready();
    const auto said = client.Send(bytes).ReadUntil('E');
    EXPECT_EQ(CodeIn(said), "08P01") << ::testing::PrintToString(bytes);
    EXPECT_TRUE(client.Closed());
  }
}

// ---------------------------------------------------------------- the extended protocol

TEST_F(PgwireConversation, AnswersABatchInOrderAndDescribesWithTheRows) {
  auto& client = Ready();
  const std::string rest = BindOf("", "") + DescribeOf('P', "") + ExecuteOf("") + kSync;
  EXPECT_EQ(Types(client.Send(ParseOf("", "rows 2") + rest).ReadUntil('Z')), "12TDDCZ");
  EXPECT_EQ(Types(client.Send(ParseOf("", "insert") + rest).ReadUntil('Z')), "12nCZ");
  EXPECT_EQ(Types(client.Send(ParseOf("", "") + rest).ReadUntil('Z')), "12nIZ");
  EXPECT_EQ(record().described, 0);
  EXPECT_EQ(record().executed, 3);
}

TEST_F(PgwireConversation, DescribesStatementsAndPortalsThatAreNotExecutedAtOnce) {
  auto& client = Ready();
  auto said = client.Send(Framed('P', "s\0rows 1\0\0\1\0\0\0\x17"s) + DescribeOf('S', "s") + kSync)
                  .ReadUntil('Z');
  EXPECT_EQ(Types(said), "1tTZ");
  EXPECT_EQ(said[1].body, "\0\1\0\0\0\x17"s);
  EXPECT_EQ(said[2].body.substr(said[2].body.size() - 2), "\0\0"s);
  said = client.Send(Framed('B', "p\0s\0\0\0\0\0\0\1\0\1"s) + DescribeOf('P', "p") + kSync)
             .ReadUntil('Z');
  EXPECT_EQ(Types(said), "2TZ");
  EXPECT_EQ(said[1].body.substr(said[1].body.size() - 2), "\0\1"s);
  EXPECT_EQ(Types(client
                      .Send(ParseOf("i", "insert") + DescribeOf('S', "i") + BindOf("", "i") +
                            DescribeOf('P', "") + kSync)
                      .ReadUntil('Z')),
            "1tn2nZ");
  EXPECT_EQ(record().described, 3);
  EXPECT_EQ(record().executed, 0);
}

TEST_F(PgwireConversation, AStatementThatCannotBeRunTakesNoName) {
  auto& client = Ready();
  EXPECT_EQ(Types(client.Send(ParseOf("s", "bad") + DescribeOf('S', "s") + kSync).ReadUntil('Z')),
            "EZ");
  const std::string good =
      ParseOf("s", "rows 1") + DescribeOf('S', "s") + BindOf("", "s") + ExecuteOf("") + kSync;
  EXPECT_EQ(Types(client.Send(good).ReadUntil('Z')), "1tT2DCZ");
  EXPECT_EQ(record().described, 2);
}

TEST_F(PgwireConversation, DescribesAgainAfterWhatMayHaveChangedTheAnswer) {
  auto& client = Ready();
  client
      .Send(ParseOf("s", "rows 1") + BindOf("", "s") + ExecuteOf("") + DescribeOf('S', "s") + kSync)
      .ReadUntil('Z');
  EXPECT_EQ(record().described, 2);
  client.Send(DescribeOf('S', "s") + kSync).ReadUntil('Z');
  EXPECT_EQ(record().described, 3);
}

TEST_F(PgwireConversation, OnlySeveralStatementsBeforeASyncAreABatch) {
  auto& client = Ready();
  const std::string one = ParseOf("", "insert") + BindOf("", "") + ExecuteOf("");
  client.Send(one + kSync).ReadUntil('Z');
  client.Send(one + CloseOf('P', "") + CloseOf('S', "") + kSync).ReadUntil('Z');
  EXPECT_EQ(record().batches, 0);
  client.Send(one + one + kSync).ReadUntil('Z');
  EXPECT_EQ(record().batches, 1);
  // What comes after a Flush is not known yet.
  client.Send(one + Framed('H')).ReadUntil('C');
  client.Send(kSync).ReadUntil('Z');
  EXPECT_EQ(record().batches, 2);
}

TEST_F(PgwireConversation, PassesParametersAndFormatsOn) {
  auto& client = Ready();
  const std::string bind = Framed('B', "\0\0\0\0\0\1\0\0\0\3abc\0\1\0\1"s);
  const auto said = client.Send(ParseOf("", "echo") + bind + ExecuteOf("") + kSync).ReadUntil('Z');
  EXPECT_EQ(Types(said), "12DCZ");
  EXPECT_EQ(Framed('D', said[2].body), Row({"abc", "1", "echo"}));
}

TEST_F(PgwireConversation, SkipsEverythingFromAnErrorToSync) {
  auto& client = Ready();
  const std::string again = ParseOf("", "rows 1") + BindOf("", "") + ExecuteOf("");
  const auto said = client
                        .Send(ParseOf("", "bad") + BindOf("", "") + DescribeOf('P', "") +
                              ExecuteOf("") + again + QueryOf("insert") + Framed('H') + kSync)
                        .ReadUntil('Z');
  EXPECT_EQ(Types(said), "12EZ");
  EXPECT_EQ(Types(client.Send(again + kSync).ReadUntil('Z')), "12DCZ");
  client.Send(DescribeOf('S', "none") + Framed('H'));
  EXPECT_EQ(Types(client.ReadUntil('E')), "E");
  client.Send(Framed('X'));
  EXPECT_TRUE(client.Closed());
}

TEST_F(PgwireConversation, NamesWhatIsMissingOrTaken) {
  auto& client = Ready();
  const auto code = [&](const std::string& messages) {
    return CodeIn(client.Send(messages + kSync).ReadUntil('Z'));
  };
  EXPECT_EQ(code(BindOf("p", "none")), "26000");
  EXPECT_EQ(code(BindOf("", "")), "26000");
  EXPECT_EQ(code(ExecuteOf("none")), "34000");
  EXPECT_EQ(code(ExecuteOf("")), "34000");
  EXPECT_EQ(code(DescribeOf('S', "none")), "26000");
  EXPECT_EQ(code(DescribeOf('P', "none")), "34000");
  EXPECT_EQ(code(ParseOf("s", "rows 1")), "");
  EXPECT_EQ(code(ParseOf("s", "rows 1")), "42P05");
  EXPECT_EQ(code(BindOf("p", "s") + BindOf("p", "s")), "42P03");
  EXPECT_EQ(code(BindOf("", "s") + BindOf("", "s")), "");
  EXPECT_EQ(code(ParseOf("", "rows 1") + ParseOf("", "rows 2")), "");
  EXPECT_EQ(code(Framed('B', "\0s\0\0\0\0\0\0\1\0\7"s)), "22023");
  EXPECT_EQ(code(Framed('B', "\0s\0\0\1\0\7\0\1\0\0\0\0\0\0"s)), "22023");
  EXPECT_EQ(
      Types(client.Send(CloseOf('S', "none") + CloseOf('P', "none") + CloseOf('S', "s") + kSync)
                .ReadUntil('Z')),
      "333Z");
  EXPECT_EQ(code(BindOf("p", "s")), "26000");
}

TEST_F(PgwireConversation, AnErrorThatTheSessionNeverSeesFailsItsTransaction) {
  auto& client = Ready();
  Ask(client, "begin");
  const auto said = client.Send(BindOf("", "none") + kSync).ReadUntil('Z');
  EXPECT_EQ(said.back().body, "E");
  EXPECT_EQ(record().failed_transactions, 1);
  Ask(client, "rollback");
  Ask(client, "begin");
  EXPECT_EQ(Types(client.Send(Framed('F', "call")).ReadUntil('Z')), "EZ");
  EXPECT_EQ(record().failed_transactions, 2);
}

TEST_F(PgwireConversation, APortalGivesItsRowsInPortions) {
  auto& client = Ready();
  Ask(client, "begin");
  EXPECT_EQ(Types(client
                      .Send(ParseOf("", "rows 5") + BindOf("c", "") + DescribeOf('P', "c") +
                            ExecuteOf("c", 2) + kSync)
                      .ReadUntil('Z')),
            "12TDDsZ");
  // Statements of the same transaction in between do not disturb it.
  EXPECT_EQ(Types(Ask(client, "insert")), "CZ");
  EXPECT_EQ(Types(client.Send(ExecuteOf("c", 2) + kSync).ReadUntil('Z')), "DDsZ");
  auto said = client.Send(ExecuteOf("c", 2) + kSync).ReadUntil('Z');
  EXPECT_EQ(Types(said), "DCZ");
  EXPECT_EQ(said[1].body, "SELECT 1\0"s);
  said = client.Send(ExecuteOf("c") + kSync).ReadUntil('Z');
  EXPECT_EQ(Types(said), "CZ");
  EXPECT_EQ(said[0].body, "SELECT 0\0"s);
  EXPECT_EQ(Types(client.Send(CloseOf('P', "c") + ExecuteOf("c") + kSync).ReadUntil('Z')), "3EZ");
  EXPECT_EQ(record().portals_closed, 0);
}

TEST_F(PgwireConversation, ClosingAPortalFreesItInTheSession) {
  auto& client = Ready();
  Ask(client, "begin");
  client
      .Send(ParseOf("", "rows 5") + BindOf("c", "") + ExecuteOf("c", 2) + CloseOf('P', "c") + kSync)
      .ReadUntil('Z');
  EXPECT_EQ(record().portals_closed, 1);
  // The unnamed one goes with the next of its kind.
  client.Send(BindOf("", "") + ExecuteOf("", 2) + BindOf("", "") + kSync).ReadUntil('Z');
  EXPECT_EQ(record().portals_closed, 2);
}

TEST_F(PgwireConversation, PortalsEndWithTheirTransaction) {
  auto& client = Ready();
  EXPECT_EQ(Types(client
                      .Send(ParseOf("s", "rows 5") + BindOf("c", "s") + ExecuteOf("c", 2) +
                            ExecuteOf("c", 1) + kSync)
                      .ReadUntil('Z')),
            "12DDsDsZ");
  EXPECT_EQ(record().portals_closed, 1);
  EXPECT_EQ(CodeIn(client.Send(ExecuteOf("c", 2) + kSync).ReadUntil('Z')), "34000");
  Ask(client, "begin");
  EXPECT_EQ(Types(client.Send(BindOf("c", "s") + ExecuteOf("c", 2) + kSync).ReadUntil('Z')),
            "2DDsZ");
  Ask(client, "commit");
  EXPECT_EQ(CodeIn(client.Send(ExecuteOf("c", 2) + kSync).ReadUntil('Z')), "34000");
}

TEST_F(PgwireConversation, WhatHasRunOrFailedDoesNotRunAgain) {
  auto& client = Ready();
  Ask(client, "begin");
  EXPECT_EQ(CodeIn(client
                       .Send(ParseOf("", "insert") + BindOf("c", "") + ExecuteOf("c") +
                             ExecuteOf("c") + kSync)
                       .ReadUntil('Z')),
            "55000");
  EXPECT_EQ(record().executed, 2);
}

TEST_F(PgwireConversation, ASimpleQueryEndsTheUnnamedStatement) {
  auto& client = Ready();
  client.Send(ParseOf("", "rows 1") + kSync).ReadUntil('Z');
  Ask(client, "insert");
  EXPECT_EQ(CodeIn(client.Send(BindOf("", "") + kSync).ReadUntil('Z')), "26000");
}

TEST_F(PgwireConversation, FlushGivesWhatThereIsBeforeSync) {
  auto& client = Ready();
  client.Send(ParseOf("", "rows 1") + DescribeOf('S', "") + Framed('H'));
  EXPECT_EQ(Types(client.ReadUntil('T')), "1tT");
  client.Send(BindOf("", "") + ExecuteOf("") + Framed('H'));
  EXPECT_EQ(Types(client.ReadUntil('C')), "2DC");
  EXPECT_EQ(Types(client.Send(kSync).ReadUntil('Z')), "Z");
}

TEST_F(PgwireConversation, IgnoresTheRestOfACopyAndRefusesFunctionCalls) {
  auto& client = Ready();
  EXPECT_EQ(
      Types(
          client.Send(Framed('d', "1\n") + Framed('c') + Framed('f', "why\0"s) + QueryOf("rows 1"))
              .ReadUntil('Z')),
      "TDCZ");
  const auto said = client.Send(Framed('F', "call")).ReadUntil('Z');
  EXPECT_EQ(CodeIn(said), "0A000");
}

TEST_F(PgwireConversation, AClientCannotMakeItKeepAnyAmount) {
  auto& client = Ready();
  const std::string text(60u << 20, ' ');
  EXPECT_EQ(Types(client.Send(ParseOf("a", text) + ParseOf("b", text) + kSync).ReadUntil('Z')),
            "11Z");
  EXPECT_EQ(CodeIn(client.Send(ParseOf("c", text) + kSync).ReadUntil('Z')), "54000");
  EXPECT_EQ(Types(client.Send(CloseOf('S', "a") + ParseOf("c", text) + kSync).ReadUntil('Z')),
            "31Z");
}

TEST_F(PgwireConversation, GivesRedshiftsDriversTheirFormOfColumnsAndNumbers) {
  const std::string bind = Framed('B', "\0\0\0\0\0\1\0\0\0\3abc\0\2\0\0\0\1"s);
  for (const auto& [version, format] : std::map<std::string, std::string>{{"1", "3"}, {"2", "2"}}) {
    auto& client = Ready(0, {{"client_protocol_version", version}});
    auto said = client.Send(ParseOf("", "echo") + bind + ExecuteOf("") + kSync).ReadUntil('Z');
    EXPECT_EQ(Framed('D', said[2].body), Row({"abc", format, "echo"}));
    std::string expected;
    AppendRowDescription(expected, std::vector<ipc::ResultColumn>{{"a", 1043, -1, -1}},
                         std::vector<uint16_t>{1}, true);
    const std::string binary = Framed('B', "\0\0\0\0\0\0\0\1\0\1"s);
    said = client.Send(ParseOf("", "rows 1") + binary + DescribeOf('P', "") + ExecuteOf("") + kSync)
               .ReadUntil('Z');
    EXPECT_EQ(Types(said), "12TDCZ");
    EXPECT_EQ(Framed('T', said[2].body), expected);
    said = client.Send(binary + DescribeOf('P', "") + kSync).ReadUntil('Z');
    EXPECT_EQ(Framed('T', said[1].body), expected);
    said = Ask(client, "rows 1;rows 1");
    EXPECT_EQ(Types(said), "TDCTDCZ");
    EXPECT_EQ(said[0].body.size(), expected.size() - 5);
    EXPECT_EQ(said[3].body.size(), expected.size() - 5);
  }
}

// ---------------------------------------------------------------- cancelling, slow and vanished
// clients

TEST_F(PgwireConversation, CancelsWhatRunsAndNothingElse) {
  auto &client = Ready(), &other = Ready();
  client.Send(QueryOf("wait"));
  other.Send(QueryOf("wait"));
  ASSERT_TRUE(Eventually([&] { return record().running == 2; }));
  std::string wrong = client.key;
  wrong[3] = static_cast<char>(wrong[3] ^ 1);
  for (const auto& [process_id, key] :
       std::vector<std::pair<uint32_t, std::string>>{{client.process_id, wrong},
                                                     {client.process_id + 100, client.key},
                                                     {client.process_id, client.key + "x"},
                                                     {client.process_id, "\0\0\0\0"s}}) {
    EXPECT_TRUE(Connect().Send(CancelPacket(process_id, key)).Closed());
  }
  EXPECT_EQ(record().cancelled, 0);
  EXPECT_TRUE(Connect().Send(CancelPacket(client.process_id, client.key)).Closed());
  EXPECT_EQ(CodeIn(client.ReadUntil('Z')), "57014");
  EXPECT_EQ(record().cancelled, 1);
  EXPECT_EQ(Types(Ask(client, "rows 1")), "TDCZ");
  EXPECT_TRUE(Connect().Send(CancelPacket(other.process_id, other.key)).Closed());
  EXPECT_EQ(CodeIn(other.ReadUntil('Z')), "57014");
}

TEST_F(PgwireConversation, ACancelThatComesWhileTheClientIdlesDoesNotHitTheNextStatement) {
  auto& client = Ready();
  EXPECT_TRUE(Connect().Send(CancelPacket(client.process_id, client.key)).Closed());
  EXPECT_EQ(Types(Ask(client, "rows 1")), "TDCZ");
  EXPECT_EQ(record().cancelled, 0);
}

TEST_F(PgwireConversation, AClientThatVanishesEndsItsStatement) {
  auto& client = Ready();
  client.Send(QueryOf("wait"));
  ASSERT_TRUE(Eventually([&] { return record().running == 1; }));
  client.Close();
  EXPECT_TRUE(Eventually([&] { return record().cancelled == 1 && record().closed == 1; }));
}

TEST_F(PgwireConversation, NothingOfAVanishedClientsScriptOrPipelineRunsAnyMore) {
  auto& client = Ready();
  client.Send(QueryOf("wait;insert") + QueryOf("insert"));
  ASSERT_TRUE(Eventually([&] { return record().running == 1; }));
  client.Close();
  EXPECT_TRUE(Eventually([&] { return record().closed == 1; }));
  EXPECT_EQ(record().executed, 1);
}

TEST_F(PgwireConversation, MessagesSentWhileAStatementRunsWaitForTheirTurn) {
  auto& client = Ready();
  client.Send(QueryOf("wait"));
  ASSERT_TRUE(Eventually([&] { return record().running == 1; }));
  client.Send(QueryOf("rows 2"));
  std::string many;
  for (int i = 0; i < 20'000; i++) many += QueryOf("insert");
  std::thread sender([&] { client.Send(many); });
  EXPECT_TRUE(Connect().Send(CancelPacket(client.process_id, client.key)).Closed());
  EXPECT_EQ(CodeIn(client.ReadUntil('Z')), "57014");
  EXPECT_EQ(Types(client.ReadUntil('Z')), "TDDCZ");
  for (int i = 0; i < 20'000; i++) ASSERT_EQ(Types(client.ReadUntil('Z')), "CZ") << i;
  sender.join();
}

TEST_F(PgwireConversation, AClientThatDoesNotReadStopsItsStatementAndNobodyElses) {
  auto& slow = Ready(4096);
  slow.Send(QueryOf("rows 200000 1000"));
  ASSERT_TRUE(Eventually([&] { return record().bytes > 0; }));
  uint64_t before = 0;
  ASSERT_TRUE(Eventually([&] {
    const uint64_t now = record().bytes;
    return std::exchange(before, now) == now;
  }));
  EXPECT_LT(record().bytes, 50u << 20);
  EXPECT_EQ(Types(Ask(Ready(), "rows 1")), "TDCZ");
  // It gets every row in the end.
  const auto said = slow.ReadUntil('Z');
  EXPECT_EQ(said.size(), 200'003u);
}

TEST_F(PgwireConversation, ACancelEndsAStatementThatWaitsForItsClient) {
  auto& slow = Ready(4096);
  slow.Send(QueryOf("rows 200000 1000"));
  ASSERT_TRUE(Eventually([&] { return record().bytes > 0; }));
  EXPECT_TRUE(Connect().Send(CancelPacket(slow.process_id, slow.key)).Closed());
  const auto said = slow.ReadUntil('Z');
  EXPECT_EQ(CodeIn(said), "57014");
  EXPECT_LT(said.size(), 200'000u);
}

TEST_F(PgwireConversation, AClientThatLeavesInTheMiddleOfAResultEndsItsStatement) {
  auto& client = Ready(4096);
  client.Send(QueryOf("rows 200000 1000"));
  client.ReadExactly(10'000);
  client.Close();
  EXPECT_TRUE(Eventually([&] { return record().closed == 1; }));
  EXPECT_TRUE(record().sink_failed);
  EXPECT_GE(record().cancelled, 1);
}

TEST_F(PgwireConversation, AnswersThatNobodyReadsDoNotPileUp) {
  auto& client = Ready(4096);
  // Each message of 7 bytes asks for an answer of some kilobytes.
  std::string many = ParseOf("s", "rows 1");
  for (int i = 0; i < 200'000; i++) many += DescribeOf('S', "s");
  std::thread sender([&] { client.Send(many); });
  int before = -1;
  ASSERT_TRUE(Eventually([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const int now = record().described;
    return now > 0 && std::exchange(before, now) == now;
  }));
  EXPECT_LT(record().described, 200'000);
  door_->Abort();
  client.ShutdownSend();
  sender.join();
}

}  // namespace
}  // namespace skep::pgwire::testing
