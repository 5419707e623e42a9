// Reads JSON from outside: checks it whole and writes it as the canonical text of a SUPER value.
// Source: RFC 8259; super-configurations.md, "Parsing options for SUPER".
#pragma once

#include <string>
#include <string_view>

#include "worker/functions/super_value.h"

namespace skep::worker {

enum class Duplicates : uint8_t { kRefuse, kKeepLast, kKeepAll };

struct JsonOptions {
  Duplicates duplicates = Duplicates::kRefuse;
  // Cuts strings that are longer than a SUPER value may hold, instead of refusing them.
  bool truncate_strings = false;
  // Leaves numbers as they are written, of any size; the result is then no SUPER value.
  bool keep_numbers = false;
};

enum class JsonFault : uint8_t { kNone, kSyntax, kDuplicate, kTooDeep, kStringTooLong };

// The message of a fault in what JSON_PARSE was given.
const char* MessageOf(JsonFault fault);

// Replaces `out` by the canonical text of `json`, which must be valid UTF-8. `out` is of no use
// after a fault. Linear in time but for attributes, which are sorted to find duplicates.
JsonFault Canonical(std::string_view json, const JsonOptions& options, std::string& out);

}  // namespace skep::worker
