#include "worker/functions/interval_text.h"

#include <array>
#include <cmath>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <limits>
#include <utility>

#include "sql/date_parts.h"
#include "worker/functions/ascii.h"
#include "worker/functions/calendar.h"
#include "worker/functions/calendar_names.h"
#include "worker/functions/text_view.h"

namespace skep::worker {
namespace {

bool IsGap(char c) { return IsSpace(c) || c == ','; }

constexpr std::array<std::string_view, 6> kFieldNames = {"year", "month",  "day",
                                                         "hour", "minute", "second"};

struct Token {
  enum class Kind : uint8_t { kNumber, kClock, kYearMonth, kWord } kind;
  bool negative = false;
  std::string_view text;  // without its sign
};

class Parser {
 public:
  Parser(std::string_view text, const IntervalFields& fields) : text_(text), fields_(fields) {}

  IntervalError Read(duckdb::interval_t& result) {
    text_ = Trimmed(text_, IsGap);
    if (text_.empty()) return IntervalError::kSyntax;
    const bool iso = text_.front() == 'P' || text_.front() == 'p';
    if (iso ? !Iso() : !Words()) return IntervalError::kSyntax;
    if (!overflow_) Keep();
    if (overflow_ || months_ != static_cast<int32_t>(months_) ||
        days_ != static_cast<int32_t>(days_))
      return IntervalError::kRange;
    result.months = static_cast<int32_t>(months_);
    result.days = static_cast<int32_t>(days_);
    result.micros = micros_;
    return IntervalError::kNone;
  }

 private:
  static constexpr size_t kMostTokens = 32;

  void Add(int64_t& sum, int64_t count, int64_t unit) {
    int64_t product;
    if (__builtin_mul_overflow(count, unit, &product) || __builtin_add_overflow(sum, product, &sum))
      overflow_ = true;
  }
  void AddMicros(double micros) {
    if (!(std::fabs(micros) < 9e18)) {
      overflow_ = true;
    } else {
      Add(micros_, static_cast<int64_t>(std::rint(micros)), 1);
    }
  }
  void AddDays(double days) {
    const double whole = std::trunc(days);
    if (std::fabs(whole) > 4e9) {
      overflow_ = true;
      return;
    }
    Add(days_, static_cast<int64_t>(whole), 1);
    // A fraction of a day is time, kept to the microsecond.
    AddMicros((days - whole) * static_cast<double>(kMicrosPerDay));
  }

  // Whole and fraction apart: whole numbers stay exact.
  bool Value(std::string_view text, bool negative, int64_t& whole, double& fraction) {
    whole = 0;
    fraction = 0;
    size_t i = 0;
    for (; i < text.size() && IsDigit(text[i]); i++) {
      if (__builtin_mul_overflow(whole, 10, &whole) ||
          __builtin_add_overflow(whole, text[i] - '0', &whole)) {
        overflow_ = true;
        whole = 0;
        return true;
      }
    }
    if (i < text.size() && text[i] == '.') {
      double unit = 0.1;
      for (i++; i < text.size() && IsDigit(text[i]); i++, unit /= 10)
        fraction += (text[i] - '0') * unit;
    }
    if (negative) {
      whole = -whole;
      fraction = -fraction;
    }
    return i == text.size();
  }

  bool AddUnit(const Token& token, std::string_view unit) {
    int64_t whole;
    double fraction;
    if (!Value(token.text, token.negative, whole, fraction)) return false;
    static constexpr std::pair<std::string_view, int64_t> kMonths[] = {
        {"millennium", 12000}, {"century", 1200}, {"decade", 120}, {"year", 12}, {"quarter", 3}};
    for (const auto& [name, months] : kMonths) {
      if (unit != name) continue;
      Add(months_, whole, months);
      Add(months_, static_cast<int64_t>(std::rint(fraction * static_cast<double>(months))), 1);
      return true;
    }
    if (unit == "month") {
      Add(months_, whole, 1);
      AddDays(fraction * 30);
      return true;
    }
    if (unit == "week" || unit == "day") {
      const int64_t days = unit == "week" ? 7 : 1;
      Add(days_, whole, days);
      AddDays(fraction * static_cast<double>(days));
      return true;
    }
    static constexpr std::pair<std::string_view, int64_t> kMicros[] = {
        {"hour", kMicrosPerHour},
        {"minute", kMicrosPerMinute},
        {"second", kMicrosPerSecond},
        {"millisecond", int64_t{1000}},
        {"microsecond", int64_t{1}}};
    for (const auto& [name, micros] : kMicros) {
      if (unit != name) continue;
      Add(micros_, whole, micros);
      AddMicros(fraction * static_cast<double>(micros));
      return true;
    }
    return false;
  }

  // hh:mm[:ss[.f]]; "minute to second" reads two parts as mm:ss.
  bool AddClock(const Token& token) {
    std::array<std::string_view, 3> parts;
    size_t count = 0;
    std::string_view rest = token.text;
    while (true) {
      const size_t colon = rest.find(':');
      if (count == parts.size()) return false;
      parts[count++] = rest.substr(0, colon);
      if (colon == std::string_view::npos) break;
      rest.remove_prefix(colon + 1);
    }
    const bool from_minutes =
        count == 2 && (parts[1].find('.') != std::string_view::npos ||
                       (fields_.given && fields_.first == IntervalField::kMinute));
    static constexpr std::array<int64_t, 3> kUnits = {kMicrosPerHour, kMicrosPerMinute,
                                                      kMicrosPerSecond};
    for (size_t i = 0; i < count; i++) {
      int64_t whole;
      double fraction;
      if (parts[i].empty() || !Value(parts[i], token.negative, whole, fraction)) return false;
      const bool outer = i == 0;
      if (!outer && (whole > 59 || whole < -59)) return false;
      if (fraction != 0 && i + 1 != count) return false;
      const int64_t unit = kUnits[i + (from_minutes ? 1 : 0)];
      Add(micros_, whole, unit);
      AddMicros(fraction * static_cast<double>(unit));
    }
    return true;
  }

  bool AddYearMonth(const Token& token) {
    const size_t dash = token.text.find('-');
    int64_t years, months;
    double fraction;
    if (!Value(token.text.substr(0, dash), token.negative, years, fraction) ||
        !Value(token.text.substr(dash + 1), token.negative, months, fraction))
      return false;
    if (months > 11 || months < -11) return false;
    Add(months_, years, 12);
    Add(months_, months, 1);
    return true;
  }

  bool Words() {
    std::array<Token, kMostTokens> tokens;
    size_t count = 0;
    bool ago = false;
    for (size_t i = 0; i < text_.size();) {
      if (IsGap(text_[i]) || (text_[i] == '@' && i == 0)) {
        i++;
        continue;
      }
      if (count == tokens.size()) return false;
      Token token{Token::Kind::kWord, false, {}};
      if (IsLetter(text_[i])) {
        const size_t start = i;
        while (i < text_.size() && IsLetter(text_[i])) i++;
        token.text = text_.substr(start, i - start);
        if (EqualsNoCase(token.text, "ago")) {
          ago = true;
          continue;
        }
      } else {
        if (text_[i] == '+' || text_[i] == '-') token.negative = text_[i++] == '-';
        while (i < text_.size() && text_[i] == ' ') i++;
        const size_t start = i;
        token.kind = Token::Kind::kNumber;
        while (i < text_.size() &&
               (IsDigit(text_[i]) || text_[i] == '.' || text_[i] == ':' || text_[i] == '-')) {
          if (text_[i] == ':') token.kind = Token::Kind::kClock;
          if (text_[i] == '-') {
            if (token.kind != Token::Kind::kNumber) return false;
            token.kind = Token::Kind::kYearMonth;
          }
          i++;
        }
        token.text = text_.substr(start, i - start);
        if (token.text.empty() || token.text == ".") return false;
      }
      tokens[count++] = token;
    }
    if (count == 0 || !Sum(tokens, count)) return false;
    if (ago) {
      months_ = -months_;
      days_ = -days_;
      micros_ = -micros_;
    }
    return true;
  }

  // From the right: a number takes the unit that follows it, or the one above its right neighbour.
  bool Sum(const std::array<Token, kMostTokens>& tokens, size_t count) {
    const std::string_view last = kFieldNames[static_cast<size_t>(fields_.last)];
    std::string_view next_unit = last;
    for (size_t i = count; i-- > 0;) {
      const Token& token = tokens[i];
      switch (token.kind) {
        case Token::Kind::kWord: {
          const auto unit = sql::CanonicalDatePart(token.text);
          if (!unit || i == 0 || tokens[i - 1].kind != Token::Kind::kNumber) return false;
          if (!AddUnit(tokens[--i], *unit)) return false;
          next_unit = {};
          break;
        }
        case Token::Kind::kClock:
          if (!AddClock(token)) return false;
          next_unit = "day";
          break;
        case Token::Kind::kYearMonth:
          if (!AddYearMonth(token)) return false;
          next_unit = {};
          break;
        case Token::Kind::kNumber:
          if (next_unit.empty() || !AddUnit(token, next_unit)) return false;
          next_unit = next_unit == "hour"    ? std::string_view("day")
                      : next_unit == "month" ? std::string_view("year")
                                             : std::string_view();
          break;
      }
    }
    return true;
  }

  // P[nY][nM][nW][nD][T[nH][nM][nS]].
  bool Iso() {
    size_t i = 1;
    bool time = false, any = false;
    while (i < text_.size()) {
      if (text_[i] == 'T' || text_[i] == 't') {
        if (time) return false;
        time = true;
        i++;
        continue;
      }
      Token token{Token::Kind::kNumber, false, {}};
      if (text_[i] == '-' || text_[i] == '+') token.negative = text_[i++] == '-';
      const size_t start = i;
      while (i < text_.size() && (IsDigit(text_[i]) || text_[i] == '.')) i++;
      token.text = text_.substr(start, i - start);
      if (token.text.empty() || token.text == "." || i == text_.size()) return false;
      std::string_view unit;
      switch (LowerLetter(text_[i++])) {
        case 'y':
          unit = "year";
          break;
        case 'm':
          unit = time ? "minute" : "month";
          break;
        case 'w':
          unit = "week";
          break;
        case 'd':
          unit = "day";
          break;
        case 'h':
          unit = "hour";
          break;
        case 's':
          unit = "second";
          break;
        default:
          return false;
      }
      const bool of_time = unit == "hour" || unit == "minute" || unit == "second";
      if (of_time != time || !AddUnit(token, unit)) return false;
      any = true;
    }
    return any;
  }

  // Drops what the qualifier leaves out.
  void Keep() {
    if (!fields_.given) return;
    switch (fields_.last) {
      case IntervalField::kYear:
        months_ = months_ / 12 * 12;
        days_ = 0;
        micros_ = 0;
        break;
      case IntervalField::kMonth:
        days_ = 0;
        micros_ = 0;
        break;
      case IntervalField::kDay:
        micros_ = 0;
        break;
      case IntervalField::kHour:
        micros_ = micros_ / kMicrosPerHour * kMicrosPerHour;
        break;
      case IntervalField::kMinute:
        micros_ = micros_ / kMicrosPerMinute * kMicrosPerMinute;
        break;
      case IntervalField::kSecond: {
        int64_t unit = 1;
        for (int i = fields_.precision; i < 6; i++) unit *= 10;
        if (unit == 1) break;
        const int64_t half = micros_ < 0 ? -(unit / 2) : unit / 2;
        if (__builtin_add_overflow(micros_, half, &micros_)) overflow_ = true;
        micros_ = micros_ / unit * unit;
        break;
      }
    }
  }

  std::string_view text_;
  const IntervalFields& fields_;
  int64_t months_ = 0, days_ = 0, micros_ = 0;
  bool overflow_ = false;
};

struct FieldsData : duckdb::FunctionData {
  explicit FieldsData(IntervalFields given) : fields(given) {}
  IntervalFields fields;
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<FieldsData>(fields);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& theirs = other.Cast<FieldsData>().fields;
    return fields.given == theirs.given && fields.first == theirs.first &&
           fields.last == theirs.last && fields.precision == theirs.precision;
  }
};

duckdb::unique_ptr<duckdb::FunctionData> BindInterval(
    duckdb::ClientContext& context, duckdb::ScalarFunction&,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  IntervalFields fields;
  if (arguments.size() == 2) {
    if (!arguments[1]->IsFoldable())
      throw duckdb::BinderException("the fields of an interval must be constant");
    const auto value = duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[1]);
    const auto read = value.IsNull() ? std::nullopt : IntervalFields::Read(value.ToString());
    if (!read) throw duckdb::BinderException("invalid fields of an interval");
    fields = *read;
  }
  return duckdb::make_uniq<FieldsData>(fields);
}

void RunInterval(duckdb::DataChunk& arguments, duckdb::ExpressionState& state,
                 duckdb::Vector& result) {
  const auto& fields =
      state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<FieldsData>().fields;
  duckdb::UnaryExecutor::Execute<duckdb::string_t, duckdb::interval_t>(
      arguments.data[0], result, arguments.size(), [&](const duckdb::string_t& text) {
        duckdb::interval_t value{};
        const std::string_view view = View(text);
        const IntervalError error = ReadInterval(view, fields, value);
        if (error != IntervalError::kNone)
          throw duckdb::ConversionException(IntervalMessage(error, view));
        return value;
      });
}

}  // namespace

std::optional<IntervalFields> IntervalFields::Read(std::string_view qualifier) {
  IntervalFields fields;
  fields.given = true;
  size_t count = 0;
  for (size_t i = 0; i < qualifier.size();) {
    if (qualifier[i] == ' ') {
      i++;
      continue;
    }
    if (qualifier[i] == '(') {
      const size_t close = qualifier.find(')', i);
      if (close != i + 2 || !IsDigit(qualifier[i + 1]) || qualifier[i + 1] > '6' || count == 0 ||
          fields.last != IntervalField::kSecond)
        return std::nullopt;
      fields.precision = qualifier[i + 1] - '0';
      i = close + 1;
      continue;
    }
    const size_t start = i;
    while (i < qualifier.size() && IsLetter(qualifier[i])) i++;
    const std::string_view word = qualifier.substr(start, i - start);
    if (word.empty()) return std::nullopt;
    if (EqualsNoCase(word, "to")) continue;
    size_t field = 0;
    while (field < kFieldNames.size() && !EqualsNoCase(word, kFieldNames[field])) field++;
    if (field == kFieldNames.size() || count == 2) return std::nullopt;
    fields.last = static_cast<IntervalField>(field);
    if (count++ == 0) fields.first = fields.last;
  }
  if (count == 0 || fields.first > fields.last) return std::nullopt;
  return fields;
}

IntervalError ReadInterval(std::string_view text, const IntervalFields& fields,
                           duckdb::interval_t& result) {
  if (text.size() > 1024) return IntervalError::kSyntax;
  return Parser(text, fields).Read(result);
}

std::string IntervalMessage(IntervalError error, std::string_view text) {
  const std::string shown(text.substr(0, 256));
  return error == IntervalError::kRange
             ? "interval field value out of range: \"" + shown + "\""
             : "invalid input syntax for type interval: \"" + shown + "\"";
}

void RegisterIntervalText(Registrar& registrar) {
  using duckdb::LogicalType;
  duckdb::ScalarFunctionSet set("rs_interval");
  for (const bool qualified : {false, true}) {
    duckdb::vector<LogicalType> arguments = {LogicalType::VARCHAR};
    if (qualified) arguments.push_back(LogicalType::VARCHAR);
    duckdb::ScalarFunction function(arguments, LogicalType::INTERVAL, RunInterval, BindInterval);
    function.SetFallible();
    set.AddFunction(function);
  }
  registrar.Add(set);
}

}  // namespace skep::worker
