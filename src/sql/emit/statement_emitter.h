// One statement's way into the engine's SQL: names are resolved, then written. Its rules stand in
// emit.cc (queries), emit/changes.cc (rows) and emit/definitions.cc (tables, views, schemas).
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/ast/statement.h"
#include "sql/column_facts.h"
#include "sql/copy_plan.h"
#include "sql/emit.h"
#include "sql/emit/duckdb.h"
#include "sql/quoting.h"
#include "sql/resolve/resolver.h"
#include "sql/unload_plan.h"

namespace skep::sql {

class StatementEmitter {
 public:
  StatementEmitter(std::string_view text, const FrontContext& context)
      : text_(text),
        context_(context),
        resolver_(context, text),
        writer_(context, resolver_.resolved(), text) {}

  Result<Emitted> Run(const ast::Statement& statement);

 private:
  using Target = Resolver::Target;

  Result<void> Dispatch(const ast::Statement& statement);
  Result<void> EmitQuery(const ast::Query& query);
  Result<void> EmitInto(const ast::Query& query, const ast::Select& select);
  Result<void> EmitExplain(const ast::Explain& explain);
  Result<void> EmitInsert(const ast::Insert& insert);
  Result<void> EmitUpdate(const ast::Update& update);
  Result<void> EmitDelete(const ast::Delete& erase);
  Result<void> EmitMerge(const ast::Merge& merge);
  Result<void> EmitCopy(const ast::Copy& copy);
  Result<void> ReadCopySource(const ast::Copy& copy, CopyPlan& plan);
  Result<void> ReadCopyFormat(const ast::Copy& copy, CopyPlan& plan);
  Result<void> CheckTypedOptions(const ast::Copy& copy, CopyFormat format) const;
  void WriteTypedSource(const CopyPlan& plan);
  Result<void> ReadShapefileOptions(const ast::Copy& copy, CopyPlan& plan);
  Result<void> ReadCopyOptions(const ast::Copy& copy, CopyPlan& plan);
  Result<bool> ReadMasterKeyOf(const ast::List<ast::Option*>& options, const std::string& command);
  Result<std::vector<std::string>> RolesOf(const ast::List<ast::Option*>& options,
                                           const std::string& command, const ast::Node& at);
  Result<void> EmitCreateCopyJob(const ast::Copy& copy, const CopyPlan& plan);
  Result<void> EmitCopyJob(const ast::CopyJob& job);
  Result<std::string> CopyJobName(const ast::Name& name, const ast::Node& at);
  Result<void> EmitUnload(const ast::Unload& unload);
  Result<Emitted> EmitUnloaded(const ast::Unload& unload) const;
  Result<void> ReadUnloadFormat(const ast::Unload& unload, UnloadPlan& plan) const;
  Result<void> ReadUnloadTarget(const ast::Unload& unload, UnloadPlan& plan);
  Result<void> ReadUnloadSizes(const ast::Unload& unload, UnloadPlan& plan) const;
  Result<void> CheckUnloadOptions(const ast::Unload& unload, const UnloadPlan& plan) const;
  Result<void> CheckUnloadTypes(const ast::Unload& unload, const UnloadPlan& plan) const;
  Result<void> ReadPartition(const ast::List<ast::Name>& names, const ast::Node& at,
                             UnloadPlan& plan) const;
  // A query whose rows are written: without LIMIT, INTO, parameters.
  Result<Emitted> EmitRows(const ast::Query& query, std::string_view text,
                           const ast::Node& at) const;
  Result<void> CheckRows(const ast::Query& query, const ast::Node& at) const;
  // copy (query) to ...: the query's columns as they are written; `assigned`: each made a value of
  // its column's type, as INSERT does.
  void PutUnload(const std::string& query, const UnloadPlan& plan, bool assigned = false);
  Result<void> EmitInsertExternal(const ast::Insert& insert, const RelationEntry& entry);
  Result<void> EmitCreateExternalTableAs(const ast::CreateExternalTable& create,
                                         const std::string& schema);
  Result<nlohmann::json> ExternalTable(const ast::CreateExternalTable& create,
                                       nlohmann::json columns, nlohmann::json keys);
  Result<void> EmitCreateIceberg(const ast::CreateTable& create);
  Result<void> EmitCreateIcebergAs(const ast::CreateTableAs& create);
  Result<void> EmitIcebergTable(const ast::QualifiedName& name, bool if_not_exists,
                                const ast::TableFormat& format, std::vector<UnloadColumn> columns,
                                const std::string& query, const ast::Node& at);
  Result<nlohmann::json> IcebergPartition(const ast::List<ast::Expr*>& fields,
                                          const std::vector<UnloadColumn>& columns);
  Result<nlohmann::json> IcebergProperties(const ast::List<ast::Property*>& properties);
  static bool HasAttributes(const ast::TableAttributes& attributes);
  Result<void> EmitTruncate(const ast::Truncate& truncate);
  Result<void> EmitCreateTable(const ast::CreateTable& create);
  Result<int64_t> IdentityNumber(std::string_view digits, const ast::Node& at);
  Result<void> EmitColumn(const ast::ColumnDefinition& column, const Target& target, bool comma);
  Result<void> EmitCreateTableAs(const Target& target, bool if_not_exists,
                                 const ast::List<ast::Name>& columns,
                                 const ast::TableAttributes& attributes, const ast::Query& query,
                                 const ast::Node& at);
  Result<void> EmitCreateView(const ast::CreateView& create);
  Result<void> CheckReplaced(const Target& target, const std::vector<Column>& columns,
                             const ast::CreateView& create);
  Result<void> MindColumn(const RelationEntry& entry, const std::string& column, bool cascade,
                          const ast::Node& at);
  Result<void> EmitAddColumn(const ast::ColumnDefinition& column, const RelationEntry& entry);
  Result<Type> ColumnType(const ast::ColumnDefinition& column, std::string_view table);
  Result<std::string> DefaultText(const ast::Expr& value, const Type& type, std::string_view text);
  Result<std::string> KeptDefault(const std::string& value, const Type& type, const ast::Node& at);
  Result<void> EmitAlterView(const ast::AlterTable& alter, const RelationEntry& view);
  Result<void> DropWithDependents(const RelationEntry& entry, bool cascade,
                                  std::set<std::string>& dropped, const ast::Node& at);
  Result<void> EmitAlterTable(const ast::AlterTable& alter);
  Result<void> EmitDrop(const ast::Drop& drop);
  Result<void> EmitCreateFunction(const ast::CreateFunction& create);
  Result<std::vector<Type>> ArgumentTypes(const ast::List<ast::Argument*>& arguments);
  Result<void> EmitDropFunctions(const ast::Drop& drop);
  Result<void> EmitComment(const ast::Comment& comment);
  Result<std::string> ExternalSchemaOf(const ast::QualifiedName& name, const ast::Node& at);
  // A table of an external schema, by its name alone: also one whose format we do not read.
  std::optional<RelationEntry> ExternalNamed(const ast::QualifiedName& name) const;
  Result<nlohmann::json> ExternalColumns(const ast::List<ast::ColumnDefinition*>& columns,
                                         std::set<std::string>& names);
  Result<void> EmitCreateExternalTable(const ast::CreateExternalTable& create);
  Result<void> EmitAlterExternal(const ast::AlterTable& alter, const RelationEntry& entry);
  static Result<nlohmann::json> PartitionOf(const ast::PartitionValues& partition);
  void ChangeCatalog(const std::string& schema, const nlohmann::json& change);
  Result<void> EmitCreateSchema(const ast::CreateSchema& create);
  Result<void> CheckNewSchema(const std::string& name, const ast::Node& at);
  Result<void> EmitCreateExternalSchema(const ast::CreateExternalSchema& create);
  // What FROM REDSHIFT and FROM POSTGRES say.
  Result<void> ReadRemoteSource(const ast::CreateExternalSchema& create,
                                ExternalSchemaDefinition& definition);
  // Refuses to change the tables of other databases.
  Result<void> CheckWritable(const std::string& external_schema, const ast::Node& at);
  Result<void> EmitAlterExternalSchema(const ast::AlterExternalSchema& alter);
  Result<std::vector<std::string>> RolesOf(const ast::Option& option);
  Result<void> EmitShowDefinition(const ast::ShowDefinition& show);
  Result<void> EmitShowObjects(const ast::ShowObjects& show);
  Result<std::string> ShowText(const ast::Expr* value, ast::LiteralKind kind,
                               std::string_view what);

  Result<ScopeRelation*> Changed(const ast::QualifiedName& name, const ast::Name& alias,
                                 const ast::Node& at);
  Result<std::vector<const Column*>> Assigned(const ast::List<ast::Assignment*>& set,
                                              const ScopeRelation& target);
  void WriteAssignments(const ast::List<ast::Assignment*>& set,
                        const std::vector<const Column*>& columns);
  static bool HasRowNumber(const RelationEntry& entry);
  Result<void> EmitRemoveDuplicates(const ast::Merge& merge, const ScopeRelation& target,
                                    const ScopeRelation& source);
  Result<std::vector<size_t>> TargetColumns(const ast::List<ast::Name>& names,
                                            const RelationEntry& entry, size_t values,
                                            bool known_values, const ast::Node& at);
  Result<std::shared_ptr<const RelationEntry>> Existing(const ast::QualifiedName& name,
                                                        const ast::Node& at);
  Result<void> CheckColumnCount(size_t columns, const ast::Node& at);
  Result<void> CheckSchema(const Target& target, const ast::Node& at);
  void ApplyAttributes(const ast::TableAttributes& attributes, TableFacts& facts,
                       std::vector<std::pair<std::string, ColumnFacts>>& columns);
  void PutTarget(const Target& target) { writer_.Put(TargetText(target)); }
  std::string TargetText(const Target& target) const {
    if (target.schema.empty()) return "temp.main." + QuoteName(target.name);
    return QuoteName(context_.database) + "." + QuoteName(target.schema) + "." +
           QuoteName(target.name);
  }
  std::string EntryText(const RelationEntry& entry) const {
    return TargetText({entry.kind == RelationKind::kTemporary ? "" : entry.schema, entry.name});
  }
  void CommentOnColumn(const std::string& table, const std::string& column,
                       const ColumnFacts& facts, const std::string& before) {
    const std::string text = facts.Text();
    if (text == before) return;
    out_.after.push_back("comment on column " + table + "." + QuoteName(column) + " is " +
                         (text.empty() ? "null" : QuoteString(text)));
  }
  void CommentOnRelation(std::string_view kind, const std::string& relation,
                         const std::string& text) {
    out_.after.push_back("comment on " + std::string(kind) + " " + relation + " is " +
                         (text.empty() ? "null" : QuoteString(text)));
  }
  std::unexpected<Error> Unsupported(std::string_view what, const ast::Node& at) const {
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported, std::string(what) + " is not supported",
                           &at);
  }

  std::string_view text_;
  const FrontContext& context_;
  Resolver resolver_;
  DuckDbWriter writer_;
  Emitted out_;
};

}  // namespace skep::sql
