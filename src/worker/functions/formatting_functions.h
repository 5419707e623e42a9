// TO_CHAR, TO_DATE, TO_TIMESTAMP, TO_NUMBER and Teradata's way from text to numbers. Source:
// developer guide, "Data type formatting functions".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_to_char(value, format): value is a number, a date, a time, a timestamp (text is taken for one)
// or an interval.
void RegisterToChar(Registrar& registrar);
// rs_to_date(text, format [, strict]) DATE, rs_to_timestamp(text, format [, strict]) TIMESTAMPTZ.
void RegisterToTimestamp(Registrar& registrar);
// rs_to_number(text, format): DECIMAL as wide as the format, which is a constant.
void RegisterToNumber(Registrar& registrar);
// rs_text_to_int_alt(text [, format]) INTEGER, rs_text_to_numeric_alt(text [, format] [, precision,
// scale]) DECIMAL; format, precision and scale are constants.
void RegisterTeradataNumbers(Registrar& registrar);

}  // namespace skep::worker
