#include "sql/emit/writer.h"

#include <algorithm>

#include "base/text.h"
#include "sql/parse/token.h"
#include "sql/quoting.h"

namespace skep::sql {
using namespace ast;

namespace {

// Rewrites that repeat an expression must not multiply without end.
constexpr size_t kMaxEmittedBytes = 64u << 20;
constexpr size_t kMaxDepth = 3000;

}  // namespace

Writer::Writer(const FrontContext& context, const Resolved& resolved, std::string_view script)
    : context_(context), resolved_(resolved), script_(script) {
  ascii_ = std::ranges::all_of(script, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  out_.reserve(script.size() * 2);
}

void Writer::Raise(ErrorKind kind, std::string message, const Node& at) {
  if (error_) return;
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.position = CharacterPosition(script_, at.begin);
  error_ = std::move(error);
}

void Writer::Unsupported(std::string_view what, const Node& at) {
  Raise(ErrorKind::kFeatureNotSupported, std::string(what) + " is not supported", at);
}

void Writer::PutName(std::string_view name) { out_ += QuoteName(name); }
void Writer::PutString(std::string_view text) { out_ += QuoteString(text); }

void Writer::Mark(const Node& node) {
  positions_.emplace_back(static_cast<uint32_t>(out_.size()),
                          ascii_ ? node.begin + 1 : CharacterPosition(script_, node.begin));
}

void Writer::Append(const Writer& other) {
  if (!error_) error_ = other.error_;
  for (const auto& [emitted, user] : other.positions_)
    positions_.emplace_back(emitted + static_cast<uint32_t>(out_.size()), user);
  out_ += other.out_;
}

std::string Writer::Fold(const Name& name) const {
  std::string text = name.quoted && context_.case_sensitive_identifiers ? std::string(name.text)
                                                                        : Lower(name.text);
  if (text.size() > 127) text.resize(127);
  return text;
}

std::string Writer::FoldAttribute(const Name& name) const {
  if (!context_.case_sensitive_super_attributes) return Lower(name.text);
  if (name.quoted) return std::string(name.text);
  return std::string(script_.substr(name.begin, name.end - name.begin));
}

// ---------------------------------------------------------------- queries

void Writer::WriteQuery(const Query& query) {
  if (error_) return;
  if (query.with) WriteWith(*query.with);
  const auto* select = As<Select>(query.body);
  if (select) {
    WriteSelect(*select, &query);
  } else {
    WriteBody(*query.body);
    WriteSortItems(query.order_by, " order by ", false);
  }
  const Expr* top = select ? select->top : nullptr;
  if (top && query.limit) return Unsupported("TOP together with LIMIT", *top);
  if (query.limit || top) {
    Put(" limit ");
    WriteOperand(query.limit ? query.limit : top);
  }
  if (query.offset) {
    Put(" offset ");
    WriteOperand(query.offset);
  }
}

void Writer::WriteFromList(const List<Relation*>& from, std::string_view word) {
  for (const Relation* relation : from) {
    Put(relation == from[0] ? word : ", ");
    WriteRelation(*relation);
  }
}

void Writer::WriteWith(const WithClause& with) {
  Put(with.recursive ? "with recursive " : "with ");
  for (const CommonTable* table : with.tables) {
    if (table != with.tables[0]) Put(", ");
    Mark(*table);
    const auto emitted = resolved_.common_tables.find(table);
    PutName(emitted == resolved_.common_tables.end() ? Fold(table->name) : emitted->second);
    if (!table->columns.empty()) {
      // Redshift allows to name fewer than there are; the engine too.
      Put("(");
      for (const Name& column : table->columns) {
        if (&column != &table->columns[0]) Put(", ");
        PutName(Fold(column));
      }
      Put(")");
    }
    Put(" as (");
    WriteQuery(*table->query);
    Put(")");
  }
  Put(" ");
}

void Writer::WriteBody(const QueryBody& body) {
  switch (body.kind) {
    case NodeKind::kSelect: {
      const auto& select = static_cast<const Select&>(body);
      if (select.top) Put("(");
      WriteSelect(select, nullptr);
      if (select.top) {
        Put(" limit ");
        WriteOperand(select.top);
        Put(")");
      }
      break;
    }
    case NodeKind::kSetOperation: {
      const auto& operation = static_cast<const SetOperation&>(body);
      const auto side = [&](const QueryBody& one, bool right) {
        const auto* inner = As<SetOperation>(&one);
        const bool tighter = inner && inner->op == SetOperator::kIntersect &&
                             operation.op != SetOperator::kIntersect;
        const bool parenthesis = inner && (right || (!tighter && inner->op != operation.op &&
                                                     operation.op == SetOperator::kIntersect));
        if (parenthesis) Put("(");
        WriteBody(one);
        if (parenthesis) Put(")");
      };
      side(*operation.left, false);
      Put(operation.op == SetOperator::kUnion       ? " union "
          : operation.op == SetOperator::kIntersect ? " intersect "
                                                    : " except ");
      if (operation.all) Put("all ");
      side(*operation.right, true);
      break;
    }
    case NodeKind::kValues: {
      const auto& values = static_cast<const Values&>(body);
      Put("values ");
      for (const Row* row : values.rows) {
        if (row != values.rows[0]) Put(", ");
        Put("(");
        WriteList(row->items);
        Put(")");
      }
      break;
    }
    default:
      Put("(");
      WriteQuery(static_cast<const Query&>(body));
      Put(")");
  }
}

void Writer::WriteSelect(const Select& select, const Query* ordered) {
  Mark(select);
  if (select.connect_by) {
    WriteHierarchy(select);
  } else {
    Put("select ");
    if (select.distinct) Put("distinct ");
    WriteSelectList(select);
    WriteFrom(select);
  }
  WriteGroupBy(select);
  if (select.having) {
    Put(" having ");
    WriteExpression(select.having);
  }
  if (select.qualify) {
    Put(" qualify ");
    WriteExpression(select.qualify);
  }
  if (ordered) WriteSortItems(ordered->order_by, " order by ", true);
}

void Writer::WriteSelectList(const Select& select) {
  const auto output = resolved_.outputs.find(&select);
  size_t column = 0;
  bool first = true;
  const auto separate = [&] {
    if (!first) Put(", ");
    first = false;
  };
  for (const SelectItem* item : select.items) {
    if (const auto stars = resolved_.stars.find(item->value); stars != resolved_.stars.end()) {
      for (const Expansion& expansion : stars->second) {
        separate();
        Mark(*item);
        WriteColumnOf(*expansion.relation, expansion.column, expansion.merged);
        if (!expansion.relation->emitted_columns.empty()) {
          Put(" as ");
          PutName(expansion.relation->columns[expansion.column].name);
        }
        column++;
      }
      continue;
    }
    separate();
    Mark(*item);
    WriteExpression(item->value);
    Put(" as ");
    PutName(output != resolved_.outputs.end() && column < output->second.size()
                ? output->second[column].name
                : "?column?");
    column++;
  }
}

void Writer::WriteFrom(const Select& select) {
  bool marks = false;
  const auto find = [&](const auto& self, const Expr* expr) -> void {
    if (!expr || marks) return;
    if (As<OuterMark>(expr)) marks = true;
    if (const auto* logical = As<Logical>(expr)) {
      for (const Expr* operand : logical->operands) self(self, operand);
    } else if (const auto* binary = As<Binary>(expr)) {
      self(self, binary->left);
      self(self, binary->right);
    } else if (const auto* between = As<Between>(expr)) {
      self(self, between->value);
      self(self, between->low);
      self(self, between->high);
    } else if (const auto* in = As<InList>(expr)) {
      self(self, in->value);
    } else if (const auto* test = As<IsTest>(expr)) {
      self(self, test->operand);
    } else if (const auto* like = As<Like>(expr)) {
      self(self, like->value);
    } else if (const auto* unary = As<Unary>(expr)) {
      self(self, unary->operand);
    } else if (const auto* cast = As<Cast>(expr)) {
      self(self, cast->operand);
    } else if (const auto* call = As<Call>(expr)) {
      for (const Expr* argument : call->arguments) self(self, argument);
    }
  };
  find(find, select.where);
  if (marks) return WriteOuterMarks(select);
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

// The relations an expression names, and those it names with (+).
struct Named {
  std::vector<const ScopeRelation*> all, marked;
};

void Collect(const Resolved& resolved, const Expr* expr, bool marked, Named& named) {
  if (!expr) return;
  const auto each = [&](const Expr* child) { Collect(resolved, child, marked, named); };
  switch (expr->kind) {
    case NodeKind::kColumnRef: {
      const auto found = resolved.references.find(expr);
      if (found == resolved.references.end() || !found->second.relation) return;
      const auto* relation = found->second.relation;
      if (std::ranges::find(named.all, relation) == named.all.end()) named.all.push_back(relation);
      if (marked && std::ranges::find(named.marked, relation) == named.marked.end())
        named.marked.push_back(relation);
      return;
    }
    case NodeKind::kOuterMark:
      return Collect(resolved, static_cast<const OuterMark*>(expr)->column, true, named);
    case NodeKind::kBinary:
      each(static_cast<const Binary*>(expr)->left);
      return each(static_cast<const Binary*>(expr)->right);
    case NodeKind::kUnary:
      return each(static_cast<const Unary*>(expr)->operand);
    case NodeKind::kLogical:
      for (const Expr* operand : static_cast<const Logical*>(expr)->operands) each(operand);
      return;
    case NodeKind::kIsTest:
      return each(static_cast<const IsTest*>(expr)->operand);
    case NodeKind::kBetween:
      each(static_cast<const Between*>(expr)->value);
      each(static_cast<const Between*>(expr)->low);
      return each(static_cast<const Between*>(expr)->high);
    case NodeKind::kInList:
      each(static_cast<const InList*>(expr)->value);
      for (const Expr* item : static_cast<const InList*>(expr)->items) each(item);
      return;
    case NodeKind::kLike:
      each(static_cast<const Like*>(expr)->value);
      return each(static_cast<const Like*>(expr)->pattern);
    case NodeKind::kCast:
      return each(static_cast<const Cast*>(expr)->operand);
    case NodeKind::kCall:
      for (const Expr* argument : static_cast<const Call*>(expr)->arguments) each(argument);
      return;
    case NodeKind::kCase: {
      const auto* node = static_cast<const Case*>(expr);
      each(node->operand);
      for (const When* when : node->whens) {
        each(when->condition);
        each(when->result);
      }
      return each(node->otherwise);
    }
    default:
      return;
  }
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
    Condition condition{expr, {}};
    Collect(resolved_, expr, false, condition.named);
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

void Writer::WriteGroupBy(const Select& select) {
  if (select.group_by_all) {
    Put(" group by all");
    return;
  }
  for (const GroupingElement* element : select.group_by) {
    Put(element == select.group_by[0] ? " group by " : ", ");
    WriteGrouping(*element);
  }
}

void Writer::WriteGrouping(const GroupingElement& element) {
  switch (element.grouping) {
    case GroupingKind::kEmpty:
      Put("()");
      return;
    case GroupingKind::kExpression:
      if (element.row) Put("(");
      WriteList(element.items);
      if (element.row) Put(")");
      return;
    case GroupingKind::kRollup:
    case GroupingKind::kCube:
      Put(element.grouping == GroupingKind::kRollup ? "rollup (" : "cube (");
      WriteList(element.items);
      Put(")");
      return;
    case GroupingKind::kSets:
      Put("grouping sets (");
      for (const GroupingElement* inner : element.elements) {
        if (inner != element.elements[0]) Put(", ");
        WriteGrouping(*inner);
      }
      Put(")");
      return;
  }
}

void Writer::WriteSortItems(const List<OrderItem*>& items, std::string_view word, bool of_output) {
  for (const OrderItem* item : items) {
    Put(item == items[0] ? word : ", ");
    WriteSortItem(*item, of_output);
  }
}

void Writer::WriteSortItem(const OrderItem& item, bool of_output) {
  const std::string_view function = SortFunction(TypeOf(item.value));
  if (!function.empty()) Put(std::string(function) + "(");
  const auto found = resolved_.references.find(item.value);
  if (of_output && found != resolved_.references.end() &&
      found->second.kind == Reference::Kind::kAlias &&
      As<ColumnRef>(item.value)->parts.size() == found->second.used) {
    PutName(Fold(found->second.item->alias));
  } else {
    WriteExpression(item.value);
  }
  if (!function.empty()) Put(")");
  if (item.direction != SortDirection::kNone)
    Put(item.direction == SortDirection::kAscending ? " asc" : " desc");
  if (item.nulls != NullOrder::kNone)
    Put(item.nulls == NullOrder::kFirst ? " nulls first" : " nulls last");
}

// ---------------------------------------------------------------- relations

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
  switch (relation.kind) {
    case NodeKind::kNamedTable: {
      const auto& table = static_cast<const NamedTable&>(relation);
      if (use.kind == RelationUse::Kind::kPath) return WriteUnnest(relation, use, false, table.at);
      const bool renamed = !table.alias.columns.empty() || !use.relation->emitted_columns.empty();
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
  PutName("unpivoted");
  Put(".");
  PutName(Fold(unpivot.name));
  Put(" as ");
  PutName(use.relation->columns[count - 2].name);
  Put(", ");
  PutName("unpivoted");
  Put(".");
  PutName(Fold(unpivot.value));
  Put(" as ");
  PutName(use.relation->columns[count - 1].name);
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

// ---------------------------------------------------------------- expressions

bool Writer::IsAtomic(const Expr* expr) {
  switch (expr->kind) {
    case NodeKind::kLiteral:
    case NodeKind::kParameter:
    case NodeKind::kCall:
    case NodeKind::kCase:
    case NodeKind::kExists:
    case NodeKind::kScalarQuery:
    case NodeKind::kCast:
    case NodeKind::kTypedLiteral:
    case NodeKind::kRow:
    case NodeKind::kColumnRef:  // an alias brings its own parentheses
    case NodeKind::kOuterMark:
    case NodeKind::kPrior:
    case NodeKind::kExtract:
    case NodeKind::kPosition:
    case NodeKind::kSubstring:
    case NodeKind::kTrim:
    case NodeKind::kOverlay:
    case NodeKind::kField:
    case NodeKind::kIndex:
    case NodeKind::kObjectTransform:
    case NodeKind::kDefault:
      return true;
    default:
      return false;
  }
}

void Writer::WriteOperand(const Expr* expr) {
  if (IsAtomic(expr)) return WriteExpression(expr);
  Put("(");
  WriteExpression(expr);
  Put(")");
}

void Writer::WriteList(const List<Expr*>& items) {
  for (const Expr* item : items) {
    if (item != items[0]) Put(", ");
    WriteExpression(item);
  }
}

void Writer::WriteColumnOf(const ScopeRelation& relation, size_t column, bool merged) {
  if (!merged) {
    // PRIOR speaks of the parent's row.
    PutName(in_prior_ ? std::string_view(hierarchy_alias_) : std::string_view(relation.emitted));
    Put(".");
  }
  PutName(relation.ColumnName(column));
}

void Writer::WriteColumn(const ColumnRef& ref) {
  const auto found = resolved_.references.find(&ref);
  if (found == resolved_.references.end())
    return Raise(ErrorKind::kInternal, "a column was not resolved", ref);
  const Reference& reference = found->second;
  const bool navigated = ref.parts.size() > reference.used;
  std::string value = Captured([&] {
    switch (reference.kind) {
      case Reference::Kind::kColumn:
        WriteColumnOf(*reference.relation, reference.column);
        break;
      case Reference::Kind::kMerged:
        PutName(reference.merged);
        break;
      case Reference::Kind::kAlias:
        WriteOperand(reference.item->value);
        break;
      case Reference::Kind::kLevel:  // in CONNECT BY itself, the level of the row that is looked
                                     // for
        Put(hierarchy_alias_.empty() ? "\"level\"" : "(" + hierarchy_alias_ + ".\"level\" + 1)");
        break;
      case Reference::Kind::kRelation:
        PutName(reference.relation->emitted);
        break;
    }
  });
  if (!navigated) {
    Put(value);
    return;
  }
  Type type;
  if (reference.kind == Reference::Kind::kColumn)
    type = reference.relation->columns[reference.column].type;
  for (size_t i = reference.used; i < ref.parts.size(); i++) {
    const std::string name =
        type.kind == TypeKind::kStruct ? Fold(ref.parts[i]) : FoldAttribute(ref.parts[i]);
    value = Captured([&] { WriteField(type, name, std::move(value)); });
    if (type.kind == TypeKind::kStruct && type.names && type.elements) {
      const auto it = std::ranges::find(*type.names, name);
      type = it == type.names->end()
                 ? Type{}
                 : Type((*type.elements)[static_cast<size_t>(it - type.names->begin())]);
    }
  }
  Put(value);
}

void Writer::WriteWindow(const Window& window) {
  Put(" over (");
  bool any = false;
  if (!window.partition_by.empty()) {
    Put("partition by ");
    WriteList(window.partition_by);
    any = true;
  }
  WriteSortItems(window.order_by, any ? " order by " : "order by ", false);
  any |= !window.order_by.empty();
  const auto bound = [&](const FrameBound& edge) {
    if (edge.offset) {
      WriteOperand(edge.offset);
      Put(" ");
    }
    switch (edge.edge) {
      case FrameEdge::kUnboundedPreceding:
        Put("unbounded preceding");
        break;
      case FrameEdge::kPreceding:
        Put("preceding");
        break;
      case FrameEdge::kCurrentRow:
        Put("current row");
        break;
      case FrameEdge::kFollowing:
        Put("following");
        break;
      case FrameEdge::kUnboundedFollowing:
        Put("unbounded following");
        break;
    }
  };
  if (window.from) {
    if (any) Put(" ");
    Put(window.unit == FrameUnit::kRange ? "range " : "rows ");
    if (window.to) {
      Put("between ");
      bound(*window.from);
      Put(" and ");
      bound(*window.to);
    } else {
      bound(*window.from);
    }
  }
  Put(")");
}

void Writer::WriteExpression(const Expr* expr) {
  if (error_ || !expr) return;
  if (out_.size() > kMaxEmittedBytes)
    return Raise(ErrorKind::kPayloadTooLarge, "the statement becomes too long", *expr);
  if (++depth_ > kMaxDepth) {
    Raise(ErrorKind::kPayloadTooLarge, "the statement is nested too deeply", *expr);
    depth_--;
    return;
  }
  const auto in = [&](const Expr* value, const auto& items, bool negated) {
    if (TypeOf(value).IsSuper()) {
      Put(negated ? "(not (" : "(");
      for (const Expr* item : items) {
        if (item != items[0]) Put(" or ");
        WriteComparison(BinaryOperator::kEqual, value, item);
      }
      Put(negated ? "))" : ")");
      return;
    }
    WriteOperand(value);
    Put(negated ? " not in (" : " in (");
    WriteList(items);
    Put(")");
  };
  switch (expr->kind) {
    case NodeKind::kLiteral:
      Mark(*expr);
      WriteLiteral(*static_cast<const Literal*>(expr));
      break;
    case NodeKind::kTypedLiteral:
      Mark(*expr);
      WriteTypedLiteral(*static_cast<const TypedLiteral*>(expr));
      break;
    case NodeKind::kParameter: {
      const auto& parameter = *static_cast<const Parameter*>(expr);
      Mark(*expr);
      if (parameter.number == 0) {
        Raise(ErrorKind::kUndefinedParameter, "named parameters are not bound", *expr);
        break;
      }
      Put("$" + std::to_string(parameter.number));
      break;
    }
    case NodeKind::kColumnRef:
      Mark(*expr);
      WriteColumn(*static_cast<const ColumnRef*>(expr));
      break;
    case NodeKind::kOuterMark:
      WriteExpression(static_cast<const OuterMark*>(expr)->column);
      break;
    case NodeKind::kPrior: {
      const bool before = std::exchange(in_prior_, true);
      WriteOperand(static_cast<const Prior*>(expr)->operand);
      in_prior_ = before;
      break;
    }
    case NodeKind::kUnary:
      Mark(*expr);
      WriteUnary(*static_cast<const Unary*>(expr));
      break;
    case NodeKind::kBinary: {
      const auto& binary = *static_cast<const Binary*>(expr);
      if (binary.op >= BinaryOperator::kEqual && binary.op <= BinaryOperator::kGreaterEqual)
        WriteComparison(binary.op, binary.left, binary.right);
      else
        WriteBinary(binary);
      break;
    }
    case NodeKind::kLogical: {
      const auto& logical = *static_cast<const Logical*>(expr);
      for (const Expr* operand : logical.operands) {
        if (operand != logical.operands[0]) Put(logical.is_or ? " or " : " and ");
        const auto* inner = As<Logical>(operand);
        const auto* negation = As<Unary>(operand);
        if (inner || (negation && negation->op == UnaryOperator::kNot)) {
          Put("(");
          WriteExpression(operand);
          Put(")");
        } else {
          WriteExpression(operand);
        }
      }
      break;
    }
    case NodeKind::kIsTest: {
      const auto& test = *static_cast<const IsTest*>(expr);
      WriteOperand(test.operand);
      Put(test.negated ? " is not " : " is ");
      Put(test.test == TestKind::kNull || test.test == TestKind::kUnknown ? "null"
          : test.test == TestKind::kTrue                                  ? "true"
                                                                          : "false");
      break;
    }
    case NodeKind::kBetween: {
      const auto& between = *static_cast<const Between*>(expr);
      if (TypeOf(between.value).IsSuper() || TypeOf(between.low).IsSuper() ||
          TypeOf(between.high).IsSuper()) {
        Put(between.negated ? "(not (" : "(");
        WriteComparison(BinaryOperator::kGreaterEqual, between.value, between.low);
        Put(" and ");
        WriteComparison(BinaryOperator::kLessEqual, between.value, between.high);
        Put(between.negated ? "))" : ")");
        break;
      }
      WriteOperand(between.value);
      Put(between.negated ? " not between " : " between ");
      WriteOperand(between.low);
      Put(" and ");
      WriteOperand(between.high);
      break;
    }
    case NodeKind::kInList: {
      const auto& list = *static_cast<const InList*>(expr);
      in(list.value, list.items, list.negated);
      break;
    }
    case NodeKind::kInQuery: {
      const auto& query = *static_cast<const InQuery*>(expr);
      WriteOperand(query.value);
      Put(query.negated ? " not in (" : " in (");
      WriteQuery(*query.query);
      Put(")");
      break;
    }
    case NodeKind::kLike:
      WriteLike(*static_cast<const Like*>(expr));
      break;
    case NodeKind::kQuantified: {
      const auto& quantified = *static_cast<const Quantified*>(expr);
      static constexpr std::string_view kOperators[] = {"=", "<>", "<", "<=", ">", ">="};
      const size_t index =
          static_cast<size_t>(quantified.op) - static_cast<size_t>(BinaryOperator::kEqual);
      if (!quantified.query) {
        Unsupported("ANY or ALL of a list", *expr);
        break;
      }
      WriteOperand(quantified.value);
      Put(" ");
      Put(kOperators[index]);
      Put(quantified.all ? " all (" : " any (");
      WriteQuery(*quantified.query);
      Put(")");
      break;
    }
    case NodeKind::kExists:
      Put("exists (");
      WriteQuery(*static_cast<const Exists*>(expr)->query);
      Put(")");
      break;
    case NodeKind::kScalarQuery:
      Mark(*expr);
      Put("(");
      WriteQuery(*static_cast<const ScalarQuery*>(expr)->query);
      Put(")");
      break;
    case NodeKind::kCase: {
      const auto& node = *static_cast<const Case*>(expr);
      Mark(*expr);
      Put("case");
      if (node.operand && !TypeOf(node.operand).IsSuper()) {
        Put(" ");
        WriteExpression(node.operand);
      }
      for (const When* when : node.whens) {
        Put(" when ");
        if (node.operand && TypeOf(node.operand).IsSuper())
          WriteComparison(BinaryOperator::kEqual, node.operand, when->condition);
        else
          WriteExpression(when->condition);
        Put(" then ");
        WriteBranch(when->result, TypeOf(expr));
      }
      if (node.otherwise) {
        Put(" else ");
        WriteBranch(node.otherwise, TypeOf(expr));
      }
      Put(" end");
      break;
    }
    case NodeKind::kCast:
      Mark(*expr);
      WriteCast(*static_cast<const Cast*>(expr));
      break;
    case NodeKind::kCall:
      Mark(*expr);
      WriteCall(*static_cast<const Call*>(expr));
      break;
    case NodeKind::kRow: {
      Put("(");
      WriteList(static_cast<const Row*>(expr)->items);
      Put(")");
      break;
    }
    case NodeKind::kIndex:
      WriteIndex(*static_cast<const Index*>(expr));
      break;
    case NodeKind::kField: {
      const auto& field = *static_cast<const Field*>(expr);
      const Type& of = TypeOf(field.operand);
      WriteField(of, of.kind == TypeKind::kStruct ? Fold(field.name) : FoldAttribute(field.name),
                 Captured([&] { WriteOperand(field.operand); }));
      break;
    }
    case NodeKind::kDefault:
      Put("default");
      break;
    default:
      Mark(*expr);
      WriteSpecial(expr);
  }
  depth_--;
}

}  // namespace skep::sql
