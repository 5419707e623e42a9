#include "sql/emit.h"

#include <algorithm>

#include "sql/ast/statement_tag.h"
#include "sql/emit/statement_emitter.h"

namespace skep::sql {
using namespace ast;

Result<Emitted> StatementEmitter::Run(const ast::Statement& statement) {
  out_.tag = TagOf(statement);
  SKEP_TRY(Dispatch(statement));
  if (writer_.error()) return std::unexpected(*writer_.error());
  out_.text = std::move(writer_.text());
  out_.positions = std::move(writer_.positions());
  out_.parameters = *resolver_.resolved().parameters;
  return std::move(out_);
}

Result<void> StatementEmitter::EmitQuery(const Query& query) {
  SKEP_TRY_ASSIGN(out_.output, resolver_.ResolveQuery(query));
  writer_.WriteQuery(query);
  out_.returns_rows = true;
  out_.counts_rows = true;
  return {};
}

Result<void> StatementEmitter::EmitExplain(const Explain& explain) {
  if (explain.analyze) return Unsupported("EXPLAIN ANALYZE", explain);
  switch (explain.statement->kind) {  // what has a plan
    case NodeKind::kQueryStatement:
    case NodeKind::kInsert:
    case NodeKind::kUpdate:
    case NodeKind::kDelete:
    case NodeKind::kMerge:
    case NodeKind::kCreateTableAs:
      break;
    default:
      return Unsupported("EXPLAIN of this statement", *explain.statement);
  }
  const auto* query = As<QueryStatement>(explain.statement);
  if (!query) {
    writer_.Put("explain ");
    SKEP_TRY(Dispatch(*explain.statement));
    if (writer_.text() == "explain " || !out_.before.empty() || !out_.after.empty())
      return Unsupported("EXPLAIN of this statement", *explain.statement);
  } else {
    SKEP_TRY(resolver_.ResolveQuery(*query->query));
    writer_.Put("explain ");
    writer_.WriteQuery(*query->query);
  }
  out_.tag = "EXPLAIN";
  out_.returns_rows = true;
  out_.counts_rows = false;
  out_.output.clear();
  return {};
}

Result<void> StatementEmitter::Dispatch(const ast::Statement& statement) {
  switch (statement.kind) {
    case NodeKind::kQueryStatement: {
      const Query& query = *static_cast<const QueryStatement&>(statement).query;
      if (const Select* into = IntoOf(query)) return EmitInto(query, *into);
      return EmitQuery(query);
    }
    case NodeKind::kExplain:
      return EmitExplain(static_cast<const Explain&>(statement));
    case NodeKind::kInsert:
      return EmitInsert(static_cast<const Insert&>(statement));
    case NodeKind::kUpdate:
      return EmitUpdate(static_cast<const Update&>(statement));
    case NodeKind::kDelete:
      return EmitDelete(static_cast<const Delete&>(statement));
    case NodeKind::kMerge:
      return EmitMerge(static_cast<const Merge&>(statement));
    case NodeKind::kCopy:
      return EmitCopy(static_cast<const Copy&>(statement));
    case NodeKind::kCopyJob:
      return EmitCopyJob(static_cast<const CopyJob&>(statement));
    case NodeKind::kUnload:
      return EmitUnload(static_cast<const Unload&>(statement));
    case NodeKind::kTruncate:
      return EmitTruncate(static_cast<const Truncate&>(statement));
    case NodeKind::kCreateTable:
      if (static_cast<const CreateTable&>(statement).format.format)
        return EmitCreateIceberg(static_cast<const CreateTable&>(statement));
      return EmitCreateTable(static_cast<const CreateTable&>(statement));
    case NodeKind::kCreateTableAs: {
      const auto& create = static_cast<const CreateTableAs&>(statement);
      if (create.format.format) return EmitCreateIcebergAs(create);
      SKEP_TRY_ASSIGN(const Target target, resolver_.NewObject(create.name, create.temporary));
      return EmitCreateTableAs(target, create.if_not_exists, create.columns, create.attributes,
                               *create.query, create);
    }
    case NodeKind::kCreateExternalTable:
      return EmitCreateExternalTable(static_cast<const CreateExternalTable&>(statement));
    case NodeKind::kCreateView:
      return EmitCreateView(static_cast<const CreateView&>(statement));
    case NodeKind::kAlterTable:
      return EmitAlterTable(static_cast<const AlterTable&>(statement));
    case NodeKind::kCreateFunction:
      return EmitCreateFunction(static_cast<const CreateFunction&>(statement));
    case NodeKind::kDrop:
      return EmitDrop(static_cast<const Drop&>(statement));
    case NodeKind::kComment:
      return EmitComment(static_cast<const Comment&>(statement));
    case NodeKind::kCreateSchema:
      return EmitCreateSchema(static_cast<const CreateSchema&>(statement));
    case NodeKind::kCreateExternalSchema:
      return EmitCreateExternalSchema(static_cast<const CreateExternalSchema&>(statement));
    case NodeKind::kAlterExternalSchema:
      return EmitAlterExternalSchema(static_cast<const AlterExternalSchema&>(statement));
    case NodeKind::kShowDefinition:
      return EmitShowDefinition(static_cast<const ShowDefinition&>(statement));
    case NodeKind::kShowObjects:
      return EmitShowObjects(static_cast<const ShowObjects&>(statement));
    case NodeKind::kAnalyze:
    case NodeKind::kVacuum:
      return {};
    default:
      return Unsupported(out_.tag, statement);
  }
}

Result<Emitted> EmitDuckDb(const sql::Statement& statement, std::string_view script,
                           const EmitContext& context) {
  if (statement.refusal) return std::unexpected(*statement.refusal);
  return StatementEmitter(script, context).Run(*statement.tree);
}

uint32_t UserPosition(const Emitted& emitted, uint32_t emitted_offset) {
  auto it = std::ranges::upper_bound(emitted.positions, emitted_offset, {},
                                     &std::pair<uint32_t, uint32_t>::first);
  return it == emitted.positions.begin() ? 0 : std::prev(it)->second;
}

}  // namespace skep::sql
