// Reads what the encoder wrote, as a client would, strictly: every length must add up. Shared by
// the tests of this folder.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace skep::worker {

using WireRow = std::vector<std::optional<std::string>>;

struct WireMessages {
  std::vector<WireRow> rows;
  std::vector<uint32_t> described;  // OIDs of a RowDescription
};

// Appends the messages of one frame's payload; a message that is torn or does not add up is a
// failure of the test.
inline void ReadMessages(std::string_view payload, WireMessages& out) {
  ByteReader r(payload);
  while (r.ok() && r.left() > 0) {
    const auto type = static_cast<char>(r.U8());
    const uint32_t length = r.U32Be();
    ASSERT_TRUE(r.ok() && length >= 6 && length - 4 <= r.left())
        << "a torn message of type " << type;
    ByteReader body(r.Bytes(length - 4));
    const uint16_t count = body.U16Be();
    if (type == 'T') {
      for (uint16_t i = 0; i < count; i++) {
        (void)body.CString();
        (void)body.Bytes(6);
        out.described.push_back(body.U32Be());
        (void)body.Bytes(8);
      }
    } else {
      ASSERT_EQ(type, 'D');
      WireRow row;
      for (uint16_t i = 0; i < count; i++) {
        const uint32_t size = body.U32Be();
        if (size == 0xffffffffu) {
          row.emplace_back(std::nullopt);
        } else {
          row.emplace_back(std::string(body.Bytes(size)));
        }
      }
      out.rows.push_back(std::move(row));
    }
    ASSERT_TRUE(body.Done()) << "a message of type " << type << " whose parts do not add up";
  }
  ASSERT_TRUE(r.Done());
}

inline std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

}  // namespace skep::worker
