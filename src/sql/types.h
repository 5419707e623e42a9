// Redshift's types as the front knows them: what a column was declared as, what an expression
// yields. Where the front cannot tell (kUnknown) the engine's own types decide. Source: sql.md
// section 5.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/ast/expression.h"

namespace skep::sql {

enum class TypeKind : uint8_t {
  kUnknown,
  kNull,     // of a bare NULL
  kLiteral,  // of a string literal: takes the type it is compared with
  kBoolean,
  kSmallint,
  kInt,
  kBigint,
  kDecimal,
  kReal,
  kDouble,
  kChar,
  kVarchar,
  kDate,
  kTime,
  kTimeTz,
  kTimestamp,
  kTimestampTz,
  kInterval,  // of a literal without a qualifier
  kIntervalYearToMonth,
  kIntervalDayToSecond,
  kSuper,
  kVarbyte,
  kGeometry,
  kGeography,
  kHllSketch,
  kOid,
  kName,
  kArray,   // of external tables: elements[0]
  kMap,     // of external tables: elements[0] to elements[1]
  kStruct,  // of external tables: elements named by names
};

struct Type {
  static Type Of(TypeKind kind) {
    Type type;
    type.kind = kind;
    return type;
  }

  TypeKind kind = TypeKind::kUnknown;
  int32_t length = -1;     // bytes of CHAR, VARCHAR, VARBYTE; digits of DECIMAL; -1: not given
  int32_t scale = 0;       // of DECIMAL
  bool fold_case = false;  // COLLATE CASE_INSENSITIVE
  // Of array, map, struct.
  std::shared_ptr<const std::vector<Type>> elements;
  std::shared_ptr<const std::vector<std::string>> names;

  bool IsText() const {
    return kind == TypeKind::kChar || kind == TypeKind::kVarchar || kind == TypeKind::kLiteral ||
           kind == TypeKind::kName;
  }
  bool IsInteger() const {
    return kind == TypeKind::kSmallint || kind == TypeKind::kInt || kind == TypeKind::kBigint;
  }
  bool IsNumber() const {
    return IsInteger() || kind == TypeKind::kDecimal || kind == TypeKind::kReal ||
           kind == TypeKind::kDouble;
  }
  bool IsNested() const {
    return kind == TypeKind::kArray || kind == TypeKind::kMap || kind == TypeKind::kStruct;
  }
  bool IsSuper() const { return kind == TypeKind::kSuper; }
  bool IsDateTime() const {
    return kind == TypeKind::kDate || kind == TypeKind::kTimestamp ||
           kind == TypeKind::kTimestampTz || kind == TypeKind::kTime || kind == TypeKind::kTimeTz;
  }
  bool IsInterval() const {
    return kind == TypeKind::kInterval || kind == TypeKind::kIntervalYearToMonth ||
           kind == TypeKind::kIntervalDayToSecond;
  }
};

// A type as it was written. Errors: kUndefinedObject (no such type), kInvalidArgument (a length or
// precision out of range); the position is the caller's to add (type.begin).
Result<Type> TypeOf(const ast::TypeName& type);

// "character varying(20)": as SHOW COLUMNS and format_type write it.
std::string TypeText(const Type& type);
// The same without length.
std::string BareTypeText(const Type& type);
// "varchar(20)": short, to be read back by ParseTypeText.
std::string CompactType(const Type& type);
Type ParseCompactType(std::string_view text);
// What results when values of both meet in one column (set operations, CASE, COALESCE).
Type CommonType(const Type& a, const Type& b);
// Whether PostgreSQL would make one type of both without a cast. What is not known here passes.
bool AreMatched(const Type& a, const Type& b);
// "UNION types integer and character varying cannot be matched".
std::string Unmatched(std::string_view what, const Type& a, const Type& b);
// DECIMAL arithmetic: the type by the operands' own, DECIMAL or integer; DECIMAL without digits
// when one of them has none. Source: the developer guide's "Computations with numeric values".
Type DecimalResult(ast::BinaryOperator op, const Type& a, const Type& b);
// The word of a function's signature (function_table.h) as a type; kUnknown for "any", "number".
Type SignatureType(std::string_view word);

}  // namespace skep::sql
