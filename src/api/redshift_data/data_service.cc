#include "api/redshift_data/data_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <exception>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "api/redshift_data/parameters.h"
#include "api/redshift_data/pg_rows.h"
#include "api/redshift_data/result_file.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "base/log.h"
#include "sql/print/redact.h"

namespace skep::redshift_data {
namespace asio = boost::asio;
namespace fs = std::filesystem;
using api::Answer;
using api::Context;
using api::Failure;
using api::Json;
using api::Refuse;
using control::Statement;
using std::chrono::steady_clock;

namespace {

constexpr size_t kSpoolBuffer = 1u << 20;
constexpr auto kPutPause = std::chrono::seconds(1);
constexpr auto kSweepPause = std::chrono::hours(1);
constexpr std::string_view kNoSuchQuery = "Query does not exist.";
constexpr std::string_view kNoResult =
    "Query does not have result. Please check query status with DescribeStatement.";
constexpr std::string_view kNoEndpoint = "Redshift endpoint doesn't exist in this region.";

std::unexpected<Failure> Invalid(std::string message) {
  return Refuse("ValidationException", std::move(message));
}

bool IsEnd(std::string_view status) {
  return status == "FINISHED" || status == "FAILED" || status == "ABORTED";
}

// A member of a request: absent and null are the same.
struct Text {
  std::string value;
  bool given = false;
};
Answer<Text> TextMember(const Json& request, const char* name, size_t least, size_t most) {
  const auto found = request.find(name);
  if (found == request.end() || found->is_null()) return Text{};
  if (!found->is_string())
    return Refuse("SerializationException", fmt::format("{} must be a string.", name));
  Text text{found->get<std::string>(), true};
  if (text.value.size() < least || text.value.size() > most) {
    return Invalid(fmt::format(
        "Value at '{}' failed to satisfy constraint: Member must have length between {} and {}",
        name, least, most));
  }
  return text;
}
Answer<std::optional<int64_t>> NumberMember(const Json& request, const char* name, int64_t least,
                                            int64_t most) {
  const auto found = request.find(name);
  if (found == request.end() || found->is_null()) return std::optional<int64_t>();
  if (!found->is_number_integer())
    return Refuse("SerializationException", fmt::format("{} must be an integer.", name));
  const auto value = found->get<int64_t>();
  if (value < least || value > most) {
    return Invalid(fmt::format(
        "Value '{}' at '{}' failed to satisfy constraint: Member must have value between {} and {}",
        value, name, least, most));
  }
  return std::optional<int64_t>(value);
}

Answer<std::string> StatementId(const Json& request) {
  auto id = TextMember(request, "Id", 0, 4096);
  if (!id) return std::unexpected(id.error());
  std::string_view whole = id->value;
  const size_t colon = whole.find(':');
  bool fits = IsUuidShaped(whole.substr(0, colon));
  if (colon != std::string_view::npos) {
    const std::string_view suffix = whole.substr(colon + 1);
    fits = fits && !suffix.empty() && suffix.size() <= 2 &&
           std::ranges::all_of(suffix, [](char c) { return c >= '0' && c <= '9'; });
  }
  if (!fits)
    return Invalid(
        "id must satisfy regex pattern: ^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\\d+)?$");
  return std::move(id->value);
}

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000.0; }

// As the service shows an engine's error.
std::string ErrorText(const Error& error, const RewrittenSql& sql) {
  std::string text = "ERROR: " + error.message;
  if (!error.detail.empty()) text += "\n  Detail: " + error.detail;
  if (!error.hint.empty()) text += "\n  Hint: " + error.hint;
  if (error.position > 0)
    text += fmt::format("\n  Position: {}", sql.OriginalPosition(error.position));
  return text;
}

// The last number of a command tag: rows affected; -1 when it has none.
int64_t AffectedRows(std::string_view tag) {
  const size_t blank = tag.rfind(' ');
  if (blank == std::string_view::npos) return -1;
  const std::string_view number = tag.substr(blank + 1);
  int64_t rows = -1;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), rows);
  return read.ec == std::errc{} && read.ptr == number.data() + number.size() ? rows : -1;
}

std::string Token(std::string_view id, std::string_view rest) {
  return Base64Encode(fmt::format("{}/{}", id, rest));
}
std::optional<std::string> ReadToken(const std::string& token, std::string_view id) {
  const auto text = Base64Decode(token);
  if (!text || !text->starts_with(id) || text->size() <= id.size() || (*text)[id.size()] != '/')
    return std::nullopt;
  return text->substr(id.size() + 1);
}

Json ParametersOf(const Statement& s) {
  Json parameters = Json::parse(s.parameters_json, nullptr, false);
  return parameters.is_array() ? parameters : Json::array();
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

struct DataService::State : std::enable_shared_from_this<DataService::State> {
  State(asio::any_io_executor given_executor, session::SessionFactory& given_sessions,
        control::Store& given_store, net::BlockingPool& given_blocking, DataServiceOptions given)
      : executor(std::move(given_executor)),
        sessions(given_sessions),
        store(given_store),
        blocking(given_blocking),
        options(std::move(given)),
        idle(executor),
        sweep(executor) {
    if (!options.now_ms) {
      options.now_ms = [] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
      };
    }
    next_query_id = options.now_ms() / 10;
  }

  // A statement on its way, from its acceptance to its end in the control store.
  struct Running {
    Statement statement;
    RewrittenSql sql;
    std::vector<ipc::Parameter> parameters;
    bool superuser = false;
    bool cancelled = false;
    session::Session* session = nullptr;  // while it executes
    std::set<asio::steady_timer*> waiters;
    steady_clock::time_point begin = steady_clock::now();
  };

  class Spool;

  using Operation = asio::awaitable<Answer<std::string>> (State::*)(Context, Json);
  static const std::map<std::string, Operation, std::less<>>& Operations();

  asio::awaitable<Answer<std::string>> ExecuteStatement(Context context, Json request);
  asio::awaitable<Answer<std::string>> DescribeStatement(Context context, Json request);
  asio::awaitable<Answer<std::string>> GetStatementResult(Context context, Json request);
  asio::awaitable<Answer<std::string>> CancelStatement(Context context, Json request);
  asio::awaitable<Answer<std::string>> ListStatements(Context context, Json request);

  asio::awaitable<Answer<void>> ChooseTarget(const Context& context, const Json& request,
                                             Running& running);
  asio::awaitable<Answer<Statement>> Find(const Context& context, const std::string& id);
  asio::awaitable<Answer<Statement>> FindAfterWaiting(const Context& context, const Json& request);
  asio::awaitable<void> Wait(std::string id, int64_t seconds);
  std::string Accepted(const Statement& s, const std::string& db_user) const;

  asio::awaitable<void> Run(std::shared_ptr<Running> running);
  asio::awaitable<Result<void>> Execute(const std::shared_ptr<Running>& running);
  asio::awaitable<Result<void>> Put(Statement statement);
  asio::awaitable<void> Sweep();
  void RemoveResults(const std::vector<std::string>& files) const;
  void Spawn(asio::awaitable<void> work, std::string_view what);

  asio::any_io_executor executor;
  session::SessionFactory& sessions;
  control::Store& store;
  net::BlockingPool& blocking;
  DataServiceOptions options;
  asio::steady_timer idle;  // cancelled when the last statement ends
  asio::steady_timer sweep;
  bool draining = false;
  int64_t next_query_id = 0;
  std::map<std::string, std::shared_ptr<Running>> running;  // by statement id
};

// Collects rows and writes them in large pieces, off the I/O thread.
class DataService::State::Spool final : public session::RowSink {
 public:
  Spool(State& state, std::string name) : state_(state), name_(std::move(name)) {}

  asio::awaitable<Result<void>> Write(std::string_view messages) override {
    bytes_ += messages.size();
    if (bytes_ > state_.options.max_result_bytes) {
      co_return Fail(ErrorKind::kPayloadTooLarge,
                     fmt::format("Query result size exceeds the limit of {} MB",
                                 state_.options.max_result_bytes >> 20),
                     {},
                     "Return fewer rows or columns, or read the result through the database port.");
    }
    buffer_ += messages;
    if (buffer_.size() < kSpoolBuffer) co_return Result<void>{};
    co_return co_await Flush(false);
  }

  // Makes the result durable.
  asio::awaitable<Result<void>> Finish() { co_return co_await Flush(true); }
  uint64_t bytes() const { return bytes_; }

 private:
  asio::awaitable<Result<void>> Flush(bool finish) {
    auto work = [writer = writer_, piece = std::exchange(buffer_, {}),
                 directory = state_.options.results_directory, name = name_,
                 finish]() mutable -> Result<std::shared_ptr<ResultWriter>> {
      if (!writer) {
        SKEP_TRY_ASSIGN(ResultWriter made, ResultWriter::Create(directory, name));
        writer = std::make_shared<ResultWriter>(std::move(made));
      }
      SKEP_TRY(writer->Append(piece));
      if (finish) SKEP_TRY(writer->Finish());
      return writer;
    };
    auto done = co_await state_.blocking.Run(std::move(work));
    if (!done) co_return Fail(done.error());
    writer_ = std::move(*done);
    co_return Result<void>{};
  }

  State& state_;
  const std::string name_;
  std::shared_ptr<ResultWriter> writer_;
  std::string buffer_;
  uint64_t bytes_ = 0;
};

void DataService::State::Spawn(asio::awaitable<void> work, std::string_view what) {
  asio::co_spawn(executor, std::move(work),
                 [self = shared_from_this(), what](std::exception_ptr error) {
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& e) {
                     log::Fault("data_api_coroutine_failed", {{"what", what}, {"error", e.what()}});
                   }
                 });
}

asio::awaitable<Result<void>> DataService::State::Put(Statement statement) {
  statement.updated_ms = options.now_ms();
  auto work = [&store = store, s = std::move(statement)] { return store.PutStatement(s); };
  co_return co_await blocking.Run(std::move(work));
}

// ---------------------------------------------------------------- running

asio::awaitable<Result<void>> DataService::State::Execute(const std::shared_ptr<Running>& r) {
  Statement& s = r->statement;
  if (r->cancelled) co_return Fail(ErrorKind::kQueryCanceled, "Query cancelled on user's request");
  session::SessionOptions session_options;
  session_options.workspace = s.workspace;
  session_options.database = s.database;
  session_options.user = s.user;
  session_options.superuser = r->superuser;
  session_options.client = "data-api " + s.id;
  session_options.settings = {{"extra_float_digits", "2"}};  // a doubleValue is the whole value
  auto opened = co_await sessions.Open(std::move(session_options));
  if (!opened) co_return Fail(opened.error());
  const std::unique_ptr<session::Session> session = std::move(*opened);
  s.process_id = session->process_id();
  s.query_id = next_query_id++;
  s.status = "STARTED";
  if (auto put = co_await Put(s); !put) {
    co_await session->Close();
    co_return Fail(put.error());
  }
  if (r->cancelled) {
    co_await session->Close();
    co_return Fail(ErrorKind::kQueryCanceled, "Query cancelled on user's request");
  }
  session::StatementRequest request;
  request.text = r->sql.text;
  request.statement_id = s.id;
  request.parameters = r->parameters;
  request.parameter_types.assign(r->parameters.size(), 0);
  request.describe = true;
  Spool spool(*this, s.id);
  r->session = session.get();
  Result<session::Outcome> outcome = Fail(ErrorKind::kInternal, "the statement did not run");
  std::exception_ptr thrown;
  try {
    outcome = co_await session->Execute(std::move(request), spool);
  } catch (...) {
    thrown = std::current_exception();
  }
  r->session = nullptr;
  co_await session->Close();
  if (thrown) std::rethrow_exception(thrown);
  if (!outcome) co_return Fail(outcome.error());
  if (outcome->has_result) {
    SKEP_CO_TRY(co_await spool.Finish());
    s.has_result = true;
    s.result_file = s.id;
    s.result_rows = static_cast<int64_t>(outcome->rows);
    s.result_bytes = static_cast<int64_t>(spool.bytes());
  } else {
    s.result_rows = AffectedRows(outcome->tag);
  }
  co_return Result<void>{};
}

asio::awaitable<void> DataService::State::Run(std::shared_ptr<Running> r) {
  Statement& s = r->statement;
  Result<void> done;
  try {
    done = co_await Execute(r);
  } catch (const std::exception& e) {
    log::Fault("data_api_statement_failed", {{"statement", s.id}, {"error", e.what()}});
    done = Fail(ErrorKind::kInternal, fmt::format("internal error (incident {})", s.id));
  }
  s.duration_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now() - r->begin).count();
  if (done) {
    s.status = "FINISHED";
  } else if (r->cancelled && done.error().kind == ErrorKind::kQueryCanceled) {
    s.status = "ABORTED";
  } else {
    s.status = "FAILED";
    s.error = ErrorText(done.error(), r->sql);
  }
  log::Info("data_api_statement", {{"statement", s.id},
                                   {"caller", s.caller},
                                   {"status", s.status},
                                   {"rows", s.result_rows},
                                   {"ms", s.duration_ns / 1000000}});
  // Nobody may be told of an end that is not kept, and a statement must not stay STARTED for ever:
  // try until it is.
  while (true) {
    const auto put = co_await Put(s);
    if (put) break;
    log::Fault("data_api_put_failed", {{"statement", s.id}, {"error", put.error().message}});
    if (draining) break;  // the next start marks it FAILED
    asio::steady_timer pause(executor, kPutPause);
    boost::system::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  for (asio::steady_timer* waiter : r->waiters) waiter->cancel();
  running.erase(s.id);
  if (running.empty()) idle.cancel();
}

asio::awaitable<void> DataService::State::Wait(std::string id, int64_t seconds) {
  const auto found = running.find(id);
  if (found == running.end() || draining) co_return;
  const std::shared_ptr<Running> r = found->second;
  asio::steady_timer timer(executor, std::chrono::seconds(seconds));
  r->waiters.insert(&timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  r->waiters.erase(&timer);
}

// ---------------------------------------------------------------- operations

// Workspace, database and database user: from WorkgroupName or ClusterIdentifier, Database, DbUser.
asio::awaitable<Answer<void>> DataService::State::ChooseTarget(const Context& context,
                                                               const Json& request, Running& r) {
  Statement& s = r.statement;
  auto workgroup = TextMember(request, "WorkgroupName", 3, 128);
  if (!workgroup) co_return std::unexpected(workgroup.error());
  auto cluster = TextMember(request, "ClusterIdentifier", 1, 63);
  if (!cluster) co_return std::unexpected(cluster.error());
  auto database = TextMember(request, "Database", 1, 255);
  if (!database) co_return std::unexpected(database.error());
  auto user = TextMember(request, "DbUser", 1, 255);
  if (!user) co_return std::unexpected(user.error());
  auto secret = TextMember(request, "SecretArn", 1, 2048);
  if (!secret) co_return std::unexpected(secret.error());

  if (workgroup->given && cluster->given)
    co_return Invalid("WorkgroupName and ClusterIdentifier exclude each other.");
  if (!workgroup->given && !cluster->given)
    co_return Invalid("Either WorkgroupName or ClusterIdentifier must be given.");
  if (!database->given) co_return Invalid("Database must be given.");
  if (workgroup->given && user->given)
    co_return Invalid("DbUser cannot be given together with WorkgroupName.");
  std::string name = workgroup->given ? workgroup->value : cluster->value;
  if (workgroup->given && name.starts_with("arn:")) name = name.substr(name.rfind('/') + 1);

  struct Found {
    bool workspace = false;
    bool user = false;
    bool superuser = false;
    std::string name;
  };
  const std::string wanted_user = user->given ? user->value : context.caller.user;
  auto look_up = [&store = store, name, own = context.caller.workspace, wanted_user,
                  is_alias = cluster->given]() -> Result<Found> {
    Found found;
    found.name = name;
    if (is_alias) {
      SKEP_TRY_ASSIGN(const auto alias, store.GetSetting("cluster_alias." + name));
      if (alias) found.name = *alias;
    }
    // Another workspace's name is answered like a name that nobody has.
    if (found.name != own) return found;
    SKEP_TRY_ASSIGN(const auto workspace, store.GetWorkspace(found.name));
    found.workspace = workspace.has_value();
    if (!found.workspace) return found;
    SKEP_TRY_ASSIGN(const auto known, store.GetUser(found.name, wanted_user));
    found.user = known.has_value();
    found.superuser = known && known->superuser;
    return found;
  };
  auto found = co_await blocking.Run(std::move(look_up));
  if (!found) co_return std::unexpected(Failure::Of(found.error()));
  if (!found->workspace) co_return Invalid(std::string(kNoEndpoint));
  if (wanted_user != context.caller.user && !context.caller.superuser) {
    co_return Refuse("AccessDeniedException",
                     fmt::format("User {} may not run statements as database user {}.",
                                 context.caller.user, wanted_user));
  }
  if (!found->user) co_return Invalid(fmt::format("Database user {} does not exist.", wanted_user));
  s.workspace = found->name;
  s.database = database->value;
  s.user = wanted_user;
  s.workgroup = workgroup->value;
  s.cluster = cluster->value;
  r.superuser = found->superuser;
  co_return Answer<void>{};
}

std::string DataService::State::Accepted(const Statement& s, const std::string& db_user) const {
  Json out = {{"Id", s.id},
              {"CreatedAt", Seconds(s.created_ms)},
              {"Database", s.database},
              {"Status", s.status}};
  if (!s.workgroup.empty()) out["WorkgroupName"] = s.workgroup;
  if (!s.cluster.empty()) out["ClusterIdentifier"] = s.cluster;
  if (!db_user.empty()) out["DbUser"] = db_user;
  if (s.process_id != 0) out["RedshiftPid"] = s.process_id;
  if (IsEnd(s.status)) out["HasResultSet"] = s.has_result;
  return Dump(out);
}

asio::awaitable<Answer<std::string>> DataService::State::ExecuteStatement(Context context,
                                                                          Json request) {
  if (draining)
    co_return Refuse("InternalServerException", "The server is shutting down. Try again later.",
                     503);
  const auto r = std::make_shared<Running>();
  Statement& s = r->statement;
  auto sql = TextMember(request, "Sql", 1, std::string::npos - 1);
  if (!sql) co_return std::unexpected(sql.error());
  if (!sql->given) co_return Invalid("Sql must be given.");
  if (sql->value.size() > options.max_statement_bytes) {
    co_return Invalid(fmt::format("Query is {} bytes long; the limit is {} KB.", sql->value.size(),
                                  options.max_statement_bytes / 1024));
  }
  for (const char* name : {"SessionId", "SessionKeepAliveSeconds"}) {
    const auto given = request.find(name);
    if (given != request.end() && !given->is_null() && *given != 0)
      co_return Invalid(
          fmt::format("{} is not offered here: each statement has a session of its own.", name));
  }
  if (const auto format = request.find("ResultFormat");
      format != request.end() && !format->is_null() && *format != "JSON") {
    co_return Invalid("ResultFormat must be JSON; CSV is not offered here.");
  }
  auto name = TextMember(request, "StatementName", 0, 2048);
  if (!name) co_return std::unexpected(name.error());
  auto token = TextMember(request, "ClientToken", 1, 64);
  if (!token) co_return std::unexpected(token.error());
  auto wait = NumberMember(request, "WaitTimeSeconds", 1, 30);
  if (!wait) co_return std::unexpected(wait.error());

  std::vector<std::string> names, values;
  Json parameters = Json::array();
  if (const auto given = request.find("Parameters"); given != request.end() && !given->is_null()) {
    if (!given->is_array())
      co_return Refuse("SerializationException", "Parameters must be a list.");
    if (given->empty()) co_return Invalid("Parameters must hold at least one parameter.");
    for (const Json& parameter : *given) {
      const bool shaped = parameter.is_object() && parameter.contains("name") &&
                          parameter["name"].is_string() && parameter.contains("value") &&
                          parameter["value"].is_string();
      if (!shaped) co_return Invalid("Each parameter must have a name and a value, both strings.");
      names.push_back(parameter["name"].get<std::string>());
      values.push_back(parameter["value"].get<std::string>());
      const bool word = !names.back().empty() && std::ranges::all_of(names.back(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_';
      });
      if (!word)
        co_return Invalid(
            "Parameter name must satisfy regular expression pattern: ^[0-9a-zA-Z_]+$");
      if (values.back().empty())
        co_return Invalid(fmt::format("The value of parameter {} must have at least one character.",
                                      names.back()));
      parameters.push_back({{"name", names.back()}, {"value", values.back()}});
    }
  }
  auto rewritten = RewriteParameters(sql->value, names);
  if (!rewritten) co_return Invalid(rewritten.error().message);
  if (auto chosen = co_await ChooseTarget(context, request, *r); !chosen)
    co_return std::unexpected(chosen.error());
  const std::string db_user = request.contains("DbUser") ? s.user : std::string();

  r->sql = std::move(*rewritten);
  for (const size_t index : r->sql.order) r->parameters.push_back({values[index], 0});
  s.id = NewUuid();
  s.account = context.caller.account;
  s.caller = context.caller.Name();
  s.name = name->value;
  s.client_token = token->value;
  s.sql = sql::RedactScript(sql->value);  // others may list it
  s.parameters_json = Dump(parameters);
  s.created_ms = options.now_ms();

  if (token->given) {
    auto find = [&store = store, account = s.account, caller = s.caller, value = s.client_token] {
      return store.FindStatementByToken(account, caller, value);
    };
    auto known = co_await blocking.Run(std::move(find));
    if (!known) co_return std::unexpected(Failure::Of(known.error()));
    if (*known) co_return Accepted(**known, db_user);
  }
  const auto active = static_cast<size_t>(std::ranges::count_if(running, [&](const auto& other) {
    return other.second->statement.workspace == s.workspace;
  }));
  if (active >= options.max_active) {
    co_return Refuse("ActiveStatementsExceededException",
                     fmt::format("The number of active statements exceeds the limit of {}.",
                                 options.max_active));
  }
  running[s.id] = r;  // before the first wait: the limit holds, and a cancel finds it
  auto put = co_await Put(s);
  if (!put) {
    running.erase(s.id);
    if (running.empty()) idle.cancel();
    if (put.error().kind == ErrorKind::kDuplicateObject) {
      auto find = [&store = store, account = s.account, caller = s.caller, value = s.client_token] {
        return store.FindStatementByToken(account, caller, value);
      };
      auto known = co_await blocking.Run(std::move(find));
      if (known && *known) co_return Accepted(**known, db_user);
    }
    co_return std::unexpected(Failure::Of(put.error()));
  }
  const Statement accepted = s;
  Spawn(Run(r), "statement");
  if (!*wait) co_return Accepted(accepted, db_user);
  co_await Wait(accepted.id, **wait);
  auto now = co_await Find(context, accepted.id);
  co_return Accepted(now ? *now : accepted, db_user);
}

asio::awaitable<Answer<Statement>> DataService::State::Find(const Context& context,
                                                            const std::string& id) {
  auto find = [&store = store, id] { return store.GetStatement(id); };
  auto found = co_await blocking.Run(std::move(find));
  if (!found) co_return std::unexpected(Failure::Of(found.error()));
  if (!*found || (*found)->account != context.caller.account ||
      (*found)->caller != context.caller.Name()) {
    Failure failure{"ResourceNotFoundException", std::string(kNoSuchQuery), 400, Json::object()};
    failure.members["ResourceId"] = id;
    co_return std::unexpected(std::move(failure));
  }
  co_return std::move(**found);
}

asio::awaitable<Answer<Statement>> DataService::State::FindAfterWaiting(const Context& context,
                                                                        const Json& request) {
  auto id = StatementId(request);
  if (!id) co_return std::unexpected(id.error());
  auto wait = NumberMember(request, "WaitTimeSeconds", 1, 30);
  if (!wait) co_return std::unexpected(wait.error());
  auto found = co_await Find(context, *id);
  if (!found || !*wait || IsEnd(found->status)) co_return found;
  if (const auto r = running.find(*id);
      r != running.end() && r->second->waiters.size() >= options.max_waiters) {
    co_return Refuse("ActiveWaitingRequestsExceededException",
                     "Too many requests wait for this statement.");
  }
  co_await Wait(*id, **wait);
  co_return co_await Find(context, *id);
}

asio::awaitable<Answer<std::string>> DataService::State::DescribeStatement(Context context,
                                                                           Json request) {
  auto found = co_await FindAfterWaiting(context, request);
  if (!found) co_return std::unexpected(found.error());
  const Statement& s = *found;
  Json out = {{"Id", s.id},
              {"Database", s.database},
              {"Status", s.status},
              {"CreatedAt", Seconds(s.created_ms)},
              {"UpdatedAt", Seconds(s.updated_ms)},
              {"Duration", IsEnd(s.status)
                               ? s.duration_ns
                               : std::max<int64_t>(0, options.now_ms() - s.created_ms) * 1000000},
              {"HasResultSet", s.has_result},
              {"QueryString", s.sql},
              {"ResultRows", s.result_rows},
              {"ResultSize", s.result_bytes},
              {"RedshiftPid", s.process_id},
              {"RedshiftQueryId", s.query_id == 0 ? -1 : s.query_id},
              {"ResultFormat", "JSON"}};
  if (!s.error.empty()) out["Error"] = s.error;
  if (!s.workgroup.empty()) out["WorkgroupName"] = s.workgroup;
  if (!s.cluster.empty()) out["ClusterIdentifier"] = s.cluster;
  if (!s.cluster.empty()) out["DbUser"] = s.user;
  if (Json parameters = ParametersOf(s); !parameters.empty())
    out["QueryParameters"] = std::move(parameters);
  co_return Dump(out);
}

asio::awaitable<Answer<std::string>> DataService::State::GetStatementResult(Context context,
                                                                            Json request) {
  auto found = co_await FindAfterWaiting(context, request);
  if (!found) co_return std::unexpected(found.error());
  const Statement& s = *found;
  if (s.status != "FINISHED" || !s.has_result || s.result_file.empty()) {
    Failure failure{"ResourceNotFoundException", std::string(kNoResult), 400, Json::object()};
    failure.members["ResourceId"] = s.id;
    co_return std::unexpected(std::move(failure));
  }
  auto token = TextMember(request, "NextToken", 0, 1024);
  if (!token) co_return std::unexpected(token.error());
  uint64_t offset = 0;
  if (!token->value.empty()) {
    const auto text = ReadToken(token->value, s.id);
    const char* end = text ? text->data() + text->size() : nullptr;
    const auto read = text ? std::from_chars(text->data(), end, offset)
                           : std::from_chars_result{nullptr, std::errc::invalid_argument};
    if (read.ec != std::errc{} || read.ptr != end || offset == 0)
      co_return Invalid("Invalid NextToken");
  }
  auto work = [path = options.results_directory + "/" + s.result_file, offset,
               bytes = options.page_bytes] { return ReadResultPage(path, offset, bytes); };
  auto page = co_await blocking.Run(std::move(work));
  if (!page) {
    if (page.error().kind == ErrorKind::kInvalidArgument) co_return Invalid(page.error().message);
    if (page.error().kind == ErrorKind::kProtocolViolation) {
      log::Fault("data_api_result_damaged", {{"statement", s.id}, {"error", page.error().message}});
      co_return Refuse("InternalServerException", "The stored result cannot be read.", 500);
    }
    co_return std::unexpected(Failure::Of(page.error()));
  }
  std::string out = "{\"Records\":";
  out += page->records_json;
  out += ",\"ColumnMetadata\":";
  out += page->metadata_json;
  out += fmt::format(",\"TotalNumRows\":{}", s.result_rows);
  if (page->next_offset != 0)
    out += fmt::format(",\"NextToken\":\"{}\"", Token(s.id, std::to_string(page->next_offset)));
  out += '}';
  co_return out;
}

asio::awaitable<Answer<std::string>> DataService::State::CancelStatement(Context context,
                                                                         Json request) {
  auto id = StatementId(request);
  if (!id) co_return std::unexpected(id.error());
  auto found = co_await Find(context, *id);
  if (!found) co_return std::unexpected(found.error());
  const auto r = running.find(*id);
  if (r == running.end() || IsEnd(r->second->statement.status)) {
    const std::string status = r == running.end() ? found->status : r->second->statement.status;
    co_return Invalid(fmt::format(
        "Could not cancel a query that is already in {} state with ID: {}", status, *id));
  }
  r->second->cancelled = true;
  if (r->second->session != nullptr) r->second->session->Cancel();
  co_return std::string("{\"Status\":true}");
}

asio::awaitable<Answer<std::string>> DataService::State::ListStatements(Context context,
                                                                        Json request) {
  control::StatementFilter filter;
  filter.account = context.caller.account;
  filter.caller = context.caller.Name();
  auto status = TextMember(request, "Status", 0, 16);
  if (!status) co_return std::unexpected(status.error());
  static constexpr std::string_view kStates[] = {"SUBMITTED", "PICKED", "STARTED", "FINISHED",
                                                 "ABORTED",   "FAILED", "ALL"};
  if (status->given && std::ranges::find(kStates, status->value) == std::end(kStates)) {
    co_return Invalid(
        "Status must be one of SUBMITTED, PICKED, STARTED, FINISHED, ABORTED, FAILED, ALL.");
  }
  filter.status = !status->given ? "FINISHED" : status->value == "ALL" ? "" : status->value;
  for (const auto& [member, target] : {std::pair("StatementName", &filter.name_prefix),
                                       {"Database", &filter.database},
                                       {"WorkgroupName", &filter.workgroup},
                                       {"ClusterIdentifier", &filter.cluster}}) {
    auto text = TextMember(request, member, 0, 2048);
    if (!text) co_return std::unexpected(text.error());
    *target = text->value;
  }
  if (!filter.workgroup.empty() && !filter.cluster.empty())
    co_return Invalid("WorkgroupName and ClusterIdentifier exclude each other.");
  auto most = NumberMember(request, "MaxResults", 0, 100);
  if (!most) co_return std::unexpected(most.error());
  const auto limit = static_cast<size_t>(most->value_or(100) == 0 ? 100 : most->value_or(100));
  auto token = TextMember(request, "NextToken", 0, 1024);
  if (!token) co_return std::unexpected(token.error());
  if (!token->value.empty()) {
    const auto id = ReadToken(token->value, "list");
    if (!id || !IsUuidShaped(*id)) co_return Invalid("Invalid NextToken");
    filter.before_id = *id;
  }
  filter.since_ms = options.now_ms() - options.retention.count();
  filter.limit = static_cast<uint32_t>(limit + 1);
  auto list = [&store = store, filter] { return store.ListStatements(filter); };
  auto found = co_await blocking.Run(std::move(list));
  if (!found) co_return std::unexpected(Failure::Of(found.error()));
  Json out = {{"Statements", Json::array()}};
  if (found->size() > limit) {
    found->resize(limit);
    out["NextToken"] = Token("list", found->back().id);
  }
  for (const Statement& s : *found) {
    Json item = {{"Id", s.id},
                 {"QueryString", s.sql},
                 {"Status", s.status},
                 {"StatementName", s.name},
                 {"CreatedAt", Seconds(s.created_ms)},
                 {"UpdatedAt", Seconds(s.updated_ms)},
                 {"IsBatchStatement", false},
                 {"ResultFormat", "JSON"}};
    if (Json parameters = ParametersOf(s); !parameters.empty())
      item["QueryParameters"] = std::move(parameters);
    out["Statements"].push_back(std::move(item));
  }
  co_return Dump(out);
}

const std::map<std::string, DataService::State::Operation, std::less<>>&
DataService::State::Operations() {
  static const std::map<std::string, Operation, std::less<>> operations = {
      {"ExecuteStatement", &State::ExecuteStatement},
      {"DescribeStatement", &State::DescribeStatement},
      {"GetStatementResult", &State::GetStatementResult},
      {"CancelStatement", &State::CancelStatement},
      {"ListStatements", &State::ListStatements},
  };
  return operations;
}

// ---------------------------------------------------------------- old results

void DataService::State::RemoveResults(const std::vector<std::string>& files) const {
  for (const std::string& file : files) {
    std::error_code ignored;
    fs::remove(fs::path(options.results_directory) / file, ignored);
  }
}

asio::awaitable<void> DataService::State::Sweep() {
  const auto self = shared_from_this();
  while (!draining) {
    sweep.expires_after(kSweepPause);
    boost::system::error_code ignored;
    co_await sweep.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (draining) co_return;
    auto work = [self, before = options.now_ms() - options.retention.count()]() -> Result<size_t> {
      SKEP_TRY_ASSIGN(const auto files, self->store.DeleteStatementsBefore(before));
      self->RemoveResults(files);
      return files.size();
    };
    const auto swept = co_await blocking.Run(std::move(work));
    if (!swept) log::Warn("data_api_sweep_failed", {{"error", swept.error().message}});
  }
}

DataService::DataService(asio::any_io_executor executor, session::SessionFactory& sessions,
                         control::Store& store, net::BlockingPool& blocking,
                         DataServiceOptions options)
    : state_(std::make_shared<State>(std::move(executor), sessions, store, blocking,
                                     std::move(options))) {}
DataService::~DataService() = default;

Result<void> DataService::Start() {
  State& s = *state_;
  std::error_code error;
  fs::create_directories(s.options.results_directory, error);
  if (error)
    return Fail(ErrorKind::kIoError,
                fmt::format("cannot make {}: {}", s.options.results_directory, error.message()));
  SKEP_TRY_ASSIGN(const auto old,
                  s.store.DeleteStatementsBefore(s.options.now_ms() - s.options.retention.count()));
  s.RemoveResults(old);
  // Results whose statement never came to its end.
  std::vector<std::string> orphans;
  for (const auto& entry : fs::directory_iterator(s.options.results_directory, error)) {
    const std::string name = entry.path().filename().string();
    SKEP_TRY_ASSIGN(const auto known, s.store.GetStatement(name));
    if (!known || known->result_file != name) orphans.push_back(name);
  }
  s.RemoveResults(orphans);
  s.Spawn(s.Sweep(), "sweep");
  return {};
}

bool DataService::Knows(std::string_view operation) const {
  return State::Operations().contains(operation);
}

asio::awaitable<Answer<std::string>> DataService::Call(Context context, std::string operation,
                                                       Json request) {
  const auto found = State::Operations().find(operation);
  if (found == State::Operations().end())
    co_return Refuse("UnknownOperationException",
                     "The operation " + operation + " is not known here.");
  const auto state = state_;
  co_return co_await (state.get()->*found->second)(std::move(context), std::move(request));
}

asio::awaitable<void> DataService::Drain() {
  const auto state = state_;
  state->draining = true;
  state->sweep.cancel();
  for (auto& [id, r] : state->running) {
    for (asio::steady_timer* waiter : r->waiters) waiter->cancel();
  }
  while (!state->running.empty()) {
    state->idle.expires_at(steady_clock::time_point::max());
    boost::system::error_code ignored;
    co_await state->idle.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

void DataService::CancelAll() {
  for (auto& [id, r] : state_->running) {
    r->cancelled = true;
    if (r->session != nullptr) r->session->Cancel();
  }
}

size_t DataService::active() const { return state_->running.size(); }

}  // namespace skep::redshift_data
