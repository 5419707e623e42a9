#include "worker/external_scan/infer.h"

#include <fstream>

#include "worker/external_scan/lake_fixture.h"

namespace skep::external_scan {
namespace {

class InferTest : public LakeFixture {
 protected:
  void WriteText(const std::string& file, const std::string& text) {
    std::ofstream(root_ + "/" + file, std::ios::binary) << text;
  }
  Result<ipc::InferReply> InferFile(const std::string& file, const std::string& format = {},
                                    std::vector<std::pair<std::string, std::string>> options = {}) {
    ipc::InferRequest request;
    request.path = "s3://lake/" + file;
    request.scan = gateway_->Grant(request.path);
    request.size = std::filesystem::file_size(root_ + "/" + file);
    request.format = format;
    request.options = std::move(options);
    return Infer(*connection_, *client_, request);
  }
  static std::string Columns(const Result<ipc::InferReply>& reply) {
    if (!reply) return "ERROR " + reply.error().message;
    std::string out = reply->format;
    for (const auto& c : reply->columns) out += " " + c.name + ":" + c.type;
    return out;
  }
};

TEST_F(InferTest, FindsDelimiterHeaderAndTypesOfCsv) {
  WriteText("a.csv",
            "id;name;price;day;at;ok\n1;\"a;b\";1.5;2026-01-02;2026-01-02 "
            "03:04:05;true\n2;c;2.5;2026-01-03;2026-01-02 03:04:05;false\n");
  const auto reply = InferFile("a.csv");
  EXPECT_EQ(Columns(reply),
            "csv id:bigint name:string price:double day:date at:timestamp ok:boolean");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->delimiter, ";");
  EXPECT_EQ(reply->quote, "\"");
  EXPECT_TRUE(reply->header);
  EXPECT_EQ(reply->rows, 2u);
}

TEST_F(InferTest, LeavesDatesThatAreNotIsoAsText) {
  WriteText("d.csv", "id,day\n1,13/02/2026\n2,14/02/2026\n3,28/12/2025\n");
  EXPECT_EQ(Columns(InferFile("d.csv")), "csv id:bigint day:string");
}

TEST_F(InferTest, ReadsCompressedTextOfAnyName) {
  Write("b.csv.gz", "SELECT range AS n, 'x' || range AS s FROM range(100)",
        "FORMAT csv, HEADER, COMPRESSION gzip");
  EXPECT_EQ(Columns(InferFile("b.csv.gz")), "csv n:bigint s:string");
  std::filesystem::rename(root_ + "/b.csv.gz", root_ + "/b");
  EXPECT_EQ(Columns(InferFile("b")), "csv n:bigint s:string");
  Write("z.json.zst", "SELECT range AS n FROM range(10)", "FORMAT json, COMPRESSION zstd");
  EXPECT_EQ(Columns(InferFile("z.json.zst")), "json n:bigint");
}

TEST_F(InferTest, FindsNestedTypesOfJson) {
  WriteText("n.json",
            "{\"id\":1,\"tags\":[\"a\"],\"who\":{\"name\":\"x\",\"age\":3}}\n{\"id\":2,\"tags\":[],"
            "\"who\":{\"name\":\"y\",\"age\":null}}\n");
  const auto reply = InferFile("n.json");
  EXPECT_EQ(Columns(reply), "json id:bigint tags:array<string> who:struct<name:string,age:bigint>");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->rows, 2u);
  WriteText("array", "[{\"a\":1},{\"a\":2}]");
  EXPECT_EQ(Columns(InferFile("array")), "json a:bigint");
}

TEST_F(InferTest, TakesTheExactSchemaAndCountOfParquet) {
  Write("p/dt=2026-01-01/p.parquet",
        "SELECT 1::INTEGER AS i, 2::DECIMAL(10,2) AS d, 'x' AS s, DATE '2026-01-01' AS day, "
        "TIMESTAMP '2026-01-01 00:00:00' AS t, [1::BIGINT] AS l, "
        "{'a': 1::SMALLINT, 'b': 'y'} AS st, MAP {'k': 1.0::DOUBLE} AS m FROM range(77)",
        "FORMAT parquet");
  const auto reply = InferFile("p/dt=2026-01-01/p.parquet");
  EXPECT_EQ(Columns(reply),
            "parquet i:int d:decimal(10,2) s:string day:date t:timestamp l:array<bigint> "
            "st:struct<a:smallint,b:string> m:map<string,double>");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->rows, 77u);
  std::filesystem::copy(root_ + "/p/dt=2026-01-01/p.parquet", root_ + "/noname");
  EXPECT_EQ(Columns(InferFile("noname")).substr(0, 15), "parquet i:int d");
}

TEST_F(InferTest, SaysClearlyWhatIsWrongWithABrokenFile) {
  WriteText("bad.parquet", "PAR1 this is not parquet at all");
  WriteText("bad.json", "{\"a\":1}\n{\"a\":\n");
  WriteText("bad.gz", "\x1f\x8b no gzip");
  WriteText("empty.csv", "");
  WriteText("binary", std::string("\x01\x00\x02", 3));
  for (const char* file : {"bad.parquet", "bad.json", "bad.gz", "empty.csv", "binary"}) {
    const auto reply = InferFile(file);
    ASSERT_FALSE(reply) << file;
    EXPECT_EQ(reply.error().kind, ErrorKind::kDataException)
        << file << ": " << reply.error().message;
    EXPECT_NE(reply.error().message.find(std::string("s3://lake/") + file), std::string::npos)
        << reply.error().message;
    EXPECT_EQ(reply.error().message.find('@'), std::string::npos) << reply.error().message;
  }
}

TEST_F(InferTest, AsksACustomCsvClassifier) {
  WriteText("c.csv", "1|'a|b'|x\n2|'c'|y\n3|'d\ne'|z\n");
  const auto reply = InferFile("c.csv", "",
                               {{"classifier", "csv"},
                                {"delimiter", "|"},
                                {"quote", "'"},
                                {"header", "ABSENT"},
                                {"columns", "id\x1fname\x1fmark"}});
  EXPECT_EQ(Columns(reply), "csv id:bigint name:string mark:string");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->certainty, 100u);
  EXPECT_EQ(reply->delimiter + reply->quote, "|'");
  EXPECT_FALSE(reply->header);
  const auto other = InferFile("c.csv", "",
                               {{"classifier", "csv"},
                                {"delimiter", "|"},
                                {"columns",
                                 "a\x1f"
                                 "b"}});
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other->certainty, 0u);
}

TEST_F(InferTest, AsksACustomJsonClassifier) {
  WriteText("r.json", R"({"Records":[{"id":1,"who":{"n":"a"}},{"id":2,"ok":true}],"more":7})");
  const auto reply = InferFile("r.json", "", {{"classifier", "json"}, {"path", "$.Records[*]"}});
  EXPECT_EQ(Columns(reply), "json id:bigint who:struct<n:string> ok:boolean");
  const auto none = InferFile("r.json", "", {{"classifier", "json"}, {"path", "$.Nothing"}});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->certainty, 0u);
  EXPECT_FALSE(InferFile("r.json", "", {{"classifier", "json"}, {"path", "$['; drop"}}));
}

TEST_F(InferTest, AsksAGrokClassifierHowMuchItUnderstands) {
  WriteText("app.log", "T-1 anna 5ms\nT-2 bert 7ms\r\nnonsense\nT-3 cleo 9ms\n");
  const std::vector<std::pair<std::string, std::string>> options = {
      {"classifier", "grok"},
      {"format", "app"},
      {"regex", R"(T-(\d+) (\w+) (\d+)ms)"},
      {"columns", "id\x1fwho\x1fms"},
      {"types",
       "int\x1fstring\x1f"
       "double"}};
  const auto reply = InferFile("app.log", "", options);
  EXPECT_EQ(Columns(reply), "app id:int who:string ms:double");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->certainty, 75u);
  EXPECT_FALSE(InferFile("app.log", "", {{"classifier", "grok"}, {"regex", "(["}}));
}

TEST_F(InferTest, KnowsFormatsByTheirFirstBytes) {
  WriteText("one", std::string("Obj\x01 avro"));
  WriteText("two", "ORC and more");
  WriteText("press", "PK\x03\x04 and so on");
  for (const auto& [file, word] : {std::pair{"one", "avro"}, {"two", "orc"}, {"press", "zip"}}) {
    const auto reply = InferFile(file);
    ASSERT_FALSE(reply) << file;
    EXPECT_EQ(reply.error().kind,
              std::string_view(word) == "avro" || std::string_view(word) == "orc"
                  ? ErrorKind::kDataException
                  : ErrorKind::kFeatureNotSupported);
    EXPECT_NE(reply.error().message.find(word), std::string::npos) << reply.error().message;
  }
}

TEST_F(InferTest, TellsTheEncodingOfText) {
  const auto encoding = [&](const std::string& file, const std::string& bytes) {
    WriteText(file, bytes);
    const auto reply = InferFile(file);
    std::string out = Columns(reply);
    if (reply) {
      for (const auto& [name, value] : reply->properties) out += " " + name + "=" + value;
    }
    return out;
  };
  const auto wide = [](const std::string& text, size_t zero) {
    std::string out;
    for (const char c : text) {
      if (zero == 0) out += '\0';
      out += c;
      if (zero == 1) out += '\0';
    }
    return out;
  };
  const std::string text = "id,word\n1,one\n2,two\n";
  EXPECT_EQ(encoding("a.csv", text), "csv id:bigint word:string");
  EXPECT_EQ(encoding("b.csv", "\xff\xfe" + wide(text, 1)),
            "csv id:bigint word:string serialization.encoding=UTF-16");
  EXPECT_EQ(encoding("c", "\xfe\xff" + wide(text, 0)),
            "csv id:bigint word:string serialization.encoding=UTF-16");
  EXPECT_EQ(encoding("d.csv", wide(text, 1)),
            "csv id:bigint word:string serialization.encoding=UTF-16LE");
  EXPECT_EQ(encoding("e.json", wide("{\"id\":1}\n{\"id\":2}\n", 0)),
            "json id:bigint serialization.encoding=UTF-16BE");
  EXPECT_EQ(encoding("f.csv",
                     "id,gr\xf6\xdf"
                     "e\n1,2\n"),
            "csv id:bigint größe:bigint serialization.encoding=ISO-8859-1");
  EXPECT_EQ(encoding("g.csv", "id,größe\n1,2\n"),
            "csv id:bigint größe:bigint serialization.encoding=UTF-8");
  EXPECT_EQ(encoding("h.csv",
                     "id,price\n1,\x80"
                     "5\n2,\x80"
                     "7\n"),
            "csv id:bigint price:string serialization.encoding=windows-1252");
}

TEST_F(InferTest, ReadsQuotedNewlines) {
  WriteText("q.csv", "id,text\n1,\"a\nb\"\n2,\"c,\"\"d\"\"\n\"\n");
  EXPECT_EQ(Columns(InferFile("q.csv")), "csv id:bigint text:string");
}

TEST_F(InferTest, KeepsTheGatewaysErrors) {
  WriteText("secret.csv", "a,b\n1,2\n");
  gateway_->SetFault("secret", Fault::kDenied);
  const auto denied = InferFile("secret.csv");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, ErrorKind::kExternalDenied);
  gateway_->ClearFaults();
  EXPECT_EQ(Columns(InferFile("secret.csv")), "csv a:bigint b:bigint");
}

TEST_F(InferTest, OpensAKeyThatLooksLikeAPattern) {
  WriteText("we[i]rd *?'@.csv", "a,b\n1,2\n3,4\n");
  EXPECT_EQ(Columns(InferFile("we[i]rd *?'@.csv")), "csv a:bigint b:bigint");
}

}  // namespace
}  // namespace skep::external_scan
