// Rules of queries: WITH, SELECT, set operations, FROM.
#include "sql/parse/parser.h"

namespace skep::sql {
using namespace ast;

bool Parser::AtQuery(size_t ahead) const {
  size_t i = ahead;
  // More parentheses than may be nested are refused by whoever reads them.
  while (Peek(i).IsOperator("(") && i < ahead + 2000) i++;
  const Token& token = Peek(i);
  if (token.Is("select") || token.Is("with")) return true;
  return token.Is("values") && Peek(i + 1).IsOperator("(");
}

WithClause* Parser::ParseWith() {
  auto* with = Make<WithClause>(at_);
  Expect("with");
  with->recursive = Take("recursive");
  std::vector<CommonTable*> tables;
  do {
    auto* table = Make<CommonTable>(at_);
    table->name = ParseName();
    if (AtOperator("(")) table->columns = ParseNameList();
    Expect("as");
    ExpectOperator("(");
    table->query = ParseQuery();
    ExpectOperator(")");
    tables.push_back(Close(table));
  } while (TakeOperator(","));
  with->tables = Copy(tables);
  return Close(with);
}

Query* Parser::ParseQuery() {
  const Nested nested(*this);
  auto* query = Make<Query>(at_);
  if (At("with")) query->with = ParseWith();
  query->body = ParseSetOperations(0);
  if (Take({"order", "by"})) query->order_by = ParseOrderBy();
  for (bool more = true; more && !failed();) {
    more = false;
    if (!query->limit && !query->limit_all && Take("limit")) {
      if (Take("all"))
        query->limit_all = true;
      else
        query->limit = ParseExpression();
      more = true;
    } else if (!query->offset && Take("offset")) {
      query->offset = ParseExpression();
      if (!Take("rows")) Take("row");
      more = true;
    } else if (!query->limit && At("fetch") && (Peek(1).Is("first") || Peek(1).Is("next"))) {
      Take();
      Take();
      if (AtAny({"row", "rows"})) {
        Raise(ErrorKind::kFeatureNotSupported, "FETCH without a count is not supported",
              Peek().begin);
      }
      query->limit = ParseExpression();
      if (!Take("rows")) Expect("row");
      Expect("only");
      more = true;
    }
  }
  if (At("for") && (Peek(1).Is("update") || Peek(1).Is("share")))
    Raise(ErrorKind::kFeatureNotSupported, "SELECT FOR UPDATE is not supported", Peek().begin);
  return Close(query);
}

// UNION, EXCEPT and MINUS bind less than INTERSECT.
QueryBody* Parser::ParseSetOperations(int precedence) {
  const size_t first = at_;
  QueryBody* left = precedence == 0 ? ParseSetOperations(1) : ParseQueryPrimary();
  while (!failed()) {
    SetOperator op;
    if (precedence == 1) {
      if (!At("intersect")) break;
      op = SetOperator::kIntersect;
    } else if (At("union")) {
      op = SetOperator::kUnion;
    } else if (At("except")) {
      op = SetOperator::kExcept;
    } else if (At("minus")) {
      op = SetOperator::kMinus;
    } else {
      break;
    }
    Take();
    auto* operation = Make<SetOperation>(first);
    operation->op = op;
    operation->all = Take("all");
    if (!operation->all) operation->distinct = Take("distinct");
    operation->left = left;
    operation->right = precedence == 0 ? ParseSetOperations(1) : ParseQueryPrimary();
    left = Close(operation);
  }
  return left;
}

QueryBody* Parser::ParseQueryPrimary() {
  if (AtOperator("(")) {
    const Nested nested(*this);
    Take();
    Query* query = ParseQuery();
    ExpectOperator(")");
    return query;
  }
  if (At("values")) {
    auto* values = Make<Values>(at_);
    Take();
    std::vector<Row*> rows;
    do {
      auto* row = Make<Row>(at_);
      ExpectOperator("(");
      row->items = ParseExpressions();
      ExpectOperator(")");
      rows.push_back(Close(row));
    } while (TakeOperator(","));
    values->rows = Copy(rows);
    return Close(values);
  }
  return ParseSelect();
}

Select* Parser::ParseSelect() {
  auto* select = Make<Select>(at_);
  Expect("select");
  const auto quantifier = [&] {
    if (!select->distinct && At("distinct")) {
      Take();
      select->distinct = true;
      if (At("on") && Peek(1).IsOperator("(")) {
        Take();
        Take();
        select->distinct_on = ParseExpressions();
        ExpectOperator(")");
      }
    } else if (!select->all && At("all")) {
      Take();
      select->all = true;
    }
  };
  quantifier();
  if (At("top") && (Peek(1).kind == TokenKind::kInteger || Peek(1).kind == TokenKind::kParameter ||
                    Peek(1).IsOperator(":") ||
                    (Peek(1).IsOperator("(") && Peek(2).kind == TokenKind::kInteger))) {
    Take();
    const bool parenthesis = TakeOperator("(");
    auto* count = Make<Literal>(at_);
    if (Peek().kind == TokenKind::kInteger) {
      count->literal = LiteralKind::kInteger;
      count->text = Take().value;
      select->top = Close(count);
    } else {
      select->top = ParsePrimary();
    }
    if (parenthesis) ExpectOperator(")");
    quantifier();
  }
  std::vector<SelectItem*> items;
  do {
    items.push_back(ParseSelectItem());
  } while (TakeOperator(","));
  select->items = Copy(items);
  if (Take("exclude")) {
    if (AtOperator("(")) {
      select->exclude = ParseNameList();
    } else {
      select->exclude = Copy(std::vector<Name>{ParseName()});
    }
  }
  if (Take("into")) {
    select->into = IntoKind::kTable;
    if (AtAny({"temp", "temporary"}) && (AtName(1) || Peek(1).Is("table"))) {
      Take();
      select->into = IntoKind::kTemporary;
    }
    Take("table");
    select->into_name = ParseQualifiedName();
  }
  if (Take("from")) {
    select->from = ParseFromList();
    // QUALIFY may stand right behind FROM, hierarchies before or behind WHERE.
  }
  if (Take("where")) select->where = ParseExpression();
  for (bool more = true; more && !failed();) {
    more = false;
    if (!select->start_with && Take({"start", "with"})) {
      select->start_with = ParseExpression();
      more = true;
    } else if (!select->connect_by && Take({"connect", "by"})) {
      select->nocycle = Take("nocycle");
      select->connect_by = ParseExpression();
      more = true;
    }
  }
  if (Take({"group", "by"})) {
    if (At("all") && !Peek(1).IsOperator("(")) {
      Take();
      select->group_by_all = true;
    } else {
      std::vector<GroupingElement*> elements;
      do {
        elements.push_back(ParseGroupingElement());
      } while (TakeOperator(","));
      select->group_by = Copy(elements);
    }
  }
  if (Take("having")) select->having = ParseExpression();
  if (Take("qualify")) select->qualify = ParseExpression();
  if (At("window") && AtName(1) && Peek(2).Is("as"))
    Raise(ErrorKind::kFeatureNotSupported, "the WINDOW clause is not supported", Peek().begin);
  return Close(select);
}

namespace {
// Words that may follow an item of a select list or a relation, and so are no alias without AS.
bool ClosesItem(const Parser& parser) {
  return parser.AtAny({"exclude", "window"}) || parser.At({"start", "with"}) ||
         parser.At({"connect", "by"}) || parser.At({"fetch", "first"}) ||
         parser.At({"fetch", "next"});
}
}  // namespace

SelectItem* Parser::ParseSelectItem() {
  auto* item = Make<SelectItem>(at_);
  item->value = ParseExpression();
  if (Take("as")) {
    item->as = true;
    // A label in single quotes is taken too, as Redshift does.
    if (Peek().kind == TokenKind::kString) {
      const Token& token = Take();
      item->alias = {token.value, true, token.begin, token.end};
    } else {
      item->alias = ParseAnyName();
    }
  } else if (AtName() && !ClosesItem(*this)) {
    item->alias = ParseName();
  }
  return Close(item);
}

GroupingElement* Parser::ParseGroupingElement() {
  const Nested nested(*this);
  auto* element = Make<GroupingElement>(at_);
  const auto list = [&] {
    ExpectOperator("(");
    element->items = ParseExpressions();
    ExpectOperator(")");
  };
  if (AtAny({"rollup", "cube"}) && Peek(1).IsOperator("(")) {
    element->grouping = At("rollup") ? GroupingKind::kRollup : GroupingKind::kCube;
    Take();
    list();
  } else if (At({"grouping", "sets"}) && Peek(2).IsOperator("(")) {
    element->grouping = GroupingKind::kSets;
    Take();
    Take();
    Take();
    std::vector<GroupingElement*> elements;
    do {
      elements.push_back(ParseGroupingElement());
    } while (TakeOperator(","));
    element->elements = Copy(elements);
    ExpectOperator(")");
  } else if (AtOperator("(") && Peek(1).IsOperator(")")) {
    element->grouping = GroupingKind::kEmpty;
    Take();
    Take();
  } else {
    Expr* value = ParseExpression();
    if (const auto* row = As<Row>(value); row && !row->keyword) {
      element->row = true;
      element->items = row->items;
    } else {
      element->items = Copy(std::vector<Expr*>{value});
    }
  }
  return Close(element);
}

OrderItem* Parser::ParseOrderItem() {
  auto* item = Make<OrderItem>(at_);
  item->value = ParseExpression();
  if (Take("asc"))
    item->direction = SortDirection::kAscending;
  else if (Take("desc"))
    item->direction = SortDirection::kDescending;
  if (Take({"nulls", "first"}))
    item->nulls = NullOrder::kFirst;
  else if (Take({"nulls", "last"}))
    item->nulls = NullOrder::kLast;
  return Close(item);
}

List<OrderItem*> Parser::ParseOrderBy() {
  std::vector<OrderItem*> items;
  do {
    items.push_back(ParseOrderItem());
  } while (TakeOperator(","));
  return Copy(items);
}

// ---------------------------------------------------------------- FROM

List<Relation*> Parser::ParseFromList() {
  std::vector<Relation*> relations;
  do {
    relations.push_back(ParseRelation());
  } while (TakeOperator(","));
  return Copy(relations);
}

Relation* Parser::ParseRelation() {
  const Nested nested(*this);
  const size_t first = at_;
  return ParseJoins(ParseRelationPrimary(), first);
}

// What is joined to `left`. In a JOIN b JOIN c ON .. ON .. the first condition belongs to the later
// join: a right side without its condition goes on as a chain of its own.
Relation* Parser::ParseJoins(Relation* left, size_t first) {
  const Nested nested(*this);
  while (!failed()) {
    const size_t start = at_;
    auto* join = Make<Join>(first);
    join->natural = Take("natural");
    if (Take("cross")) {
      join->join = JoinKind::kCross;
    } else if (AtAny({"left", "right", "full"})) {
      join->join = At("left") ? JoinKind::kLeft : At("right") ? JoinKind::kRight : JoinKind::kFull;
      Take();
      Take("outer");
    } else {
      Take("inner");
    }
    if (!At("join")) {
      if (at_ != start) Unexpected();
      return left;
    }
    Take();
    join->left = left;
    const size_t right = at_;
    join->right = ParseRelationPrimary();
    if (join->join != JoinKind::kCross && !join->natural) {
      if (!At("on") && !At("using")) join->right = ParseJoins(join->right, right);
      if (Take("on")) {
        join->on = ParseExpression();
      } else {
        Expect("using");
        join->using_columns = ParseNameList();
      }
    }
    left = Close(join);
  }
  return left;
}

bool Parser::AtPivot() const {
  if (At("pivot") && Peek(1).IsOperator("(")) return true;
  return At("unpivot") &&
         (Peek(1).IsOperator("(") || Peek(1).Is("include") || Peek(1).Is("exclude"));
}

bool Parser::AtTableAlias() const {
  if (!AtName() || AtPivot() || ClosesItem(*this)) return false;
  if (Peek().kind == TokenKind::kQuotedName) return true;
  if (At("set") || At("values")) return false;  // UPDATE t SET, INSERT INTO t VALUES
  return !(At("at") && AtName(1) && !Peek(1).Is("at"));
}

Alias Parser::ParseAlias() {
  Alias alias;
  if (Take("as")) {
    alias.as = true;
    alias.name = ParseAnyName();
  } else if (AtTableAlias()) {
    alias.name = ParseName();
  } else {
    return alias;
  }
  if (AtOperator("(")) alias.columns = ParseNameList();
  return alias;
}

Relation* Parser::ParseRelationPrimary() {
  const size_t first = at_;
  const bool lateral = Take("lateral");
  if (AtOperator("(")) {
    if (AtQuery()) {
      // A query, or joined relations that begin with one: ((select ..) a join ..)
      // Behind the inner parenthesis of ((select ...) ...) stands an alias or a join, or it is the
      // query's own.
      bool joined = false;
      if (Peek(1).IsOperator("(")) {
        const Token& behind = tokens_[BehindParenthesis(at_ + 1)];
        joined =
            behind.Is("as") || behind.Is("join") || behind.Is("left") || behind.Is("right") ||
            behind.Is("full") || behind.Is("inner") || behind.Is("cross") || behind.Is("natural") ||
            behind.IsOperator(",") || (behind.kind == TokenKind::kQuotedName) ||
            (behind.kind == TokenKind::kWord && !IsStructural(behind.value) && !behind.Is("fetch"));
      }
      if (!joined) {
        auto* derived = Make<DerivedTable>(first);
        derived->lateral = lateral;
        Take();
        derived->query = ParseQuery();
        ExpectOperator(")");
        derived->alias = ParseAlias();
        return ParsePivots(Close(derived));
      }
    }
    Take();
    Relation* inner = ParseRelation();
    ExpectOperator(")");
    if (auto* join = As<Join>(inner)) {
      join->parenthesised = true;
      join->alias = ParseAlias();
      return ParsePivots(Close(join));
    }
    if (auto* named = As<NamedTable>(inner); named && !named->alias.name)
      named->alias = ParseAlias();
    return ParsePivots(inner);
  }
  if (At("unpivot") && AtName(1)) {
    auto* unpivot = Make<UnpivotObject>(first);
    Take();
    unpivot->path = ParsePostfix();
    unpivot->alias = ParseAlias();
    if (Take("at")) unpivot->at = ParseName();
    return Close(unpivot);
  }
  if (At("table") && Peek(1).IsOperator("(")) {
    const Nested nested(*this);
    Take();
    ExpectOperator("(");
    Relation* inner = ParseRelationPrimary();
    ExpectOperator(")");
    if (auto* function = As<FunctionTable>(inner)) function->alias = ParseAlias();
    return inner;
  }
  const bool only = Take("only");
  const size_t name_at = at_;
  auto* table = Make<NamedTable>(first);
  table->only = only;
  table->name = ParseQualifiedName();
  if (AtOperator("(")) {
    Seek(name_at);
    auto* function = Make<FunctionTable>(first);
    function->lateral = lateral;
    function->call = As<Call>(ParseNameOrCall());
    if (!failed() && !function->call) Unexpected();
    const bool as = Take("as");
    if (as && AtOperator("(")) {
      function->alias.as = true;
    } else if (as) {
      function->alias.as = true;
      function->alias.name = ParseAnyName();
    } else if (AtTableAlias()) {
      function->alias.name = ParseName();
    }
    if ((function->alias.name || as) && TakeOperator("(")) {
      std::vector<Name> columns;
      std::vector<TypeName*> types;
      do {
        columns.push_back(ParseName());
        if (!AtOperator(",") && !AtOperator(")")) types.push_back(ParseType());
      } while (TakeOperator(","));
      ExpectOperator(")");
      function->alias.columns = Copy(columns);
      function->column_types = Copy(types);
      if (!types.empty() && types.size() != columns.size()) Unexpected();
    }
    return ParsePivots(Close(function));
  }
  if (AtOperator("[") || (AtOperator(".") && !failed())) {
    Seek(name_at);
    auto* nested = Make<NestedTable>(first);
    nested->path = ParsePostfix();
    nested->alias = ParseAlias();
    if (Take("at")) nested->at = ParseName();
    return Close(nested);
  }
  if (TakeOperator("*")) {  // t*: with its descendants, of which there are none
  }
  table->alias = ParseAlias();
  if (Take("at")) table->at = ParseName();
  return ParsePivots(Close(table));
}

Relation* Parser::ParsePivots(Relation* source) {
  while (!failed() && AtPivot()) {
    const Nested nested(*this);
    if (Take("pivot")) {
      auto* pivot = Make<Pivot>(at_);
      pivot->begin = source->begin;
      pivot->source = source;
      ExpectOperator("(");
      std::vector<SelectItem*> aggregates;
      do {
        auto* item = Make<SelectItem>(at_);
        item->value = ParsePostfix();
        if (Take("as")) {
          item->as = true;
          item->alias = ParseAnyName();
        } else if (AtName()) {
          item->alias = ParseName();
        }
        aggregates.push_back(Close(item));
      } while (TakeOperator(","));
      pivot->aggregates = Copy(aggregates);
      Expect("for");
      pivot->column = ParsePostfix();
      Expect("in");
      ExpectOperator("(");
      std::vector<SelectItem*> values;
      do {
        values.push_back(ParseSelectItem());
      } while (TakeOperator(","));
      pivot->values = Copy(values);
      ExpectOperator(")");
      ExpectOperator(")");
      pivot->alias = ParseAlias();
      source = Close(pivot);
      continue;
    }
    Take();
    auto* unpivot = Make<Unpivot>(at_);
    unpivot->begin = source->begin;
    unpivot->source = source;
    unpivot->include_nulls = Take({"include", "nulls"});
    if (!unpivot->include_nulls) unpivot->exclude_nulls = Take({"exclude", "nulls"});
    ExpectOperator("(");
    unpivot->value = ParseName();
    Expect("for");
    unpivot->name = ParseName();
    Expect("in");
    ExpectOperator("(");
    std::vector<SelectItem*> columns;
    std::vector<Expr*> labels;
    do {
      auto* item = Make<SelectItem>(at_);
      item->value = ParsePostfix();
      columns.push_back(Close(item));
      const bool as = Take("as");
      if (as || Peek().kind == TokenKind::kString || AtName()) {
        // A label is a literal, or a name that stands for its text.
        if (AtName()) {
          auto* label = Make<Literal>(at_);
          label->literal = LiteralKind::kString;
          label->text = Take().value;
          labels.push_back(Close(label));
        } else {
          labels.push_back(ParseUnary());
        }
      } else {
        labels.push_back(nullptr);
      }
    } while (TakeOperator(","));
    unpivot->columns = Copy(columns);
    unpivot->labels = Copy(labels);
    ExpectOperator(")");
    ExpectOperator(")");
    unpivot->alias = ParseAlias();
    source = Close(unpivot);
  }
  return source;
}

}  // namespace skep::sql
