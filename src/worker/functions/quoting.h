// QUOTE_IDENT and QUOTE_LITERAL: text as it is written in a statement. Source: developer guide,
// "QUOTE_IDENT function", "QUOTE_LITERAL function", "Reserved words".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_quote_ident, rs_quote_literal.
void RegisterQuoting(Registrar& registrar);

}  // namespace skep::worker
