// JSON in text and its way to SUPER and back. Source: json-functions.md and the pages it lists.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// Settings that change JSON_PARSE, as bits of the second argument of rs_json_parse.
inline constexpr int32_t kParseNullOnError = 1;      // parse_super_null_on_error
inline constexpr int32_t kParseDedupAttributes = 2;  // json_parse_dedup_attributes
inline constexpr int32_t kParseTruncateStrings = 4;  // json_parse_truncate_strings

// rs_json_parse(text or bytes [, bits]), rs_can_json_parse(text or bytes), rs_json_serialize,
// rs_json_serialize_to_varbyte; rs_is_valid_json, rs_is_valid_json_array, rs_json_array_length,
// rs_json_extract_array_element_text, rs_json_extract_path_text with Redshift's arguments.
void RegisterJsonFunctions(Registrar& registrar);

}  // namespace skep::worker
