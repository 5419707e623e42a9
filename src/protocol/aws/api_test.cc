// The AWS APIs over a real loopback socket, with the real control store and a session that answers
// from a script.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "api/glue/glue_service.h"
#include "api/redshift_data/data_service.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "control/store.h"
#include "identity/sigv4.h"
#include "net/blocking_pool.h"
#include "net/tls.h"
#include "protocol/aws/http_server.h"
#include "protocol/aws/json_service.h"

namespace skep::aws {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Json = nlohmann::json;
using tcp = asio::ip::tcp;

constexpr const char* kAccount = "123456789012";

// PostgreSQL messages as a worker would send them.
std::string RowDescription(const std::vector<std::pair<std::string, uint32_t>>& columns) {
  ByteWriter w;
  w.U8('T').U32Be(0).U16Be(static_cast<uint16_t>(columns.size()));
  for (const auto& [name, oid] : columns)
    w.CString(name).U32Be(0).U16Be(0).U32Be(oid).U16Be(0xffff).U32Be(0xffffffffu).U16Be(0);
  w.PatchU32Be(1, static_cast<uint32_t>(w.size() - 1));
  return w.Take();
}
std::string DataRow(const std::vector<std::string>& values) {
  ByteWriter w;
  w.U8('D').U32Be(0).U16Be(static_cast<uint16_t>(values.size()));
  for (const std::string& value : values) w.U32Be(static_cast<uint32_t>(value.size())).Raw(value);
  w.PatchU32Be(1, static_cast<uint32_t>(w.size() - 1));
  return w.Take();
}

// "rows N" gives N rows; "echo" gives its parameters; "wait" runs until cancelled; "bad" fails with
// a position; "insert" affects rows.
class ScriptedSession final : public session::Session {
 public:
  explicit ScriptedSession(asio::any_io_executor executor) : cancelled_(executor) {}

  asio::awaitable<Result<session::Outcome>> Execute(session::StatementRequest request,
                                                    session::RowSink& sink) override {
    session::Outcome outcome;
    if (request.text.starts_with("rows ")) {
      const int count = std::atoi(request.text.c_str() + 5);
      outcome.has_result = true;
      SKEP_CO_TRY(co_await sink.Write(RowDescription({{"i", 23}, {"t", 1043}})));
      for (int i = 1; i <= count; i++)
        SKEP_CO_TRY(co_await sink.Write(DataRow({std::to_string(i), std::string(200, 'x')})));
      outcome.rows = static_cast<uint64_t>(count);
      outcome.tag = "SELECT " + std::to_string(count);
    } else if (request.text.starts_with("echo")) {
      std::string row = RowDescription({{"p", 1043}, {"text", 1043}});
      row += DataRow({request.parameters.at(0).value.value_or("NULL"), request.text});
      SKEP_CO_TRY(co_await sink.Write(row));
      outcome.has_result = true;
      outcome.rows = 1;
    } else if (request.text == "wait") {
      boost::system::error_code ignored;
      cancelled_.expires_at(asio::steady_timer::time_point::max());
      co_await cancelled_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      co_return Fail(ErrorKind::kQueryCanceled, "canceling statement due to user request");
    } else if (request.text.starts_with("bad")) {
      Error error{ErrorKind::kSyntaxError, "syntax error at or near \"x\"", {}, {}, 12};
      co_return Fail(error);
    } else if (request.text == "throw") {
      throw std::runtime_error("a broken invariant");
    } else {
      outcome.tag = "INSERT 0 5";
    }
    co_return outcome;
  }
  asio::awaitable<Result<void>> RunScript(std::string, session::ScriptSink&) override {
    co_return Result<void>{};
  }
  asio::awaitable<Result<ipc::StatementDescription>> Describe(std::string,
                                                              std::vector<uint32_t>) override {
    co_return ipc::StatementDescription{};
  }
  asio::awaitable<Result<session::Outcome>> Fetch(std::string, uint64_t,
                                                  session::RowSink&) override {
    co_return session::Outcome{};
  }
  void ClosePortal(const std::string&) override {}
  asio::awaitable<Result<void>> Sync() override { co_return Result<void>{}; }
  void Cancel() override { cancelled_.cancel(); }
  char transaction_status() const override { return 'I'; }
  ipc::Settings TakeReportedChanges() override { return {}; }
  ipc::Settings ReportedSettings() const override { return {}; }
  uint32_t process_id() const override { return 4711; }
  asio::awaitable<void> Close() override { co_return; }

 private:
  asio::steady_timer cancelled_;
};

class ScriptedSessions final : public session::SessionFactory {
 public:
  explicit ScriptedSessions(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  asio::awaitable<Result<std::unique_ptr<session::Session>>> Open(
      session::SessionOptions options) override {
    opened++;
    last = options;
    if (options.database != "dev")
      co_return Fail(ErrorKind::kUndefinedDatabase,
                     "database \"" + options.database + "\" does not exist");
    co_return std::make_unique<ScriptedSession>(executor_);
  }
  std::atomic<int> opened = 0;
  session::SessionOptions last;

 private:
  asio::any_io_executor executor_;
};

class FakeCrawls final : public glue::CrawlerRunner {
 public:
  explicit FakeCrawls(control::Store& store) : store_(store) {}
  Result<void> Start(const std::string& account, const std::string& crawler) override {
    SKEP_TRY_ASSIGN(const bool moved, store_.MoveCrawler(account, crawler, "READY", "RUNNING"));
    if (!moved)
      return Fail(ErrorKind::kConflict, "Crawler with name " + crawler + " has already started");
    return {};
  }
  Result<void> Stop(const std::string& account, const std::string& crawler) override {
    SKEP_TRY_ASSIGN(const bool moved, store_.MoveCrawler(account, crawler, "RUNNING", "READY"));
    if (!moved)
      return Fail(ErrorKind::kConflict, "Crawler with name " + crawler + " is not running");
    return {};
  }
  Result<std::string> StartRun(const std::string&, const std::string& workflow, const std::string&,
                               const std::string&) override {
    return Fail(ErrorKind::kUndefinedObject, "Workflow " + workflow + " not found.");
  }
  Result<void> StopRun(const std::string&, const std::string&, const std::string& run) override {
    return Fail(ErrorKind::kUndefinedObject, "Workflow run " + run + " not found.");
  }
  Result<void> PutRunProperties(const std::string&, const std::string&, const std::string& run,
                                const std::string&) override {
    return Fail(ErrorKind::kUndefinedObject, "Workflow run " + run + " not found.");
  }

 private:
  control::Store& store_;
};

struct Reply {
  int status = 0;
  std::string head, body;
  Json json() const { return Json::parse(body, nullptr, false); }
};

// The gateway's AWS door as the composition root builds it.
class Door {
 public:
  Door(control::Store& store, const std::string& results, HttpOptions http = {},
       redshift_data::DataServiceOptions data_options = {})
      : sessions(io.get_executor()), crawls(store) {
    data_options.results_directory = results;
    data = std::make_unique<redshift_data::DataService>(io.get_executor(), sessions, store,
                                                        blocking, data_options);
    glue = std::make_unique<glue::GlueService>(store, blocking, crawls);
    authenticator = std::make_unique<Authenticator>(store, nullptr, nullptr, blocking);
    json = std::make_unique<JsonService>(*authenticator, blocking,
                                         std::vector<api::Service*>{data.get(), glue.get()});
    server = std::make_unique<HttpServer>(io, http, json->AsHandler());
    EXPECT_TRUE(data->Start());
    EXPECT_TRUE(server->Start());
    port = server->port();
    thread = std::thread([this] { io.run(); });
  }
  ~Door() {
    auto stop = [](Door& door) -> asio::awaitable<void> {
      door.server->StopAccepting();
      door.data->CancelAll();
      co_await door.data->Drain();
      door.server->Abort();
      co_await door.server->Drain();
    };
    asio::co_spawn(io, stop(*this), asio::use_future).get();
    work.reset();
    thread.join();
  }

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  net::BlockingPool blocking{2};
  ScriptedSessions sessions;
  FakeCrawls crawls;
  std::unique_ptr<redshift_data::DataService> data;
  std::unique_ptr<glue::GlueService> glue;
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<JsonService> json;
  std::unique_ptr<HttpServer> server;
  std::thread thread;
  uint16_t port = 0;
};

class AwsApi : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("skep-api-" + NewUuid());
    fs::create_directories(directory_);
    auto opened = control::OpenSqlite((directory_ / "control.sqlite").string());
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    ASSERT_TRUE(store_->PutWorkspace({"default"}));
    ASSERT_TRUE(store_->PutWorkspace({"other"}));
    AddUser("default", "ada", "AKIAADA", true);
    AddUser("default", "bob", "AKIABOB", false);
    AddUser("other", "eve", "AKIAEVE", false);
    Open();
  }
  void TearDown() override {
    door_.reset();
    store_.reset();
    fs::remove_all(directory_);
  }
  void AddUser(const std::string& workspace, const std::string& name, const std::string& key,
               bool superuser) {
    ASSERT_TRUE(store_->PutUser({workspace, name, superuser, false, "", "", ""}));
    ASSERT_TRUE(
        store_->PutAccessKey({key, Secret("secret-of-" + name), workspace, name, kAccount, true}));
  }
  void Open(HttpOptions http = {}, redshift_data::DataServiceOptions data = {}) {
    door_.reset();
    door_ = std::make_unique<Door>(*store_, (directory_ / "results").string(), http, data);
  }

  // Sends bytes, reads until the peer closes.
  Reply Send(const std::string& bytes) {
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), door_->port});
    boost::system::error_code error;
    asio::write(socket, asio::buffer(bytes), error);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    Reply reply;
    const size_t end = answer.find("\r\n\r\n");
    if (end == std::string::npos) return reply;
    reply.head = answer.substr(0, end);
    reply.body = answer.substr(end + 4);
    reply.status = std::atoi(answer.c_str() + 9);
    return reply;
  }
  static std::string Post(const identity::HeaderList& headers, const std::string& body) {
    std::string out =
        "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n";
    for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
    return out + "\r\n" + body;
  }
  Reply CallRaw(const std::string& target, const std::string& body, const std::string& service,
                const std::string& user = "ada", const std::string& secret = "",
                const std::string& region = "us-east-1", int64_t skew = 0) {
    std::string upper = user;
    for (char& c : upper) c = static_cast<char>(c - 32);
    identity::HeaderList headers = {{"Host", "localhost"},
                                    {"X-Amz-Target", target},
                                    {"Content-Type", "application/x-amz-json-1.1"}};
    identity::SignRequest("POST", "/", "", headers, body,
                          {"AKIA" + upper,
                           Secret(secret.empty() ? "secret-of-" + user : secret),
                           {},
                           region,
                           service},
                          ::time(nullptr) + skew);
    return Send(Post(headers, body));
  }
  Reply Data(const std::string& operation, const Json& body, const std::string& user = "ada") {
    return CallRaw("RedshiftData." + operation, body.dump(), "redshift-data", user);
  }
  Reply Glue(const std::string& operation, const Json& body) {
    return CallRaw("AWSGlue." + operation, body.dump(), "glue");
  }

  Json Execute(const std::string& sql, Json more = Json::object()) {
    more["Sql"] = sql;
    more["Database"] = "dev";
    if (!more.contains("ClusterIdentifier")) more["WorkgroupName"] = "default";
    const Reply reply = Data("ExecuteStatement", more);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json();
  }
  // DescribeStatement after the end.
  Json End(const std::string& id) {
    const Reply reply = Data("DescribeStatement", {{"Id", id}, {"WaitTimeSeconds", 30}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json();
  }
  Json Run(const std::string& sql, Json more = Json::object()) {
    return End(Execute(sql, std::move(more))["Id"]);
  }
  void ExpectFailure(const Reply& reply, const std::string& type, const std::string& part = "") {
    EXPECT_EQ(reply.json().value("__type", ""), type) << reply.body;
    EXPECT_NE(reply.json().value("message", "").find(part), std::string::npos) << reply.body;
    EXPECT_NE(reply.head.find("x-amzn-ErrorType: " + type), std::string::npos) << reply.head;
  }

  fs::path directory_;
  std::unique_ptr<control::Store> store_;
  std::unique_ptr<Door> door_;
};

// ---------------------------------------------------------------- HTTP and signatures

TEST_F(AwsApi, AnswersHealthReadinessAndMetrics) {
  const auto get = [&](const std::string& path) {
    return Send("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  };
  EXPECT_EQ(get("/healthz").body, "ok\n");
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/nothing").status, 404);
  Glue("GetDatabases", Json::object());
  EXPECT_NE(
      get("/metrics")
          .body.find("skep_api_requests_total{operation=\"AWSGlue.GetDatabases\",error=\"\"} 1"),
      std::string::npos);
}

TEST_F(AwsApi, KeepsAConnectionAliveAndAnswersPipelinedRequestsInOrder) {
  const Reply reply = Send(
      "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET /nothing HTTP/1.1\r\nHost: h\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("HTTP/1.1 404"), std::string::npos) << reply.body;
}

TEST_F(AwsApi, RefusesMalformedAndOversizedHttp) {
  EXPECT_EQ(Send("\x16\x03\x01 this is no HTTP\r\n\r\n").status, 400);
  EXPECT_EQ(Send("GET / HTTP/1.1\r\nX: " + std::string(70000, 'x') + "\r\n\r\n").status, 431);
  EXPECT_EQ(Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\n").status, 413);
  EXPECT_EQ(
      Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n").status,
      400);
  EXPECT_EQ(Send("PUT /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").status, 404);
}

TEST_F(AwsApi, RefusesBodiesThatTogetherTakeTooMuch) {
  HttpOptions http;
  http.max_bodies_bytes = 100'000;
  Open(http);
  const auto post = [&](size_t bytes) {
    return Send("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " +
                std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x'))
        .status;
  };
  EXPECT_EQ(post(200'000), 503);
  const int answered = post(90'000);  // not by this limit
  EXPECT_NE(answered, 503);
  EXPECT_EQ(post(90'000), answered);  // what a request took is given back
  EXPECT_EQ(post(90'000), answered);
}

TEST_F(AwsApi, ClosesAConnectionThatIsSlowInSending) {
  HttpOptions http;
  http.request_timeout = std::chrono::milliseconds(50);
  Open(http);
  EXPECT_EQ(Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Le").status, 0);
}

TEST_F(AwsApi, SpeaksTlsAndDropsWhoDoesNot) {
  const std::string certificate = (directory_ / "server.crt").string(),
                    key = (directory_ / "server.key").string();
  ASSERT_TRUE(net::WriteSelfSignedCertificate(certificate, key, "localhost"));
  HttpOptions http;
  http.tls = *net::ServerContext(certificate, key);
  Open(http);
  EXPECT_EQ(Send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").status, 0);
  asio::io_context io;
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.load_verify_file(certificate);
  context.set_verify_mode(asio::ssl::verify_peer);
  asio::ssl::stream<tcp::socket> stream(io, context);
  stream.next_layer().connect({asio::ip::make_address("127.0.0.1"), door_->port});
  stream.handshake(asio::ssl::stream_base::client);
  asio::write(
      stream,
      asio::buffer(std::string("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")));
  std::string answer;
  boost::system::error_code error;
  asio::read(stream, asio::dynamic_buffer(answer), error);
  EXPECT_TRUE(answer.ends_with("ok\n")) << answer;
}

TEST_F(AwsApi, ClosesIdleConnectionsAndDrainsWaitingRequestsAtShutdown) {
  const std::string id = Execute("wait")["Id"];
  std::thread waiting([&] {
    EXPECT_EQ(Data("DescribeStatement", {{"Id", id}, {"WaitTimeSeconds", 30}}).status, 200);
  });
  asio::io_context io;
  tcp::socket idle(io);
  idle.connect({asio::ip::make_address("127.0.0.1"), door_->port});
  const auto begin = std::chrono::steady_clock::now();
  auto stop = [](Door& door) -> asio::awaitable<void> {
    while (door.server->connections() < 2) {
      asio::steady_timer pause(door.io, std::chrono::milliseconds(1));
      co_await pause.async_wait(asio::use_awaitable);
    }
    door.server->StopAccepting();
    door.data->CancelAll();
    co_await door.data->Drain();
    co_await door.server->Drain();
  };
  asio::co_spawn(door_->io, stop(*door_), asio::use_future).get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  boost::system::error_code error;
  char byte = 0;
  idle.read_some(asio::buffer(&byte, 1), error);
  EXPECT_TRUE(error);
  waiting.join();
  EXPECT_EQ((*store_->GetStatement(id))->status, "ABORTED");
}

TEST_F(AwsApi, RefusesWhoIsNotSignedWithAKnownKey) {
  ExpectFailure(Send(Post({{"Host", "h"}, {"X-Amz-Target", "AWSGlue.GetDatabases"}}, "{}")),
                "MissingAuthenticationTokenException");
  ExpectFailure(Send(Post({{"Host", "h"}, {"Authorization", "AWS4-HMAC-SHA256 nonsense"}}, "{}")),
                "IncompleteSignatureException");
  ExpectFailure(CallRaw("AWSGlue.GetDatabases", "{}", "glue", "mallory"),
                "UnrecognizedClientException", "security token");
  ExpectFailure(CallRaw("AWSGlue.GetDatabases", "{}", "glue", "ada", "wrong"),
                "InvalidSignatureException", "does not match");
  ExpectFailure(CallRaw("AWSGlue.GetDatabases", "{}", "s3"), "InvalidSignatureException",
                "correct service: 'glue'");
  ExpectFailure(CallRaw("AWSGlue.GetDatabases", "{}", "glue", "ada", "", "us-east-1", -3600),
                "RequestExpired", "expired");
  EXPECT_EQ(CallRaw("AWSGlue.GetDatabases", "{}", "glue", "ada", "", "eu-west-1").status, 200);
}

TEST_F(AwsApi, RefusesARevokedKey) {
  ASSERT_TRUE(store_->PutAccessKey(
      {"AKIABOB", Secret("secret-of-bob"), "default", "bob", kAccount, false}));
  ExpectFailure(Data("ListStatements", Json::object(), "bob"), "UnrecognizedClientException");
}

TEST_F(AwsApi, NamesUnknownOperationsAndMalformedBodies) {
  ExpectFailure(CallRaw("AWSGlue.MakeCoffee", "{}", "glue"), "UnknownOperationException",
                "MakeCoffee");
  ExpectFailure(CallRaw("Nothing", "{}", "glue"), "UnknownOperationException");
  ExpectFailure(CallRaw("AWSGlue.GetDatabases", "{", "glue"), "SerializationException");
  ExpectFailure(CallRaw("AWSGlue.GetDatabases", "[]", "glue"), "SerializationException");
  ExpectFailure(CallRaw("AWSGlue.GetDatabases", std::string(100000, '['), "glue"),
                "SerializationException");
  ExpectFailure(CallRaw("AWSGlue.GetDatabase", "{\"Name\":7}", "glue"), "SerializationException");
  EXPECT_EQ(CallRaw("AWSGlue.GetDatabases", "", "glue").status, 200);
}

// ---------------------------------------------------------------- Data API

TEST_F(AwsApi, RunsAStatementAndGivesItsRows) {
  const Json started = Execute("rows 2");
  EXPECT_EQ(started["WorkgroupName"], "default");
  EXPECT_FALSE(started.contains("ClusterIdentifier"));
  const Json end = End(started["Id"]);
  EXPECT_EQ(end["Status"], "FINISHED");
  EXPECT_FALSE(end.contains("Error"));
  EXPECT_EQ(end["ResultRows"], 2);
  EXPECT_EQ(end["HasResultSet"], true);
  EXPECT_EQ(end["RedshiftPid"], 4711);
  const Json result = Data("GetStatementResult", {{"Id", started["Id"]}}).json();
  EXPECT_EQ(result["TotalNumRows"], 2);
  EXPECT_EQ(result["Records"][1][0], Json({{"longValue", 2}}));
  EXPECT_EQ(result["ColumnMetadata"][0]["typeName"], "int4");
  EXPECT_FALSE(result.contains("NextToken"));
}

TEST_F(AwsApi, PagesALargeResultAndRefusesAMadeUpToken) {
  redshift_data::DataServiceOptions options;
  options.page_bytes = 10000;
  Open({}, options);
  const Json end = Run("rows 500");
  int next = 1, pages = 0;
  std::string token;
  do {
    Json request = {{"Id", end["Id"]}};
    if (!token.empty()) request["NextToken"] = token;
    const Json page = Data("GetStatementResult", request).json();
    for (const Json& row : page["Records"]) EXPECT_EQ(row[0]["longValue"], next++);
    token = page.value("NextToken", "");
    pages++;
  } while (!token.empty());
  EXPECT_EQ(next, 501);
  EXPECT_GT(pages, 5);
  for (const char* bad : {"x", "AAAA", "!!!!"}) {
    ExpectFailure(Data("GetStatementResult", {{"Id", end["Id"]}, {"NextToken", bad}}),
                  "ValidationException", "NextToken");
  }
}

TEST_F(AwsApi, BindsNamedParameters) {
  const Json end = Run("echo :who ':who' -- :who",
                       {{"Parameters", Json::array({{{"name", "who"}, {"value", "it's :x"}}})}});
  EXPECT_EQ(end["Status"], "FINISHED");
  EXPECT_EQ(end["QueryString"], "echo :who ':who' -- :who");
  EXPECT_EQ(end["QueryParameters"][0]["value"], "it's :x");
  const Json row = Data("GetStatementResult", {{"Id", end["Id"]}}).json()["Records"][0];
  EXPECT_EQ(row[0]["stringValue"], "it's :x");
  EXPECT_EQ(row[1]["stringValue"], "echo $1 ':who' -- :who");
  ExpectFailure(
      Data("ExecuteStatement", {{"Sql", "select :a"},
                                {"Database", "dev"},
                                {"WorkgroupName", "default"},
                                {"Parameters", Json::array({{{"name", "b"}, {"value", "1"}}})}}),
      "ValidationException");
}

TEST_F(AwsApi, ShowsAnEnginesErrorAsRedshiftDoes) {
  const Json end = Run("bad :longname x",
                       {{"Parameters", Json::array({{{"name", "longname"}, {"value", "1"}}})}});
  EXPECT_EQ(end["Status"], "FAILED");
  EXPECT_EQ(end["Error"], "ERROR: syntax error at or near \"x\"\n  Position: 19");
  ExpectFailure(Data("GetStatementResult", {{"Id", end["Id"]}}), "ResourceNotFoundException",
                "Query does not have result");
  EXPECT_EQ(Run("throw")["Status"], "FAILED");
  const Json other = End(
      Data("ExecuteStatement", {{"Sql", "x"}, {"Database", "none"}, {"WorkgroupName", "default"}})
          .json()["Id"]);
  EXPECT_EQ(other["Error"], "ERROR: database \"none\" does not exist");
}

TEST_F(AwsApi, CountsAffectedRowsOfAStatementWithoutResult) {
  const Json end = Run("insert");
  EXPECT_EQ(end["HasResultSet"], false);
  EXPECT_EQ(end["ResultRows"], 5);
}

TEST_F(AwsApi, CancelsARunningStatementOnce) {
  const std::string id = Execute("wait")["Id"];
  EXPECT_EQ(Data("CancelStatement", {{"Id", id}}).json()["Status"], true);
  EXPECT_EQ(End(id)["Status"], "ABORTED");
  ExpectFailure(Data("CancelStatement", {{"Id", id}}), "ValidationException",
                "already in ABORTED state");
}

TEST_F(AwsApi, RunsAStatementOncePerClientToken) {
  const Json first = Execute("insert", {{"ClientToken", "t"}});
  EXPECT_EQ(Execute("insert", {{"ClientToken", "t"}})["Id"], first["Id"]);
  End(first["Id"]);
  EXPECT_EQ(Execute("insert", {{"ClientToken", "t"}})["Id"], first["Id"]);
  EXPECT_EQ(door_->sessions.opened, 1);
}

TEST_F(AwsApi, RefusesMoreStatementsThanTheLimit) {
  redshift_data::DataServiceOptions options;
  options.max_active = 1;
  Open({}, options);
  const std::string id = Execute("wait")["Id"];
  ExpectFailure(
      Data("ExecuteStatement", {{"Sql", "x"}, {"Database", "dev"}, {"WorkgroupName", "default"}}),
      "ActiveStatementsExceededException");
  Data("CancelStatement", {{"Id", id}});
  End(id);
  EXPECT_EQ(Run("rows 1")["Status"], "FINISHED");
}

TEST_F(AwsApi, FailsAStatementWhoseResultIsTooLarge) {
  redshift_data::DataServiceOptions options;
  options.max_result_bytes = 5000;
  Open({}, options);
  const Json end = Run("rows 100");
  EXPECT_EQ(end["Status"], "FAILED");
  EXPECT_NE(end["Error"].get<std::string>().find("exceeds the limit"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(directory_ / "results"));
}

TEST_F(AwsApi, RefusesBadTargetsAndArguments) {
  const auto execute = [&](Json more, const std::string& user = "ada") {
    if (!more.contains("Sql")) more["Sql"] = "x";
    return Data("ExecuteStatement", more, user);
  };
  ExpectFailure(execute({{"Database", "dev"}}), "ValidationException", "WorkgroupName");
  ExpectFailure(execute({{"WorkgroupName", "default"}}), "ValidationException", "Database");
  ExpectFailure(execute({{"WorkgroupName", "nobody"}, {"Database", "dev"}}), "ValidationException",
                "endpoint");
  ExpectFailure(execute({{"WorkgroupName", "other"}, {"Database", "dev"}}), "ValidationException",
                "endpoint");
  ExpectFailure(
      execute(
          {{"WorkgroupName", "default"}, {"ClusterIdentifier", "default"}, {"Database", "dev"}}),
      "ValidationException");
  ExpectFailure(
      execute({{"ClusterIdentifier", "default"}, {"Database", "dev"}, {"DbUser", "ada"}}, "bob"),
      "AccessDeniedException");
  ExpectFailure(execute({{"ClusterIdentifier", "default"}, {"Database", "dev"}, {"DbUser", "zoe"}}),
                "ValidationException", "zoe");
  ExpectFailure(
      execute(
          {{"WorkgroupName", "default"}, {"Database", "dev"}, {"Sql", std::string(102401, 'x')}}),
      "ValidationException", "limit");
  ExpectFailure(
      execute({{"WorkgroupName", "default"}, {"Database", "dev"}, {"ResultFormat", "CSV"}}),
      "ValidationException", "CSV");
  ExpectFailure(
      execute({{"WorkgroupName", "default"}, {"Database", "dev"}, {"SessionKeepAliveSeconds", 60}}),
      "ValidationException");
  ExpectFailure(
      Data("DescribeStatement", {{"Id", "not-an-id"}}), "ValidationException",
      "id must satisfy regex pattern: ^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\\d+)?$");
  for (const char* operation : {"DescribeStatement", "GetStatementResult", "CancelStatement"}) {
    ExpectFailure(Data(operation, {{"Id", NewUuid()}}), "ResourceNotFoundException",
                  "Query does not exist.");
  }
}

TEST_F(AwsApi, ResolvesAClusterByNameOrAlias) {
  EXPECT_EQ(Run("rows 1", {{"ClusterIdentifier", "default"}, {"DbUser", "bob"}})["Status"],
            "FINISHED");
  EXPECT_EQ(door_->sessions.last.user, "bob");
  EXPECT_FALSE(door_->sessions.last.superuser);
  ASSERT_TRUE(store_->PutSetting("cluster_alias.redshift-cluster-1", "default"));
  EXPECT_EQ(Run("rows 1", {{"ClusterIdentifier", "redshift-cluster-1"}})["ClusterIdentifier"],
            "redshift-cluster-1");
  EXPECT_EQ(door_->sessions.last.workspace, "default");
}

TEST_F(AwsApi, ShowsStatementsToTheirCallerOnly) {
  const Json end = Run("rows 1", {{"StatementName", "mine"}});
  for (const char* stranger : {"bob", "eve"}) {
    ExpectFailure(Data("DescribeStatement", {{"Id", end["Id"]}}, stranger),
                  "ResourceNotFoundException");
    ExpectFailure(Data("GetStatementResult", {{"Id", end["Id"]}}, stranger),
                  "ResourceNotFoundException");
    EXPECT_TRUE(Data("ListStatements", {{"Status", "ALL"}}, stranger).json()["Statements"].empty());
  }
}

TEST_F(AwsApi, ListsStatementsNewestFirstInPages) {
  redshift_data::DataServiceOptions options;
  options.now_ms = [now = std::make_shared<int64_t>(static_cast<int64_t>(::time(nullptr)) * 1000)] {
    return (*now)++;
  };
  Open({}, options);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; i++) ids.push_back(Run("rows 1", {{"StatementName", "n"}})["Id"]);
  Run("bad", {{"StatementName", "n"}});
  std::vector<std::string> listed;
  std::string token;
  do {
    Json request = {{"StatementName", "n"}, {"MaxResults", 2}};
    if (!token.empty()) request["NextToken"] = token;
    const Json page = Data("ListStatements", request).json();
    for (const Json& s : page["Statements"]) listed.push_back(s["Id"]);
    token = page.value("NextToken", "");
  } while (!token.empty());
  std::ranges::reverse(ids);
  EXPECT_EQ(listed, ids);
  EXPECT_EQ(Data("ListStatements", {{"Status", "ALL"}}).json()["Statements"].size(), 6u);
  EXPECT_EQ(Data("ListStatements", {{"Status", "FAILED"}}).json()["Statements"].size(), 1u);
}

TEST_F(AwsApi, KeepsResultsAcrossARestartAndFailsWhatRan) {
  const Json end = Run("rows 3");
  control::Statement unfinished;
  unfinished.id = NewUuid();
  unfinished.account = kAccount;
  unfinished.caller = "default/ada";
  unfinished.status = "STARTED";
  unfinished.created_ms = static_cast<int64_t>(::time(nullptr)) * 1000;
  door_.reset();
  ASSERT_TRUE(store_->PutStatement(unfinished));
  ASSERT_TRUE(store_->FailUnfinished("the gateway stopped while the statement ran"));
  std::ofstream(directory_ / "results" / (unfinished.id + ".part")) << "half";
  Open();
  EXPECT_EQ(Data("GetStatementResult", {{"Id", end["Id"]}}).json()["Records"].size(), 3u);
  const Json failed = Data("DescribeStatement", {{"Id", unfinished.id}}).json();
  EXPECT_EQ(failed["Status"], "FAILED");
  EXPECT_FALSE(failed["Error"].get<std::string>().empty());
  EXPECT_FALSE(fs::exists(directory_ / "results" / (unfinished.id + ".part")));
}

TEST_F(AwsApi, ForgetsStatementsAndResultsAfterTheirRetention) {
  const Json end = Run("rows 3");
  redshift_data::DataServiceOptions options;
  options.now_ms = [] { return (static_cast<int64_t>(::time(nullptr)) + 25 * 3600) * 1000; };
  Open({}, options);
  ExpectFailure(Data("DescribeStatement", {{"Id", end["Id"]}}), "ResourceNotFoundException");
  EXPECT_TRUE(fs::is_empty(directory_ / "results"));
}

TEST_F(AwsApi, SaysSoWhenAStoredResultIsDamaged) {
  const Json end = Run("rows 3");
  const fs::path file = directory_ / "results" / end["Id"].get<std::string>();
  fs::resize_file(file, fs::file_size(file) - 5);
  EXPECT_EQ(Data("GetStatementResult", {{"Id", end["Id"]}}).json()["Records"].size(), 2u);
  fs::resize_file(file, 20);
  ExpectFailure(Data("GetStatementResult", {{"Id", end["Id"]}}), "InternalServerException");
}

// ---------------------------------------------------------------- Glue

Json TableInput(const std::string& name,
                const std::vector<std::pair<std::string, std::string>>& keys = {}) {
  Json input = {
      {"Name", name},
      {"TableType", "EXTERNAL_TABLE"},
      {"Parameters", {{"classification", "csv"}}},
      {"StorageDescriptor",
       {{"Columns", Json::array({{{"Name", "a"}, {"Type", "int"}}})}, {"Location", "s3://b/t/"}}},
      {"PartitionKeys", Json::array()}};
  for (const auto& [key, type] : keys)
    input["PartitionKeys"].push_back({{"Name", key}, {"Type", type}});
  return input;
}

TEST_F(AwsApi, KeepsDatabasesAndTables) {
  EXPECT_EQ(
      Glue("CreateDatabase", {{"DatabaseInput", {{"Name", "Sales"}, {"Description", "d"}}}}).body,
      "{}");
  ExpectFailure(Glue("CreateDatabase", {{"DatabaseInput", {{"Name", "sales"}}}}),
                "AlreadyExistsException", "Database already exists.");
  EXPECT_EQ(Glue("GetDatabase", {{"Name", "SALES"}}).json()["Database"]["Name"], "sales");
  ExpectFailure(Glue("GetDatabase", {{"Name", "x"}}), "EntityNotFoundException",
                "Database x not found.");
  ExpectFailure(Glue("CreateTable", {{"DatabaseName", "x"}, {"TableInput", TableInput("t")}}),
                "EntityNotFoundException", "Database x not found.");
  EXPECT_EQ(
      Glue("CreateTable", {{"DatabaseName", "sales"}, {"TableInput", TableInput("T")}}).status,
      200);
  ExpectFailure(Glue("CreateTable", {{"DatabaseName", "sales"}, {"TableInput", TableInput("t")}}),
                "AlreadyExistsException", "Table already exists.");
  const Json table = Glue("GetTable", {{"DatabaseName", "sales"}, {"Name", "t"}}).json()["Table"];
  EXPECT_EQ(table["DatabaseName"], "sales");
  EXPECT_EQ(table["StorageDescriptor"]["Columns"][0]["Type"], "int");
  EXPECT_GT(table["CreateTime"].get<double>(), 1.7e9);
  ExpectFailure(Glue("GetTable", {{"DatabaseName", "sales"}, {"Name", "u"}}),
                "EntityNotFoundException", "Table u not found.");
  EXPECT_EQ(Glue("DeleteDatabase", {{"Name", "sales"}}).status, 200);
  ExpectFailure(Glue("GetTable", {{"DatabaseName", "sales"}, {"Name", "t"}}),
                "EntityNotFoundException");
}

TEST_F(AwsApi, UpdatesATableAgainstTheVersionItWasReadIn) {
  Glue("CreateDatabase", {{"DatabaseInput", {{"Name", "d"}}}});
  Glue("CreateTable", {{"DatabaseName", "d"}, {"TableInput", TableInput("t")}});
  const Json before = Glue("GetTable", {{"DatabaseName", "d"}, {"Name", "t"}}).json()["Table"];
  Json input = TableInput("t");
  input["Description"] = "new";
  const Json update = {
      {"DatabaseName", "d"}, {"TableInput", input}, {"VersionId", before["VersionId"]}};
  EXPECT_EQ(Glue("UpdateTable", update).status, 200);
  ExpectFailure(Glue("UpdateTable", update), "ConcurrentModificationException");
  const Json after = Glue("GetTable", {{"DatabaseName", "d"}, {"Name", "t"}}).json()["Table"];
  EXPECT_EQ(after["Description"], "new");
  EXPECT_EQ(after["CreateTime"], before["CreateTime"]);
  EXPECT_NE(after["VersionId"], before["VersionId"]);
}

TEST_F(AwsApi, ChecksShapesWithTheServicesTexts) {
  ExpectFailure(Glue("CreateDatabase", Json::object()), "InvalidInputException",
                "1 validation error detected: Value null at 'databaseInput' failed to satisfy "
                "constraint: Member must not be null");
  ExpectFailure(Glue("CreateDatabase", {{"DatabaseInput", {{"Name", ""}}}}),
                "InvalidInputException", "at 'databaseInput.name'");
  ExpectFailure(Glue("GetDatabases", {{"MaxResults", 101}}), "InvalidInputException",
                "less than or equal to 100");
  ExpectFailure(Glue("GetDatabases", {{"CatalogId", "999999999999"}}), "AccessDeniedException");
  ExpectFailure(
      Glue("CreateDatabase", {{"DatabaseInput", {{"Name", "d"}, {"Parameters", {{"a", 1}}}}}}),
      "SerializationException");
  Glue("CreateDatabase",
       {{"DatabaseInput", {{"Name", "d"}, {"Invented", "x"}, {"Description", nullptr}}}});
  EXPECT_FALSE(Glue("GetDatabase", {{"Name", "d"}}).json()["Database"].contains("Invented"));
}

TEST_F(AwsApi, FiltersPagesAndSegmentsPartitions) {
  Glue("CreateDatabase", {{"DatabaseInput", {{"Name", "d"}}}});
  Glue("CreateTable", {{"DatabaseName", "d"},
                       {"TableInput", TableInput("p", {{"year", "int"}, {"region", "string"}})}});
  const Json at = {{"DatabaseName", "d"}, {"TableName", "p"}};
  const auto with = [&](Json more) {
    more.update(at);
    return more;
  };
  Json inputs = Json::array();
  for (int year = 2000; year < 2020; year++) {
    inputs.push_back({{"Values", {std::to_string(year), year % 2 == 0 ? "eu" : "us"}},
                      {"StorageDescriptor", TableInput("p")["StorageDescriptor"]}});
  }
  EXPECT_EQ(Glue("BatchCreatePartition", with({{"PartitionInputList", inputs}})).body, "{}");
  const Json again =
      Glue("BatchCreatePartition",
           with({{"PartitionInputList",
                  Json::array({inputs[0], {{"Values", {"2020", "eu"}}}, {{"Values", {"1"}}}})}}))
          .json();
  ASSERT_EQ(again["Errors"].size(), 2u) << again;
  EXPECT_EQ(again["Errors"][0]["ErrorDetail"]["ErrorCode"], "InvalidInputException");
  EXPECT_EQ(again["Errors"][1]["ErrorDetail"]["ErrorCode"], "AlreadyExistsException");
  const auto years = [&](const Json& request) {
    std::vector<std::string> found;
    for (const Json& p : Glue("GetPartitions", with(request)).json()["Partitions"])
      found.push_back(p["Values"][0]);
    return found;
  };
  EXPECT_EQ(years({{"Expression", "year between 2003 and 2006 and region = 'eu'"}}),
            (std::vector<std::string>{"2004", "2006"}));
  EXPECT_EQ(years({{"Expression", "((year = '2020'))"}}), std::vector<std::string>{"2020"});
  ExpectFailure(Glue("GetPartitions", with({{"Expression", "month = 1"}})), "InvalidInputException",
                "Unknown column 'month'");
  std::vector<std::string> segments;
  for (int i = 0; i < 4; i++) {
    for (auto& year : years({{"Segment", {{"SegmentNumber", i}, {"TotalSegments", 4}}}}))
      segments.push_back(year);
  }
  std::ranges::sort(segments);
  EXPECT_EQ(segments, years(Json::object()));
  const Json page =
      Glue("GetPartitions", with({{"MaxResults", 15}, {"ExcludeColumnSchema", true}})).json();
  EXPECT_EQ(page["Partitions"].size(), 15u);
  EXPECT_FALSE(page["Partitions"][0]["StorageDescriptor"].contains("Columns"));
  EXPECT_EQ(years({{"MaxResults", 15}, {"NextToken", page["NextToken"]}}).size(), 6u);
  ExpectFailure(Glue("GetPartitions", with({{"NextToken", "x"}})), "InvalidInputException");
  EXPECT_EQ(Glue("DeletePartition", with({{"PartitionValues", {"2020", "eu"}}})).status, 200);
  ExpectFailure(Glue("DeletePartition", with({{"PartitionValues", {"2020", "eu"}}})),
                "EntityNotFoundException");
}

TEST_F(AwsApi, KeepsAndRunsCrawlers) {
  const Json create = {{"Name", "C"},
                       {"Role", "r"},
                       {"DatabaseName", "d"},
                       {"Targets", {{"S3Targets", Json::array({{{"Path", "s3://b/x/"}}})}}}};
  EXPECT_EQ(Glue("CreateCrawler", create).status, 200);
  ExpectFailure(Glue("CreateCrawler", create), "AlreadyExistsException");
  const Json crawler = Glue("GetCrawler", {{"Name", "C"}}).json()["Crawler"];
  EXPECT_EQ(crawler["State"], "READY");
  EXPECT_EQ(crawler["SchemaChangePolicy"]["DeleteBehavior"], "DEPRECATE_IN_DATABASE");
  ExpectFailure(Glue("GetCrawler", {{"Name", "x"}}), "EntityNotFoundException",
                "Crawler x not found.");
  ExpectFailure(Glue("StopCrawler", {{"Name", "C"}}), "CrawlerNotRunningException");
  EXPECT_EQ(Glue("StartCrawler", {{"Name", "C"}}).body, "{}");
  ExpectFailure(Glue("StartCrawler", {{"Name", "C"}}), "CrawlerRunningException",
                "has already started");
  ExpectFailure(Glue("DeleteCrawler", {{"Name", "C"}}), "CrawlerRunningException");
  EXPECT_EQ(Glue("StopCrawler", {{"Name", "C"}}).status, 200);
  EXPECT_EQ(Glue("UpdateCrawler", {{"Name", "C"}, {"TablePrefix", "p_"}}).status, 200);
  EXPECT_EQ(Glue("GetCrawler", {{"Name", "C"}}).json()["Crawler"]["Version"], 2);
  EXPECT_EQ(Glue("ListCrawlers", Json::object()).json()["CrawlerNames"], Json::array({"C"}));
  EXPECT_EQ(Glue("DeleteCrawler", {{"Name", "C"}}).status, 200);
  Json bad = create;
  bad["Targets"] = {{"S3Targets", Json::array({{{"Path", "/x"}}})}};
  ExpectFailure(Glue("CreateCrawler", bad), "InvalidInputException");
}

}  // namespace
}  // namespace skep::aws
