// Statements of a session: from the user's text to the engine and back.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_search_path.hpp>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/main/client_data.hpp>
#include <duckdb/main/prepared_statement_data.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/parser/statement/create_statement.hpp>

#include "base/text.h"
#include "sql/quoting.h"
#include "sql/statement.h"
#include "worker/copy/load_report.h"
#include "worker/copy/load_tables.h"
#include "worker/encoder.h"
#include "worker/engine_errors.h"
#include "worker/front_catalog.h"
#include "worker/functions/time_zone.h"
#include "worker/generic_plan.h"
#include "worker/parameters.h"
#include "worker/session.h"

namespace skep::worker {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kKeptStatements = 128;
constexpr size_t kKeptDescriptions = 1024;
constexpr size_t kKeptTextBytes = 64u << 10;
constexpr size_t kFetchFrameBytes = 64u << 10;

uint64_t MicrosecondsSince(Clock::time_point start) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
}

// The names of a search_path setting, folded unless quoted.
std::vector<std::string> SplitPath(std::string_view text) {
  std::vector<std::string> names;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == ',' || text[i] == '\t') {
      i++;
      continue;
    }
    std::string name;
    if (text[i] == '"' || text[i] == '\'') {
      const char quote = text[i++];
      while (i < text.size() && text[i] != quote) name.push_back(text[i++]);
      i++;
    } else {
      for (; i < text.size() && text[i] != ',' && text[i] != ' '; i++) {
        const char c = text[i];
        name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
      }
    }
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

// Statements with a plan of their own that is worth keeping.
bool IsCached(const auto& prepared) {
  using enum sql::ast::NodeKind;
  switch (prepared.kind) {
    case kQueryStatement:
      return prepared.work == sql::WorkClass::kRead;  // not SELECT INTO
    case kInsert:
    case kUpdate:
    case kDelete:
    case kMerge:
    case kCopy:
      return !prepared.emitted.copy_job;
    case kCopyJob:
      return prepared.emitted.returns_rows;
    case kUnload:
    case kShowDefinition:
    case kShowObjects:
      return true;
    default:
      return false;
  }
}

bool IsQuery(const auto& prepared) {
  return prepared.kind == sql::ast::NodeKind::kShowDefinition ||
         (prepared.kind == sql::ast::NodeKind::kCopyJob && IsCached(prepared)) ||
         prepared.kind == sql::ast::NodeKind::kShowObjects ||
         (prepared.kind == sql::ast::NodeKind::kQueryStatement && IsCached(prepared));
}

std::string KeyOf(const std::string& text, const std::vector<uint32_t>& types) {
  std::string key;
  for (const uint32_t type : types) key += fmt::format("{},", type);
  return key + ";" + text;
}

// What is kept beside a new table, as the engine's comments.
void PutFacts(duckdb::SQLStatement& statement, const sql::Emitted& emitted) {
  auto& info = statement.Cast<duckdb::CreateStatement>().info->Cast<duckdb::CreateTableInfo>();
  for (const auto& [column, facts] : emitted.column_facts)
    info.columns.GetColumnMutable(column).SetComment(duckdb::Value(facts));
  if (!emitted.table_facts.empty()) info.comment = duckdb::Value(emitted.table_facts);
}

Error InTransaction(const auto& prepared) {
  return {ErrorKind::kInTransaction,
          prepared.emitted.tag + " of an external table cannot run inside a transaction block"};
}

void AppendTextRow(Frame& frame, std::string_view value) {
  ByteWriter w;
  w.U8('D')
      .U32Be(static_cast<uint32_t>(4 + 2 + 4 + value.size()))
      .U16Be(1)
      .U32Be(static_cast<uint32_t>(value.size()))
      .Raw(value);
  frame.Append(w.str());
}

}  // namespace

// ---------------------------------------------------------------- names and settings

std::optional<ipc::ExternalSchemaBinding> Session::ExternalBinding(std::string_view schema) const {
  return engine_.external_schemas().Find({attached_.database, std::string(schema)},
                                         facts_->external_schemas);
}

bool Session::IsExternalSchema(std::string_view schema) const {
  return ExternalBinding(schema).has_value();
}

bool Session::SchemaExists(const std::string& name) {
  return SchemaExists(attached_.database, name);
}

bool Session::SchemaExists(const std::string& database, const std::string& name) {
  bool exists = false;
  connection_->context->RunFunctionInTransaction([&] {
    const auto found = duckdb::Catalog::GetSchema(*connection_->context, database, name,
                                                  duckdb::OnEntryNotFound::RETURN_NULL);
    exists = found && found->name == name;
  });
  return exists;
}

sql::EmitContext Session::Context() const {
  sql::EmitContext context = front_;
  context.database = attached_.database;
  context.user = attached_.user;
  context.process_id = attached_.process_id;
  context.search_path = search_path_;
  context.setting = [this](std::string_view name) -> std::optional<std::string> {
    asked_settings_ = true;
    const auto found = names_->settings.find(Lower(name));
    return found == names_->settings.end() ? std::nullopt : std::optional(found->second);
  };
  return context;
}

void Session::ForgetStatements() {
  results_.Clear();
  statements_.clear();
  recent_.clear();
}

// Names of the path that exist now, for the emitter and for the engine.
void Session::ResolveSearchPath() {
  definition_epoch_ = engine_.definition_epoch();
  search_path_stale_ = false;
  ForgetStatements();
  search_path_.clear();
  if (engine_.scratch()) return;
  duckdb::vector<duckdb::CatalogSearchEntry> entries;
  connection_->context->RunFunctionInTransaction([&] {
    auto& context = *connection_->context;
    for (std::string name : SplitPath(search_path_text_)) {
      if (name == "$user") name = attached_.user;
      if (sql::IsReservedSchema(name)) continue;
      if (const auto binding = ExternalBinding(name)) {
        if (binding->source == ipc::SchemaSource::kRedshift) {
          if (!duckdb::Catalog::GetSchema(context, binding->catalog_database,
                                          binding->remote_schema,
                                          duckdb::OnEntryNotFound::RETURN_NULL))
            continue;
          entries.emplace_back(binding->catalog_database, binding->remote_schema);
        } else {
          entries.emplace_back(std::string(sql::kLakeCatalog), name);
        }
      } else if (duckdb::Catalog::GetSchema(context, attached_.database, name,
                                            duckdb::OnEntryNotFound::RETURN_NULL)) {
        entries.emplace_back(attached_.database, name);
      } else {
        continue;
      }
      search_path_.push_back(std::move(name));
    }
    if (entries.empty()) entries.emplace_back(attached_.database, "main");
    duckdb::ClientData::Get(context).catalog_search_path->Set(
        std::move(entries), duckdb::CatalogSetPathType::SET_SCHEMAS);
  });
  names_->search_path = search_path_;
}

namespace {

// The engine's name of a zone; empty for none. It knows no hours east; abbreviations that are no
// names of zones it takes for clocks that change in summer, and Redshift refuses them.
std::string EngineZone(std::string_view name) {
  int64_t hours = 0;
  const auto* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + (name.starts_with('+') ? 1 : 0), end, hours);
  if (read.ec != std::errc() || read.ptr != end) {
    constexpr std::string_view kNames[] = {"est", "mst", "hst", "cet", "eet",
                                           "met", "wet", "utc", "gmt", "uct"};
    const std::string lower = Lower(name);
    const bool letters = name.size() <= 5 &&
                         lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
    if (letters && Zone::Find(nullptr, name) &&
        std::ranges::find(kNames, lower) == std::end(kNames))
      return {};
    return std::string(name);
  }
  if (hours == 0) return "UTC";
  return "Etc/GMT" + std::string(hours < 0 ? "+" : "-") + std::to_string(std::abs(hours));
}

}  // namespace

Result<void> Session::ApplySettings(const ipc::Settings& settings) {
  Result<void> applied;
  if (!settings.empty() && std::exchange(asked_settings_, false)) ForgetStatements();
  for (const auto& [name, value] : settings) {
    names_->settings[name] = value;
    if (name == "search_path") {
      if (value == search_path_text_) continue;
      search_path_text_ = value;
      search_path_stale_ = true;
    } else if (name == "timezone") {
      if (value == zone_) continue;
      auto set = RunTrusted("SET TimeZone = " + sql::QuoteString(EngineZone(value)));
      if (!set) {
        applied = Fail(ErrorKind::kInvalidSettingValue,
                       "invalid value for parameter \"TimeZone\": \"" + value + "\"");
        continue;
      }
      zone_ = value;
      ForgetStatements();
    } else if (name == "extra_float_digits") {
      extra_float_digits_ = std::atoi(value.c_str());
      results_.Clear();
    } else if (name == "seed") {
      if (!value.empty()) SKEP_TRY(RunTrusted("select setseed(" + value + ")"));
    } else if (name == "enable_result_cache_for_session") {
      use_result_cache_ = value == "on";
    } else {
      static constexpr std::pair<std::string_view, bool sql::FrontContext::*> kSwitches[] = {
          {"enable_case_sensitive_identifier", &sql::FrontContext::case_sensitive_identifiers},
          {"enable_case_sensitive_super_attribute",
           &sql::FrontContext::case_sensitive_super_attributes},
          {"enable_exact_varchar_comparison", &sql::FrontContext::exact_text_equality},
          {"error_on_nondeterministic_update",
           &sql::FrontContext::error_on_nondeterministic_update},
          {"parse_super_null_on_error", &sql::FrontContext::parse_super_null_on_error},
          {"json_parse_dedup_attributes", &sql::FrontContext::json_parse_dedup_attributes},
          {"json_parse_truncate_strings", &sql::FrontContext::json_parse_truncate_strings},
          {"navigate_super_null_on_error", &sql::FrontContext::navigate_super_null_on_error},
          {"cast_super_null_on_error", &sql::FrontContext::cast_super_null_on_error},
          {"default_array_search_null_handling",
           &sql::FrontContext::default_array_search_null_handling},
      };
      for (const auto& [setting, member] : kSwitches) {
        if (name != setting || front_.*member == (value == "on")) continue;
        front_.*member = value == "on";
        ForgetStatements();
      }
    }
  }
  return applied;
}

// ---------------------------------------------------------------- transactions

Result<void> Session::BeginTransaction() {
  SKEP_TRY(engine_.store().Begin(*connection_));
  in_transaction_ = true;
  updated_.clear();
  return {};
}

Result<void> Session::EndTransaction(bool commit) {
  in_transaction_ = false;
  const bool wrote = std::exchange(wrote_in_transaction_, false);
  if (wrote) own_writes_++;
  portals_.clear();
  const ExternalSchemas::Changes changes = std::exchange(facts_->external_schemas, {});
  const bool changed = std::exchange(definitions_changed_, false);
  if (changed) search_path_stale_ = true;
  if (!commit) {
    engine_.store().Rollback(*connection_);
    return {};
  }
  {
    std::optional<WriteClock::Scope> visible;
    if (wrote) visible.emplace(engine_.writes());
    auto committed = engine_.store().Commit(*connection_);
    if (!committed) {
      // An engine whose log could not be written does nothing more; a new worker reads what is on
      // disk.
      const ErrorKind kind = committed.error().kind;
      fatal_error_ |= kind == ErrorKind::kDiskFull || kind == ErrorKind::kIoError ||
                      kind == ErrorKind::kInternal;
      return committed;
    }
  }
  engine_.external_schemas().Apply(changes);
  if (changed) engine_.DefinitionsChanged();
  return {};
}

void Session::FailTransaction() noexcept {
  const bool own = std::exchange(own_transaction_, false);
  if (!connection_) return;
  if (in_transaction_) {
    (void)EndTransaction(false);
    failed_ = !own;
  } else if (connection_->HasActiveTransaction()) {  // its commit failed, or was interrupted
    engine_.store().Rollback(*connection_);
  }
}

// The client's own transaction, begun with its first statement.
Result<void> Session::BeginAsked(bool asked) {
  if (!asked || in_transaction_) return {};
  auto begun = BeginTransaction();
  failed_ = !begun;
  return begun;
}

// What fails is rolled back when it is answered (FailTransaction), however it failed.
Result<void> Session::WithinTransaction(const std::function<Result<void>()>& work) {
  if (in_transaction_) return work();
  SKEP_TRY(BeginTransaction());
  own_transaction_ = true;
  SKEP_TRY(work());
  own_transaction_ = false;
  return EndTransaction(true);
}

// ---------------------------------------------------------------- preparing

// Resolved and written within the statement's transaction, so that it sees its own definitions.
Result<sql::Emitted> Session::Emit(const sql::Statement& statement, const std::string& text,
                                   const std::vector<uint32_t>& types) {
  Result<sql::Emitted> emitted = Fail(ErrorKind::kInternal, "");
  // Names are resolved in a moment of their own: what is read is opened again when it runs.
  struct Describing {
    bool& flag;
    explicit Describing(bool& f) : flag(f) { flag = true; }
    ~Describing() { flag = false; }
  } describing(facts_->asker.describing);
  connection_->context->RunFunctionInTransaction([&] {
    FrontCatalog catalog(
        *connection_->context, attached_.database,
        [this](const std::string& schema) { return ExternalBinding(schema); },
        [this](const std::string& database) { return engine_.store().Has(database); });
    sql::EmitContext context = Context();
    context.catalog = &catalog;
    const auto pseudo = names_->settings.find("spectrum_enable_pseudo_columns");
    if (pseudo != names_->settings.end() && pseudo->second == "off") catalog.HidePseudoColumns();
    const auto on = [this](const char* name) {
      const auto found = names_->settings.find(name);
      return found != names_->settings.end() && found->second == "on";
    };
    if (on("json_serialization_enable"))
      catalog.SerializeNested(on("json_serialization_parse_nested_strings"));
    for (const uint32_t type : types) context.parameters.push_back(FrontTypeOfOid(type));
    context.stopped = [this] { return outlet_->stopped(); };
    emitted = sql::EmitDuckDb(statement, text, context);
    if (catalog.read_nested()) asked_settings_ = true;
  });
  if (!emitted && emitted.error().kind == ErrorKind::kQueryCanceled)
    return Fail(Translate(duckdb::ErrorData(duckdb::InterruptException()), nullptr));
  return emitted;
}

Result<std::unique_ptr<Session::Prepared>> Session::PrepareAnew(
    const std::string& text, const std::vector<uint32_t>& types) {
  SKEP_TRY_ASSIGN(auto parsed, sql::ParseScript(text));
  if (parsed.size() != 1) return Fail(ErrorKind::kSyntaxError, "exactly one statement is expected");
  const sql::Statement& statement = parsed.front();
  auto prepared = std::make_unique<Prepared>();
  if (const auto told = described_.find(KeyOf(text, types)); told != described_.end())
    prepared->described = told->second;
  prepared->text = text;
  prepared->types = types;
  prepared->kind = statement.kind;
  prepared->work = statement.work;
  prepared->temporary = statement.temporary;
  prepared->parameter_count = statement.parameter_count;
  if (statement.work == sql::WorkClass::kTransaction) {
    prepared->emitted.tag = statement.command;
    return prepared;
  }
  SKEP_TRY_ASSIGN(prepared->emitted, Emit(statement, text, types));
  prepared->parameter_types = KnownTypes(types, prepared->emitted.parameters);
  if (!IsCached(*prepared)) return prepared;
  const sql::Emitted as_written = prepared->emitted;
  const auto& known = prepared->parameter_types;
  if (statement.parameter_count > 0) DeclareParameters(prepared->emitted, known, Declare::kKnown);
  // External tables are bound anew by every execution, and so are changes: preparing would only do
  // the work twice.
  if ((ReadsLake(*prepared) || !KeepsPlan(*prepared)) && statement.parameter_count == 0)
    return prepared;
  SKEP_TRY(PrepareInEngine(*prepared));
  if (statement.parameter_count > 0 &&
      !prepared->statement->data->properties.bound_all_parameters) {
    prepared->emitted = as_written;
    if (std::ranges::find(known, oid::kNumeric) != known.end()) {
      DeclareParameters(prepared->emitted, known, Declare::kAllButNumerics);
      prepared->as_sent = std::exchange(prepared->emitted, as_written).text;
    }
    DeclareParameters(prepared->emitted, known, Declare::kAll);
    SKEP_TRY(PrepareInEngine(*prepared));
  }
  return prepared;
}

// The keys of a COPY stand beside its text for as long as it is prepared or run.
void Session::TakeKeys(const Prepared& prepared) {
  if (const auto& keys = prepared.emitted.keys)
    facts_->asker.keys = {keys->id, keys->secret, keys->session_token};
  facts_->asker.master_key = prepared.emitted.master_key;
}

// By its text; a literal that holds the name only costs the kept plan.
bool Session::ReadsLake(const Prepared& prepared) {
  return prepared.emitted.writes_lake ||
         prepared.emitted.text.find(sql::QuoteName(sql::kLakeCatalog)) != std::string::npos;
}

// INSERT ... VALUES: its plan looks at no statistics.
bool Session::IsTimeless(const Prepared& prepared) {
  return prepared.kind == sql::ast::NodeKind::kInsert &&
         prepared.emitted.text.find("select") == std::string::npos;
}

bool Session::KeepsPlan(const Prepared& prepared) {
  return IsQuery(prepared) || IsTimeless(prepared);
}

bool Session::PlanFits(const Prepared& prepared) const {
  return IsTimeless(prepared) ||
         (!engine_.writes().Since(prepared.planned) && prepared.planned_own_writes == own_writes_);
}

Result<void> Session::PrepareInEngine(Prepared& prepared) {
  TakeKeys(prepared);
  prepared.planned = engine_.writes().Now();
  prepared.planned_own_writes = own_writes_;
  auto statement = connection_->Prepare(prepared.emitted.text);
  if (statement->HasError()) return Fail(Translate(statement->GetErrorObject(), &prepared.emitted));
  if (IsQuery(prepared) && prepared.parameter_count > 0 && !ReadsLake(prepared)) {
    if (auto generic = PlanForAnyValues(*connection_, prepared.emitted.text))
      statement = std::move(generic);
  }
  prepared.statement = std::move(statement);
  return {};
}

Result<Session::Prepared*> Session::Prepare(const std::string& text,
                                            const std::vector<uint32_t>& types) {
  if (search_path_stale_ || definition_epoch_ != engine_.definition_epoch()) ResolveSearchPath();
  const std::string key = text.size() <= kKeptTextBytes ? KeyOf(text, types) : std::string();
  if (const auto found = statements_.find(key); found != statements_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    Prepared* known = recent_.front().get();
    if (known->statement && !PlanFits(*known)) SKEP_TRY(PrepareInEngine(*known));
    return known;
  }
  SKEP_TRY_ASSIGN(auto prepared, PrepareAnew(text, types));
  // What an external table's columns are is asked anew each time.
  if (key.empty() || !IsCached(*prepared) || ReadsLake(*prepared)) {
    uncached_ = std::move(prepared);
    return uncached_.get();
  }
  recent_.push_front(std::move(prepared));
  statements_[key] = recent_.begin();
  if (recent_.size() > kKeptStatements) {
    const auto& oldest = *recent_.back();
    statements_.erase(KeyOf(oldest.text, oldest.types));
    recent_.pop_back();
  }
  return recent_.front().get();
}

Result<duckdb::case_insensitive_map_t<duckdb::BoundParameterData>> Session::BindParameters(
    const Prepared& prepared, const ipc::ExecuteStatement& request) {
  duckdb::case_insensitive_map_t<duckdb::BoundParameterData> values;
  if (request.parameters.size() < prepared.parameter_count) {
    return Fail(
        ErrorKind::kProtocolViolation,
        fmt::format("bind message supplies {} parameters, but prepared statement requires {}",
                    request.parameters.size(), prepared.parameter_count));
  }
  if (!prepared.statement) return values;
  const auto expected = prepared.statement->GetExpectedParameterTypes();
  for (const auto& [name, index] : prepared.statement->named_param_map) {
    size_t number = 0;
    for (const char c : name) number = number * 10 + static_cast<size_t>(c - '0');
    if (number == 0 || number > request.parameters.size())
      return Fail(ErrorKind::kUndefinedParameter, "there is no parameter $" + name);
    const auto type = expected.find(name);
    const auto& types = prepared.parameter_types;
    const uint32_t declared = number <= types.size() ? types[number - 1] : 0;
    SKEP_TRY_ASSIGN(
        auto value,
        ReadParameter(*connection_->context, request.parameters[number - 1], number, declared,
                      type == expected.end() ? duckdb::LogicalType::INVALID : type->second));
    values[name] = duckdb::BoundParameterData(std::move(value));
  }
  return values;
}

// ---------------------------------------------------------------- running

Result<void> Session::RunTrusted(const std::string& text) {
  // The plan guard does not look at it, so it must be what it was written as: one statement.
  auto statements = connection_->ExtractStatements(text);
  if (statements.size() != 1)
    return Fail(ErrorKind::kInternal,
                fmt::format("{} statements where one was written", statements.size()));
  const Running before = std::exchange(running_, Running{.trusted = true});
  const auto result = connection_->Query(std::move(statements.front()));
  running_ = before;
  if (result->HasError()) return Fail(Translate(result->GetErrorObject(), nullptr));
  return {};
}

Result<duckdb::unique_ptr<duckdb::QueryResult>> Session::RunInEngine(
    Prepared& prepared, const ipc::ExecuteStatement& request) {
  duckdb::unique_ptr<duckdb::QueryResult> result;
  SKEP_TRY_ASSIGN(auto values, BindParameters(prepared, request));
  plan_aged_ = false;
  // Redshift's binary numerics have the scale that was described.
  const bool as_sent = !prepared.as_sent.empty() &&
                       std::ranges::find(request.result_formats, ipc::kRedshiftBinary) ==
                           request.result_formats.end();
  const bool kept = prepared.statement && KeepsPlan(prepared) && !as_sent;
  if (kept) {
    running_.kept_plan = true;
    result = prepared.statement->Execute(values, false);
    running_.kept_plan = false;
  }
  if (!kept || plan_aged_) {
    // Planned and run within one transaction.
    auto pending = connection_->context->PendingQuery(
        as_sent ? prepared.as_sent : prepared.emitted.text, values, duckdb::QueryParameters());
    if (pending->HasError()) return Fail(Translate(pending->GetErrorObject(), &prepared.emitted));
    result = pending->Execute();
  }
  if (result->HasError()) return Fail(Translate(result->GetErrorObject(), &prepared.emitted));
  return result;
}

// Whether a query may read a view that answers differently each time; by name, so that a namesake
// costs only the cache.
bool Session::ReadsUnstableView(const std::string& emitted) {
  std::vector<std::pair<std::string, std::string>> views;  // quoted name, text
  connection_->context->RunFunctionInTransaction([&] {
    auto& context = *connection_->context;
    // Of other databases, too, which it may read.
    auto names = engine_.store().Names();
    names.emplace_back("temp");
    for (const std::string& name : names) {
      duckdb::Catalog::GetCatalog(context, name)
          .ScanSchemas(context, [&](duckdb::SchemaCatalogEntry& schema) {
            schema.Scan(context, duckdb::CatalogType::TABLE_ENTRY,
                        [&](duckdb::CatalogEntry& entry) {
                          if (entry.type == duckdb::CatalogType::VIEW_ENTRY && !entry.internal)
                            views.emplace_back(sql::QuoteName(entry.name), entry.ToSQL());
                        });
          });
    }
  });
  std::vector<std::string> unstable;
  for (bool grown = true; grown;) {
    grown = false;
    std::erase_if(views, [&](const auto& view) {
      bool reads = !ResultCache::IsStable(view.second);
      for (const auto& name : unstable)
        reads |= view.second.find(name.substr(1, name.size() - 2)) != std::string::npos;
      if (reads) unstable.push_back(view.first);
      grown |= reads;
      return reads;
    });
  }
  return std::ranges::any_of(
      unstable, [&](const std::string& name) { return emitted.find(name) != std::string::npos; });
}

bool Session::AnswerFromCache(const ipc::ExecuteStatement& request,
                              ipc::StatementComplete& complete) {
  if (in_transaction_ || request.begin_first || request.max_rows > 0 || search_path_stale_ ||
      definition_epoch_ != engine_.definition_epoch())
    return false;
  const ResultCache::Entry* entry = results_.Find(ResultCache::KeyOf(request), engine_.writes());
  if (!entry) return false;
  if (!entry->frames.empty()) outlet_->Hold(Frame::Copy(entry->frames));
  complete.has_result = true;
  complete.rows = entry->rows;
  complete.tag = fmt::format("SELECT {}", entry->rows);
  complete.temporary_tables = temporary_tables_;
  return true;
}

Result<ipc::StatementComplete> Session::RunPrepared(Prepared& prepared,
                                                    const ipc::ExecuteStatement& request) {
  using enum sql::ast::NodeKind;
  ipc::StatementComplete complete;
  TakeKeys(prepared);
  complete.tag = prepared.emitted.tag;
  const bool query = IsQuery(prepared);
  switch (prepared.kind) {
    case kCommit:
    case kRollback:
      if (in_transaction_) SKEP_TRY(EndTransaction(prepared.kind == kCommit));
      return complete;
    case kVacuum:
      if (in_transaction_)
        return Fail(ErrorKind::kInTransaction, "VACUUM cannot run inside a transaction block");
      running_.trusted = true;
      engine_.store().Maintain(*connection_, attached_.database);
      return complete;
    case kAnalyze:
      return complete;  // the engine keeps its statistics up to date itself
    case kExplain:
      break;
    default:
      if (prepared.emitted.copy_job) return ControlCopyJob(*prepared.emitted.copy_job, request);
      if (!IsCached(prepared)) return RunDefinition(prepared);
  }
  if (in_transaction_ && prepared.emitted.writes_lake) return Fail(InTransaction(prepared));
  std::optional<WriteClock::Scope> writing;
  if (!query && prepared.kind != kExplain && prepared.kind != kUnload) NoteWrite(writing);
  if (in_transaction_ &&
      (prepared.kind == kUpdate || prepared.kind == kDelete || prepared.kind == kMerge))
    updated_.insert(prepared.emitted.changed);
  WireOutput output{*outlet_, request.result_formats, prepared.emitted.output,
                    zone_,    extra_float_digits_,    request.describe};
  const bool portal = query && request.max_rows > 0;
  output.keep = use_result_cache_ && query && !portal && !in_transaction_ &&
                ResultCache::IsStable(prepared.emitted.text);
  const WriteClock::Moment seen = engine_.writes().Now();
  running_ = {
      .output = &output, .materialise = portal || prepared.kind == kExplain, .prepared = &prepared};
  auto ran = RunInEngine(prepared, request);
  if (!ran) {
    if (prepared.kind == kCopy) EndLoad(std::nullopt, ran.error().message);
    if (prepared.kind == kUnload) EndUnload(std::nullopt, ran.error().message);
    return Fail(ran.error());
  }
  auto result = std::move(*ran);
  running_ = {};
  if (prepared.kind == kExplain) return SendPlan(prepared, *result, request);
  if (portal) return OpenPortal(prepared, std::move(result), request);
  complete.has_result = prepared.emitted.returns_rows;
  if (query) {
    complete.rows = output.rows;
    if (prepared.kind == kQueryStatement) complete.tag = fmt::format("SELECT {}", complete.rows);
    if (output.keep && output.whole && !ReadsUnstableView(prepared.emitted.text))
      results_.Keep({ResultCache::KeyOf(request), std::move(output.kept), complete.rows, seen});
    return complete;
  }
  const auto chunk = result->Fetch();
  if (chunk && chunk->size() == 1)
    complete.rows = static_cast<uint64_t>(chunk->GetValue(0, 0).GetValue<int64_t>());
  if (prepared.kind == kCopy) {  // its tag has no number
    EndLoad(complete.rows, {});
    return complete;
  }
  if (prepared.kind == kUnload) {
    EndUnload(complete.rows, {});
    return complete;
  }
  complete.tag = fmt::format("{} {}", prepared.kind == kInsert ? "INSERT 0" : prepared.emitted.tag,
                             complete.rows);
  return complete;
}

void Session::Tell(ErrorKind kind, std::string message) {
  outlet_->Hold(Frame::Copy(
      ipc::EncodeFrame(ipc::FrameType::kNotice, ipc::WireError{Error{kind, std::move(message)}})));
}

// The notices of a COPY, and its records with what it rejected, which are kept whether it is rolled
// back or not. What has been loaded is loaded: that they cannot be kept is a warning.
void Session::EndLoad(std::optional<uint64_t> loaded, const std::string& failure) {
  const auto report =
      connection_->context->registered_state->Get<copy::LoadReport>(copy::LoadReport::kName);
  if (!report) return;
  const uint64_t rejected = report->rejected;
  const uint64_t rows = loaded ? std::max(*loaded, report->loaded.load()) : 0;
  copy::Ending ending{attached_.user, attached_.process_id, {}, rows};
  if (!loaded) ending.failure = failure;
  const auto kept =
      engine_.records().KeepLoad(*connection_->context->db, attached_.database, ending, *report);
  if (!kept) Tell(ErrorKind::kWarning, kept.error().message);
  names_->last_copy_rows = static_cast<int64_t>(rows);
  if (kept) names_->last_copy = *kept;
  if (loaded) {
    Tell(ErrorKind::kInformation,
         fmt::format("Load into table '{}' completed, {} record(s) loaded successfully.",
                     report->table, rows));
    if (rejected > 0)
      Tell(ErrorKind::kWarning,
           fmt::format("Load into table '{}' completed, {} record(s) could not be loaded.  Check "
                       "'sys_load_error_detail' system table for details.",
                       report->table, rejected));
  }
  connection_->context->registered_state->Remove(copy::LoadReport::kName);
}

void Session::EndUnload(std::optional<uint64_t> unloaded, const std::string& failure) {
  const auto report = connection_->context->registered_state->Get<unload::UnloadReport>(
      unload::UnloadReport::kName);
  copy::Ending ending{attached_.user, attached_.process_id, {}, unloaded.value_or(0)};
  if (!unloaded) ending.failure = failure;
  names_->last_unload_rows = static_cast<int64_t>(ending.rows);
  if (report) {
    const auto kept = engine_.records().KeepUnload(*connection_->context->db, attached_.database,
                                                   ending, *report);
    if (!kept) Tell(ErrorKind::kWarning, kept.error().message);
    if (kept) names_->last_unload = *kept;
    connection_->context->registered_state->Remove(unload::UnloadReport::kName);
  }
  if (unloaded)
    Tell(ErrorKind::kInformation,
         fmt::format("UNLOAD completed, {} record(s) unloaded successfully.", *unloaded));
}

// Within a transaction others see nothing before its commit; else from the statement's own end on.
void Session::NoteWrite(std::optional<WriteClock::Scope>& scope) {
  own_writes_++;
  if (in_transaction_) {
    wrote_in_transaction_ = true;
  } else {
    scope.emplace(engine_.writes());
  }
}

Result<ipc::StatementComplete> Session::RunDefinition(Prepared& prepared) {
  using enum sql::ast::NodeKind;
  ipc::StatementComplete complete;
  complete.tag = prepared.emitted.tag;
  if (prepared.parameter_count > 0)
    return Fail(ErrorKind::kFeatureNotSupported,
                "parameters are not supported in " + prepared.emitted.tag);
  if (in_transaction_ && !prepared.emitted.behind_commit.empty())
    return Fail(ErrorKind::kFeatureNotSupported,
                prepared.emitted.tag + " of this form is not supported in a transaction block", {},
                "Run it by itself, or leave NOT NULL out.");
  if (in_transaction_ && prepared.emitted.reshapes && updated_.contains(prepared.emitted.changed))
    return Fail(ErrorKind::kFeatureNotSupported,
                prepared.emitted.tag +
                    " of a table whose rows were updated or deleted in the same "
                    "transaction is not supported",
                {}, "Commit in between.");
  if (in_transaction_ &&
      (prepared.emitted.writes_lake || !prepared.emitted.catalog_changes.empty()))
    return Fail(InTransaction(prepared));
  const auto done = WithinTransaction([&]() -> Result<void> {
    own_writes_++;
    wrote_in_transaction_ = true;
    definitions_changed_ = true;
    if (prepared.emitted.external_schema)
      return CreateExternalSchema(*prepared.emitted.external_schema);
    if (prepared.emitted.schema_drop) return DropSchemas(*prepared.emitted.schema_drop);
    if (const std::string& name = prepared.emitted.new_schema;
        !name.empty() && IsExternalSchema(name))
      return Fail(ErrorKind::kDuplicateSchema, "schema \"" + name + "\" already exists");
    for (const std::string& text : prepared.emitted.before) SKEP_TRY(RunTrusted(text));
    if (!prepared.emitted.text.empty()) {
      auto statements = connection_->ExtractStatements(prepared.emitted.text);
      // DROP a, b is several statements there.
      if (statements.size() != 1 && prepared.kind != kDrop)
        return Fail(ErrorKind::kInternal,
                    fmt::format("{} statements where one was written", statements.size()));
      if (prepared.kind == kCreateTable && !prepared.emitted.writes_lake)
        PutFacts(*statements.front(), prepared.emitted);
      for (auto& statement : statements) {
        const auto result = connection_->Query(std::move(statement));
        if (result->HasError()) return Fail(Translate(result->GetErrorObject(), &prepared.emitted));
      }
    }
    for (const std::string& text : prepared.emitted.after) SKEP_TRY(RunTrusted(text));
    SKEP_TRY(ChangeCatalogs(prepared.emitted));
    return {};
  });
  if (!done) return Fail(done.error());
  if (!prepared.emitted.behind_commit.empty()) {
    if (auto completed = RunTrusted(prepared.emitted.behind_commit); !completed) {
      SKEP_TRY(RunTrusted(prepared.emitted.undo));
      return Fail(completed.error());
    }
    engine_.DefinitionsChanged();
  }
  // TRUNCATE "commits the transaction in which it is run".
  if (prepared.kind == sql::ast::NodeKind::kTruncate && in_transaction_)
    SKEP_TRY(EndTransaction(true));
  search_path_stale_ = true;
  if (prepared.temporary) temporary_tables_ = true;
  return complete;
}

// A data catalog knows no transactions: its changes come behind what the engine does.
Result<void> Session::ChangeCatalogs(const sql::Emitted& emitted) {
  for (const auto& [schema, change] : emitted.catalog_changes) {
    const auto binding =
        engine_.external_schemas().Find({attached_.database, schema}, facts_->external_schemas);
    if (!binding)
      return Fail(ErrorKind::kUndefinedSchema, "schema \"" + schema + "\" does not exist");
    SKEP_TRY(engine_.lake().ChangeCatalog(*binding, facts_->asker, change,
                                          [this] { return outlet_->stopped(); }));
  }
  return {};
}

Result<void> Session::CreateExternalSchema(const sql::ExternalSchemaDefinition& definition) {
  running_.trusted = true;
  if (definition.alter)
    return engine_.external_schemas().Alter(*connection_, attached_.database, definition,
                                            facts_->external_schemas);
  if (IsExternalSchema(definition.name) || SchemaExists(definition.name)) {
    if (definition.if_not_exists) return {};
    return Fail(ErrorKind::kDuplicateSchema, "schema \"" + definition.name + "\" already exists");
  }
  if (definition.source == sql::ExternalDefinitionSource::kRedshift)
    SKEP_TRY(CheckAliased(definition));
  if (definition.create_database) {
    SKEP_TRY(engine_.lake().ChangeCatalog(BindingOf(definition), facts_->asker,
                                          R"({"operation": "CreateDatabase"})",
                                          [this] { return outlet_->stopped(); }));
  }
  return engine_.external_schemas().Create(*connection_, attached_.database, definition,
                                           facts_->external_schemas);
}

// An alias names a schema that is there, and no alias: so they never go in circles.
Result<void> Session::CheckAliased(const sql::ExternalSchemaDefinition& definition) {
  const std::string& database = definition.catalog_database;
  const std::string& schema = definition.remote_schema;
  if (!engine_.store().Has(database))
    return Fail(ErrorKind::kUndefinedDatabase, "database \"" + database + "\" does not exist");
  if (sql::IsReservedSchema(schema))
    return Fail(ErrorKind::kInsufficientPrivilege, "permission denied for schema " + schema);
  SKEP_TRY(engine_.OpenDatabase(database));
  const bool own = database == attached_.database;
  if (engine_.external_schemas().Find(
          {database, schema}, own ? facts_->external_schemas : ExternalSchemas::Changes{}) ||
      (own && schema == definition.name))
    return Fail(
        ErrorKind::kFeatureNotSupported,
        "schema \"" + schema + "\" of database \"" + database + "\" is an external schema itself",
        {}, "Name a schema that has tables of its own.");
  if (!SchemaExists(database, schema))
    return Fail(ErrorKind::kUndefinedSchema, "schema \"" + schema + "\" does not exist");
  return {};
}

Result<void> Session::DropSchemas(const sql::SchemaDrop& drop) {
  if (drop.drop_external_database && in_transaction_ && !own_transaction_)
    return Fail(ErrorKind::kInTransaction,
                "DROP SCHEMA with DROP EXTERNAL DATABASE cannot run inside a transaction block");
  std::vector<ipc::ExternalSchemaBinding> databases;
  for (const auto& name : drop.names) {
    if (drop.drop_external_database && SchemaExists(name))
      return Fail(ErrorKind::kWrongObjectType, "\"" + name + "\" is not an external schema");
    if (IsExternalSchema(name)) {
      if (drop.drop_external_database) {
        databases.push_back(*ExternalBinding(name));
        if (databases.back().source != ipc::SchemaSource::kDataCatalog)
          return Fail(ErrorKind::kFeatureNotSupported,
                      "DROP EXTERNAL DATABASE is not supported for schema \"" + name + "\"", {},
                      "The database of this schema belongs to another system.");
      }
      running_.trusted = true;
      auto dropped = engine_.external_schemas().Drop(*connection_, {attached_.database, name},
                                                     facts_->external_schemas);
      running_.trusted = false;
      if (!dropped) return dropped;
      continue;
    }
    if (!SchemaExists(name)) {
      if (drop.if_exists) continue;
      return Fail(ErrorKind::kUndefinedSchema, "schema \"" + name + "\" does not exist");
    }
    const auto result = connection_->Query(fmt::format(
        "DROP SCHEMA {}{}.{}{}", drop.if_exists ? "IF EXISTS " : "",
        sql::QuoteName(attached_.database), sql::QuoteName(name), drop.cascade ? " CASCADE" : ""));
    if (result->HasError()) return Fail(Translate(result->GetErrorObject(), nullptr));
  }
  // A data catalog knows no transactions: its changes come last.
  for (const auto& binding : databases) {
    SKEP_TRY(engine_.lake().ChangeCatalog(
        binding, facts_->asker,
        fmt::format(R"({{"operation": "DropDatabase", "cascade": {}}})", drop.cascade),
        [this] { return outlet_->stopped(); }));
  }
  return {};
}

// A plan is one column of lines, as Redshift shows it.
Result<ipc::StatementComplete> Session::SendPlan(Prepared& prepared, duckdb::QueryResult& result,
                                                 const ipc::ExecuteStatement& request) {
  ipc::StatementComplete complete;
  complete.tag = prepared.emitted.tag;
  complete.has_result = true;
  const duckdb::vector<std::string> names = {"QUERY PLAN"};
  const duckdb::vector<duckdb::LogicalType> types = {duckdb::LogicalType::VARCHAR};
  SKEP_TRY_ASSIGN(const auto shape, ShapeOf(types, request.result_formats, {}));
  if (request.describe) outlet_->Hold(DescribeRows(names, types, shape, {}));
  Frame frame = Frame::WithRoom(kFetchFrameBytes);
  while (const auto chunk = result.Fetch()) {
    for (size_t row = 0; row < chunk->size(); row++) {
      const std::string text = chunk->GetValue(chunk->ColumnCount() - 1, row).ToString();
      for (size_t from = 0; from < text.size();) {
        const size_t end = std::min(text.find('\n', from), text.size());
        AppendTextRow(frame, std::string_view(text).substr(from, end - from));
        complete.rows++;
        from = end + 1;
      }
    }
  }
  frame.Seal(ipc::FrameType::kRows);
  outlet_->Hold(std::move(frame));
  return complete;
}

// ---------------------------------------------------------------- portals

Result<ipc::StatementComplete> Session::OpenPortal(Prepared& prepared,
                                                   duckdb::unique_ptr<duckdb::QueryResult> result,
                                                   const ipc::ExecuteStatement& request) {
  auto portal = std::make_unique<Portal>();
  SKEP_TRY_ASSIGN(portal->shape,
                  ShapeOf(result->types, request.result_formats, prepared.emitted.output));
  portal->shape.zone_is_utc = IsUtc(zone_);
  portal->shape.extra_float_digits = extra_float_digits_;
  if (request.describe)
    outlet_->Hold(
        DescribeRows(result->names, result->types, portal->shape, prepared.emitted.output));
  portal->rows = result->Cast<duckdb::MaterializedQueryResult>().TakeCollection();
  portal->left = portal->rows->Count();
  portal->rows->InitializeScan(portal->scan);
  portal->rows->InitializeScanChunk(portal->scan, portal->chunk);
  portal->tag = prepared.emitted.tag;
  ipc::StatementComplete complete;
  complete.has_result = true;
  complete.rows = SendRows(*portal, request.max_rows);
  complete.suspended = portal->left > 0;
  complete.tag = fmt::format("{} {}", portal->tag, complete.rows);
  if (complete.suspended) portals_[request.portal] = std::move(portal);
  return complete;
}

Result<ipc::StatementComplete> Session::Fetch(const ipc::FetchPortal& request) {
  failed_ = false;
  const auto found = portals_.find(request.portal);
  if (found == portals_.end())
    return Fail(ErrorKind::kInvalidCursorName, "portal \"" + request.portal + "\" does not exist");
  ipc::StatementComplete complete;
  complete.has_result = true;
  try {
    complete.rows = SendRows(*found->second, request.max_rows);
  } catch (const std::exception& e) {
    // Some of its rows are gone already.
    portals_.erase(found);
    return Fail(Translate(duckdb::ErrorData(e), nullptr));
  }
  complete.suspended = found->second->left > 0;
  complete.tag = fmt::format("{} {}", found->second->tag, complete.rows);
  complete.temporary_tables = temporary_tables_;
  if (!complete.suspended) portals_.erase(found);
  return complete;
}

// Answers how many. Throws duckdb::Exception when it is stopped or a value cannot be written.
uint64_t Session::SendRows(Portal& portal, uint64_t max_rows) {
  const uint64_t wanted = max_rows == 0 ? portal.left : std::min(max_rows, portal.left);
  uint64_t sent = 0;
  connection_->context->RunFunctionInTransaction([&] {
    RowEncoder encoder(*connection_->context, portal.shape);
    Frame frame;
    bool loaded = false;
    while (sent < wanted) {
      if (outlet_->stopped()) throw duckdb::InterruptException();
      if (portal.at >= portal.chunk.size()) {
        portal.chunk.Reset();
        portal.at = 0;
        loaded = false;
        if (!portal.rows->Scan(portal.scan, portal.chunk) || portal.chunk.size() == 0) break;
      }
      if (!loaded) encoder.Load(portal.chunk);
      loaded = true;
      const size_t end =
          portal.at + std::min<size_t>(portal.chunk.size() - portal.at, wanted - sent);
      const size_t begin = portal.at;
      while (portal.at < end) {
        if (!frame) frame = Frame::WithRoom(kFetchFrameBytes);
        portal.at = encoder.Encode(portal.at, end, frame, kFetchFrameBytes);
        if (portal.at == end) break;
        frame.Seal(ipc::FrameType::kRows);
        outlet_->Push(frame);
        if (outlet_->full() && !outlet_->WaitForRoom()) throw duckdb::InterruptException();
      }
      sent += end - begin;
      portal.left -= end - begin;
    }
    if (frame && !frame.empty()) {
      frame.Seal(ipc::FrameType::kRows);
      outlet_->Hold(std::move(frame));
    }
  });
  return sent;
}

// ---------------------------------------------------------------- requests

// What every statement needs around it: an attached session, settings, a transaction, and
// exceptions that end here.
template <class Reply, class Request, class Work>
Result<Reply> Session::Attended(const Request& request, Work work) {
  failed_ = false;
  if (attach_error_) return Fail(*attach_error_);
  if (!connection_) return Fail(ErrorKind::kProtocolViolation, "the session was not attached");
  const auto attended = [&]() -> Result<Reply> {
    SKEP_TRY(ApplySettings(request.settings));
    return work();
  };
  Result<Reply> outcome = Fail(ErrorKind::kInternal, "");
  try {
    outcome = attended();
  } catch (const std::exception& e) {
    outcome = Fail(Translate(duckdb::ErrorData(e), nullptr));
  }
  running_ = {};
  uncached_.reset();
  facts_->asker.keys = {};
  facts_->asker.master_key = Secret();
  // A plan that no longer fits its table's columns is made anew next time.
  if (!outcome && outcome.error().kind == ErrorKind::kFeatureNotSupported) ForgetStatements();
  return outcome;
}

Result<ipc::StatementComplete> Session::Execute(const ipc::ExecuteStatement& request) {
  return Attended<ipc::StatementComplete>(request, [&]() -> Result<ipc::StatementComplete> {
    const auto start = Clock::now();
    facts_->asker.statement = request.statement_id;
    if (ipc::StatementComplete kept; use_result_cache_ && AnswerFromCache(request, kept))
      return kept;
    SKEP_TRY(BeginAsked(request.begin_first));
    SKEP_TRY_ASSIGN(Prepared * prepared, Prepare(request.text, request.parameter_types));
    const uint64_t compile_us = MicrosecondsSince(start);
    const auto started = Clock::now();
    SKEP_TRY_ASSIGN(auto complete, RunPrepared(*prepared, request));
    if (request.commit_after && in_transaction_) SKEP_TRY(EndTransaction(true));
    complete.compile_us = compile_us;
    complete.run_us = MicrosecondsSince(started);
    complete.temporary_tables = temporary_tables_;
    return complete;
  });
}

Result<ipc::StatementDescription> Session::Describe(const ipc::DescribeStatement& request) {
  return Attended<ipc::StatementDescription>(request, [&]() -> Result<ipc::StatementDescription> {
    facts_->asker.statement.clear();
    SKEP_TRY(BeginAsked(request.begin_first));
    SKEP_TRY_ASSIGN(Prepared * prepared, Prepare(request.text, request.parameter_types));
    ipc::StatementDescription description;
    if (prepared->kind == sql::ast::NodeKind::kExplain) {
      description.columns = {DescribeColumn("QUERY PLAN", duckdb::LogicalType::VARCHAR)};
      return description;
    }
    if (!IsCached(*prepared)) return description;
    if (!prepared->statement) SKEP_TRY(PrepareInEngine(*prepared));
    const auto expected = prepared->statement->GetExpectedParameterTypes();
    for (size_t number = 1; number <= prepared->parameter_count; number++) {
      const auto& types = prepared->parameter_types;
      uint32_t type_oid = number <= types.size() ? types[number - 1] : 0;
      const auto type = expected.find(std::to_string(number));
      if (type_oid == 0) {
        const bool known =
            type != expected.end() && type->second.id() != duckdb::LogicalTypeId::UNKNOWN;
        type_oid = DescribeColumn("", known ? type->second : duckdb::LogicalType::VARCHAR).type_oid;
      }
      description.parameter_types.push_back(type_oid);
    }
    if (IsQuery(*prepared)) {
      SKEP_TRY(ShapeOf(prepared->statement->GetTypes(), {}, prepared->emitted.output));
      description.columns =
          DescribeColumns(prepared->statement->GetNames(), prepared->statement->GetTypes(),
                          prepared->emitted.output);
      prepared->described = prepared->statement->GetTypes();
      if (described_.size() >= kKeptDescriptions) described_.clear();
      described_[KeyOf(request.text, request.parameter_types)] = *prepared->described;
    }
    return description;
  });
}

}  // namespace skep::worker
