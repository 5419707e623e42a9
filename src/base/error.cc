#include "base/error.h"

#include <array>

namespace skep {
namespace {

constexpr std::array<ErrorCodes, static_cast<size_t>(ErrorKind::kCount)> kTable = {{
    {"internal", "XX000", "InternalServerException", 500, true},
    {"invalid_argument", "22023", "ValidationException", 400, false},
    {"syntax_error", "42601", "ValidationException", 400, false},
    {"feature_not_supported", "0A000", "ValidationException", 400, false},
    {"undefined_object", "42704", "ResourceNotFoundException", 400, false},
    {"undefined_table", "42P01", "ResourceNotFoundException", 400, false},
    {"undefined_column", "42703", "ValidationException", 400, false},
    {"undefined_function", "42883", "ValidationException", 400, false},
    {"undefined_schema", "3F000", "ResourceNotFoundException", 400, false},
    {"undefined_database", "3D000", "ResourceNotFoundException", 400, false},
    {"duplicate_object", "42710", "AlreadyExistsException", 400, false},
    {"duplicate_table", "42P07", "AlreadyExistsException", 400, false},
    {"duplicate_schema", "42P06", "AlreadyExistsException", 400, false},
    {"duplicate_function", "42723", "AlreadyExistsException", 400, false},
    {"ambiguous_column", "42702", "ValidationException", 400, false},
    {"invalid_function_definition", "42P13", "ValidationException", 400, false},
    {"datatype_mismatch", "42804", "ValidationException", 400, false},
    {"invalid_text", "22P02", "ValidationException", 400, false},
    {"invalid_datetime", "22007", "ValidationException", 400, false},
    {"datetime_out_of_range", "22008", "ValidationException", 400, false},
    {"numeric_out_of_range", "22003", "ValidationException", 400, false},
    {"division_by_zero", "22012", "ValidationException", 400, false},
    {"string_too_long", "22001", "ValidationException", 400, false},
    {"not_null_violation", "23502", "ValidationException", 400, false},
    {"unique_violation", "23505", "ValidationException", 400, false},
    {"data_exception", "22000", "ValidationException", 400, false},
    {"authentication_failed", "28P01", "UnrecognizedClientException", 403, false},
    {"insufficient_privilege", "42501", "AccessDeniedException", 400, false},
    {"invalid_role", "28000", "AccessDeniedException", 400, false},
    {"in_transaction", "25001", "ValidationException", 400, false},
    {"failed_transaction", "25P02", "ValidationException", 400, false},
    {"serialization_failure", "40001", "ValidationException", 400, true},
    {"query_canceled", "57014", "QueryTimeoutException", 400, false},
    {"statement_timeout", "57014", "QueryTimeoutException", 400, false},
    {"too_many_connections", "53300", "ActiveSessionsExceededException", 400, true},
    {"out_of_memory", "53200", "InternalServerException", 500, true},
    {"disk_full", "53100", "InternalServerException", 500, true},
    {"io_error", "58030", "InternalServerException", 500, true},
    {"external_unavailable", "58000", "InternalServerException", 500, true},
    {"external_denied", "42501", "AccessDeniedException", 400, false},
    {"external_not_found", "58P01", "ResourceNotFoundException", 400, false},
    {"external_changed", "55000", "InternalServerException", 500, true},
    {"worker_lost", "57P02", "InternalServerException", 500, true},
    {"admin_shutdown", "57P01", "InternalServerException", 503, true},
    {"protocol_violation", "08P01", "SerializationException", 400, false},
    {"payload_too_large", "54000", "ValidationException", 413, false},
    {"throttled", "53400", "ThrottlingException", 400, true},
    {"conflict", "55006", "ConflictException", 400, true},
    {"invalid_statement_name", "26000", "ValidationException", 400, false},
    {"invalid_cursor_name", "34000", "ValidationException", 400, false},
    {"undefined_parameter", "42P02", "ValidationException", 400, false},
    {"undefined_setting", "42704", "ValidationException", 400, false},
    {"invalid_setting_value", "22023", "ValidationException", 400, false},
    {"grouping_error", "42803", "ValidationException", 400, false},
    {"read_only_transaction", "25006", "ValidationException", 400, false},
    {"wrong_object_type", "42809", "ValidationException", 400, false},
    {"dependent_objects", "2BP01", "ValidationException", 400, false},
    {"duplicate_alias", "42712", "ValidationException", 400, false},
    {"duplicate_column", "42701", "ValidationException", 400, false},
    {"ambiguous_alias", "42P09", "ValidationException", 400, false},
    {"windowing_error", "42P20", "ValidationException", 400, false},
    {"invalid_column_reference", "42P10", "ValidationException", 400, false},
    {"cardinality_violation", "21000", "ValidationException", 400, false},
    {"cannot_coerce", "42846", "ValidationException", 400, false},
    {"too_many_columns", "54011", "ValidationException", 400, false},
    {"information", "00000", "ValidationException", 400, false},
    {"warning", "01000", "ValidationException", 400, false},
}};

}  // namespace

const ErrorCodes& CodesOf(ErrorKind kind) {
  const auto index = static_cast<size_t>(kind);
  return index < kTable.size() ? kTable[index] : kTable[0];
}

}  // namespace skep
