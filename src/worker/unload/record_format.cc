#include "worker/unload/record_format.h"

#include <fmt/format.h>

#include <utility>

namespace skep::worker::unload {
namespace {

using enum sql::UnloadFormat;

constexpr std::string_view kDefaultPartition = "__HIVE_DEFAULT_PARTITION__";

// Characters of UTF-8 text.
size_t CharactersOf(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < ' ')
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
          out += c;
    }
  }
  out += '"';
}

std::string FolderOf(const std::vector<std::string>& names, const std::vector<Field>& values) {
  constexpr std::string_view kSpecial = "\"#%'*/:=?\\\x7f{[]^";
  std::string folder;
  const auto append = [&](std::string_view text) {
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < ' ' || kSpecial.find(c) != std::string_view::npos)
        folder += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
      else
        folder += c;
    }
  };
  for (size_t i = 0; i < names.size(); i++) {
    append(names[i]);
    folder += '=';
    if (!values[i] || values[i]->empty())
      folder += kDefaultPartition;
    else
      append(*values[i]);
    folder += '/';
  }
  return folder;
}

RecordFormat::RecordFormat(const sql::UnloadPlan& plan, std::vector<RecordColumn> columns)
    : plan_(plan), columns_(std::move(columns)), delimiter_(plan.delimiter.at(0)) {
  for (const RecordColumn& column : columns_) {
    std::string key;
    AppendJsonString(column.name, key);
    keys_.push_back(key + ":");
  }
}

void RecordFormat::AppendDelimited(std::string_view text, std::string& out) const {
  if (plan_.add_quotes) out += '"';
  if (plan_.escape) {
    for (const char c : text) {
      if (c == '\n' || c == '\r' || c == '\\' || c == delimiter_ ||
          (plan_.add_quotes && (c == '"' || c == '\'')))
        out += '\\';
      out += c;
    }
  } else {
    out += text;
  }
  if (plan_.add_quotes) out += '"';
}

void RecordFormat::AppendCsv(std::string_view text, std::string& out) const {
  bool quote = text.empty();  // NULL is nothing at all
  for (const char c : text) quote |= c == delimiter_ || c == '"' || c == '\n' || c == '\r';
  if (!quote) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

Result<void> RecordFormat::AppendFixed(size_t column, const Field& field, std::string& out) const {
  const size_t width = plan_.widths[column];
  std::string_view text = field ? *field : std::string_view(plan_.null_text);
  size_t characters = CharactersOf(text);
  if (characters > width && !field && !columns_[column].character) {
    text = {};
    characters = 0;
  }
  if (characters > width)
    return Fail(ErrorKind::kStringTooLong,
                fmt::format("a value of column \"{}\" has {} characters, FIXEDWIDTH gives it {}",
                            columns_[column].name, characters, width));
  out += text;
  out.append(width - characters, ' ');
  return {};
}

void RecordFormat::AppendJson(const std::vector<Field>& fields, std::string& out) const {
  out += '{';
  for (size_t i = 0; i < fields.size(); i++) {
    if (i > 0) out += ',';
    out += keys_[i];
    const Field& field = fields[i];
    const FieldKind kind = columns_[i].kind;
    if (!field) {
      out += "null";
    } else if (kind == FieldKind::kJson) {
      out += *field;
    } else if (kind == FieldKind::kNumber &&
               field->find_first_of("aIi") == std::string_view::npos) {
      out += *field;  // but NaN and Infinity are no numbers of JSON
    } else {
      AppendJsonString(*field, out);
    }
  }
  out += '}';
}

void RecordFormat::AppendHeader(std::string& out) const {
  for (size_t i = 0; i < columns_.size(); i++) {
    if (i > 0) out += delimiter_;
    if (plan_.format == kCsv)
      AppendCsv(columns_[i].name, out);
    else
      AppendDelimited(columns_[i].name, out);
  }
  out += '\n';
}

Result<void> RecordFormat::Append(const std::vector<Field>& fields, std::string& out) const {
  if (plan_.format == kJson) {
    AppendJson(fields, out);
    out += '\n';
    return {};
  }
  for (size_t i = 0; i < fields.size(); i++) {
    if (plan_.format == kFixedWidth) {
      SKEP_TRY(AppendFixed(i, fields[i], out));
      continue;
    }
    if (i > 0) out += delimiter_;
    if (!fields[i])
      out += columns_[i].kind == FieldKind::kJson && !plan_.null_text.empty() ? "null"
                                                                              : plan_.null_text;
    else if (plan_.format == kCsv)
      AppendCsv(*fields[i], out);
    else
      AppendDelimited(*fields[i], out);
  }
  out += '\n';
  return {};
}

}  // namespace skep::worker::unload
