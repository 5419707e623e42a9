#include <cmath>
#include <functional>

#include "worker/functions/division.h"
#include "worker/functions/super_arguments.h"
#include "worker/functions/super_number.h"
#include "worker/functions/super_operators.h"
#include "worker/functions/super_value.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::Vector;

constexpr int kDivisionScale = 4;

bool Fits(__int128 value) {
  const __int128 limit = PowerOfTen(kMaxDecimalDigits);
  return value < limit && value > -limit;
}

bool Rescale(Decimal& decimal, int scale) {
  if (__builtin_mul_overflow(decimal.value, PowerOfTen(scale - decimal.scale), &decimal.value)) {
    return false;
  }
  decimal.scale = scale;
  return true;
}

bool Align(Decimal& a, Decimal& b) {
  const int scale = std::max(a.scale, b.scale);
  return Rescale(a, scale) && Rescale(b, scale);
}

int Digits(__int128 value) {
  int digits = 1;
  while (digits < kMaxDecimalDigits &&
         (value >= PowerOfTen(digits) || value <= -PowerOfTen(digits))) {
    digits++;
  }
  return digits;
}

// Each answers false where the result has more than 38 digits; there SUPER gives NULL instead of
// an error.
struct Add {
  static double Of(double a, double b) { return a + b; }
  static bool Of(Decimal a, Decimal b, Decimal& result) {
    result.scale = std::max(a.scale, b.scale);
    return Align(a, b) && !__builtin_add_overflow(a.value, b.value, &result.value);
  }
};

struct Subtract {
  static double Of(double a, double b) { return a - b; }
  static bool Of(Decimal a, Decimal b, Decimal& result) {
    result.scale = std::max(a.scale, b.scale);
    return Align(a, b) && !__builtin_sub_overflow(a.value, b.value, &result.value);
  }
};

struct Multiply {
  static double Of(double a, double b) { return a * b; }
  static bool Of(Decimal a, Decimal b, Decimal& result) {
    result.scale = a.scale + b.scale;
    return result.scale <= kMaxDecimalDigits &&
           !__builtin_mul_overflow(a.value, b.value, &result.value);
  }
};

// The scale of a quotient: r_numeric_computations201.md, with the digits that the values have. Two
// integers make an integer.
struct Divide {
  static double Of(double a, double b) {
    if (b == 0) ThrowDivisionByZero();
    return a / b;
  }
  static bool Of(Decimal a, Decimal b, Decimal& result) {
    if (b.value == 0) ThrowDivisionByZero();
    if (a.scale == 0 && b.scale == 0) {
      result = {a.value / b.value, 0};
      return true;
    }
    result.scale = std::max(kDivisionScale, a.scale + Digits(b.value) - b.scale + 1);
    for (;; result.scale--) {
      Decimal scaled = a;
      if (result.scale + b.scale <= kMaxDecimalDigits && Rescale(scaled, result.scale + b.scale)) {
        result.value = scaled.value / b.value;
        return true;
      }
      if (result.scale <= kDivisionScale) return false;
    }
  }
};

struct Remainder {
  static double Of(double a, double b) {
    if (b == 0) ThrowDivisionByZero();
    return std::fmod(a, b);
  }
  static bool Of(Decimal a, Decimal b, Decimal& result) {
    if (b.value == 0) ThrowDivisionByZero();
    result.scale = std::max(a.scale, b.scale);
    if (!Align(a, b)) return false;
    result.value = b.value == -1 ? 0 : a.value % b.value;
    return true;
  }
};

bool AppendResult(std::string& out, double value) {
  if (!std::isfinite(value)) return false;
  AppendFloat(out, value);
  return true;
}
bool AppendResult(std::string& out, Decimal value) {
  if (!Fits(value.value)) return false;
  AppendDecimal(out, value);
  return true;
}

template <class Operator>
bool Calculate(std::string_view a, std::string_view b, std::string& out) {
  if (KindOf(a) != SuperKind::kNumber || KindOf(b) != SuperKind::kNumber) return false;
  if (IsFloat(a) || IsFloat(b)) {
    return AppendResult(out, Operator::Of(ReadDouble(a), ReadDouble(b)));
  }
  Decimal left;
  Decimal right;
  Decimal result;
  if (!ReadDecimal(a, left) || !ReadDecimal(b, right)) return false;
  return Operator::Of(left, right, result) && AppendResult(out, result);
}

template <class Operator>
void Binary(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::BinaryExecutor::ExecuteWithNulls<string_t, string_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t a, string_t b, duckdb::ValidityMask& mask, idx_t row) {
        text.clear();
        if (!Calculate<Operator>(View(a), View(b), text)) {
          mask.SetInvalid(row);
          return string_t();
        }
        return duckdb::StringVector::AddString(result, text);
      });
}

struct Negate {
  static double Of(double a) { return -a; }
  static Decimal Of(Decimal a) { return {-a.value, a.scale}; }
};
struct Absolute {
  static double Of(double a) { return std::fabs(a); }
  static Decimal Of(Decimal a) { return {a.value < 0 ? -a.value : a.value, a.scale}; }
};
struct Truncate {
  static double Of(double a) { return std::trunc(a); }
  static Decimal Of(Decimal a) { return {a.value / PowerOfTen(a.scale), 0}; }
};
struct Floor {
  static double Of(double a) { return std::floor(a); }
  static Decimal Of(Decimal a) {
    const __int128 divisor = PowerOfTen(a.scale);
    return {a.value / divisor - (a.value % divisor < 0 ? 1 : 0), 0};
  }
};
struct Ceiling {
  static double Of(double a) { return std::ceil(a); }
  static Decimal Of(Decimal a) {
    const __int128 divisor = PowerOfTen(a.scale);
    return {a.value / divisor + (a.value % divisor > 0 ? 1 : 0), 0};
  }
};
struct Round {
  static double Of(double a) { return std::round(a); }
  static Decimal Of(Decimal a) {
    const __int128 divisor = PowerOfTen(a.scale);
    const __int128 rest = a.value % divisor;
    __int128 value = a.value / divisor;
    if (rest > 0 && rest >= divisor - rest) value++;
    if (rest < 0 && -rest >= divisor + rest) value--;
    return {value, 0};
  }
};
struct Sign {
  static double Of(double a) { return a > 0 ? 1 : (a < 0 ? -1 : 0); }
  static Decimal Of(Decimal a) { return {a.value > 0 ? 1 : (a.value < 0 ? -1 : 0), 0}; }
};

template <class Operator>
void Unary(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  std::string text;
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [&](string_t a, duckdb::ValidityMask& mask, idx_t row) {
        const std::string_view number = View(a);
        text.clear();
        Decimal decimal;
        bool done = false;
        if (KindOf(number) == SuperKind::kNumber) {
          if (IsFloat(number)) {
            done = AppendResult(text, Operator::Of(ReadDouble(number)));
          } else if (ReadDecimal(number, decimal)) {
            done = AppendResult(text, Operator::Of(decimal));
          }
        }
        if (!done) {
          mask.SetInvalid(row);
          return string_t();
        }
        return duckdb::StringVector::AddString(result, text);
      });
}

}  // namespace

void RegisterSuperArithmetic(Registrar& registrar) {
  const auto binary = [&](const char* name, duckdb::scalar_function_t run, bool fallible) {
    duckdb::ScalarFunction function(name, {LogicalType::ANY, LogicalType::ANY}, SuperType(),
                                    std::move(run), BindAsSuper);
    if (fallible) function.SetFallible();
    registrar.Add(function);
  };
  binary("rs_super_add", Binary<Add>, false);
  binary("rs_super_sub", Binary<Subtract>, false);
  binary("rs_super_mul", Binary<Multiply>, false);
  binary("rs_super_div", Binary<Divide>, true);
  binary("rs_super_mod", Binary<Remainder>, true);
  const auto unary = [&](const char* name, duckdb::scalar_function_t run) {
    registrar.Add(duckdb::ScalarFunction(name, {SuperType()}, SuperType(), std::move(run)));
  };
  unary("rs_super_neg", Unary<Negate>);
  unary("rs_abs", Unary<Absolute>);
  unary("rs_trunc", Unary<Truncate>);
  unary("rs_floor", Unary<Floor>);
  unary("rs_ceil", Unary<Ceiling>);
  unary("rs_round", Unary<Round>);
  unary("rs_sign", Unary<Sign>);
}

}  // namespace skep::worker
