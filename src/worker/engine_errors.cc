#include "worker/engine_errors.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "worker/external_scan/lake_errors.h"

namespace skep::worker {
namespace {

using duckdb::ExceptionType;

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The text between two marks; nothing when one is missing.
std::optional<std::string> Between(std::string_view text, std::string_view before,
                                   std::string_view after) {
  const size_t start = text.find(before);
  if (start == std::string_view::npos) return std::nullopt;
  const size_t begin = start + before.size();
  const size_t end = text.find(after, begin);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(begin, end - begin));
}

// The engine's names of numeric types in the user's.
std::string UserTypes(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"INT8", "tinyint"}, {"INT16", "smallint"}, {"INT32", "integer"},
      {"INT64", "bigint"}, {"INT128", "numeric"}, {"HUGEINT", "numeric"}};
  const auto of_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  for (const auto& [theirs, ours] : kTypes) {
    for (size_t at = text.find(theirs); at != std::string::npos; at = text.find(theirs, at + 1)) {
      const size_t end = at + theirs.size();
      if ((at > 0 && of_word(text[at - 1])) || (end < text.size() && of_word(text[end]))) continue;
      text.replace(at, theirs.size(), ours);
    }
  }
  return text;
}

// Up to the engine's own additions: candidates, suggestions, the line of the rewritten text.
std::string FirstPart(std::string_view text) {
  size_t end = text.size();
  for (const std::string_view mark :
       {"\n\nLINE ", "\nLINE ", "\n\nCandidate ", "\nCandidate ", "\n\tCandidate ",
        "\nDid you mean", "\nPossible ", "\nHint", "\n\nHint", "\n* ", "\n\n"}) {
    end = std::min(end, text.find(mark));
  }
  std::string out(text.substr(0, end));
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  for (char& c : out) {
    if (c == '\n') c = ' ';
  }
  return external_scan::PublicText(UserTypes(std::move(out)));
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("+-.0123456789") == std::string_view::npos;
}

// "dev.public.t" as users write it: without the database.
std::string BareName(std::string name) {
  std::erase(name, '"');
  return name;
}

struct Meaning {
  ErrorKind kind;
  std::string message;
};

Meaning OfCatalog(const std::string& text) {
  const auto named = [&](std::string_view what) {
    return Between(text, std::string(what) + " with name ", " does not exist");
  };
  const auto there = [&](std::string_view what) {
    return Between(text, std::string(what) + " with name \"", "\" already exists");
  };
  if (const auto name = named("Table"))
    return {ErrorKind::kUndefinedTable, "relation \"" + BareName(*name) + "\" does not exist"};
  if (const auto name = named("View"))
    return {ErrorKind::kUndefinedTable, "relation \"" + BareName(*name) + "\" does not exist"};
  if (const auto name = named("Schema"))
    return {ErrorKind::kUndefinedSchema, "schema \"" + BareName(*name) + "\" does not exist"};
  if (const auto name = named("Type"))
    return {ErrorKind::kUndefinedObject, "type \"" + BareName(*name) + "\" does not exist"};
  for (const std::string_view what :
       {"Scalar Function", "Aggregate Function", "Table Function", "Macro Function"}) {
    if (const auto name = named(what))
      return {ErrorKind::kUndefinedFunction, "function " + BareName(*name) + " does not exist"};
  }
  for (const std::string_view what : {"Table", "View"}) {
    if (const auto name = there(what))
      return {ErrorKind::kDuplicateTable, "relation \"" + *name + "\" already exists"};
  }
  if (const auto name = there("Schema"))
    return {ErrorKind::kDuplicateSchema, "schema \"" + *name + "\" already exists"};
  if (const auto name = Between(text, "Column with name ", " already exists"))
    return {ErrorKind::kDuplicateColumn, "column \"" + *name + "\" already exists"};
  if (Has(text, "write-write conflict"))
    return {ErrorKind::kSerializationFailure,
            "could not serialize access due to a concurrent change of the same object"};
  if (Has(text, "already exists")) return {ErrorKind::kDuplicateObject, FirstPart(text)};
  if (Has(text, "is not of type Table") || Has(text, "is of type") || Has(text, "is not a"))
    return {ErrorKind::kDatatypeMismatch, FirstPart(text)};
  if (Has(text, "does not exist")) return {ErrorKind::kUndefinedObject, FirstPart(text)};
  return {ErrorKind::kConflict, FirstPart(text)};
}

// The engine's names of types in the user's.
std::string UserType(std::string_view theirs) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"INTEGER_LITERAL", "integer"},
      {"VARCHAR", "character varying"},
      {"DECIMAL", "numeric"},
      {"DOUBLE", "double precision"},
      {"FLOAT", "real"},
      {"BLOB", "binary varying"},
      {"TIMESTAMP", "timestamp without time zone"},
      {"TIME", "time without time zone"}};
  for (const auto& [name, ours] : kTypes) {
    if (theirs == name || theirs.starts_with(std::string(name) + "(")) return std::string(ours);
  }
  return Lower(theirs);
}

// "+(DATE, DATE)" as "operator does not exist: date + date"; nothing when it is no operator.
std::optional<std::string> MissingOperator(std::string_view call) {
  const size_t open = call.find('(');
  if (open == 0 || open == std::string_view::npos || !call.ends_with(')') ||
      call.substr(0, open).find_first_not_of("+-*/%|<>=!~&^#") != std::string_view::npos)
    return std::nullopt;
  std::vector<std::string> types;
  const std::string_view inside = call.substr(open + 1, call.size() - open - 2);
  size_t depth = 0, begin = 0;
  for (size_t i = 0; i <= inside.size(); i++) {
    if (i < inside.size() && inside[i] == '(') depth++;
    if (i < inside.size() && inside[i] == ')') depth--;
    if (i < inside.size() && (inside[i] != ',' || depth > 0)) continue;
    std::string_view type = inside.substr(begin, i - begin);
    while (type.starts_with(' ')) type.remove_prefix(1);
    types.push_back(UserType(type));
    begin = i + 1;
  }
  const std::string sign(call.substr(0, open));
  if (types.size() == 1) return "operator does not exist: " + sign + " " + types[0];
  if (types.size() != 2) return std::nullopt;
  return "operator does not exist: " + types[0] + " " + sign + " " + types[1];
}

// "Unimplemented type for cast (INTEGER -> DATE)": nothing leads there.
std::optional<Meaning> MissingCast(const std::string& text) {
  const auto from = Between(text, "Unimplemented type for cast (", " -> ");
  if (!from) return std::nullopt;
  const std::string rest = text.substr(text.find(" -> ") + 4);
  size_t depth = 0, end = 0;
  for (; end < rest.size() && (rest[end] != ')' || depth > 0); end++) {
    if (rest[end] == '(') depth++;
    if (rest[end] == ')') depth--;
  }
  return Meaning{ErrorKind::kCannotCoerce, "cannot cast type " + UserType(*from) + " to " +
                                               UserType(std::string_view(rest).substr(0, end))};
}

Meaning OfBinder(const std::string& text) {
  if (const auto name = Between(text, "Referenced update column ", " not found"))
    return {ErrorKind::kUndefinedColumn, "column \"" + BareName(*name) + "\" does not exist"};
  if (const auto name = Between(text, "does not have a column with name \"", "\""))
    return {ErrorKind::kUndefinedColumn, "column \"" + *name + "\" does not exist"};
  if (const auto name = Between(text, "Referenced column \"", "\""))
    return {ErrorKind::kUndefinedColumn, "column \"" + *name + "\" does not exist"};
  if (Has(text, "does not have a column named")) {
    const auto name = Between(text, "column named \"", "\"");
    return {ErrorKind::kUndefinedColumn,
            name ? "column \"" + *name + "\" does not exist" : FirstPart(text)};
  }
  if (Has(text, "Ambiguous reference")) {
    const auto name = Between(text, "column name \"", "\"");
    return {ErrorKind::kAmbiguousColumn,
            name ? "column reference \"" + *name + "\" is ambiguous" : FirstPart(text)};
  }
  if (const auto name = Between(text, "Referenced table \"", "\""))
    return {ErrorKind::kUndefinedTable,
            "invalid reference to FROM-clause entry for table \"" + *name + "\""};
  if (Has(text, "No function matches") || Has(text, "Could not choose a best candidate function")) {
    auto name = Between(text, "'", "'");
    if (name && name->starts_with("rs_")) name->erase(0, 3);  // our functions' prefix
    if (name) {
      if (auto missing = MissingOperator(*name))
        return {ErrorKind::kUndefinedFunction, std::move(*missing)};
    }
    return {ErrorKind::kUndefinedFunction,
            name ? "no function or operator matches the given name and argument types: " + *name
                 : FirstPart(text)};
  }
  if (Has(text, "must appear in the GROUP BY clause") || Has(text, "cannot contain aggregates") ||
      Has(text, "aggregate function calls cannot be nested")) {
    const auto name = Between(text, "column \"", "\"");
    if (Has(text, "must appear") && name)
      return {ErrorKind::kGroupingError,
              "column \"" + *name +
                  "\" must appear in the GROUP BY clause or be used in an aggregate function"};
    return {ErrorKind::kGroupingError, FirstPart(text)};
  }
  if (Has(text, "Duplicate alias") || Has(text, "duplicate alias"))
    return {ErrorKind::kDuplicateObject, FirstPart(text)};
  if (Has(text, "Cannot compare values of type") || Has(text, "Cannot mix values of type") ||
      Has(text, "Cannot combine types") || Has(text, "an explicit cast is required"))
    return {ErrorKind::kDatatypeMismatch, FirstPart(text)};
  if (Has(text, "Set operations can only apply") || Has(text, "values were supplied") ||
      Has(text, "Column count mismatch") || Has(text, "VALUES lists must all be the same length"))
    return {ErrorKind::kSyntaxError, FirstPart(text)};
  if (Has(text, "Table \"") && Has(text, "does not have a column"))
    return {ErrorKind::kUndefinedColumn, FirstPart(text)};
  if (Has(text, "transaction is launched in read-only mode") || Has(text, "read-only mode"))
    return {ErrorKind::kReadOnlyTransaction,
            "cannot execute the statement in a read-only transaction"};
  if (Has(text, "not supported") || Has(text, "not implemented"))
    return {ErrorKind::kFeatureNotSupported, FirstPart(text)};
  return {ErrorKind::kSyntaxError, FirstPart(text)};
}

Meaning OfConversion(const std::string& text) {
  if (const auto value =
          Between(text, "with value ", " can't be cast because the value is out of range")) {
    const std::string type = text.substr(std::min(text.size(), text.rfind("type ") + 5));
    return {ErrorKind::kNumericOutOfRange,
            "value " + *value + " is out of range for type " + FirstPart(type)};
  }
  // Texts of worker/functions: datetime_casts, datetime_format, calendar.
  for (const std::string_view type : {"date", "time", "interval"}) {
    if (text.starts_with("invalid input syntax for type " + std::string(type)))
      return {ErrorKind::kInvalidDatetime, FirstPart(text)};
  }
  if (text.starts_with("invalid value \"") && Has(text, "\" for \""))
    return {ErrorKind::kInvalidDatetime, FirstPart(text)};
  if (Has(text, "field value out of range") || text.starts_with("date/time field") ||
      text.starts_with("timestamp out of range") || text.starts_with("date out of range"))
    return {ErrorKind::kDatetimeOutOfRange, FirstPart(text)};
  if (text.starts_with("time zone displacement out of range") ||
      (text.starts_with("time zone ") && Has(text, "not recognized")))
    return {ErrorKind::kInvalidArgument, FirstPart(text)};
  if (Has(text, "out of range") || Has(text, "doesn't fit") || Has(text, "does not fit"))
    return {ErrorKind::kNumericOutOfRange, FirstPart(text)};
  if (const auto value = Between(text, "Could not convert string '", "' to ")) {
    static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
        {"INT16", "smallint"},          {"INT32", "integer"}, {"INT64", "bigint"},
        {"DOUBLE", "double precision"}, {"FLOAT", "real"},    {"BOOL", "boolean"},
        {"DECIMAL", "numeric"}};
    for (const auto& [theirs, ours] : kTypes) {
      if (!Has(text, "' to " + std::string(theirs))) continue;
      if (theirs.starts_with("INT") && IsNumber(*value))
        return {ErrorKind::kNumericOutOfRange,
                "value \"" + *value + "\" is out of range for type " + std::string(ours)};
      return {ErrorKind::kInvalidText,
              "invalid input syntax for type " + std::string(ours) + ": \"" + *value + "\""};
    }
    return {ErrorKind::kInvalidText, "invalid input syntax: \"" + *value + "\""};
  }
  return {ErrorKind::kInvalidText, FirstPart(text)};
}

Meaning OfConstraint(const std::string& text) {
  if (const auto name = Between(text + "\n", "NOT NULL constraint failed: ", "\n")) {
    const std::string whole = FirstPart(*name);
    return {ErrorKind::kNotNullViolation, "null value in column \"" +
                                              whole.substr(whole.rfind('.') + 1) +
                                              "\" violates not-null constraint"};
  }
  if (Has(text, "Duplicate key")) return {ErrorKind::kUniqueViolation, FirstPart(text)};
  return {ErrorKind::kDataException, FirstPart(text)};
}

bool IsDiskFull(std::string_view text) {
  return Has(text, "No space left on device") || Has(text, "Disk quota exceeded");
}

Meaning MeaningOf(ExceptionType type, const std::string& text) {
  if (IsDiskFull(text)) return {ErrorKind::kDiskFull, "no space is left on the device"};
  if (auto missing = MissingCast(text)) return std::move(*missing);
  if (Has(text, "Max expression depth") || Has(text, "memory exhausted"))
    return {ErrorKind::kPayloadTooLarge, "the statement is nested too deeply"};
  switch (type) {
    case ExceptionType::CATALOG:
      return OfCatalog(text);
    case ExceptionType::BINDER:
      return OfBinder(text);
    case ExceptionType::PARSER:
    case ExceptionType::SYNTAX: {
      if (const auto token = Between(text, "syntax error at or near \"", "\""))
        return {ErrorKind::kSyntaxError, "syntax error at or near \"" + *token + "\""};
      return {ErrorKind::kSyntaxError, FirstPart(text)};
    }
    case ExceptionType::CONVERSION:
    case ExceptionType::DECIMAL:
      return OfConversion(text);
    case ExceptionType::OUT_OF_RANGE:
      if (Has(text, "ivision by zero")) return {ErrorKind::kDivisionByZero, "division by zero"};
      return {ErrorKind::kNumericOutOfRange, FirstPart(text)};
    case ExceptionType::DIVIDE_BY_ZERO:
      return {ErrorKind::kDivisionByZero, "division by zero"};
    case ExceptionType::MISMATCH_TYPE:
    case ExceptionType::INVALID_TYPE:
    case ExceptionType::UNKNOWN_TYPE:
      return {ErrorKind::kDatatypeMismatch, FirstPart(text)};
    case ExceptionType::PARAMETER_NOT_RESOLVED:
    case ExceptionType::PARAMETER_NOT_ALLOWED:
      return {ErrorKind::kUndefinedParameter,
              "the type of a parameter cannot be determined; cast it"};
    case ExceptionType::CONSTRAINT:
      return OfConstraint(text);
    case ExceptionType::TRANSACTION:
      if (Has(text, "onflict") || Has(text, "stale"))
        return {ErrorKind::kSerializationFailure,
                "could not serialize access due to concurrent update"};
      if (Has(text, "aborted"))
        return {ErrorKind::kFailedTransaction,
                "current transaction is aborted, commands ignored until end of transaction block"};
      if (Has(text, "read-only"))
        return {ErrorKind::kReadOnlyTransaction,
                "cannot execute the statement in a read-only transaction"};
      return {ErrorKind::kInTransaction, FirstPart(text)};
    case ExceptionType::NOT_IMPLEMENTED:
    case ExceptionType::MISSING_EXTENSION:
    case ExceptionType::AUTOLOAD:
      return {ErrorKind::kFeatureNotSupported, FirstPart(text)};
    case ExceptionType::INTERRUPT:
      return {ErrorKind::kQueryCanceled, "canceling statement due to user request"};
    case ExceptionType::OUT_OF_MEMORY:
      return {ErrorKind::kOutOfMemory, "the statement needs more memory than the warehouse has"};
    case ExceptionType::IO:
      return {ErrorKind::kIoError, FirstPart(text)};
    case ExceptionType::PERMISSION:
      return {ErrorKind::kInsufficientPrivilege, "permission denied"};
    case ExceptionType::DEPENDENCY:
      return {ErrorKind::kDependentObjects, FirstPart(text)};
    case ExceptionType::OBJECT_SIZE:
      return {ErrorKind::kPayloadTooLarge, FirstPart(text)};
    case ExceptionType::INVALID_INPUT:
      if (Has(text, "ore than one row returned by a subquery"))
        return {ErrorKind::kCardinalityViolation,
                "more than one row returned by a subquery used as an expression"};
      if (text.starts_with("Found multiple matches"))
        return {ErrorKind::kCardinalityViolation, FirstPart(text)};
      if (text.starts_with("value too long for type"))
        return {ErrorKind::kStringTooLong, FirstPart(text)};
      for (const std::string_view argument :
           {"invalid regular expression", "invalid escape string", "invalid format",
            "field position must be", "new bit must be"}) {
        if (text.starts_with(argument)) return {ErrorKind::kInvalidArgument, FirstPart(text)};
      }
      if (Has(text, "Could not parse string") || Has(text, "according to format"))
        return {ErrorKind::kInvalidText, FirstPart(text)};
      if (Has(text, "maximum string size") || Has(text, "too large"))
        return {ErrorKind::kPayloadTooLarge, FirstPart(text)};
      if (text.starts_with("time zone ") && Has(text, "not recognized"))
        return {ErrorKind::kInvalidArgument, FirstPart(text)};
      return {ErrorKind::kDataException, FirstPart(text)};
    case ExceptionType::INVALID:  // not the engine's own: a decoder of files gave up
    case ExceptionType::SERIALIZATION:
      return {ErrorKind::kDataException, FirstPart(text)};
    default:
      return {ErrorKind::kInternal, FirstPart(text)};
  }
}

// What the engine said, out of the form that errors_as_json gives it.
std::string PlainText(const std::string& raw) {
  if (!raw.starts_with('{')) return raw;
  const auto json = nlohmann::json::parse(raw, nullptr, false);
  const auto message = json.is_object() ? json.find("exception_message") : json.end();
  return json.is_object() && message != json.end() && message->is_string()
             ? message->get<std::string>()
             : raw;
}

uint32_t EmittedOffset(const duckdb::ErrorData& error) {
  const auto found = error.ExtraInfo().find("position");
  if (found == error.ExtraInfo().end()) return UINT32_MAX;
  uint32_t offset = UINT32_MAX;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), offset);
  return offset;
}

}  // namespace

Error ToError(const duckdb::ErrorData& error, const sql::Emitted* emitted) {
  Error out;
  if (auto carried = external_scan::LakeErrorOf(error)) {
    out = std::move(*carried);
  } else {
    auto [kind, message] = MeaningOf(error.Type(), PlainText(error.RawMessage()));
    out.kind = kind;
    out.message = std::move(message);
    if (kind == ErrorKind::kDependentObjects)
      out.hint = "Use DROP ... CASCADE to drop the dependent objects too.";
    if (kind == ErrorKind::kDiskFull) out.hint = "Free space and run the statement again.";
    if (kind == ErrorKind::kOutOfMemory)
      out.hint = "Raise worker.memory_limit, or let the statement do less at once.";
  }
  if (emitted && out.position == 0) {
    const uint32_t offset = EmittedOffset(error);
    if (offset != UINT32_MAX) out.position = sql::UserPosition(*emitted, offset);
  }
  return out;
}

Error ToError(const std::exception& exception, const sql::Emitted* emitted) {
  return ToError(duckdb::ErrorData(exception), emitted);
}

bool IsFatal(const duckdb::ErrorData& error) {
  return error.Type() == ExceptionType::FATAL ||
         Has(error.RawMessage(), "database has been invalidated");
}

}  // namespace skep::worker
