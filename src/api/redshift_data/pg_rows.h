// Reads spooled results: PostgreSQL messages as a worker wrote them (RowDescription, then DataRows
// in text) become the Data API's ColumnMetadata and Records. Sans-I/O and bounded: workers are not
// trusted, a malformed message is an error and never more. Sources: PostgreSQL documentation,
// "Message Formats"; data-api.md section 9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace skep::redshift_data {

inline constexpr uint32_t kMaxMessage = 64u << 20;
inline constexpr size_t kMessageHeader = 5;

struct Column {
  std::string name;
  uint32_t type_oid = 0;
  int16_t type_size = -1;
  int32_t type_modifier = -1;
};

struct Message {
  char type = 0;
  ByteView payload;
  size_t size = 0;  // whole, with its header
};

// The first message of `data`. Empty optional: more is needed (`*wanted` bytes in all, when not
// null). Errors: kProtocolViolation.
Result<std::optional<Message>> NextMessage(ByteView data, size_t* wanted = nullptr);
Result<std::vector<Column>> ReadRowDescription(ByteView payload);
// Appends one record as JSON: [{"longValue":1},{"isNull":true}]. Errors: kProtocolViolation.
Result<void> AppendRecord(ByteView payload, const std::vector<Column>& columns, std::string& json);
// Appends [{"name":...}, ...].
void AppendColumnMetadata(const std::vector<Column>& columns, std::string& json);
// "int4", "varchar", ... by OID.
std::string_view TypeName(uint32_t oid);

// Appends a JSON string; invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string& json);

}  // namespace skep::redshift_data
