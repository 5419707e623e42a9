#include "worker/external_scan/lake_errors.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "worker/external_scan/decompression.h"

namespace skep::external_scan {
namespace {

constexpr const char* kKind = "skep_error_kind";
constexpr const char* kMessage = "skep_error_message";
constexpr const char* kDetail = "skep_error_detail";
constexpr const char* kHint = "skep_error_hint";

duckdb::ExceptionType TypeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kExternalDenied:
    case ErrorKind::kInsufficientPrivilege:
    case ErrorKind::kInvalidRole:
      return duckdb::ExceptionType::PERMISSION;
    case ErrorKind::kUndefinedTable:
    case ErrorKind::kUndefinedSchema:
      return duckdb::ExceptionType::CATALOG;
    case ErrorKind::kFeatureNotSupported:
      return duckdb::ExceptionType::NOT_IMPLEMENTED;
    case ErrorKind::kDataException:
    case ErrorKind::kInvalidText:
      return duckdb::ExceptionType::INVALID_INPUT;
    case ErrorKind::kQueryCanceled:
      return duckdb::ExceptionType::INTERRUPT;
    default:
      return duckdb::ExceptionType::IO;
  }
}

}  // namespace

void ThrowLakeError(const Error& error) {
  if (error.kind == ErrorKind::kQueryCanceled) throw duckdb::InterruptException();
  duckdb::unordered_map<std::string, std::string> extra;
  extra[kKind] = std::to_string(static_cast<int>(error.kind));
  extra[kMessage] = error.message;
  extra[kDetail] = error.detail;
  extra[kHint] = error.hint;
  throw duckdb::Exception(extra, TypeOf(error.kind), error.message);
}

std::optional<Error> LakeErrorOf(const duckdb::ErrorData& error) {
  const auto& extra = error.ExtraInfo();
  const auto kind = extra.find(kKind);
  if (kind == extra.end()) return std::nullopt;
  int number = -1;
  std::from_chars(kind->second.data(), kind->second.data() + kind->second.size(), number);
  if (number < 0 || number >= static_cast<int>(ErrorKind::kCount)) return std::nullopt;
  const auto text = [&](const char* name) {
    const auto found = extra.find(name);
    return found == extra.end() ? std::string() : found->second;
  };
  return Error{static_cast<ErrorKind>(number), text(kMessage), text(kDetail), text(kHint), 0};
}

std::string PublicText(std::string text) {
  constexpr std::string_view kScheme = "s3://";
  for (size_t at = text.find(kScheme); at != std::string::npos; at = text.find(kScheme, at)) {
    at += kScheme.size();
    size_t end = text.find_first_not_of("0123456789.", at);
    if (end == std::string::npos || end == at) continue;
    if (text[end] != '@' && text[end - 1] == '.') {
      const size_t sign = text.find('@', end);
      if (sign == std::string::npos || !IsOwnCompression(text.substr(end, sign - end))) continue;
      const size_t ending = text.find(kPackedEnding, sign);
      if (ending != std::string::npos) text.erase(ending, kPackedEnding.size());
      end = sign;
    }
    if (text[end] == '@') text.erase(at, end + 1 - at);
  }
  return text;
}

std::string MessageOf(const duckdb::ErrorData& error) {
  std::string text = error.RawMessage();
  if (text.starts_with("{\"exception_type\"")) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_object() && json.contains("exception_message") &&
        json["exception_message"].is_string())
      text = json["exception_message"].get<std::string>();
  }
  return PublicText(std::move(text));
}

}  // namespace skep::external_scan
