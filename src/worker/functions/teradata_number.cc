#include <array>
#include <duckdb/common/exception/conversion_exception.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <limits>
#include <optional>

#include "worker/functions/ascii.h"
#include "worker/functions/date_part.h"
#include "worker/functions/formatting_functions.h"
#include "worker/functions/text_view.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::string_t;

// Digits with a power of ten: 123.4E-2 is 1234 and -3.
struct Scaled {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;
};

// What a FORMAT phrase tells of the text; without one, nothing but a plain number is read.
struct Phrase {
  bool given = false;
  bool zoned = false;      // S: the last character is digit and sign in one
  int implied = 0;         // digits after V
  int width = 0;           // most digits, 0 for any number
  bool any_width = false;  // 9(I), Z(I), 9(F)

  // Throws for a phrase that is none. Source: developer guide, "Teradata-style formatting
  // characters for numeric data".
  static Phrase Read(std::string_view text);
};

Phrase Phrase::Read(std::string_view text) {
  Phrase phrase;
  phrase.given = true;
  bool implied = false;
  const auto refuse = [&]() {
    throw duckdb::InvalidInputException("invalid format \"%s\"", std::string(text.substr(0, 64)));
  };
  if (text.size() > 256) refuse();
  for (size_t i = 0; i < text.size(); i++) {
    switch (UpperLetter(text[i])) {
      case '9':
      case 'Z':
      case 'X': {
        int64_t count = 1;
        if (i + 1 < text.size() && text[i + 1] == '(') {
          const size_t close = text.find(')', i);
          if (close == std::string_view::npos) refuse();
          const std::string_view inside = text.substr(i + 2, close - i - 2);
          if (EqualsNoCase(inside, "I") || EqualsNoCase(inside, "F")) {
            phrase.any_width = true;
          } else {
            count = 0;
            for (const char c : inside) {
              if (!IsDigit(c)) refuse();
              count = std::min<int64_t>(count * 10 + (c - '0'), 1000);
            }
            if (inside.empty() || count == 0) refuse();
          }
          i = close;
        }
        phrase.width += static_cast<int>(count);
        if (implied) phrase.implied += static_cast<int>(count);
        break;
      }
      case 'V':
        if (implied) refuse();
        implied = true;
        break;
      case 'S':
        phrase.zoned = true;
        break;
      case 'G':
      case 'D':
      case 'E':
      case 'B':
      case 'C':
      case 'L':
      case 'N':
      case 'O':
      case 'U':
      case 'A':
      case '/':
      case ':':
      case '%':
      case '.':
      case ',':
      case '+':
      case '-':
      case '$':
      case ' ':
        break;
      default:
        refuse();
    }
  }
  return phrase;
}

// '{' and A to I are the digits 0 to 9 with a plus, '}' and J to R with a minus.
std::optional<char> ZonedDigit(char c, bool& negative) {
  if (IsDigit(c)) return c;
  if (c == '{') return '0';
  if (c >= 'A' && c <= 'I') return static_cast<char>('1' + (c - 'A'));
  if (c == '}' || (c >= 'J' && c <= 'R')) {
    negative = true;
    return c == '}' ? '0' : static_cast<char>('1' + (c - 'J'));
  }
  return std::nullopt;
}

// Blank text is zero. Nothing when the text is no number, or has more digits than the phrase.
std::optional<Scaled> ReadNumber(std::string_view text, const Phrase& phrase) {
  text = WithoutBlanks(text);
  Scaled number;
  if (text.empty()) {
    number.digits = "0";
    return number;
  }
  if (text.size() > 1024) return std::nullopt;
  bool sign = false, point = false;
  const auto take_sign = [&](char c) {
    if (sign) return false;
    sign = true;
    number.negative = c == '-';
    return true;
  };
  size_t i = 0;
  if (phrase.given) {
    // A currency's name or symbol stands before the number.
    while (i < text.size() && !IsDigit(text[i]) && text[i] != '.') {
      const char c = text[i];
      if ((c == '+' || c == '-') && !take_sign(c)) return std::nullopt;
      if (phrase.zoned && i + 1 == text.size()) break;
      i++;
    }
  } else if (text[0] == '+' || text[0] == '-') {
    take_sign(text[i++]);
  }
  int64_t after = 0;
  for (; i < text.size(); i++) {
    const char c = text[i];
    if (IsDigit(c)) {
      number.digits += c;
      after += point;
    } else if (c == '.' && !point) {
      point = true;
    } else if (phrase.zoned && i + 1 == text.size()) {
      bool negative = false;
      const auto digit = ZonedDigit(c, negative);
      if (!digit) return std::nullopt;
      number.negative |= negative;
      number.digits += *digit;
      after += point;
    } else if (phrase.given && (c == ',' || c == ' ' || c == '/' || c == ':' || c == '%')) {
      continue;
    } else {
      break;
    }
  }
  if (number.digits.empty()) return std::nullopt;
  if (i < text.size() && (text[i] == 'E' || text[i] == 'e')) {
    bool negative = false;
    i++;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) negative = text[i++] == '-';
    const size_t start = i;
    for (; i < text.size() && IsDigit(text[i]); i++)
      number.exponent = std::min<int64_t>(number.exponent * 10 + (text[i] - '0'), 10000);
    if (i == start) return std::nullopt;
    if (negative) number.exponent = -number.exponent;
  }
  while (phrase.given && i < text.size() && (text[i] == ' ' || text[i] == '%')) i++;
  if (i + 1 == text.size() && (text[i] == '+' || text[i] == '-')) {
    if (!take_sign(text[i++])) return std::nullopt;
  }
  if (i < text.size()) return std::nullopt;
  if (phrase.given && !phrase.any_width && phrase.width > 0) {
    const size_t first = number.digits.find_first_not_of('0');
    const size_t significant = first == std::string::npos ? 0 : number.digits.size() - first;
    // The zoned sign is a digit of its own.
    if (significant > static_cast<size_t>(phrase.width) + phrase.zoned) return std::nullopt;
  }
  if (!point) after += phrase.implied;
  number.exponent -= after;
  return number;
}

enum class Rounding : uint8_t { kTruncate, kHalfEven };

// The number times 10^scale; nothing when it needs more than `precision` digits.
std::optional<__int128> ToScale(const Scaled& number, int precision, int scale, Rounding rounding) {
  std::string digits = number.digits;
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, zeros);
  if (digits.empty()) return 0;
  const int64_t shift = number.exponent + scale;
  bool up = false;
  if (shift >= 0) {
    if (static_cast<int64_t>(digits.size()) + shift > precision) return std::nullopt;
    digits.append(static_cast<size_t>(shift), '0');
  } else {
    const int64_t keep = static_cast<int64_t>(digits.size()) + shift;
    if (keep < 0) return 0;
    const std::string rest = digits.substr(static_cast<size_t>(keep));
    digits.resize(static_cast<size_t>(keep));
    if (rounding == Rounding::kHalfEven && rest[0] >= '5') {
      const bool exactly = rest[0] == '5' && rest.find_first_not_of('0', 1) == std::string::npos;
      const bool odd = !digits.empty() && (digits.back() - '0') % 2 == 1;
      up = !exactly || odd;
    }
  }
  if (digits.size() > 38) return std::nullopt;
  __int128 value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  if (up) value++;
  __int128 limit = 1;
  for (int i = 0; i < precision; i++) limit *= 10;
  if (value >= limit) return std::nullopt;
  return number.negative ? -value : value;
}

struct PhraseData : duckdb::FunctionData {
  PhraseData(Phrase of, int digits, int places) : phrase(of), precision(digits), scale(places) {}
  Phrase phrase;
  int precision, scale;
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<PhraseData>(phrase, precision, scale);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& theirs = other.Cast<PhraseData>();
    return phrase.given == theirs.phrase.given && phrase.zoned == theirs.phrase.zoned &&
           phrase.implied == theirs.phrase.implied && phrase.width == theirs.phrase.width &&
           phrase.any_width == theirs.phrase.any_width && precision == theirs.precision &&
           scale == theirs.scale;
  }
};

template <class T>
void Run(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& data =
      state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<PhraseData>();
  constexpr bool kInteger = std::is_same_v<T, int32_t>;
  duckdb::UnaryExecutor::Execute<string_t, T>(
      arguments.data[0], result, arguments.size(), [&](const string_t& text) {
        const std::string_view view = View(text);
        const auto number = ReadNumber(view, data.phrase);
        if (!number)
          throw duckdb::ConversionException("invalid input syntax for type numeric: \"%s\"",
                                            std::string(view.substr(0, 256)));
        const auto value = ToScale(*number, data.precision, data.scale,
                                   kInteger ? Rounding::kTruncate : Rounding::kHalfEven);
        if constexpr (kInteger) {
          if (!value || *value != static_cast<int32_t>(*value))
            throw duckdb::OutOfRangeException("value \"%s\" is out of range for type integer",
                                              std::string(view.substr(0, 256)));
          return static_cast<int32_t>(*value);
        } else {
          if (!value) throw duckdb::OutOfRangeException("numeric field overflow");
          return duckdb::hugeint_t(static_cast<int64_t>(*value >> 64),
                                   static_cast<uint64_t>(*value));
        }
      });
}

duckdb::Value Constant(duckdb::ClientContext& context, const duckdb::ScalarFunction& function,
                       const duckdb::Expression& argument) {
  if (!argument.IsFoldable())
    throw duckdb::BinderException("format, precision and scale of %s must be constant",
                                  function.name);
  return duckdb::ExpressionExecutor::EvaluateScalar(context, argument);
}

void KeepFirst(duckdb::ScalarFunction& function, Arguments& arguments) {
  while (arguments.size() > 1)
    duckdb::Function::EraseArgument(function, arguments, arguments.size() - 1);
  function.arguments = {LogicalType::VARCHAR};
}

duckdb::unique_ptr<duckdb::FunctionData> BindInteger(duckdb::ClientContext& context,
                                                     duckdb::ScalarFunction& function,
                                                     Arguments& arguments) {
  Phrase phrase;
  if (arguments.size() > 1)
    phrase = Phrase::Read(Constant(context, function, *arguments[1]).ToString());
  KeepFirst(function, arguments);
  return duckdb::make_uniq<PhraseData>(phrase, 38, 0);
}

duckdb::unique_ptr<duckdb::FunctionData> BindNumeric(duckdb::ClientContext& context,
                                                     duckdb::ScalarFunction& function,
                                                     Arguments& arguments) {
  Phrase phrase;
  int64_t precision = 38, scale = 0;
  if (arguments.size() % 2 == 0)
    phrase = Phrase::Read(Constant(context, function, *arguments[1]).ToString());
  if (arguments.size() > 2) {
    const size_t last = arguments.size() - 1;
    precision = Constant(context, function, *arguments[last - 1]).GetValue<int64_t>();
    scale = Constant(context, function, *arguments[last]).GetValue<int64_t>();
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision)
      throw duckdb::InvalidInputException("precision must be 1 to 38, scale 0 to the precision");
  }
  KeepFirst(function, arguments);
  // Narrow decimals are stored in other widths than the one that Run writes.
  function.SetReturnType(LogicalType::DECIMAL(38, static_cast<uint8_t>(scale)));
  return duckdb::make_uniq<PhraseData>(phrase, static_cast<int>(precision),
                                       static_cast<int>(scale));
}

}  // namespace

void RegisterTeradataNumbers(Registrar& registrar) {
  const auto text = LogicalType::VARCHAR, number = LogicalType::INTEGER;
  const auto add = [](duckdb::ScalarFunctionSet& set, duckdb::vector<LogicalType> arguments,
                      const LogicalType& type, duckdb::scalar_function_t run,
                      duckdb::bind_scalar_function_t bind) {
    duckdb::ScalarFunction function(std::move(arguments), type, std::move(run), bind);
    function.SetFallible();
    set.AddFunction(function);
  };
  duckdb::ScalarFunctionSet integers("rs_text_to_int_alt");
  add(integers, {text}, number, Run<int32_t>, BindInteger);
  add(integers, {text, text}, number, Run<int32_t>, BindInteger);
  registrar.Add(integers);
  duckdb::ScalarFunctionSet numerics("rs_text_to_numeric_alt");
  const auto numeric = LogicalType::DECIMAL(38, 0);
  add(numerics, {text}, numeric, Run<duckdb::hugeint_t>, BindNumeric);
  add(numerics, {text, text}, numeric, Run<duckdb::hugeint_t>, BindNumeric);
  add(numerics, {text, number, number}, numeric, Run<duckdb::hugeint_t>, BindNumeric);
  add(numerics, {text, text, number, number}, numeric, Run<duckdb::hugeint_t>, BindNumeric);
  registrar.Add(numerics);
}

}  // namespace skep::worker
