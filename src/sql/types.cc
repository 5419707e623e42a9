#include "sql/types.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace skep::sql {
namespace {

using enum TypeKind;

struct Word {
  std::string_view word;
  TypeKind kind;
  std::string_view text;  // as SHOW COLUMNS writes it
};
// The canonical words of the parser.
constexpr Word kWords[] = {
    {"smallint", kSmallint, "smallint"},
    {"int", kInt, "integer"},
    {"bigint", kBigint, "bigint"},
    {"decimal", kDecimal, "numeric"},
    {"real", kReal, "real"},
    {"double", kDouble, "double precision"},
    {"boolean", kBoolean, "boolean"},
    {"char", kChar, "character"},
    {"varchar", kVarchar, "character varying"},
    {"date", kDate, "date"},
    {"time", kTime, "time without time zone"},
    {"timetz", kTimeTz, "time with time zone"},
    {"timestamp", kTimestamp, "timestamp without time zone"},
    {"timestamptz", kTimestampTz, "timestamp with time zone"},
    {"interval", kInterval, "interval"},
    {"intervaly2m", kIntervalYearToMonth, "interval year to month"},
    {"intervald2s", kIntervalDayToSecond, "interval day to second"},
    {"super", kSuper, "super"},
    {"varbyte", kVarbyte, "binary varying"},
    {"geometry", kGeometry, "geometry"},
    {"geography", kGeography, "geography"},
    {"hllsketch", kHllSketch, "hllsketch"},
    {"oid", kOid, "oid"},
    {"name", kName, "name"},
    {"array", kArray, "array"},
    {"map", kMap, "map"},
    {"struct", kStruct, "struct"},
};

const Word* FindKind(TypeKind kind) {
  const auto it = std::ranges::find(kWords, kind, &Word::kind);
  return it == std::end(kWords) ? nullptr : it;
}

std::optional<int32_t> Number(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr int32_t kMaxVarchar = 65535, kMaxChar = 4096, kMaxVarbyte = 16777216, kDefaultText = 256;

}  // namespace

Result<Type> TypeOf(const ast::TypeName& written) {
  Type type;
  std::string_view name = written.name;
  const auto& arguments = written.arguments;
  const auto argument = [&](size_t i) { return Number(arguments[i]); };
  if (name == "text" || name == "string") {
    type.kind = kVarchar;
    type.length = name == "text" ? kDefaultText : kMaxVarchar;
    return type;
  }
  if (name == "bpchar") {
    type.kind = kChar;
    type.length = kDefaultText;
    if (arguments.empty()) return type;
    name = "char";
  }
  const auto word = std::ranges::find(kWords, name, &Word::word);
  if (word == std::end(kWords) || written.quoted)
    return Fail(ErrorKind::kUndefinedObject, "type \"" + std::string(name) + "\" does not exist");
  type.kind = word->kind;
  const auto length = [&](int32_t most, int32_t otherwise) -> Result<void> {
    type.length = otherwise;
    if (arguments.empty()) return {};
    if (arguments[0] == "max") {
      type.length = most;
      return {};
    }
    const auto n = argument(0);
    if (!n || *n < 1 || *n > most) {
      return Fail(ErrorKind::kInvalidArgument, "length for type " + std::string(word->word) +
                                                   " must be between 1 and " +
                                                   std::to_string(most));
    }
    type.length = *n;
    return {};
  };
  switch (type.kind) {
    case kChar:
      SKEP_TRY(length(kMaxChar, 1));
      break;
    case kVarchar:
      SKEP_TRY(length(kMaxVarchar, kDefaultText));
      break;
    case kVarbyte:
      SKEP_TRY(length(kMaxVarbyte, 65535));
      break;
    case kDecimal: {
      type.length = 18;
      if (!arguments.empty()) {
        const auto precision = argument(0);
        if (!precision || *precision < 1 || *precision > 38)
          return Fail(
              ErrorKind::kInvalidArgument,
              "DECIMAL precision " + std::string(arguments[0]) + " must be between 1 and 38");
        type.length = *precision;
        if (arguments.size() > 1) {
          const auto scale = argument(1);
          if (!scale || *scale < 0 || *scale > std::min(37, *precision))
            return Fail(ErrorKind::kInvalidArgument, "DECIMAL scale " + std::string(arguments[1]) +
                                                         " must be between 0 and " +
                                                         std::to_string(std::min(37, *precision)));
          type.scale = *scale;
        }
      }
      break;
    }
    case kInterval:
      if (written.qualifier.starts_with("year") || written.qualifier.starts_with("month"))
        type.kind = kIntervalYearToMonth;
      else if (!written.qualifier.empty())
        type.kind = kIntervalDayToSecond;
      break;
    case kArray:
    case kMap:
    case kStruct: {
      if (written.elements.empty())
        return Fail(ErrorKind::kUndefinedObject,
                    "type \"" + std::string(name) + "\" does not exist");
      auto elements = std::make_shared<std::vector<Type>>();
      for (const auto* element : written.elements) {
        SKEP_TRY_ASSIGN(Type inner, TypeOf(*element));
        elements->push_back(std::move(inner));
      }
      auto names = std::make_shared<std::vector<std::string>>();
      for (const auto& field : written.element_names) names->emplace_back(field.text);
      type.elements = std::move(elements);
      type.names = std::move(names);
      break;
    }
    default:
      break;
  }
  return type;
}

std::string TypeText(const Type& type) {
  const Word* word = FindKind(type.kind);
  if (!word) return type.kind == kLiteral ? "\"unknown\"" : "unknown";
  std::string text(word->text);
  if (type.kind == kDecimal)
    text += "(" + std::to_string(type.length) + "," + std::to_string(type.scale) + ")";
  else if (type.length >= 0)
    text += "(" + std::to_string(type.length) + ")";
  return text;
}

std::string BareTypeText(const Type& type) {
  const std::string text = TypeText(type);
  return text.substr(0, text.find('('));
}

std::string CompactType(const Type& type) {
  const Word* word = FindKind(type.kind);
  if (!word) return "unknown";
  std::string text(word->word);
  if (type.kind == kDecimal)
    text += "(" + std::to_string(type.length) + "," + std::to_string(type.scale) + ")";
  else if (type.length >= 0)
    text += "(" + std::to_string(type.length) + ")";
  if (type.fold_case) text += " ci";
  return text;
}

Type ParseCompactType(std::string_view text) {
  Type type;
  if (text.ends_with(" ci")) {
    type.fold_case = true;
    text.remove_suffix(3);
  }
  const size_t open = text.find('(');
  const auto word = std::ranges::find(kWords, text.substr(0, open), &Word::word);
  if (word == std::end(kWords)) return {};
  type.kind = word->kind;
  if (open == std::string_view::npos) return type;
  const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  const size_t comma = inside.find(',');
  type.length = Number(inside.substr(0, comma)).value_or(-1);
  if (comma != std::string_view::npos) type.scale = Number(inside.substr(comma + 1)).value_or(0);
  return type;
}

namespace {

// What an integer becomes beside a DECIMAL.
Type AsDecimal(const Type& type) {
  if (type.kind == kDecimal) return type;
  Type decimal = Type::Of(kDecimal);
  decimal.length = type.kind == kSmallint ? 5 : type.kind == kInt ? 10 : 19;
  return decimal;
}

}  // namespace

Type CommonType(const Type& a, const Type& b) {
  if (a.kind == kNull || a.kind == kLiteral) {
    if (a.kind == kLiteral && (b.kind == kNull || b.kind == kLiteral || b.IsText())) {
      Type text;
      text.kind = b.kind == kLiteral || b.kind == kNull ? kVarchar : b.kind;
      text.fold_case = b.fold_case;
      text.length = std::max(a.length, b.length);
      return text;
    }
    return b;
  }
  if (b.kind == kNull || b.kind == kLiteral) return CommonType(b, a);
  if (a.IsText() && b.IsText()) {
    Type text = a;
    if (a.kind != b.kind) text.kind = kVarchar;
    text.length = a.length < 0 || b.length < 0 ? -1 : std::max(a.length, b.length);
    text.fold_case = a.fold_case || b.fold_case;
    return text;
  }
  if (a.kind == b.kind) {
    if (a.kind != kDecimal) return a;
    if (a.length < 0 || b.length < 0) return Type::Of(kDecimal);
    Type decimal = a;
    decimal.scale = std::max(a.scale, b.scale);
    decimal.length = std::min(38, std::max(a.length - a.scale, b.length - b.scale) + decimal.scale);
    return decimal;
  }
  if (a.IsSuper() || b.IsSuper()) return a.IsSuper() ? a : b;
  if (a.IsNumber() && b.IsNumber()) {
    if (a.IsInteger() && b.IsInteger()) return a.kind > b.kind ? a : b;
    if (a.kind == kDouble || b.kind == kDouble || a.kind == kReal || b.kind == kReal) {
      Type real;
      real.kind = kDouble;
      return real;
    }
    return CommonType(AsDecimal(a), AsDecimal(b));
  }
  if (a.IsDateTime() && b.IsDateTime()) return a.kind > b.kind ? a : b;
  return {};
}

namespace {

// Types of one group become each other by themselves.
int GroupOf(const Type& type) {
  if (type.IsNumber() || type.kind == kOid) return 1;
  if (type.IsText()) return 2;
  if (type.kind == kBoolean) return 3;
  if (type.kind == kDate || type.kind == kTimestamp || type.kind == kTimestampTz) return 4;
  if (type.kind == kTime || type.kind == kTimeTz) return 5;
  if (type.IsInterval()) return 6;
  return 0;
}

}  // namespace

bool AreMatched(const Type& a, const Type& b) {
  if (a.kind == kLiteral || b.kind == kLiteral) return true;  // they take the other's type
  const int left = GroupOf(a), right = GroupOf(b);
  return left == 0 || right == 0 || left == right;
}

std::string Unmatched(std::string_view what, const Type& a, const Type& b) {
  return std::string(what) + " types " + BareTypeText(a) + " and " + BareTypeText(b) +
         " cannot be matched";
}

Type DecimalResult(ast::BinaryOperator op, const Type& left, const Type& right) {
  constexpr int32_t kMost = 38, kMostScale = 37, kLeastScaleOfQuotient = 4;
  const Type a = AsDecimal(left), b = AsDecimal(right);
  Type result = Type::Of(kDecimal);
  if (a.length < 0 || b.length < 0) return result;
  const int32_t whole = std::max(a.length - a.scale, b.length - b.scale);
  switch (op) {
    case ast::BinaryOperator::kMultiply:
      result.length = a.length + b.length + 1;
      result.scale = std::min(a.scale + b.scale, kMostScale);
      break;
    case ast::BinaryOperator::kDivide:
      result.scale = std::max(kLeastScaleOfQuotient, a.scale + b.length - b.scale + 1);
      result.length = a.length - a.scale + b.scale + result.scale;
      if (result.length > kMost)
        result.scale = std::max(result.scale - (result.length - kMost), kLeastScaleOfQuotient);
      break;
    case ast::BinaryOperator::kModulo:
      result.scale = std::max(a.scale, b.scale);
      result.length = whole + result.scale;
      break;
    default:  // + and -
      result.scale = std::max(a.scale, b.scale);
      result.length = whole + 1 + result.scale;
  }
  result.length = std::min(result.length, kMost);
  return result;
}

Type SignatureType(std::string_view word) {
  Type type;
  if (word == "bool") {
    type.kind = kBoolean;
  } else if (word == "numeric") {
    type.kind = kDecimal;
    type.length = -1;
  } else if (word == "text") {
    type.kind = kVarchar;
  } else {
    const auto found = std::ranges::find(kWords, word, &Word::word);
    if (found != std::end(kWords)) type.kind = found->kind;
  }
  return type;
}

}  // namespace skep::sql
