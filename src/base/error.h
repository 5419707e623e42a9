// The one vocabulary of failure. Every expected failure is an Error inside a Result; protocols
// translate it with the table in error.cc (SQLSTATE, AWS exception, HTTP status, retryable) and
// never invent codes of their own.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace skep {

enum class ErrorKind : uint8_t {
  kInternal,             // Our defect. Log with an incident id; the caller may retry once.
  kInvalidArgument,      // A malformed request parameter. Correct the call.
  kSyntaxError,          // SQL that does not parse. Correct the statement.
  kFeatureNotSupported,  // Known but not offered. Use another way.
  kUndefinedObject,  // An object (workgroup, database entry, role, statement) does not exist. Name
                     // an existing one.
  kUndefinedTable,   // No such table or view.
  kUndefinedColumn,  // No such column.
  kUndefinedFunction,          // No such function or operator.
  kUndefinedSchema,            // No such schema.
  kUndefinedDatabase,          // No such database.
  kDuplicateObject,            // It exists already.
  kDuplicateTable,             // The table exists already.
  kDuplicateSchema,            // The schema exists already.
  kDuplicateFunction,          // A function of this name with these arguments exists already.
  kAmbiguousColumn,            // The name fits several columns.
  kInvalidFunctionDefinition,  // A function's parts do not go together.
  kDatatypeMismatch,           // Types do not go together.
  kInvalidText,                // A value cannot be read as the type wanted.
  kInvalidDatetime,            // Text is no date, time or interval.
  kDatetimeOutOfRange,         // A date or time does not fit its type.
  kNumericOutOfRange,          // A number does not fit its type.
  kDivisionByZero,             // Division by zero.
  kStringTooLong,              // A string does not fit its type.
  kNotNullViolation,           // NULL in a NOT NULL column.
  kUniqueViolation,            // Duplicate key.
  kDataException,              // Another fault of the data itself (corrupt file, bad row).
  kAuthenticationFailed,       // Wrong user or password, or a bad signature. Check the credentials.
  kInsufficientPrivilege,      // Known caller, not allowed. Ask for a grant.
  kInvalidRole,                // A role cannot be assumed. Check trust and configuration.
  kInTransaction,              // Not allowed inside a transaction block.
  kFailedTransaction,          // The transaction is aborted. ROLLBACK first.
  kSerializationFailure,       // Conflict with a concurrent transaction. Retry the transaction.
  kQueryCanceled,              // Cancelled by request.
  kStatementTimeout,           // statement_timeout passed.
  kTooManyConnections,         // A limit of the gateway. Retry later.
  kOutOfMemory,           // The worker's memory limit. Use more capacity or a smaller statement.
  kDiskFull,              // No space left. Free space, then retry.
  kIoError,               // Storage failed (local disk).
  kExternalUnavailable,   // An outside service (S3) is down or slow. Retry later.
  kExternalDenied,        // An outside service refused our credentials.
  kExternalNotFound,      // An object in the lake is gone.
  kExternalChanged,       // An object in the lake changed under the statement. Run it again.
  kWorkerLost,            // The worker died. Run the statement again.
  kAdminShutdown,         // The gateway is going down. Reconnect.
  kProtocolViolation,     // The peer does not speak the protocol.
  kPayloadTooLarge,       // Larger than a declared cap.
  kThrottled,             // Too many requests. Back off.
  kConflict,              // The resource is in a state that forbids the request (crawler running).
  kInvalidStatementName,  // No such prepared statement.
  kInvalidCursorName,     // No such portal or cursor.
  kUndefinedParameter,    // A parameter that the statement does not have, or lacks.
  kUndefinedObjectSetting,  // Unknown or forbidden setting.
  kInvalidSettingValue,     // A setting's value is out of its range.
  kGroupingError,  // An aggregate or a plain column where the other belongs. Correct the statement.
  kReadOnlyTransaction,     // A write inside READ ONLY. End the transaction first.
  kWrongObjectType,         // A view where a table belongs, or the other way round.
  kDependentObjects,        // Others depend on what would be dropped. Drop them first, or CASCADE.
  kDuplicateAlias,          // Two relations of one FROM, or two queries of WITH, have one name.
  kDuplicateColumn,         // A column is named twice.
  kAmbiguousAlias,          // The name fits several relations.
  kWindowingError,          // A window function where none may stand.
  kInvalidColumnReference,  // ORDER BY or GROUP BY of something that is not selected.
  kCardinalityViolation,    // Several rows where one value belongs.
  kCannotCoerce,            // No cast leads from one type to the other.
  kTooManyColumns,          // More columns than a table can have. Split the table.
  kInformation,             // Of a notice: nothing is wrong.
  kWarning,                 // Of a notice: something may be.
  kCount
};

// What each protocol says for a kind. Source of the SQLSTATEs: PostgreSQL documentation, appendix
// A.
struct ErrorCodes {
  std::string_view name;
  std::string_view sqlstate;
  std::string_view aws_exception;
  int http_status;
  bool retryable;
};

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;
  std::string detail;
  std::string hint;
  uint32_t position = 0;  // 1-based character in the user's own statement text; 0 = unknown.

  bool operator==(const Error&) const = default;
};

// Looks up what the protocols say for a kind. Total: every kind has a row.
const ErrorCodes& CodesOf(ErrorKind kind);

template <class T>
using Result = std::expected<T, Error>;

// Makes the error half of a Result.
inline std::unexpected<Error> Fail(ErrorKind kind, std::string message, std::string detail = {},
                                   std::string hint = {}) {
  return std::unexpected(Error{kind, std::move(message), std::move(detail), std::move(hint), 0});
}
inline std::unexpected<Error> Fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace skep

#define SKEP_CONCAT_INNER(a, b) a##b
#define SKEP_CONCAT(a, b) SKEP_CONCAT_INNER(a, b)

// SKEP_TRY(expression): returns the error of a Result<...> early. SKEP_TRY_ASSIGN(auto x,
// expression): the value. SKEP_CO_TRY*: the same inside coroutines.
#define SKEP_TRY(expr)                                                                \
  do {                                                                                \
    auto skep_try_result = (expr);                                                    \
    if (!skep_try_result) return std::unexpected(std::move(skep_try_result).error()); \
  } while (false)
#define SKEP_CO_TRY(expr)                                                                \
  do {                                                                                   \
    auto skep_try_result = (expr);                                                       \
    if (!skep_try_result) co_return std::unexpected(std::move(skep_try_result).error()); \
  } while (false)
#define SKEP_TRY_ASSIGN(decl, expr) \
  SKEP_TRY_ASSIGN_IMPL(SKEP_CONCAT(skep_try_, __LINE__), decl, expr, return)
#define SKEP_CO_TRY_ASSIGN(decl, expr) \
  SKEP_TRY_ASSIGN_IMPL(SKEP_CONCAT(skep_try_, __LINE__), decl, expr, co_return)
#define SKEP_TRY_ASSIGN_IMPL(tmp, decl, expr, ret)       \
  auto tmp = (expr);                                     \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
