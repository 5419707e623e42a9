// Calls in the engine's SQL: by the function table where it says enough, by hand where a function
// has a form of its own.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "sql/date_parts.h"
#include "sql/emit/duckdb.h"
#include "sql/function_lookup.h"
#include "sql/quoting.h"

namespace skep::sql {
using namespace ast;
using enum TypeKind;

bool DuckDbWriter::WriteDatePart(const Expr* expr) {
  std::string word;
  if (const auto* ref = As<ColumnRef>(expr); ref && ref->parts.size() == 1)
    word = Lower(ref->parts[0].text);
  else if (const auto* literal = As<Literal>(expr);
           literal && literal->literal == LiteralKind::kString)
    word = Lower(literal->text);
  else if (const auto* bare = As<Call>(expr); bare && bare->bare)
    word = Lower(bare->name.back().text);
  else
    return false;
  const auto part = CanonicalDatePart(word);
  if (!part) {
    Raise(ErrorKind::kInvalidArgument, "invalid date part \"" + word + "\"", *expr);
    return true;
  }
  PutString(*part);
  return true;
}

// Arguments of functions that answer one of them (COALESCE, DECODE).
bool DuckDbWriter::WriteChoice(const Call& call, std::string_view name, size_t i) {
  const auto& arguments = call.arguments;
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
  };
  const bool decode = name == "decode";
  const bool last = i + 1 == arguments.size() && i % 2 == 1;  // DECODE's default
  if (is({"coalesce", "nvl", "greatest", "least"}) || (name == "nvl2" && i > 0) ||
      (decode && i > 0 && (i % 2 == 0 || last))) {
    WriteBranch(arguments[i], TypeOf(&call));
    return true;
  }
  return false;
}

void DuckDbWriter::WriteArguments(const Call& call, const FunctionRow& row) {
  if (call.star) return Put("*");
  const size_t part = DatePartOf(row);
  const std::vector<Overload>& overloads = OverloadsOf(row);
  // COALESCE and its like.
  const bool one_of_several =
      overloads.size() == 1 && (overloads[0].result == "same" || overloads[0].result == "any");
  for (size_t i = 0; i < call.arguments.size(); i++) {
    if (i > 0) Put(", ");
    if (i == part && WriteDatePart(call.arguments[i])) continue;
    if (WriteChoice(call, row.name, i)) continue;
    // Nothing becomes SUPER by itself (only the lossless casts are implicit to the engine).
    const bool super = overloads.size() == 1 && i < overloads[0].arguments.size() &&
                       overloads[0].arguments[i] == "super" && !TypeOf(call.arguments[i]).IsSuper();
    if (super) Put("cast(");
    if (row.name == "mod" && call.arguments.size() == 2)
      WriteArithmetic(call.arguments[i], call.arguments[1 - i]);
    else if (one_of_several && TypeOf(call.arguments[i]).kind == kSmallint)
      WriteBranch(call.arguments[i], TypeOf(&call));
    else
      WriteExpression(call.arguments[i]);
    if (super) Put(" as super)");
  }
}

// target(arguments), or outer(target)(arguments) as outer(target(arguments) over (...)).
void DuckDbWriter::WriteNamed(const Call& call, const FunctionRow& row) {
  std::string_view target = row.target;
  size_t closing = 0;
  for (size_t open = target.find('('); open != std::string_view::npos; open = target.find('(')) {
    Put(target.substr(0, open + 1));
    target = target.substr(open + 1);
    closing++;
  }
  while (target.ends_with(')')) target.remove_suffix(1);
  Put(target);
  Put("(");
  if (call.distinct) Put("distinct ");
  if (call.star && target != "count") {
    WriteList(call.arguments);
  } else {
    WriteArguments(call, row);
  }
  if (call.has_within_group) {
    WriteSortItems(call.within_group, " order by ", false);
  }
  if (call.nulls != NullTreatment::kNone)
    Put(call.nulls == NullTreatment::kIgnore ? " ignore nulls" : " respect nulls");
  Put(")");
  if (row.kind == FunctionKind::kAggregate) Put(std::exchange(filter_, {}));
  if (call.over) WriteWindow(*call.over);
  for (; closing > 0; closing--) Put(")");
}

// $1 ... $9 are arguments, $* all of them, $over the window.
void DuckDbWriter::WriteMacro(const Call& call, const FunctionRow& row) {
  const size_t part = DatePartOf(row);
  const std::string_view text = row.target;
  bool windowed = false;
  Put("(");
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '$' || i + 1 >= text.size()) {
      out_.push_back(text[i]);
      continue;
    }
    const char next = text[i + 1];
    if (next == '*') {
      i++;
      WriteArguments(call, row);
    } else if (next >= '1' && next <= '9') {
      i++;
      const size_t index = static_cast<size_t>(next - '1');
      if (index >= call.arguments.size()) {
        Put("null");
      } else if (index != part || !WriteDatePart(call.arguments[index])) {
        if (call.distinct && index == 0) Put("distinct ");
        WriteOperand(call.arguments[index]);
      }
    } else if (text.substr(i).starts_with("$over")) {
      i += 4;
      windowed = true;
      if (call.over) WriteWindow(*call.over);
    } else {
      out_.push_back(text[i]);
    }
  }
  Put(")");
  if (call.over && !windowed) Unsupported("OVER behind this function", call);
}

void DuckDbWriter::WriteUserCall(const Call& call, const FunctionEntry& function) {
  PutName(context_.database);
  Put(".");
  PutName(function.schema);
  Put(".");
  PutName(function.engine_name);
  Put("(");
  for (size_t i = 0; i < call.arguments.size(); i++) {
    if (i > 0) Put(", ");
    const Type& type = function.facts.arguments[i];
    if (type.kind == kChar) {  // of any length, without its blanks
      Put("rtrim(cast(");
      WriteExpression(call.arguments[i]);
      Put(" as varchar), ' ')");
    } else {
      WriteCastTo(type, call.arguments[i], false);
    }
  }
  Put(")");
}

void DuckDbWriter::WriteFunctionBody(const Expr* body, const Type& returns) {
  argument_prefix_ = "p";
  WriteCastTo(returns, body, false);
}

void DuckDbWriter::WriteCall(const Call& call) {
  const auto row = resolved_.functions.find(&call);
  if (row == resolved_.functions.end() || row->second->kind != FunctionKind::kScalar)
    return WriteFunction(call);
  WriteKeepingType(call, call.arguments, [&] { WriteFunction(call); });
}

void DuckDbWriter::WriteFunction(const Call& call) {
  const std::string name = Fold(call.name.back());
  if (const auto made = resolved_.user_functions.find(&call);
      made != resolved_.user_functions.end())
    return WriteUserCall(call, *made->second);
  const auto found = resolved_.functions.find(&call);
  if (found == resolved_.functions.end())
    return Raise(ErrorKind::kInternal, "a function was not resolved", call);
  const FunctionRow* row = found->second;
  if (call.approximate && name == "count" && call.distinct) {
    Function("rs_hll", {call.arguments[0]});
    if (call.over) WriteWindow(*call.over);
    return;
  }
  // SUPER is text to the engine: what is most is so by the key that sorts.
  if ((name == "max" || name == "min") && TypeOf(call.arguments[0]).IsSuper()) {
    Put(name == "max" ? "arg_max(" : "arg_min(");
    WriteExpression(call.arguments[0]);
    Put(", rs_super_sort_key(");
    WriteExpression(call.arguments[0]);
    Put("))");
    Put(std::exchange(filter_, {}));
    if (call.over) WriteWindow(*call.over);
    return;
  }
  // The engine's sums are wider in a window than what they are here.
  if (name == "avg" && call.over) {
    Put("rs_over(rs_avg(");
    WriteList(call.arguments);
    Put(")");
    WriteWindow(*call.over);
    Put(", ");
    WriteList(call.arguments);
    return Put(")");
  }
  if (name == "json_parse") {
    const int lenience = (context_.parse_super_null_on_error ? 1 : 0) |
                         (context_.json_parse_dedup_attributes ? 2 : 0) |
                         (context_.json_parse_truncate_strings ? 4 : 0);
    if (lenience != 0) {
      Put("rs_json_parse(");
      WriteList(call.arguments);
      return Put(", " + std::to_string(lenience) + ")");
    }
  }
  if (!context_.default_array_search_null_handling && call.arguments.size() == 2 &&
      (name == "array_contains" || name == "array_position" || name == "array_positions")) {
    Put("rs_" + name + "(");
    WriteList(call.arguments);
    return Put(", false)");
  }
  if (row->kind == FunctionKind::kTable && (row->how == How::kNative || row->how == How::kMacro)) {
    Put("unnest(");  // in a select list: a row for each of its values
    row->how == How::kNative ? WriteNamed(call, *row) : WriteMacro(call, *row);
    return Put(")");
  }
  switch (row->how) {
    case How::kNative:
    case How::kCpp:
      return WriteNamed(call, *row);
    case How::kMacro:
      return WriteMacro(call, *row);
    case How::kSyntax:
      if (WriteSyntax(call, name)) return;
      return Unsupported("the function " + name, call);
    case How::kSession:
      if (WriteSession(call, name)) return;
      return Unsupported("the function " + name, call);
    case How::kRefused:
      return Raise(ErrorKind::kFeatureNotSupported, std::string(row->target), call);
  }
}

bool DuckDbWriter::WriteSession(const Call& call, const std::string& name) {
  const std::string schema = context_.search_path.empty() ? "public" : context_.search_path[0];
  if (name == "current_database") {
    PutString(context_.database);
  } else if (name == "current_schema") {
    kept_ ? Put("rs_current_schema()") : PutString(schema);
  } else if (name == "current_schemas") {
    const auto* implied = call.arguments.empty() ? nullptr : As<Literal>(call.arguments[0]);
    if (!implied) return false;
    if (kept_) {
      Function("rs_current_schemas", {implied});
      return true;
    }
    std::string text = implied->literal == LiteralKind::kTrue ? "{pg_catalog" : "{";
    for (const std::string& one : context_.search_path) text += (text == "{" ? "" : ",") + one;
    PutString(text + "}");
  } else if (name == "current_setting") {
    WriteSetting(call);
  } else if (name == "current_user" || name == "user" || name == "session_user" ||
             name == "pg_get_userbyid") {
    kept_ ? Put("rs_current_user()") : PutString(context_.user);
  } else if (name == "current_user_id") {
    Put("100");
  } else if (name == "pg_backend_pid") {
    Put(kept_ ? "rs_current_pid()" : std::to_string(context_.process_id));
  } else if (name == "version") {
    Put("'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat "
        "3.4.2-6.fc3), Redshift 1.0.77467'");
  } else {
    return false;
  }
  return true;
}

// CURRENT_SETTING('name' [, missing is NULL]).
void DuckDbWriter::WriteSetting(const Call& call) {
  const auto* name = As<Literal>(call.arguments[0]);
  const auto* missing = call.arguments.size() > 1 ? As<Literal>(call.arguments[1]) : nullptr;
  if (!name || name->literal != LiteralKind::kString)
    return Unsupported("CURRENT_SETTING of a name that is not a literal", call);
  if (call.arguments.size() > 1 && !missing)
    return Unsupported("CURRENT_SETTING with an argument that is not a literal", call);
  if (kept_) {
    Put("rs_current_setting(");
    PutString(name->text);
    return Put(missing && missing->literal == LiteralKind::kTrue ? ", true)" : ", false)");
  }
  const auto value = context_.setting ? context_.setting(name->text) : std::nullopt;
  if (value) return PutString(*value);
  if (missing && missing->literal == LiteralKind::kTrue) return Put("cast(null as varchar)");
  Raise(ErrorKind::kUndefinedObjectSetting,
        "unrecognized configuration parameter \"" + std::string(name->text) + "\"", call);
}

bool DuckDbWriter::WriteSyntax(const Call& call, const std::string& name) {
  const auto& arguments = call.arguments;
  const auto over = [&] {
    if (call.over) WriteWindow(*call.over);
  };
  if (name == "sum") {
    Put(call.over ? "rs_over(sum(" : "rs_narrow(sum(");
    if (call.distinct) Put("distinct ");
    WriteList(arguments);
    Put(")");
    Put(std::exchange(filter_, {}));
    over();
    if (call.over) {
      Put(", ");
      WriteList(arguments);
    }
    Put(")");
    return true;
  }
  if (name == "ratio_to_report" && call.over) {
    Put("rs_ratio_to_report(");
    WriteList(arguments);
    Put(", sum(");
    WriteList(arguments);
    Put(")");
    over();
    Put(")");
    return true;
  }
  if (name == "listagg") {
    Put(call.distinct ? "rs_listagg_distinct(" : "rs_listagg(");
    WriteExpression(arguments[0]);
    Put(", ");
    if (arguments.size() > 1)
      WriteExpression(arguments[1]);
    else
      Put("''");
    WriteSortItems(call.within_group, " order by ", false);
    Put(")");
    over();
    return true;
  }
  if ((name == "percentile_cont" || name == "percentile_disc") && call.within_group.size() == 1) {
    const OrderItem& item = *call.within_group[0];
    Put("rs_" + name + "(");
    WriteExpression(item.value);
    Put(", ");
    WriteExpression(arguments[0]);
    if (item.direction == SortDirection::kDescending) Put(", true");
    Put(")");
    over();
    return true;
  }
  return false;
}

void DuckDbWriter::WriteSpecial(const Expr* expr) {
  switch (expr->kind) {
    case NodeKind::kExtract: {
      const auto& extract = *static_cast<const Extract*>(expr);
      const auto part = CanonicalDatePart(Lower(extract.part));
      if (!part)
        return Raise(ErrorKind::kInvalidArgument,
                     "timestamp units \"" + std::string(extract.part) + "\" not recognized", *expr);
      Put("rs_extract(");
      PutString(*part);
      Put(", ");
      WriteExpression(extract.source);
      return Put(")");
    }
    case NodeKind::kPosition: {
      const auto& position = *static_cast<const Position*>(expr);
      return Function("rs_strpos", {position.text, position.needle});
    }
    case NodeKind::kSubstring: {
      const auto& substring = *static_cast<const Substring*>(expr);
      Put("rs_substring(");
      WriteExpression(substring.text);
      Put(", ");
      if (substring.from)
        WriteExpression(substring.from);
      else
        Put("1");
      if (substring.length) {
        Put(", ");
        WriteExpression(substring.length);
      }
      return Put(")");
    }
    case NodeKind::kTrim: {
      const auto& trim = *static_cast<const Trim*>(expr);
      return Function(trim.side == TrimSide::kLeading    ? "rs_ltrim"
                      : trim.side == TrimSide::kTrailing ? "rs_rtrim"
                                                         : "rs_btrim",
                      {trim.text, trim.characters});
    }
    case NodeKind::kOverlay:
      return Unsupported("OVERLAY", *expr);
    case NodeKind::kAtTimeZone: {
      const auto& zone = *static_cast<const AtTimeZone*>(expr);
      return Function("rs_timezone", {zone.zone, zone.moment});
    }
    case NodeKind::kCollate: {
      const auto& collate = *static_cast<const Collate*>(expr);
      return WriteOperand(collate.operand);  // how it compares is in its type
    }
    case NodeKind::kArrayLiteral:
      return Unsupported("ARRAY[...]", *expr);
    case NodeKind::kObjectTransform: {
      const auto& transform = *static_cast<const ObjectTransform*>(expr);
      Put("rs_object_transform(");
      WriteExpression(transform.input);
      Put(", [");
      WriteList(transform.keep);
      Put("]::varchar[], [");
      for (size_t i = 0; i < transform.set.size(); i += 2) {
        if (i > 0) Put(", ");
        WriteExpression(transform.set[i]);
      }
      Put("]::varchar[], [");
      for (size_t i = 1; i < transform.set.size(); i += 2) {
        if (i > 1) Put(", ");
        Put("cast(");
        WriteExpression(transform.set[i]);
        Put(" as super)");
      }
      return Put("]::super[])");
    }
    default:
      return Unsupported("this expression", *expr);
  }
}

}  // namespace skep::sql
