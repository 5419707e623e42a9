#include "worker/external_scan/lines_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace skep::external_scan {
namespace {

constexpr std::pair<std::string_view, Handling> kHandlings[] = {
    {"disabled", Handling::kDisabled},     {"fail", Handling::kFail},
    {"set_to_null", Handling::kSetToNull}, {"drop_row", Handling::kDropRow},
    {"replace", Handling::kReplace},       {"truncate", Handling::kTruncate}};

}  // namespace

Result<LinesFormat> LinesFormat::Read(const ipc::TableDescription& description) {
  LinesFormat format;
  const auto bad = [&](const std::string& name, const std::string& value) {
    return Fail(ErrorKind::kFeatureNotSupported,
                fmt::format("external table {}: {} \"{}\" is not supported", description.name, name,
                            value));
  };
  const std::pair<std::string_view, Handling LinesFormat::*> kHandled[] = {
      {"invalid_char", &LinesFormat::invalid_char},
      {"numeric_overflow", &LinesFormat::numeric_overflow},
      {"surplus_char", &LinesFormat::surplus_char},
      {"column_count", &LinesFormat::column_count}};
  for (const auto& [name, value] : description.options) {
    const auto one = [&](char& into) {
      if (value.size() == 1) into = value[0];
      return value.size() <= 1;
    };
    if (name == "regex") format.regex = value;
    if (name == "ignore_case") format.ignore_case = value == "true";
    if (name == "delimiter" && !value.empty()) format.delimiter = value;
    if (name == "null") format.null_text = value;
    if (name == "compression") format.compression = value;
    if (name == "encoding") format.encoded = true;
    if (name == "skip") format.skip_lines = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "quote" && !one(format.quote)) return bad("quote", value);
    if (name == "escape" && !one(format.escape)) return bad("escape", value);
    if (name == "line_end" && !one(format.line_end)) return bad("line.delim", value);
    if (name == "replacement" && !one(format.replacement)) return bad("replacement_char", value);
    if (name == "groups") {
      for (std::string_view rest = value; !rest.empty();) {
        const size_t comma = std::min(rest.find(','), rest.size());
        uint32_t group = 0;
        std::from_chars(rest.data(), rest.data() + comma, group);
        format.groups.push_back(group);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    }
    for (const auto& [option, member] : kHandled) {
      if (name != option) continue;
      const auto found = std::ranges::find(kHandlings, Lower(value),
                                           &std::pair<std::string_view, Handling>::first);
      if (found == std::end(kHandlings)) return bad(std::string(option) + "_handling", value);
      format.*member = found->second;
    }
  }
  return format;
}

LineSplitter::LineSplitter(const LinesFormat& format, size_t columns)
    : format_(format), columns_(columns) {
  if (!format_.regex.empty())
    regex_.emplace("^(?:" + format_.regex + ")$", worker::RegexSyntax::kPerl, format_.ignore_case);
}

const std::vector<LineField>& LineSplitter::Split(std::string_view line) {
  fields_.clear();
  if (regex_) {
    Match(line);
  } else {
    Cut(line);
  }
  if (format_.null_text) {
    for (LineField& field : fields_) {
      if (field && *field == *format_.null_text) field.reset();
    }
  }
  return fields_;
}

void LineSplitter::Match(std::string_view line) {
  fields_.resize(columns_);
  size_t fault = 0;
  if (!IsUtf8(line, fault)) return;  // the expression knows characters only
  scratch_.Begin(*regex_, line, true);
  if (!scratch_.Find(0)) return;
  for (size_t i = 0; i < columns_; i++) {
    const uint32_t number = format_.groups.empty()      ? static_cast<uint32_t>(i) + 1
                            : i < format_.groups.size() ? format_.groups[i]
                                                        : 0;
    if (number == 0 || number > regex_->groups()) continue;
    if (const auto span = scratch_.Group(number))
      fields_[i] = line.substr(span->begin, span->end - span->begin);
  }
}

void LineSplitter::Cut(std::string_view line) {
  const auto& f = format_;
  // Made fields are referred to: the places must not move.
  made_.clear();
  made_.reserve(columns_ + 1 + static_cast<size_t>(std::ranges::count(line, f.delimiter[0])));
  size_t at = 0;
  while (true) {
    const bool quoted = f.quote != 0 && at < line.size() && line[at] == f.quote;
    size_t end = quoted ? at + 1 : at;
    std::string* made = nullptr;
    const auto make = [&](size_t from) {
      if (made == nullptr) made = &made_.emplace_back(line.substr(from, end - from));
    };
    const size_t from = end;
    bool open = quoted;
    for (; end < line.size(); end++) {
      const char c = line[end];
      const bool next = end + 1 < line.size();
      if (f.escape != 0 && c == f.escape && next &&
          !(open && f.escape == f.quote && line[end + 1] != f.quote)) {
        if (open || f.escape != f.quote) {
          make(from);
          made->push_back(line[++end]);
          continue;
        }
      }
      if (open && c == f.quote) {
        make(from);
        open = false;
        continue;
      }
      if (!open && line.substr(end).starts_with(f.delimiter)) break;
      if (made != nullptr) made->push_back(c);
    }
    fields_.emplace_back(made != nullptr ? std::string_view(*made) : line.substr(from, end - from));
    if (end >= line.size()) return;
    at = end + f.delimiter.size();
  }
}

bool IsUtf8(std::string_view text, size_t& first_fault) {
  for (size_t i = 0; i < text.size();) {
    first_fault = i;
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = c < 0x80                ? 1
                          : c >= 0xc2 && c < 0xe0 ? 2
                          : c >= 0xe0 && c < 0xf0 ? 3
                          : c >= 0xf0 && c < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (size_t j = 1; j < length; j++) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xc0) != 0x80) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    // Longer than needed, surrogates, beyond the last character.
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
        (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  first_fault = text.size();
  return true;
}

std::string ReplaceInvalid(std::string_view text, char replacement) {
  std::string out;
  size_t fault = 0;
  while (!IsUtf8(text, fault)) {
    out.append(text.substr(0, fault));
    out.push_back(replacement);
    text.remove_prefix(fault + 1);
  }
  return out.append(text);
}

uint32_t CharLengthOf(std::string_view glue_type) {
  const std::string type = Lower(glue_type);
  const size_t open = type.find('(');
  if (open == std::string::npos || (!type.starts_with("char") && !type.starts_with("varchar")))
    return 0;
  uint32_t length = 0;
  std::from_chars(type.data() + open + 1, type.data() + type.size(), length);
  return length;
}

}  // namespace skep::external_scan
