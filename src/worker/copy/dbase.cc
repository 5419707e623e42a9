#include "worker/copy/dbase.h"

#include <fmt/format.h>

#include <cstring>

namespace skep::worker::copy {
namespace {

constexpr size_t kDescriptorBytes = 32, kNameBytes = 11;
constexpr char kEndOfFields = '\r';

uint32_t Number(std::string_view bytes, size_t at, size_t size) {
  uint32_t number = 0;
  std::memcpy(&number, bytes.data() + at, size);
  return number;
}

std::string_view Trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\0'; };
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace

std::expected<size_t, std::string> DbaseLayout::HeaderBytes(std::string_view prefix) {
  if (prefix.size() < kPrefixBytes) return std::unexpected("it ends within its header");
  const size_t bytes = Number(prefix, 8, 2);
  if (bytes <= kPrefixBytes) return std::unexpected("it is no dBASE table");
  return bytes;
}

std::expected<DbaseLayout, std::string> DbaseLayout::Read(std::string_view header) {
  const auto bytes = HeaderBytes(header);
  if (!bytes) return std::unexpected(bytes.error());
  if (header.size() < *bytes) return std::unexpected("it ends within its header");
  DbaseLayout layout;
  layout.rows = Number(header, 4, 4);
  layout.row_bytes = Number(header, 10, 2);
  layout.page = CodePageOfDriver(static_cast<uint8_t>(header[29]));
  size_t offset = 1;  // behind the mark of deleted rows
  for (size_t at = kPrefixBytes; at < *bytes && header[at] != kEndOfFields;
       at += kDescriptorBytes) {
    if (at + kDescriptorBytes > *bytes) return std::unexpected("its header ends within a field");
    const std::string_view name = header.substr(at, kNameBytes);
    DbaseField field;
    field.name = std::string(name.substr(0, name.find('\0')));
    field.type = header[at + kNameBytes];
    field.offset = offset;
    field.width = Number(header, at + 16, 1);
    offset += field.width;
    layout.fields.push_back(std::move(field));
  }
  if (offset > layout.row_bytes)
    return std::unexpected(
        fmt::format("its fields take {} bytes, a row has {}", offset, layout.row_bytes));
  return layout;
}

std::optional<std::string> DbaseText(const DbaseField& field, std::string_view row, CodePage page) {
  std::string_view text = row.substr(field.offset, field.width);
  std::string out;
  switch (field.type) {
    case 'N':
    case 'F':
      text = Trimmed(text);
      // A number that did not fit was written as asterisks.
      if (text.empty() || text.starts_with('*')) return std::nullopt;
      return std::string(text);
    case 'D':
      text = Trimmed(text);
      if (text.find_first_not_of('0') == std::string_view::npos) return std::nullopt;
      if (text.size() != 8) return std::string(text);
      return fmt::format("{}-{}-{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2));
    case 'L':
      text = Trimmed(text);
      if (text.empty() || text == "?") return std::nullopt;
      if (text == "T" || text == "Y" || text == "y") return "t";
      if (text == "F" || text == "N" || text == "n") return "f";
      return std::string(text);
    default:
      while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
      AppendDecoded(page, text, out);
      return out;
  }
}

}  // namespace skep::worker::copy
