#include "sql/emit/writer.h"

#include <algorithm>

#include "base/text.h"
#include "sql/quoting.h"

namespace skep::sql {
using namespace ast;

namespace {

// Rewrites that repeat an expression must not multiply without end: a statement grows by its own
// length only, up to a cap.
constexpr size_t kMaxGrowth = 8;
constexpr size_t kFreeBytes = 4u << 20;
constexpr size_t kMaxEmittedBytes = 64u << 20;

}  // namespace

Writer::Writer(const FrontContext& context, const Resolved& resolved, std::string_view script,
               const Writer* beside)
    : context_(context),
      resolved_(resolved),
      script_(script),
      characters_(beside ? beside->characters_
                         : std::make_shared<const CharacterPositions>(script)),
      most_bytes_(std::min(kFreeBytes + kMaxGrowth * script.size(), kMaxEmittedBytes)) {
  if (!beside) out_.reserve(script.size() * 2);
}

void Writer::Raise(ErrorKind kind, std::string message, const Node& at) {
  if (error_) return;
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.position = characters_->At(at.begin);
  error_ = std::move(error);
}

void Writer::Unsupported(std::string_view what, const Node& at) {
  Raise(ErrorKind::kFeatureNotSupported, std::string(what) + " is not supported", at);
}

void Writer::PutName(std::string_view name) { out_ += QuoteName(name); }
void Writer::PutString(std::string_view text) { out_ += QuoteString(text); }

void Writer::Mark(const Node& node) {
  positions_.emplace_back(static_cast<uint32_t>(out_.size()),
                          characters_->At(place_.value_or(node.begin)));
}

void Writer::Append(const Writer& other) {
  if (!error_) error_ = other.error_;
  for (const auto& [emitted, user] : other.positions_)
    positions_.emplace_back(emitted + static_cast<uint32_t>(out_.size()), user);
  out_ += other.out_;
}

std::string Writer::Fold(const Name& name) const { return context_.Fold(name); }

std::string Writer::FoldAttribute(const Name& name) const {
  if (name.quoted && context_.case_sensitive_identifiers) return std::string(name.text);
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
    const bool once = resolved_.materialised.contains(table);
    const size_t before = relations_;
    Put(once ? " as materialized (" : " as (");
    WriteQuery(*table->query);
    if (!once && emitted != resolved_.common_tables.end())
      relations_of_[emitted->second] = relations_ - before;
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
      Put("select * from (values ");
      for (const Row* row : values.rows) {
        if (row != values.rows[0]) Put(", ");
        Put("(");
        WriteList(row->items);
        Put(")");
      }
      Put(") as listed(");
      for (size_t i = 0; i < values.rows[0]->items.size(); i++)
        Put((i > 0 ? ", column" : "column") + std::to_string(i + 1));
      Put(")");
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
  const auto branch = resolved_.branches.find(&select);
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
    if (branch != resolved_.branches.end() && column < branch->second.size())
      WriteBranchItem(item->value, branch->second[column]);
    else
      WriteExpression(item->value);
    Put(" as ");
    PutName(output != resolved_.outputs.end() && column < output->second.size()
                ? output->second[column].name
                : "?column?");
    column++;
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

}  // namespace skep::sql
