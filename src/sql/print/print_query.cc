// Queries and relations.
#include "sql/ast/names.h"
#include "sql/print/printer.h"

namespace skep::sql {
using namespace ast;

void Printer::WriteIn(const Query& query) {
  Word("(");
  Write(query);
  Put(")");
}

void Printer::Write(const Query& query) {
  if (query.with) Write(*query.with);
  WriteBody(*query.body);
  if (!query.order_by.empty()) {
    Word("order by ");
    OrderBy(query.order_by);
  }
  WordIf(query.limit_all, "limit all");
  if (query.limit) {
    Word("limit");
    WriteChild(query.limit);
  }
  if (query.offset) {
    Word("offset");
    WriteChild(query.offset);
  }
}

// A chain of unions leans left: its spine is walked by a loop.
void Printer::WriteBody(const QueryBody& body) {
  std::vector<const SetOperation*> spine;
  const QueryBody* first = &body;
  while (const auto* operation = As<SetOperation>(first)) {
    spine.push_back(operation);
    first = operation->left;
  }
  const auto one = [&](const QueryBody& part) {
    if (const auto* query = As<Query>(&part)) {
      WriteIn(*query);
    } else if (const auto* select = As<Select>(&part)) {
      Write(*select);
    } else if (const auto* values = As<Values>(&part)) {
      Word("values");
      Commas(values->rows, [&](const Row* row) { ExpressionList(row->items); });
    } else {
      WriteBody(part);
    }
  };
  one(*first);
  for (size_t i = spine.size(); i-- > 0;) {
    static constexpr std::string_view kWords[] = {"union", "intersect", "except", "minus"};
    Word(kWords[static_cast<size_t>(spine[i]->op)]);
    WordIf(spine[i]->all, "all");
    WordIf(spine[i]->distinct, "distinct");
    one(*spine[i]->right);
  }
}

void Printer::Write(const WithClause& with) {
  Word(with.recursive ? "with recursive" : "with");
  Commas(with.tables, [&](const CommonTable* table) {
    Write(table->name);
    if (!table->columns.empty()) NameList(table->columns);
    Word("as");
    WriteIn(*table->query);
  });
}

void Printer::Write(const SelectItem& item) {
  WriteChild(item.value);
  WordIf(item.as, "as");
  if (item.alias) Write(item.alias);
}

void Printer::Write(const OrderItem& item) {
  WriteChild(item.value);
  static constexpr std::string_view kDirections[] = {"", "asc", "desc"};
  static constexpr std::string_view kNulls[] = {"", "nulls first", "nulls last"};
  if (item.direction != SortDirection::kNone)
    Word(kDirections[static_cast<size_t>(item.direction)]);
  if (item.nulls != NullOrder::kNone) Word(kNulls[static_cast<size_t>(item.nulls)]);
}

void Printer::Write(const GroupingElement& element) {
  switch (element.grouping) {
    case GroupingKind::kExpression:
      if (element.row) return ExpressionList(element.items);
      return Expressions(element.items);
    case GroupingKind::kEmpty:
      return Word("()");
    case GroupingKind::kRollup:
      Word("rollup");
      return ExpressionList(element.items);
    case GroupingKind::kCube:
      Word("cube");
      return ExpressionList(element.items);
    case GroupingKind::kSets:
      Word("grouping sets");
      return Parenthesis(element.elements, [&](const GroupingElement* part) { Write(*part); });
  }
}

void Printer::Write(const Select& select) {
  Word("select");
  WordIf(select.distinct, "distinct");
  if (!select.distinct_on.empty()) {
    Word("on");
    ExpressionList(select.distinct_on);
  }
  WordIf(select.all, "all");
  if (select.top) {
    Word("top");
    WriteChild(select.top);
  }
  Put(" ");
  Commas(select.items, [&](const SelectItem* item) { Write(*item); });
  Exclude(select.exclude);
  if (select.into != IntoKind::kNone) {
    Word(select.into == IntoKind::kTable ? "into" : "into temp");
    Write(select.into_name);
  }
  if (!select.from.empty()) {
    Word("from ");
    Relations(select.from);
  }
  const auto clause = [&](std::string_view words, const Expr* expr) {
    if (!expr) return;
    Word(words);
    WriteChild(expr);
  };
  clause("where", select.where);
  clause("start with", select.start_with);
  clause(select.nocycle ? "connect by nocycle" : "connect by", select.connect_by);
  WordIf(select.group_by_all, "group by all");
  if (!select.group_by.empty()) {
    Word("group by ");
    Commas(select.group_by, [&](const GroupingElement* element) { Write(*element); });
  }
  clause("having", select.having);
  clause("qualify", select.qualify);
}

// ---------------------------------------------------------------- relations

void Printer::Relations(List<Relation*> relations) {
  Commas(relations, [&](const Relation* relation) { WriteRelation(*relation); });
}

void Printer::Write(const Alias& alias) {
  WordIf(alias.as, "as");
  if (alias.name) Write(alias.name);
  if (!alias.columns.empty()) NameList(alias.columns);
}

// A chain of joins leans left: its spine is walked by a loop.
void Printer::WriteJoin(const Join& join) {
  std::vector<const Join*> spine{&join};
  while (const auto* left = As<Join>(spine.back()->left)) {
    if (left->parenthesised) break;
    spine.push_back(left);
  }
  if (join.parenthesised) Word("(");
  WriteRelation(*spine.back()->left);
  for (size_t i = spine.size(); i-- > 0;) {
    const Join& step = *spine[i];
    static constexpr std::string_view kWords[] = {"join", "left join", "right join", "full join",
                                                  "cross join"};
    WordIf(step.natural, "natural");
    Word(kWords[static_cast<size_t>(step.join)]);
    WriteRelation(*step.right);
    if (step.on) {
      Word("on");
      WriteChild(step.on);
    }
    if (!step.using_columns.empty()) {
      Word("using");
      NameList(step.using_columns);
    }
  }
  if (join.parenthesised) Put(")");
  Write(join.alias);
}

void Printer::WriteRelation(const Relation& relation) {
  switch (relation.kind) {
    case NodeKind::kNamedTable: {
      const auto& table = static_cast<const NamedTable&>(relation);
      WordIf(table.only, "only");
      Write(table.name);
      Write(table.alias);
      return NamedIf("at", table.at);
    }
    case NodeKind::kNestedTable: {
      const auto& table = static_cast<const NestedTable&>(relation);
      WriteChild(table.path);
      Write(table.alias);
      return NamedIf("at", table.at);
    }
    case NodeKind::kUnpivotObject: {
      const auto& unpivot = static_cast<const UnpivotObject&>(relation);
      Word("unpivot");
      Write(unpivot.path, Binding::kPostfix);
      Write(unpivot.alias);
      return NamedIf("at", unpivot.at);
    }
    case NodeKind::kDerivedTable: {
      const auto& table = static_cast<const DerivedTable&>(relation);
      WordIf(table.lateral, "lateral");
      WriteIn(*table.query);
      return Write(table.alias);
    }
    case NodeKind::kFunctionTable: {
      const auto& table = static_cast<const FunctionTable&>(relation);
      WordIf(table.lateral, "lateral");
      Write(*table.call);
      WordIf(table.alias.as, "as");
      if (table.alias.name) Write(table.alias.name);
      if (table.alias.columns.empty()) return;
      Word("(");
      for (size_t i = 0; i < table.alias.columns.size(); i++) {
        if (i > 0) Put(", ");
        Put(table.alias.columns[i]);
        if (i < table.column_types.size()) Write(*table.column_types[i]);
      }
      return Put(")");
    }
    case NodeKind::kJoin:
      return WriteJoin(static_cast<const Join&>(relation));
    case NodeKind::kPivot: {
      const auto& pivot = static_cast<const Pivot&>(relation);
      WriteRelation(*pivot.source);
      Word("pivot (");
      Commas(pivot.aggregates, [&](const SelectItem* item) {
        Write(item->value, Binding::kPostfix);
        WordIf(item->as, "as");
        if (item->alias) Write(item->alias);
      });
      Word("for");
      Write(pivot.column, Binding::kPostfix);
      Word("in");
      Parenthesis(pivot.values, [&](const SelectItem* item) { Write(*item); });
      Put(")");
      return Write(pivot.alias);
    }
    case NodeKind::kUnpivot: {
      const auto& unpivot = static_cast<const Unpivot&>(relation);
      WriteRelation(*unpivot.source);
      Word("unpivot");
      WordIf(unpivot.include_nulls, "include nulls");
      WordIf(unpivot.exclude_nulls, "exclude nulls");
      Word("(");
      Write(unpivot.value);
      Word("for");
      Write(unpivot.name);
      Word("in (");
      for (size_t i = 0; i < unpivot.columns.size(); i++) {
        if (i > 0) Put(", ");
        Write(unpivot.columns[i]->value, Binding::kPostfix);
        if (i < unpivot.labels.size() && unpivot.labels[i]) {
          Word("as");
          Write(unpivot.labels[i], Binding::kUnary);
        }
      }
      Put("))");
      return Write(unpivot.alias);
    }
    default:
      return;
  }
}

}  // namespace skep::sql
