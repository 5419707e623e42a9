// Of the engine's copy of utf8proc, which its lower() and upper() use, too; its header is not
// shipped. Source: utf8proc.h, version 2.
#pragma once

#include <cstdint>

namespace duckdb {
// NOLINTBEGIN(readability-identifier-naming)
int32_t utf8proc_tolower(int32_t code_point);
int32_t utf8proc_toupper(int32_t code_point);
int utf8proc_category(int32_t code_point);
// Bytes read, or less than 1 when they are no character.
long utf8proc_iterate(const unsigned char* text, long length, int32_t* code_point);
// NOLINTEND(readability-identifier-naming)
}  // namespace duckdb
