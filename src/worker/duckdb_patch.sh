#!/usr/bin/env bash
# Mends one header of the engine for C++23 with clang 19 and libstdc++ 12: QueryMetrics() is defined where ActiveTimer is complete.
# usage: duckdb_patch.sh DEST, where DEST/include holds the headers. Does nothing when it was done before.
set -euo pipefail
header=$1/include/duckdb/main/profiling_utils.hpp
grep -q 'inline QueryMetrics::QueryMetrics' "$header" && exit 0
sed -i '/^ *QueryMetrics() {$/,/^ *}$/c\    QueryMetrics();' "$header"
printf '\nnamespace duckdb {\ninline QueryMetrics::QueryMetrics() {\n\tReset();\n}\n} // namespace duckdb\n' >> "$header"
grep -q '^    QueryMetrics();$' "$header" || { echo "$header: not the header that was expected" >&2; exit 1; }
