// Errors of the lake on their way through the engine: an Error becomes an exception of DuckDB's
// that fails one statement and leaves the instance usable (never InternalException or
// FatalException), and comes back out of the engine's ErrorData unchanged.
#pragma once

#include <duckdb.hpp>
#include <optional>
#include <string>

#include "base/error.h"

namespace skep::external_scan {

// Throws the exception that carries `error`.
[[noreturn]] void ThrowLakeError(const Error& error);
// Takes the value or throws.
template <class T>
T OrThrow(Result<T> result) {
  if (!result) ThrowLakeError(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The Error that an exception of this folder carried; nullopt when the error came from elsewhere.
std::optional<Error> LakeErrorOf(const duckdb::ErrorData& error);

// Paths name the scan inside the engine ("s3://7.3.1048576@bucket/key"); this takes that out of a
// text that users see.
std::string PublicText(std::string text);

// The message of an error as PublicText gives it, without the JSON that sessions wrap it in.
std::string MessageOf(const duckdb::ErrorData& error);

}  // namespace skep::external_scan
