// Rules of types: their many spellings, and the nested types of external tables.
#include <string>

#include "sql/parse/parser.h"

namespace skep::sql {
using namespace ast;

namespace {

struct Spelling {
  std::string_view word, canonical;
};
constexpr Spelling kSpellings[] = {{"int2", "smallint"},     {"smallint", "smallint"},
                                   {"int", "int"},           {"int4", "int"},
                                   {"integer", "int"},       {"int8", "bigint"},
                                   {"bigint", "bigint"},     {"decimal", "decimal"},
                                   {"numeric", "decimal"},   {"dec", "decimal"},
                                   {"real", "real"},         {"float4", "real"},
                                   {"float8", "double"},     {"float", "double"},
                                   {"double", "double"},     {"bool", "boolean"},
                                   {"boolean", "boolean"},   {"char", "char"},
                                   {"character", "char"},    {"nchar", "char"},
                                   {"bpchar", "bpchar"},     {"varchar", "varchar"},
                                   {"nvarchar", "varchar"},  {"text", "text"},
                                   {"string", "string"},     {"timestamptz", "timestamptz"},
                                   {"timetz", "timetz"},     {"varbyte", "varbyte"},
                                   {"varbinary", "varbyte"}, {"datetime", "timestamp"}};

}  // namespace

bool Parser::TakeClosingAngle() {
  if (half_shift_) {
    half_shift_ = false;
    Take();
    return true;
  }
  if (AtOperator(">>")) {
    half_shift_ = true;
    return true;
  }
  return TakeOperator(">");
}

// YEAR [TO MONTH], DAY [TO SECOND[(p)]], ...; empty when none stands here.
std::string_view Parser::ParseIntervalQualifier() {
  static constexpr std::string_view kFields[] = {"year", "month",  "day",
                                                 "hour", "minute", "second"};
  const auto field = [&]() -> std::string_view {
    for (const std::string_view name : kFields) {
      if (!At(name)) continue;
      Take();
      return name;
    }
    return {};
  };
  const auto precision = [&](std::string& text) {
    if (!AtOperator("(") || Peek(1).kind != TokenKind::kInteger) return;
    Take();
    text += "(" + std::string(Take().value) + ")";
    ExpectOperator(")");
  };
  const std::string_view from = field();
  if (from.empty()) return {};
  std::string text(from);
  precision(text);
  if (At("to")) {
    Take();
    const std::string_view to = field();
    if (to.empty()) {
      Unexpected();
      return {};
    }
    text += " to " + std::string(to);
    precision(text);
  }
  return arena_.Copy(std::string_view(text));
}

TypeName* Parser::ParseType() {
  const Nested nested(*this);
  auto* type = Make<TypeName>(at_);
  const size_t first = at_;
  if (Peek().kind == TokenKind::kQuotedName) {
    type->quoted = true;
    type->name = Take().value;
    type->written = type->name;
    return Close(type);
  }
  if (Peek().kind != TokenKind::kWord || (IsStructural(Peek().value) && !At("array"))) {
    Unexpected();
    return type;
  }
  // pg_catalog.text
  if (Peek(1).IsOperator(".") && Peek(2).kind == TokenKind::kWord) {
    Take();
    Take();
  }
  const std::string_view word = Take().value;
  type->name = word;
  for (const auto& [spelling, canonical] : kSpellings) {
    if (word == spelling) type->name = canonical;
  }
  const auto arguments = [&] {
    if (!TakeOperator("(")) return;
    std::vector<std::string_view> values;
    do {
      if (At("max")) {
        values.push_back(Take().value);
      } else {
        values.push_back(ExpectInteger());
      }
    } while (TakeOperator(","));
    ExpectOperator(")");
    type->arguments = Copy(values);
  };
  if (word == "double") {
    Take("precision");
  } else if (word == "character" || word == "char" || word == "nchar") {
    if (Take("varying")) type->name = "varchar";
  } else if (word == "national") {
    if (!Take("character")) Expect("char");
    type->name = Take("varying") ? "varchar" : "char";
  } else if (word == "binary") {
    Take("varying");
    type->name = "varbyte";
  } else if (word == "long" && Take("varchar")) {
    type->name = "varchar";
  } else if (word == "time" || word == "timestamp") {
    arguments();
    if (At({"with", "time", "zone"})) {
      type->name = word == "time" ? "timetz" : "timestamptz";
      Take({"with", "time", "zone"});
    } else {
      Take({"without", "time", "zone"});
    }
  } else if (word == "interval") {
    type->qualifier = ParseIntervalQualifier();
    if (type->qualifier.empty()) arguments();
  } else if ((word == "array" || word == "map" || word == "struct") && AtOperator("<")) {
    Take();
    std::vector<TypeName*> elements;
    std::vector<Name> names;
    do {
      if (word == "struct") {
        names.push_back(ParseAnyName());
        ExpectOperator(":");
      }
      elements.push_back(ParseType());
    } while (!half_shift_ && TakeOperator(","));
    if (!TakeClosingAngle()) Unexpected();
    type->elements = Copy(elements);
    type->element_names = Copy(names);
  }
  if (AtOperator("(")) arguments();
  if (word == "float" && type->arguments.size() == 1) {
    const std::string_view digits = type->arguments[0];
    if (digits.size() < 2 || (digits.size() == 2 && digits < "25")) type->name = "real";
    type->arguments = {};
  }
  type->written = TextBetween(first, at_);
  while (AtOperator("[") && Peek(1).IsOperator("]")) {  // text[]: of PostgreSQL's catalogs
    Take();
    Take();
    type->name = arena_.Copy(std::string_view(std::string(type->name) + "[]"));
  }
  return Close(type);
}

}  // namespace skep::sql
