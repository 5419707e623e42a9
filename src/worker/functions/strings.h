// String functions by character: lengths, parts, padding, trimming, case, splitting.
// Offsets count characters from 1; on VARBYTE they count bytes. Source: developer guide, chapter
// "String functions".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_text, rs_length, rs_octet_length, rs_substring, rs_left, rs_right, rs_btrim, rs_ltrim,
// rs_rtrim, rs_lpad, rs_rpad, rs_repeat, rs_replace, rs_reverse, rs_initcap, rs_chr, rs_split_part.
void RegisterStrings(Registrar& registrar);

}  // namespace skep::worker
