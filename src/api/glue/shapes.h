// The structures of the Glue API as one table: what a request may hold, of which type, how long.
// Reading a request through it drops unknown members and nulls, so that only declared shapes reach
// the control store. Source: the service's public model (glue.md).
#pragma once

#include <string_view>

#include "api/context.h"

namespace skep::glue {

// Answers the checked copy of `input`. Failures: SerializationException (wrong JSON type),
// InvalidInputException (missing, too short or too long, unknown enumeration value), with the texts
// of the service's own validation.
api::Answer<api::Json> ReadShape(const api::Json& input, std::string_view shape);

}  // namespace skep::glue
