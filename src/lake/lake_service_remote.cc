// Workers and remote databases (remote_database.h).
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/log.h"
#include "lake/lake_connection.h"
#include "lake/remote_query.h"

namespace skep::lake {
namespace {

constexpr size_t kQueryBytes = 4000;  // of a remote query that are kept

}  // namespace

// Requests that may wait for a connection to a remote database, and for its answer.
bool LakeService::ConnectsAway(const ipc::LakeRequest& request) {
  using enum ipc::LakeType;
  return request.type == kReadRemote || ((request.type == kOpenTable || request.type == kAsk) &&
                                         request.schema.source == ipc::SchemaSource::kPostgres);
}

// On a thread of its own: the pool's threads are few, and waiting ones would keep them from others.
// A connection has no more of them than requests without an answer.
void LakeService::AnswerApart(const std::shared_ptr<Connection>& c, ipc::LakeRequest request) {
  std::vector<std::thread> finished;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    finished.swap(finished_);
    const auto place = apart_.emplace(apart_.end());
    try {
      *place = std::thread([this, c, request, place] {
        Answer(c, request);
        c->EndOpening(request.id);
        {
          const std::lock_guard ending(mutex_);
          finished_.push_back(std::move(*place));
          apart_.erase(place);
        }
        work_.notify_all();
      });
    } catch (const std::system_error&) {
      apart_.erase(place);
      ipc::LakeReply reply;
      reply.id = request.id;
      reply.error =
          Error{ErrorKind::kTooManyConnections, "the gateway has no thread left", {}, {}, 0};
      std::vector<Outgoing> out;
      out.push_back({ipc::EncodePacket(reply), {}, true});
      c->Send(std::move(out));
    }
  }
  for (auto& thread : finished) thread.join();
}

// The roles of a schema of a remote database, which must be allowed its secret.
Result<Credentials> LakeService::MayReadSecret(const std::string& workspace,
                                               const ipc::LakeRequest& request) {
  constexpr const char* kAction = "secretsmanager:GetSecretValue";
  const ipc::ExternalSchemaBinding& schema = request.schema;
  SKEP_TRY_ASSIGN(
      Credentials credentials,
      roles_.Resolve(
          identity::Principal::Workspace(workspace), schema.role_chain, nullptr,
          {request.user.substr(0, 256), request.statement.substr(0, 64), kAction, false}));
  if (const auto decision = credentials.DecideSecret(schema.secret_arn); !decision.allowed)
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("{} is not authorized to perform: {} on resource: {}", credentials.role,
                            kAction, schema.secret_arn.substr(0, 2048)),
                DetailOf(decision));
  return credentials;
}

Result<std::shared_ptr<RemoteSession>> LakeService::RemoteOf(Connection& c,
                                                             const ipc::LakeRequest& request,
                                                             Credentials& credentials,
                                                             const GivenUp& given_up) {
  if (c.workspace.empty())
    return Fail(ErrorKind::kInsufficientPrivilege, "a scratch worker has no external schemas");
  if (options_.remotes == nullptr)
    return Fail(ErrorKind::kFeatureNotSupported, "federated queries are not configured");
  const ipc::ExternalSchemaBinding& schema = request.schema;
  SKEP_TRY_ASSIGN(credentials, MayReadSecret(c.workspace, request));
  const RemotePlace place{schema.host, schema.port, schema.catalog_database, schema.secret_arn};
  const std::string key =
      request.statement + ' ' + place.Text() + ' ' + schema.secret_arn + ' ' + credentials.role;
  if (!request.statement.empty()) {
    const std::lock_guard lock(c.mutex);
    std::erase_if(c.remotes, [](const auto& entry) { return entry.second.expired(); });
    if (const auto known = c.remotes.find(key); known != c.remotes.end()) {
      if (auto session = known->second.lock()) return session;
    }
  }
  auto opened = options_.remotes->Open(place, c.workspace, given_up);
  const auto record = [&](auto write, const char* event, const std::string& outcome) {
    write(event, {{"workspace", c.workspace},
                  {"user", request.user.substr(0, 256)},
                  {"statement_id", request.statement.substr(0, 64)},
                  {"role", credentials.role},
                  {"secret", place.secret_arn},
                  {"database", place.Text()},
                  {"outcome", outcome}});
  };
  if (!opened) {
    record(log::Warn, "federated_connection_refused", opened.error().message);
    return Fail(opened.error());
  }
  record(log::Info, "federated_connection_opened", "allowed");
  if (!request.statement.empty() && !request.describe) {
    const std::lock_guard lock(c.mutex);
    c.remotes[key] = *opened;
  }
  return std::move(*opened);
}

void LakeService::OpenRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  ScanFacts facts;
  facts.workspace = c->workspace;
  facts.user = request.user;
  facts.statement = request.statement;
  facts.process_id = request.process_id;
  facts.table = request.schema_name + "." + request.table;
  facts.format = "postgres";
  const auto fail = [&](Error error) {
    if (error.kind != ErrorKind::kUndefinedTable && !facts.statement.empty())
      scan_log_.Refused(facts, error);
    Refuse(c, request, std::move(error), out);
  };
  const auto opening = c->BeginOpening(request.id);
  auto scan = c->MakeScan();
  Credentials credentials;
  const GivenUp given_up = [&] { return opening->abandoned(); };
  auto session = RemoteOf(*c, request, credentials, given_up);
  if (!session) return fail(session.error());
  facts.account = credentials.account;
  facts.role = credentials.role;
  ipc::LakeRequest again;
  again.user = request.user;
  again.statement = request.statement;
  again.schema = request.schema;
  scan->live =
      Renewed(std::move(credentials), [this, workspace = c->workspace, again = std::move(again)] {
        return MayReadSecret(workspace, again);
      });
  facts.location = (*session)->place().Text();
  auto tables = (*session)->Describe(request.schema.remote_schema, request.table, given_up);
  if (!tables) return fail(tables.error());
  if (tables->size() != 1)
    return fail(
        {ErrorKind::kUndefinedTable,
         fmt::format("relation \"{}.{}\" does not exist", request.schema_name, request.table),
         {},
         {},
         0});
  const auto table = std::make_shared<const RemoteTable>(std::move(tables->front()));
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.table.name = table->name;
  reply.table.format = "postgres";
  reply.table.rows = table->rows;
  for (const RemoteColumn& column : table->columns)
    reply.table.columns.push_back({column.name, column.type});
  if (!request.describe) {
    scan->session = std::move(*session);
    scan->remote = table;
    scan->name = facts.table;
    scan->log = &scan_log_;
    if (!facts.statement.empty()) scan->record = scan_log_.Begin(std::move(facts));
    auto number = c->AddScan(scan, options_.scans_per_connection);
    if (!number) {
      scan->Failed(number.error());
      return Refuse(c, request, number.error(), out);
    }
    reply.scan = *number;
    const std::lock_guard lock(mutex_);
    figures_.scans++;
  }
  out.push_back({ipc::EncodePacket(reply), {}, true});
  RefuseIfTooLarge(c, request, out);
}

void LakeService::ReadRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto live = c->OpenScan(request.scan);
  if (!live) return fail(live.error());
  const auto& scan = live->scan;
  if (!scan->remote)
    return fail({ErrorKind::kInvalidArgument,
                 fmt::format("scan {} is not of a remote database", request.scan),
                 {},
                 {},
                 0});
  const auto query = WriteRemoteScan(*scan->remote, request.change);
  if (!query) return fail(query.error());
  {
    const std::lock_guard lock(scan->mutex);
    const auto running = std::ranges::count_if(
        scan->copies, [](const auto& copy) { return !copy->outcome().has_value(); });
    if (static_cast<size_t>(running) >= options_.copies_per_scan ||
        scan->copies.size() >= options_.files_per_scan)
      return fail({ErrorKind::kTooManyConnections, "a scan reads too often", {}, {}, 0});
  }
  if (scan->record) {
    scan->record->requests++;
    const std::lock_guard lock(scan->record->mutex);
    scan->record->query_text = query->substr(0, kQueryBytes);
  }
  const auto opening = c->BeginOpening(request.id);
  UniqueFd pipe;
  auto copy =
      scan->session->Read(*query, pipe, [&] { return opening->abandoned() || scan->abandoned(); });
  if (!copy) {
    scan->Failed(copy.error());
    return fail(copy.error());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  {
    const std::lock_guard lock(scan->mutex);
    reply.scan = scan->copies.size();
    scan->copies.push_back(std::move(*copy));
  }
  out.push_back({ipc::EncodePacket(reply), std::move(pipe), true});
}

// The worker has seen the end of the pipe; a copy that still runs it gives up.
void LakeService::EndRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto scan = c->FindScan(request.scan);
  std::shared_ptr<RemoteCopy> copy;
  if (scan) {
    const std::lock_guard lock(scan->mutex);
    if (request.file < scan->copies.size()) copy = scan->copies[request.file];
  }
  if (!copy) return fail({ErrorKind::kUndefinedObject, "there is no such read", {}, {}, 0});
  copy->Stop();
  auto outcome = copy->outcome();
  if (scan->record) {
    scan->record->rows += copy->rows();
    scan->record->bytes += copy->bytes();
  }
  if (!outcome) return fail({ErrorKind::kQueryCanceled, "the read was stopped", {}, {}, 0});
  if (!*outcome) {
    scan->Failed(outcome->error());
    return fail(outcome->error());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// The tables of a remote schema, as system views show them.
void LakeService::AskRemote(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto question = nlohmann::json::parse(request.change, nullptr, false);
  std::vector<std::string> names;
  if (!question.is_object() || question.value("what", nlohmann::json()) != "tables")
    return SendNames(request, std::move(names), out);
  std::optional<std::string> only;
  if (const auto table = question.find("table"); table != question.end() && table->is_string())
    only = table->get<std::string>();
  Credentials credentials;
  const auto opening = c->BeginOpening(request.id);
  const GivenUp given_up = [&] { return opening->abandoned(); };
  const auto session = RemoteOf(*c, request, credentials, given_up);
  if (!session) return fail(session.error());
  const auto tables = (*session)->Describe(request.schema.remote_schema, only, given_up);
  if (!tables) return fail(tables.error());
  for (const RemoteTable& table : *tables) {
    nlohmann::json columns = nlohmann::json::array();
    for (const RemoteColumn& column : table.columns)
      columns.push_back({column.name, column.remote_type, column.type});
    names.push_back(nlohmann::json({{"name", table.name},
                                    {"type", table.kind},
                                    {"location", (*session)->place().Text()},
                                    {"columns", std::move(columns)}})
                        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  SendNames(request, std::move(names), out);
}

}  // namespace skep::lake
