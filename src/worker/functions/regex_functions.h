// What users call of regular expressions: the operators ~ and ~*, SIMILAR TO, and the REGEXP
// functions. A constant pattern is compiled once a statement. Source: developer guide, "POSIX
// operators", "SIMILAR TO", "REGEXP_COUNT", "REGEXP_INSTR", "REGEXP_REPLACE", "REGEXP_SUBSTR".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_regex and rs_iregex (text, pattern) for ~ and ~*; rs_similar (text, pattern [, escape]);
// rs_regexp_count, rs_regexp_instr, rs_regexp_replace, rs_regexp_substr with the arguments of their
// pages.
void RegisterRegexFunctions(Registrar& registrar);

}  // namespace skep::worker
