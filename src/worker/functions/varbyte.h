// VARBYTE: its casts, functions and operators. Text becomes its UTF-8 bytes and back; integers
// become their bytes, the most significant first. Source: developer guide, "VARBYTE type" and
// chapter "VARBYTE functions and operators"; for GET_BYTE, SET_BYTE and SET_BIT PostgreSQL's
// documentation, section "Binary String Functions".
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_from_hex, rs_to_hex, rs_to_varbyte, rs_from_varbyte, rs_getbit, rs_get_byte, rs_set_byte,
// rs_set_bit; the operators + & | ~ and xor(); casts from and to text and integers, in place of the
// engine's.
void RegisterVarbyte(Registrar& registrar);

}  // namespace skep::worker
