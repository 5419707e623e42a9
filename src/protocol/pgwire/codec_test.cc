#include "protocol/pgwire/codec.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace skep::pgwire {
namespace {

using namespace std::string_literals;

const Limits kLimits;

std::string Packet(uint32_t code, const std::string& rest = {}) {
  ByteWriter w;
  w.U32Be(static_cast<uint32_t>(8 + rest.size())).U32Be(code).Raw(rest);
  return w.Take();
}

std::string Framed(char type, const std::string& body = {}) {
  ByteWriter w;
  w.U8(static_cast<uint8_t>(type)).U32Be(static_cast<uint32_t>(4 + body.size())).Raw(body);
  return w.Take();
}

struct Case {
  std::string name;
  Phase phase;
  std::string bytes;
  Message message;
};

std::vector<Case> Cases() {
  const ipc::Parameter text{"abc", 0}, null{std::nullopt, 1}, binary{"\0\1"s, 1};
  return {
      {"SSL", Phase::kStartup, Packet(80877103), SslRequest{}},
      {"GSS", Phase::kStartup, Packet(80877104), GssRequest{}},
      {"cancel", Phase::kStartup, Packet(80877102, "\0\0\3\xe9"s + "\1\2\3\4"),
       CancelRequest{1001, "\1\2\3\4"}},
      {"cancel, long key", Phase::kStartup, Packet(80877102, "\0\0\3\xe9"s + std::string(32, 'k')),
       CancelRequest{1001, std::string(32, 'k')}},
      {"start", Phase::kStartup, Packet(196608, "user\0ada\0options\0\0\0"s),
       StartupMessage{196608, {{"user", "ada"}, {"options", ""}}}},
      {"start without parameters", Phase::kStartup, Packet(196610, "\0"s),
       StartupMessage{196610, {}}},
      {"another version", Phase::kStartup, Packet(2 << 16, "anything"),
       StartupMessage{2 << 16, {}}},
      {"password", Phase::kAuthentication, Framed('p', "md5abc\0"s), PasswordMessage{"md5abc\0"s}},
      {"digest", Phase::kAuthentication, Framed('d', "\0\0\0\3abc\0\0\0\2xy"s),
       DigestMessage{"abc", "xy"}},
      {"leaves", Phase::kAuthentication, Framed('X'), Terminate{}},
      {"query", Phase::kReady, Framed('Q', "select 1\0"s), Query{"select 1"}},
      {"empty query", Phase::kReady, Framed('Q', "\0"s), Query{""}},
      {"parse", Phase::kReady, Framed('P', "s\0select $1\0\0\2\0\0\0\x17\0\0\0\0"s),
       Parse{"s", "select $1", {23, 0}}},
      {"bind", Phase::kReady,
       Framed('B', "p\0s\0\0\3\0\0\0\1\0\1\0\3\0\0\0\3abc\xff\xff\xff\xff\0\0\0\2\0\1\0\1\0\1"s),
       Bind{"p", "s", {text, null, binary}, {1}}},
      {"bind, one format for all", Phase::kReady,
       Framed('B', "\0\0\0\1\0\1\0\2\0\0\0\2\0\1\xff\xff\xff\xff\0\0"s),
       Bind{"", "", {binary, null}, {}}},
      {"bind of nothing", Phase::kReady, Framed('B', "\0\0\0\0\0\0\0\0"s), Bind{}},
      {"describe", Phase::kReady, Framed('D', "Ss\0"s), Describe{'S', "s"}},
      {"describe portal", Phase::kReady, Framed('D', "P\0"s), Describe{'P', ""}},
      {"execute", Phase::kReady, Framed('E', "p\0\0\0\1\0"s), Execute{"p", 256}},
      {"execute, negative limit", Phase::kReady, Framed('E', "p\0\xff\xff\xff\xff"s),
       Execute{"p", 0}},
      {"close", Phase::kReady, Framed('C', "Pp\0"s), Close{'P', "p"}},
      {"sync", Phase::kReady, Framed('S'), Sync{}},
      {"flush", Phase::kReady, Framed('H'), Flush{}},
      {"terminate", Phase::kReady, Framed('X'), Terminate{}},
      {"copy data", Phase::kReady, Framed('d', "1,2\n"), CopyInput{}},
      {"copy done", Phase::kReady, Framed('c'), CopyInput{}},
      {"copy fail", Phase::kReady, Framed('f', "why\0"s), CopyInput{}},
      {"function call", Phase::kReady, Framed('F', "whatever"), FunctionCall{}},
  };
}

TEST(PgwireCodec, ReadsEveryMessageWholeAndLeavesWhatFollows) {
  for (const auto& c : Cases()) {
    for (const std::string& behind : {""s, c.bytes, "\xff\xff rubbish"s}) {
      const auto result = Decode(c.bytes + behind, c.phase, kLimits);
      const auto* decoded = std::get_if<Decoded>(&result);
      ASSERT_NE(decoded, nullptr) << c.name;
      EXPECT_EQ(decoded->message, c.message) << c.name;
      EXPECT_EQ(decoded->consumed, c.bytes.size()) << c.name;
    }
  }
}

TEST(PgwireCodec, AsksForMoreAtEveryCutAndNeverForTooMuch) {
  for (const auto& c : Cases()) {
    for (size_t n = 0; n < c.bytes.size(); n++) {
      const auto result = Decode(std::string_view(c.bytes).substr(0, n), c.phase, kLimits);
      const auto* more = std::get_if<NeedMore>(&result);
      ASSERT_NE(more, nullptr) << c.name << " cut at " << n;
      EXPECT_GE(more->bytes, 1u) << c.name;
      EXPECT_LE(n + more->bytes, c.bytes.size()) << c.name << " cut at " << n;
    }
  }
}

// The length word says less or more than the body needs.
TEST(PgwireCodec, RefusesBodiesThatAreCutShortOrHaveSomethingBehindThem) {
  for (const auto& c : Cases()) {
    const bool any_body = std::holds_alternative<PasswordMessage>(c.message) ||
                          std::holds_alternative<CopyInput>(c.message) ||
                          std::holds_alternative<FunctionCall>(c.message) ||
                          std::holds_alternative<CancelRequest>(c.message) ||
                          c.name == "another version" || c.name == "leaves";
    if (any_body) continue;
    const size_t head = c.phase == Phase::kStartup ? 0 : 1;
    for (size_t body = head + 4; body < c.bytes.size(); body++) {
      std::string cut = c.bytes.substr(0, body);
      ByteWriter length;
      length.U32Be(static_cast<uint32_t>(body - head));
      cut.replace(head, 4, length.str());
      const auto result = Decode(cut, c.phase, kLimits);
      if (c.phase == Phase::kStartup && std::holds_alternative<Decoded>(result))
        continue;  // fewer parameters are a packet, too
      EXPECT_TRUE(std::holds_alternative<Error>(result)) << c.name << " cut at " << body;
    }
    std::string longer = c.bytes + "x";
    ByteWriter length;
    length.U32Be(static_cast<uint32_t>(longer.size() - head));
    longer.replace(head, 4, length.str());
    EXPECT_TRUE(std::holds_alternative<Error>(Decode(longer, c.phase, kLimits))) << c.name;
  }
}

TEST(PgwireCodec, RefusesImpossibleLengthsBeforeTheBodyHasCome) {
  const auto refused = [](const std::string& bytes, Phase phase) {
    const auto result = Decode(bytes, phase, kLimits);
    const auto* error = std::get_if<Error>(&result);
    return error != nullptr && error->kind == ErrorKind::kProtocolViolation;
  };
  for (const uint32_t length : {0u, 3u, 1u << 30, 0x7fffffffu, 0xffffffffu}) {
    ByteWriter w;
    w.U32Be(length);
    for (const char type : "QPBDCESHXdcfF"s)
      EXPECT_TRUE(refused(std::string(1, type) + w.str(), Phase::kReady)) << type << length;
    for (const char type : "pdX"s)
      EXPECT_TRUE(refused(std::string(1, type) + w.str(), Phase::kAuthentication))
          << type << length;
    EXPECT_TRUE(refused(w.str(), Phase::kStartup)) << length;
  }
  for (const uint32_t length : {4u, 7u, (64u << 10) + 1}) {
    ByteWriter w;
    w.U32Be(length);
    EXPECT_TRUE(refused(w.str(), Phase::kStartup)) << length;
  }
}

TEST(PgwireCodec, TakesMessagesUpToTheirLimitAndNoLonger) {
  Limits limits;
  limits.message_bytes = 100;
  EXPECT_TRUE(std::holds_alternative<Decoded>(
      Decode(Framed('Q', std::string(95, 'x') + "\0"s), Phase::kReady, limits)));
  EXPECT_TRUE(std::holds_alternative<Error>(
      Decode(Framed('Q', std::string(96, 'x') + "\0"s), Phase::kReady, limits)));
}

TEST(PgwireCodec, RefusesMessagesThatDoNotBelongToThePhaseAtTheirFirstByte) {
  for (int c = 0; c < 256; c++) {
    const std::string byte(1, static_cast<char>(c));
    EXPECT_EQ(std::holds_alternative<Error>(Decode(byte, Phase::kReady, kLimits)),
              "QPBDCESHXdcfF"s.find(byte) == std::string::npos)
        << c;
    EXPECT_EQ(std::holds_alternative<Error>(Decode(byte, Phase::kAuthentication, kLimits)),
              "pdX"s.find(byte) == std::string::npos)
        << c;
  }
}

TEST(PgwireCodec, RefusesMalformedBodies) {
  for (const std::string& bytes :
       {Framed('P', "noend"), Framed('P', "\0select 1\0\xff\xff"s),
        Framed('P', "\0select 1\0\0\5\0\0"s), Framed('B', "\0\0\0\1\0\7"s),
        Framed('B', "\0\0\0\0\0\1\x7f\xff\xff\xff"s), Framed('B', "\0\0\x7f\xff\0\1\0\1"s),
        Framed('B', "\0\0\0\0\0\1\xff\xff\xff\xf0\0\0"s),
        Framed('B', "\0\0\0\2\0\0\0\0\0\1\0\0\0\0\0\0"s), Framed('E', "\0"s), Framed('D', "Z\0"s),
        Framed('D'), Framed('C', "S"), Framed('Q', "select 1"), Framed('Q', "a\0b\0"s),
        Framed('S', "x"), Framed('H', "x"), Framed('X', "x")}) {
    EXPECT_TRUE(std::holds_alternative<Error>(Decode(bytes, Phase::kReady, kLimits)))
        << testing::PrintToString(bytes);
  }
  for (const std::string& bytes : {Framed('d', "\0\0\0\4abc"s), Framed('d', "\xff\xff\xff\xff"),
                                   Framed('d', "\0\0\0\0\x7f\xff\xff\xff"s), Framed('d')}) {
    EXPECT_TRUE(std::holds_alternative<Error>(Decode(bytes, Phase::kAuthentication, kLimits)))
        << testing::PrintToString(bytes);
  }
  for (const std::string& bytes :
       {Packet(196608), Packet(196608, "user"), Packet(196608, "user\0ada\0"s),
        Packet(196608, "user\0ada"s), Packet(196608, "\0\0"s), Packet(80877103, "x"),
        Packet(80877102), Packet(80877102, "abc"), Packet(80877102, "\0\0\0\1abc"s),
        Packet(80877102, "\0\0\0\1"s + std::string(257, 'k'))}) {
    EXPECT_TRUE(std::holds_alternative<Error>(Decode(bytes, Phase::kStartup, kLimits)))
        << testing::PrintToString(bytes);
  }
}

TEST(PgwireCodec, ReadsPasswordResponses) {
  const auto initial = ReadSaslInitial("SCRAM-SHA-256\0\0\0\0\3abc"s);
  ASSERT_TRUE(initial);
  EXPECT_EQ(initial->mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(initial->response, "abc");
  EXPECT_EQ(ReadSaslInitial("M\0\xff\xff\xff\xff"s)->response, "");
  for (const std::string& body :
       {""s, "M"s, "M\0"s, "M\0\0\0\0\4abc"s, "M\0\0\0\0\2abc"s, "M\0\x7f\xff\xff\xff"s})
    EXPECT_FALSE(ReadSaslInitial(body));
  EXPECT_EQ(*ReadPassword("secret\0"s), "secret");
  EXPECT_FALSE(ReadPassword("secret"));
  EXPECT_FALSE(ReadPassword("sec\0ret\0"s));
}

TEST(PgwireCodec, WritesEveryAnswer) {
  const std::vector<ipc::ResultColumn> columns = {{"a", 23, 4, -1}, {"b", 1043, -1, 14}};
  const auto written = [](auto append) {
    std::string out;
    append(out);
    return out;
  };
  EXPECT_EQ(written([](auto& o) { AppendAuthenticationOk(o); }), Framed('R', "\0\0\0\0"s));
  EXPECT_EQ(written([](auto& o) { AppendAuthenticationMd5(o, "salt"); }),
            Framed('R', "\0\0\0\5salt"s));
  EXPECT_EQ(written([](auto& o) { AppendAuthenticationSasl(o, "M"); }),
            Framed('R', "\0\0\0\nM\0\0"s));
  EXPECT_EQ(written([](auto& o) { AppendAuthenticationSaslContinue(o, "x"); }),
            Framed('R', "\0\0\0\x0bx"s));
  EXPECT_EQ(written([](auto& o) { AppendAuthenticationSaslFinal(o, "x"); }),
            Framed('R', "\0\0\0\x0cx"s));
  EXPECT_EQ(written([](auto& o) { AppendAuthenticationDigest(o, "salt", "no"); }),
            Framed('R', "\0\0\0\x0d\0\0\0\0\0\0\0\4salt\0\0\0\2no"s));
  EXPECT_EQ(written([](auto& o) { AppendNegotiateProtocolVersion(o, 196608, {"_pq_.x"}); }),
            Framed('v', "\0\3\0\0\0\0\0\1_pq_.x\0"s));
  EXPECT_EQ(written([](auto& o) { AppendParameterStatus(o, "a", "b"); }), Framed('S', "a\0b\0"s));
  EXPECT_EQ(written([](auto& o) { AppendBackendKeyData(o, 258, "keys"); }),
            Framed('K', "\0\0\1\2keys"s));
  EXPECT_EQ(written([](auto& o) { AppendReadyForQuery(o, 'T'); }), Framed('Z', "T"));
  EXPECT_EQ(written([](auto& o) { AppendParameterDescription(o, std::vector<uint32_t>{23}); }),
            Framed('t', "\0\1\0\0\0\x17"s));
  EXPECT_EQ(written([](auto& o) { AppendCommandComplete(o, "SELECT 1"); }),
            Framed('C', "SELECT 1\0"s));
  EXPECT_EQ(written([](auto& o) { AppendParseComplete(o); }), Framed('1'));
  EXPECT_EQ(written([](auto& o) { AppendBindComplete(o); }), Framed('2'));
  EXPECT_EQ(written([](auto& o) { AppendCloseComplete(o); }), Framed('3'));
  EXPECT_EQ(written([](auto& o) { AppendNoData(o); }), Framed('n'));
  EXPECT_EQ(written([](auto& o) { AppendPortalSuspended(o); }), Framed('s'));
  EXPECT_EQ(written([](auto& o) { AppendEmptyQueryResponse(o); }), Framed('I'));
  const std::string a = "a\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff"s,
                    b = "b\0\0\0\0\0\0\0\0\0\4\x13\xff\xff\0\0\0\x0e"s;
  EXPECT_EQ(written([&](auto& o) { AppendRowDescription(o, columns, {}); }),
            Framed('T', "\0\2"s + a + "\0\0"s + b + "\0\0"s));
  EXPECT_EQ(written([&](auto& o) { AppendRowDescription(o, columns, std::vector<uint16_t>{1}); }),
            Framed('T', "\0\2"s + a + "\0\1"s + b + "\0\1"s));
  EXPECT_EQ(
      written([&](auto& o) { AppendRowDescription(o, columns, std::vector<uint16_t>{0, 1}); }),
      Framed('T', "\0\2"s + a + "\0\0"s + b + "\0\1"s));
}

TEST(PgwireCodec, WritesErrorsWithTheirCodesAndOnlyTheFieldsTheyHave) {
  std::string out;
  AppendError(out, "ERROR", Error{ErrorKind::kUndefinedTable, "no t", "more", "do", 8});
  EXPECT_EQ(out, Framed('E', "SERROR\0VERROR\0C42P01\0Mno t\0Dmore\0Hdo\0P8\0\0"s));
  out.clear();
  AppendNotice(out, "WARNING", Error{ErrorKind::kInternal, "cut \0 here"s, {}, {}, 0}, "01000");
  EXPECT_EQ(out, Framed('N', "SWARNING\0VWARNING\0C01000\0Mcut \0\0"s));
  out.clear();
  AppendError(out, "FATAL", Error{});
  EXPECT_EQ(out, Framed('E', "SFATAL\0VFATAL\0CXX000\0Munknown error\0\0"s));
}

TEST(PgwireCodec, ExtendsDescriptionsOfColumnsForRedshiftsDrivers) {
  const std::vector<ipc::ResultColumn> columns = {{"a", 23, 4, -1}, {"b", 1700, -1, 655366}};
  const std::vector<uint16_t> formats = {0, 1};
  std::string plain, extended, rewritten;
  AppendRowDescription(plain, columns, formats);
  AppendRowDescription(extended, columns, formats, true);
  EXPECT_NE(extended.find("\0\0\0a\0\0\x10\1"s), std::string::npos);
  const std::string behind = Framed('D', "row");
  const std::string messages = plain + behind;
  std::string_view rest = messages;
  ASSERT_TRUE(AppendExtendedRowDescription(rewritten, rest));
  EXPECT_EQ(rewritten, extended);
  EXPECT_EQ(rest, behind);
  // A worker is not trusted: cut and stretched ones are refused and leave nothing behind.
  for (size_t n = 0; n < plain.size(); n++) {
    std::string_view cut = std::string_view(plain).substr(0, n);
    std::string out = "before";
    EXPECT_FALSE(AppendExtendedRowDescription(out, cut)) << n;
    EXPECT_EQ(out, "before");
  }
  for (const std::string& bad :
       {Framed('T', "\0\3"s + plain.substr(7)), Framed('T', plain.substr(5) + "x"),
        Framed('T', "\xff\xff"), Framed('D', "\0\0"s), "T\xff\xff\xff\xff\0\0"s,
        "T\0\0\0\0\0\0"s}) {
    std::string_view view = bad;
    std::string out;
    EXPECT_FALSE(AppendExtendedRowDescription(out, view)) << testing::PrintToString(bad);
    EXPECT_EQ(out, "");
  }
}

TEST(PgwireCodec, TellsUtf8FromOtherBytes) {
  for (const std::string& good :
       {""s, "plain ascii, longer than eight"s, "\xc3\xa4"s, "12345678\xe2\x82\xac"s,
        "\xf0\x9f\x90\x9d"s, "\xed\x9f\xbf"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_TRUE(IsUtf8(good)) << testing::PrintToString(good);
  }
  for (const std::string& bad :
       {"\xff"s, "\xfe"s, "\x80"s, "\xc3"s, "\xc0\x80"s, "\xc1\xbf"s, "12345678\xe2\x82"s,
        "\xe0\x80\x80"s, "\xed\xa0\x80"s, "\xf0\x80\x80\x80"s, "\xf4\x90\x80\x80"s,
        "\xf5\x80\x80\x80"s, "\xc3z"s, "\xe2\x82z"s, "\xf0\x9f\x90"s}) {
    EXPECT_FALSE(IsUtf8(bad)) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace skep::pgwire
