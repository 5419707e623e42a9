// FROM: relations, joins and (+), pivots.
#include <algorithm>

#include "sql/ast/visit.h"
#include "sql/column_facts.h"
#include "sql/emit/writer.h"

namespace skep::sql {
using namespace ast;

namespace {

bool HasOuterMark(const Expr& condition) {
  bool found = false;
  Walk(condition, [&](const Node& node) {
    found |= node.kind == NodeKind::kOuterMark;
    return !found && node.kind != NodeKind::kQuery;
  });
  return found;
}

}  // namespace

void Writer::WriteFrom(const Select& select) {
  if (select.where && HasOuterMark(*select.where)) return WriteOuterMarks(select);
  if (!select.from.empty()) {
    Put(" from ");
    for (const Relation* relation : select.from) {
      if (relation != select.from[0]) Put(", ");
      WriteRelation(*relation);
    }
  }
  if (select.where) {
    Put(" where ");
    WriteExpression(select.where);
  }
}

namespace {

// The relations a condition names, and those it names with (+). Queries within it name their own.
struct Named {
  std::vector<const ScopeRelation*> all, marked;
};

Named NamedBy(const Resolved& resolved, const Expr& condition) {
  Named named;
  const auto note = [&](const ColumnRef* column, std::vector<const ScopeRelation*>& into) {
    const auto found = resolved.references.find(column);
    if (found == resolved.references.end() || !found->second.relation) return;
    if (std::ranges::find(into, found->second.relation) == into.end())
      into.push_back(found->second.relation);
  };
  Walk(condition, [&](const Node& node) {
    if (const auto* mark = As<OuterMark>(&node)) note(mark->column, named.marked);
    if (const auto* column = As<ColumnRef>(&node)) note(column, named.all);
    return node.kind != NodeKind::kQuery;
  });
  return named;
}

}  // namespace

// WHERE a.x = b.x(+): b is joined from the left to what its conditions name besides it. Rules: the
// developer guide's "Oracle-Style outer joins in the WHERE clause".
void Writer::WriteOuterMarks(const Select& select) {
  std::vector<const Expr*> conditions;
  if (const auto* logical = As<Logical>(select.where); logical && !logical->is_or) {
    conditions.assign(logical->operands.begin(), logical->operands.end());
  } else {
    conditions.push_back(select.where);
  }
  struct Source {
    const Relation* written;
    const ScopeRelation* relation;
    bool done = false;
  };
  std::vector<Source> sources;
  for (const Relation* written : select.from) {
    if (As<Join>(written))
      return Raise(
          ErrorKind::kSyntaxError,
          "The outer join operator (+) cannot be used together with JOIN in the FROM clause",
          *written);
    const auto use = resolved_.relations.find(written);
    sources.push_back({written, use == resolved_.relations.end() ? nullptr : use->second.relation});
  }
  struct Condition {
    const Expr* expr;
    Named named;
  };
  std::vector<Condition> plain, marked;
  for (const Expr* expr : conditions) {
    Condition condition{expr, NamedBy(resolved_, *expr)};
    if (condition.named.marked.empty()) {
      plain.push_back(std::move(condition));
      continue;
    }
    if (const auto* logical = As<Logical>(expr); logical && logical->is_or)
      return Raise(ErrorKind::kSyntaxError,
                   "The outer join operator (+) is not allowed in an operand of OR", *expr);
    if (condition.named.marked.size() > 1)
      return Raise(ErrorKind::kSyntaxError, "A predicate may reference only one outer-joined table",
                   *expr);
    marked.push_back(std::move(condition));
  }
  const auto is_marked = [&](const ScopeRelation* relation) {
    return std::ranges::any_of(marked,
                               [&](const Condition& c) { return c.named.marked[0] == relation; });
  };
  Put(" from ");
  bool first = true;
  for (Source& source : sources) {
    if (is_marked(source.relation)) continue;
    if (!first) Put(" cross join ");
    first = false;
    WriteRelation(*source.written);
    source.done = true;
  }
  for (bool progress = true; progress;) {
    progress = false;
    for (Source& source : sources) {
      if (source.done) continue;
      const bool ready = std::ranges::all_of(marked, [&](const Condition& c) {
        if (c.named.marked[0] != source.relation) return true;
        return std::ranges::all_of(c.named.all, [&](const ScopeRelation* other) {
          return other == source.relation || std::ranges::all_of(sources, [&](const Source& s) {
                   return s.relation != other || s.done;
                 });
        });
      });
      if (!ready || first) continue;
      Put(" left join ");
      WriteRelation(*source.written);
      Put(" on ");
      bool any = false;
      for (const Condition& condition : marked) {
        if (condition.named.marked[0] != source.relation) continue;
        if (any) Put(" and ");
        any = true;
        WriteOperand(condition.expr);
      }
      source.done = progress = true;
    }
  }
  for (const Source& source : sources) {
    if (!source.done)
      return Raise(ErrorKind::kSyntaxError,
                   "Two tables cannot be outer-joined to each other with the (+) operator",
                   *source.written);
  }
  bool any = false;
  for (const Condition& condition : plain) {
    Put(any ? " and " : " where ");
    any = true;
    WriteOperand(condition.expr);
  }
}

void Writer::WriteAliased(const ScopeRelation& relation, bool columns) {
  Put(" as ");
  PutName(relation.emitted);
  if (!columns) return;
  Put("(");
  for (size_t i = 0; i < relation.columns.size(); i++) {
    if (i > 0) Put(", ");
    PutName(relation.ColumnName(i));
  }
  Put(")");
}

void Writer::WriteRelation(const Relation& relation) {
  if (error_) return;
  Mark(relation);
  if (const auto* join = As<Join>(&relation)) {
    const auto renamed = resolved_.pivots.find(join);
    if (renamed != resolved_.pivots.end() && renamed_join_ != join) {
      renamed_join_ = join;
      const ScopeRelation& whole = *resolved_.relations.at(join).relation;
      Put("(select ");
      for (const Expansion& one : renamed->second.others) {
        if (&one != &renamed->second.others.front()) Put(", ");
        WriteColumnOf(*one.relation, one.column, one.merged);
      }
      Put(" from ");
      WriteRelation(relation);
      Put(")");
      return WriteAliased(whole, true);
    }
    if (join->parenthesised) Put("(");
    WriteRelation(*join->left);
    if (join->natural) Put(" natural");
    switch (join->join) {
      case JoinKind::kInner:
        Put(" join ");
        break;
      case JoinKind::kLeft:
        Put(" left join ");
        break;
      case JoinKind::kRight:
        Put(" right join ");
        break;
      case JoinKind::kFull:
        Put(" full join ");
        break;
      case JoinKind::kCross:
        Put(" cross join ");
        break;
    }
    const bool nested = As<Join>(join->right) && !As<Join>(join->right)->parenthesised;
    if (nested) Put("(");
    WriteRelation(*join->right);
    if (nested) Put(")");
    if (join->on) {
      Put(" on ");
      WriteExpression(join->on);
    } else if (!join->using_columns.empty()) {
      Put(" using (");
      for (const Name& name : join->using_columns) {
        if (&name != &join->using_columns[0]) Put(", ");
        PutName(Fold(name));
      }
      Put(")");
    }
    if (join->parenthesised) Put(")");
    return;
  }
  const auto found = resolved_.relations.find(&relation);
  if (found == resolved_.relations.end())
    return Raise(ErrorKind::kInternal, "a relation was not resolved", relation);
  const RelationUse& use = found->second;
  // Views that each read the one before them twice would double for each.
  constexpr size_t kMaxRelations = 2000;
  const auto& entry = use.relation->entry;
  size_t read = 1;
  if (entry && entry->kind != RelationKind::kTable && !entry->facts.empty()) {
    read = std::max<size_t>(TableFacts::Read(entry->facts).relations, 1);
  } else if (use.kind == RelationUse::Kind::kCommonTable) {
    const auto common = relations_of_.find(use.common_table);
    if (common != relations_of_.end()) read = std::max<size_t>(common->second, 1);
  }
  relations_ += read;
  if (relations_ > kMaxRelations)
    return Raise(ErrorKind::kPayloadTooLarge, "the statement reads too many relations", relation);
  switch (relation.kind) {
    case NodeKind::kNamedTable: {
      const auto& table = static_cast<const NamedTable&>(relation);
      if (use.kind == RelationUse::Kind::kPath) return WriteUnnest(relation, use, false, table.at);
      const bool renamed = !table.alias.columns.empty() || !use.relation->emitted_columns.empty();
      if (use.kind == RelationUse::Kind::kLateView) {
        // Positions within the view's text mean nothing to the reader of this one.
        const auto outer = place_;
        if (!place_) place_ = relation.begin;
        Put("(");
        WriteQuery(*use.query);
        Put(")");
        place_ = outer;
        return WriteAliased(*use.relation, renamed || use.renamed);
      }
      if (use.kind == RelationUse::Kind::kCommonTable) {
        PutName(use.common_table);
      } else {
        WriteRelationEntry(*use.relation->entry);
      }
      return WriteAliased(*use.relation, renamed);
    }
    case NodeKind::kDerivedTable: {
      const auto& derived = static_cast<const DerivedTable&>(relation);
      if (derived.lateral) Put("lateral ");
      Put("(");
      WriteQuery(*derived.query);
      Put(")");
      return WriteAliased(*use.relation,
                          !derived.alias.columns.empty() || !use.relation->emitted_columns.empty());
    }
    case NodeKind::kNestedTable:
      return WriteUnnest(relation, use, false, static_cast<const NestedTable&>(relation).at);
    case NodeKind::kUnpivotObject:
      return WriteUnnest(relation, use, true, static_cast<const UnpivotObject&>(relation).at);
    case NodeKind::kFunctionTable:
      return WriteFunctionTable(static_cast<const FunctionTable&>(relation), use);
    case NodeKind::kPivot:
      return WritePivot(static_cast<const Pivot&>(relation), use);
    case NodeKind::kUnpivot:
      return WriteUnpivot(static_cast<const Unpivot&>(relation), use);
    default:
      return Raise(ErrorKind::kInternal, "an unknown kind of relation", relation);
  }
}

// One column for each value and aggregate; the columns that are not named group.
void Writer::WritePivot(const Pivot& pivot, const RelationUse& use) {
  const PivotUse& columns = resolved_.pivots.at(&pivot);
  Put("(select ");
  bool first = true;
  for (const Expansion& other : columns.others) {
    if (!first) Put(", ");
    first = false;
    WriteColumnOf(*other.relation, other.column);
    Put(" as ");
    PutName(other.relation->columns[other.column].name);
  }
  size_t label = 0;
  for (const SelectItem* value : pivot.values) {
    for (const SelectItem* aggregate : pivot.aggregates) {
      if (!first) Put(", ");
      first = false;
      const auto* call = As<Call>(aggregate->value);
      if (!call) return Unsupported("an expression instead of an aggregate in PIVOT", *aggregate);
      filter_ = Captured([&] {
        Put(" filter (where ");
        WriteOperand(pivot.column);
        const auto* literal = As<Literal>(value->value);
        if (literal && literal->literal == LiteralKind::kNull) {
          Put(" is null");
        } else {
          Put(" = ");
          WriteOperand(value->value);
        }
        Put(")");
      });
      WriteExpression(call);
      if (!filter_.empty()) return Unsupported("this aggregate in PIVOT", *aggregate);
      Put(" as ");
      PutName(columns.labels[label++]);
    }
  }
  Put(" from ");
  WriteRelation(*pivot.source);
  first = true;
  for (const Expansion& other : columns.others) {
    Put(first ? " group by " : ", ");
    first = false;
    WriteColumnOf(*other.relation, other.column);
  }
  Put(")");
  WriteAliased(*use.relation, !pivot.alias.columns.empty());
}

void Writer::WriteUnpivot(const Unpivot& unpivot, const RelationUse& use) {
  const PivotUse& columns = resolved_.pivots.at(&unpivot);
  Put("(select ");
  for (const Expansion& other : columns.others) {
    WriteColumnOf(*other.relation, other.column);
    Put(" as ");
    PutName(other.relation->columns[other.column].name);
    Put(", ");
  }
  const size_t count = use.relation->columns.size();
  const auto unpivoted = [&](const Name& name, const Column& column) {
    Put("\"unpivoted\".");
    PutName(Fold(name));
    Put(" as ");
    PutName(column.name);
  };
  unpivoted(unpivot.name, use.relation->columns[count - 2]);
  Put(", ");
  unpivoted(unpivot.value, use.relation->columns[count - 1]);
  Put(" from ");
  WriteRelation(*unpivot.source);
  Put(" cross join lateral (values ");
  for (size_t i = 0; i < columns.listed.size(); i++) {
    if (i > 0) Put(", ");
    Put("(");
    PutString(columns.labels[i]);
    Put(", ");
    WriteColumnOf(*columns.listed[i].relation, columns.listed[i].column);
    Put(")");
  }
  Put(") as ");
  PutName("unpivoted");
  Put("(");
  PutName(Fold(unpivot.name));
  Put(", ");
  PutName(Fold(unpivot.value));
  Put(")");
  if (!unpivot.include_nulls) {
    Put(" where ");
    PutName("unpivoted");
    Put(".");
    PutName(Fold(unpivot.value));
    Put(" is not null");
  }
  Put(")");
  WriteAliased(*use.relation, !unpivot.alias.columns.empty());
}

}  // namespace skep::sql
