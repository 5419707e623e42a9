// Calls in PostgreSQL's SQL: a function is written here or refused by name.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "sql/date_parts.h"
#include "sql/emit/postgres.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

void PostgresWriter::WriteCall(const Call& call) {
  const auto row = resolved_.functions.find(&call);
  const std::string name(row == resolved_.functions.end() ? Fold(call.name.back())
                                                          : row->second->name);
  if (call.nulls != NullTreatment::kNone || call.has_within_group || call.approximate)
    return Unsupported("this form of the function " + name, call);
  if (WriteTextCall(call, name) || WriteConditional(call, name) || WriteAggregate(call, name) ||
      WriteDateCall(call, name))
    return;
  if (name == "abs" && TypeOf(call.arguments[0]).IsNumber()) {
    Put("abs(");
    WriteList(call.arguments);
    return Put(")");
  }
  const auto number = [&](size_t i) { return TypeOf(call.arguments[i]).IsNumber(); };
  if (name == "mod" && number(0) && number(1)) {
    const Type& a = TypeOf(call.arguments[0]);
    const Type& b = TypeOf(call.arguments[1]);
    if (a.IsInteger() && b.IsInteger()) {
      Put("mod(");
      WriteList(call.arguments);
      return Put(")");
    }
    if ((a.IsInteger() || a.kind == kDecimal) && (b.IsInteger() || b.kind == kDecimal)) {
      Put("(");
      WriteDecimal(BinaryOperator::kModulo, call.arguments[0], call.arguments[1]);
      return Put(")");
    }
  }
  if (call.over && (name == "row_number" || name == "rank" || name == "dense_rank")) {
    Put(name + "()");
    return WriteWindow(*call.over);
  }
  Unsupported("the function " + name, call);
}

bool PostgresWriter::WriteTextCall(const Call& call, const std::string& name) {
  const auto& arguments = call.arguments;
  const auto part = [&](const Expr* expr, bool number) {
    if (number)
      WriteInteger(expr);
    else
      WriteText(expr);
  };
  struct Form {
    std::string_view name, theirs;
    std::string_view kinds;  // of the arguments: t text, n number
  };
  static constexpr Form kForms[] = {
      {"upper", "upper", "t"},        {"lower", "lower", "t"},
      {"length", "length", "t"},      {"len", "length", "t"},
      {"char_length", "length", "t"}, {"character_length", "length", "t"},
      {"textlen", "length", "t"},     {"octet_length", "octet_length", "t"},
      {"ltrim", "ltrim", "tt"},       {"rtrim", "rtrim", "tt"},
      {"btrim", "btrim", "tt"},       {"trim", "btrim", "tt"},
      {"replace", "replace", "ttt"},  {"reverse", "reverse", "t"},
      {"strpos", "strpos", "tt"},     {"substring", "substring", "tnn"},
      {"substr", "substring", "tnn"},
  };
  if (const auto* const form = std::ranges::find(kForms, name, &Form::name);
      form != std::end(kForms)) {
    for (const Expr* argument : arguments) {
      if (TypeOf(argument).kind == kVarbyte) return false;
    }
    Put(form->theirs);
    Put("(");
    for (size_t i = 0; i < arguments.size(); i++) {
      if (i > 0) Put(", ");
      part(arguments[i], form->kinds[i] == 'n');
    }
    Put(")");
    return true;
  }
  if (name == "position" || name == "charindex") {
    Put("strpos(");
    WriteText(arguments[1]);
    Put(", ");
    WriteText(arguments[0]);
    Put(")");
    return true;
  }
  if (name == "concat") {
    Put("(");
    WriteText(arguments[0]);
    Put(" || ");
    WriteText(arguments[1]);
    Put(")");
    return true;
  }
  // Of fewer than no characters: an error, which SUBSTRING has there and LEFT and RIGHT have not.
  if (name == "left" || name == "right") {
    if (name == "right") {
      Put("right(");
      WriteText(arguments[0]);
      Put(", length(");
    }
    Put("substring(");
    WriteText(arguments[0]);
    Put(", 1, ");
    WriteInteger(arguments[1]);
    Put(name == "right" ? ")))" : ")");
    return true;
  }
  return false;
}

bool PostgresWriter::WriteConditional(const Call& call, const std::string& name) {
  const auto& arguments = call.arguments;
  const Type& result = TypeOf(&call);
  const auto branches = [&](std::string_view function) {
    Put(function);
    Put("(");
    for (const Expr* argument : arguments) {
      if (argument != arguments[0]) Put(", ");
      WriteBranch(argument, result);
    }
    Put(")");
    return true;
  };
  if (name == "coalesce" || name == "nvl") return branches("coalesce");
  if (name == "greatest" || name == "least") return branches(name);
  if (name == "nullif") {
    Put("nullif(");
    WriteList(arguments);
    Put(")");
    return true;
  }
  if (name == "nvl2") {
    Put("case when ");
    WriteOperand(arguments[0]);
    Put(" is not null then ");
    WriteBranch(arguments[1], result);
    Put(" else ");
    WriteBranch(arguments[2], result);
    Put(" end");
    return true;
  }
  if (name == "decode") {  // NULL finds NULL
    Put("case");
    size_t i = 1;
    for (; i + 1 < arguments.size(); i += 2) {
      Put(" when ");
      WriteOperand(arguments[0]);
      Put(" is not distinct from ");
      WriteOperand(arguments[i]);
      Put(" then ");
      WriteBranch(arguments[i + 1], result);
    }
    if (i < arguments.size()) {
      Put(" else ");
      WriteBranch(arguments[i], result);
    }
    Put(" end");
    return true;
  }
  return false;
}

bool PostgresWriter::WriteAggregate(const Call& call, const std::string& name) {
  if (name != "count" && name != "sum" && name != "avg" && name != "min" && name != "max")
    return false;
  const std::string filter = std::exchange(filter_, {});
  const auto plain = [&](std::string_view function) {
    Put(function);
    Put(call.distinct ? "(distinct " : "(");
    if (call.star)
      Put("*");
    else
      WriteList(call.arguments);
    Put(")");
    Put(filter);
    if (call.over) WriteWindow(*call.over);
  };
  if (name == "count" || name == "min" || name == "max") {
    plain(name);
    return true;
  }
  const Type& type = TypeOf(call.arguments[0]);
  if (!type.IsNumber()) return false;
  if (type.kind == kReal || type.kind == kDouble) {
    plain(name);
    return true;
  }
  if (type.kind == kDecimal && type.length < 0) {
    Unsupported(name + " of a DECIMAL of unknown digits", call);
    return true;
  }
  const std::string wide = "numeric(38," + std::to_string(type.scale) + ")";
  if (name == "sum") {
    // A window's sum of BIGINT is DECIMAL(38,0).
    const bool wraps = type.kind == kBigint || type.kind == kDecimal;
    if (wraps) Put("cast(");
    plain("sum");
    if (wraps) Put(" as " + (type.kind == kDecimal || call.over ? wide : "bigint") + ")");
    return true;
  }
  // The mean is cut off, not rounded.
  const std::string scale = std::to_string(type.scale);
  Put("cast(div(");
  plain("sum");
  if (type.scale > 0) Put(" * 1e" + scale);
  Put(", ");
  plain("count");
  Put(")");
  if (type.scale > 0) Put(" * 1e-" + scale);
  Put(" as " + (type.kind == kDecimal || (call.over && type.kind == kBigint) ? wide : "bigint") +
      ")");
  return true;
}

// ---------------------------------------------------------------- dates

std::string_view PostgresWriter::DatePart(const Expr* expr, std::string_view function,
                                          std::initializer_list<std::string_view> offered) {
  std::string word;
  if (const auto* ref = As<ColumnRef>(expr); ref && ref->parts.size() == 1)
    word = Lower(ref->parts[0].text);
  else if (const auto* literal = As<Literal>(expr);
           literal && literal->literal == LiteralKind::kString)
    word = Lower(literal->text);
  else if (const auto* bare = As<Call>(expr); bare && bare->bare)
    word = Lower(bare->name.back().text);
  const auto part = CanonicalDatePart(word);
  if (!part) {
    Raise(ErrorKind::kInvalidArgument, "invalid date part \"" + word + "\"", *expr);
    return {};
  }
  if (std::ranges::find(offered, *part) == offered.end()) {
    Unsupported(std::string(function) + " by " + std::string(*part), *expr);
    return {};
  }
  return *part;
}

void PostgresWriter::WriteTimestamp(const Expr* expr) {
  const Type& type = TypeOf(expr);
  if (type.kind == kTimestamp) return WriteOperand(expr);
  if (type.kind == kDate || type.kind == kNull || As<Literal>(expr))
    return WriteAs(expr, "timestamp");
  Unsupported(TypeText(type) + " as a moment", *expr);
}

void PostgresWriter::WriteDateAdd(const Call& call, std::string_view part) {
  const Expr* moment = call.arguments[2];
  const auto count = [&] {
    WriteInteger(call.arguments[1]);
    Put(" * interval '1 " + std::string(part == "quarter" ? "month" : part) + "'");
    if (part == "quarter") Put(" * 3");
  };
  Put("(");
  WriteTimestamp(moment);
  Put(" + ");
  count();
  // 29 February of a year that has none becomes 1 March; the server takes the day before.
  if (part == "year") {
    Put(" + case when to_char(");
    WriteTimestamp(moment);
    Put(", 'MMDD') = '0229' and to_char(");
    WriteTimestamp(moment);
    Put(" + ");
    count();
    Put(", 'DD') = '28' then interval '1 day' else interval '0' end");
  }
  Put(")");
}

// Boundaries between two moments: the difference of their numbers.
void PostgresWriter::WriteDateDiff(const Call& call, std::string_view part) {
  const auto number = [&](const Expr* moment) {
    const auto field = [&](std::string_view name) {
      Put("extract(" + std::string(name) + " from ");
      WriteTimestamp(moment);
      Put(")");
    };
    if (part == "year") return field("year");
    if (part == "quarter" || part == "month") {
      field("year");
      Put(part == "month" ? " * 12 + " : " * 4 + ");
      return field(part);
    }
    if (part == "day" || part == "week") {
      if (part == "week") Put("floor((");
      Put("cast(");
      WriteTimestamp(moment);
      Put(" as date) - date '1970-01-04'");  // a Sunday
      if (part == "week") Put(") / 7.0)");
      return;
    }
    Put("floor(");
    field("epoch");
    Put(part == "hour" ? " / 3600)" : part == "minute" ? " / 60)" : ")");
  };
  Put("cast((");
  number(call.arguments[2]);
  Put(") - (");
  number(call.arguments[1]);
  Put(") as bigint)");
}

void PostgresWriter::WritePart(std::string_view part, const Expr* source, bool whole,
                               const Node& at) {
  if (part.empty()) return;
  if (const Type& type = TypeOf(source);
      type.kind != kTimestamp && type.kind != kDate && type.kind != kNull && !As<Literal>(source))
    return Unsupported("a part of " + TypeText(type), at);
  const std::string field(part == "dayofweek" ? "dow" : part == "dayofyear" ? "doy" : part);
  Put(whole ? "cast(trunc(extract(" : "cast(extract(");
  Put(field + " from ");
  WriteTimestamp(source);
  Put(whole ? ")) as integer)" : ") as double precision)");
}

bool PostgresWriter::WriteDateCall(const Call& call, const std::string& name) {
  const auto& arguments = call.arguments;
  if (name == "dateadd") {
    const std::string_view part =
        DatePart(arguments[0], "DATEADD",
                 {"year", "quarter", "month", "week", "day", "hour", "minute", "second"});
    if (!part.empty()) WriteDateAdd(call, part);
    return true;
  }
  if (name == "datediff") {
    const std::string_view part =
        DatePart(arguments[0], "DATEDIFF",
                 {"year", "quarter", "month", "week", "day", "hour", "minute", "second"});
    if (!part.empty()) WriteDateDiff(call, part);
    return true;
  }
  if (name == "date_trunc") {
    const std::string_view part = DatePart(
        arguments[0], "DATE_TRUNC",
        {"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"});
    if (part.empty()) return true;
    Put("date_trunc(");
    PutString(part);
    Put(", ");
    WriteTimestamp(arguments[1]);
    Put(")");
    return true;
  }
  if (name == "date_part" || name == "pgdate_part") {
    WritePart(DatePart(arguments[0], "DATE_PART",
                       {"year", "quarter", "month", "week", "day", "dayofweek", "dayofyear", "hour",
                        "minute", "second"}),
              arguments[1], false, call);
    return true;
  }
  return false;
}

void PostgresWriter::WriteSpecial(const Expr* expr) {
  switch (expr->kind) {
    case NodeKind::kExtract: {
      const auto& extract = *static_cast<const Extract*>(expr);
      static constexpr std::array<std::string_view, 11> kParts = {
          "year",      "quarter", "month",  "week",   "day",    "dayofweek",
          "dayofyear", "hour",    "minute", "second", "century"};
      const auto part = CanonicalDatePart(Lower(extract.part));
      if (!part)
        return Raise(ErrorKind::kInvalidArgument,
                     "timestamp units \"" + std::string(extract.part) + "\" not recognized", *expr);
      if (std::ranges::find(kParts, *part) == kParts.end())
        return Unsupported("EXTRACT of " + std::string(*part), *expr);
      return WritePart(*part, extract.source, true, *expr);
    }
    case NodeKind::kPosition: {
      const auto& position = *static_cast<const Position*>(expr);
      Put("strpos(");
      WriteText(position.text);
      Put(", ");
      WriteText(position.needle);
      return Put(")");
    }
    case NodeKind::kSubstring: {
      const auto& substring = *static_cast<const Substring*>(expr);
      Put("substring(");
      WriteText(substring.text);
      Put(", ");
      if (substring.from)
        WriteInteger(substring.from);
      else
        Put("1");
      if (substring.length) {
        Put(", ");
        WriteInteger(substring.length);
      }
      return Put(")");
    }
    case NodeKind::kTrim: {
      const auto& trim = *static_cast<const Trim*>(expr);
      Put(trim.side == TrimSide::kLeading    ? "ltrim("
          : trim.side == TrimSide::kTrailing ? "rtrim("
                                             : "btrim(");
      WriteText(trim.text);
      if (trim.characters) {
        Put(", ");
        WriteText(trim.characters);
      }
      return Put(")");
    }
    case NodeKind::kCollate:  // how it compares is in its type
      return WriteOperand(static_cast<const Collate*>(expr)->operand);
    case NodeKind::kOverlay:
      return Unsupported("OVERLAY", *expr);
    case NodeKind::kAtTimeZone:
      return Unsupported("AT TIME ZONE", *expr);
    case NodeKind::kArrayLiteral:
      return Unsupported("ARRAY[...]", *expr);
    case NodeKind::kObjectTransform:
      return Unsupported("OBJECT_TRANSFORM", *expr);
    default:
      return Unsupported("this expression", *expr);
  }
}

}  // namespace skep::sql
