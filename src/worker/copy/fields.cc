#include "worker/copy/fields.h"

#include <algorithm>

namespace skep::worker::copy {
namespace {

constexpr FieldFault kNoDelimiter = {1214, "Delimiter not found"};
constexpr FieldFault kInvalidQuote = {1225, "Invalid quote formatting for CSV"};

// Told of a whole batch at once, in steps that become vector instructions.
bool IsPlain(std::string_view text) {
  unsigned char high = 0, zero = 0;
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    high |= c;
    zero |= static_cast<unsigned char>(c == 0);
  }
  return high < 0x80 && zero == 0;
}

}  // namespace

void FieldReader::Enter(std::string_view batch, uint64_t first_line) {
  batch_ = rest_ = batch;
  line_ = next_line_ = first_line;
  plain_ = IsPlain(batch);
}

// Where the record's last byte is followed by its line end.
size_t FieldReader::EndOfLine() const {
  if (plan_.format == sql::CopyFormat::kCsv) {
    for (size_t at = 0;;) {
      const size_t line = std::min(rest_.find('\n', at), rest_.size());
      // Not beyond the line: the next quote may be far away.
      const size_t open = rest_.substr(0, line).find(plan_.quote, at);
      if (open == std::string_view::npos) return line;
      const size_t close = rest_.find(plan_.quote, open + 1);
      if (close == std::string_view::npos) return rest_.size();
      at = close + 1;
    }
  }
  for (size_t at = 0;;) {
    const size_t line = std::min(rest_.find('\n', at), rest_.size());
    size_t escapes = 0;
    if (plan_.escape && line < rest_.size()) {
      while (escapes < line && rest_[line - 1 - escapes] == '\\') escapes++;
    }
    if (escapes % 2 == 0) return line;
    at = line + 1;
  }
}

bool FieldReader::Next() {
  if (rest_.empty()) return false;
  const size_t end = EndOfLine();
  record_ = rest_.substr(0, end);
  line_ = next_line_;
  next_line_ += 1 + static_cast<uint64_t>(std::ranges::count(record_, '\n'));
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  if (record_.ends_with('\r')) record_.remove_suffix(1);
  fields_.clear();
  made_.clear();
  fault_.reset();
  switch (plan_.format) {
    case sql::CopyFormat::kCsv:
      Csv();
      break;
    case sql::CopyFormat::kFixedWidth:
      FixedWidth();
      break;
    default:
      plan_.escape || plan_.remove_quotes ? Escaped() : Delimited();
  }
  return true;
}

void FieldReader::Add(std::string_view text, size_t position, bool may_be_null) {
  const bool stays =
      text.data() >= batch_.data() && text.data() + text.size() <= batch_.data() + batch_.size();
  fields_.push_back({text, may_be_null && text == plan_.null_text, position, plain_, stays});
}

void FieldReader::Delimited() {
  const char delimiter = plan_.delimiter[0];
  size_t at = 0;
  for (;;) {
    const size_t end = std::min(record_.find(delimiter, at), record_.size());
    Add(record_.substr(at, end - at), at);
    if (end == record_.size()) return;
    at = end + 1;
  }
}

// ESCAPE: a backslash takes the character behind it as data. REMOVEQUOTES: quotes around a field
// go, and what is between them is data.
void FieldReader::Escaped() {
  const char delimiter = plan_.delimiter[0];
  size_t at = 0;
  for (;;) {
    const size_t begin = at;
    std::string& field = made_.emplace_back();
    bool escaped = false;
    char quote = 0;
    if (plan_.remove_quotes && at < record_.size() && (record_[at] == '"' || record_[at] == '\''))
      quote = record_[at++];
    bool closed = quote == 0;
    for (; at < record_.size(); at++) {
      const char c = record_[at];
      if (plan_.escape && c == '\\' && at + 1 < record_.size()) {
        // \N is NULL and not an N.
        if (record_[at + 1] == 'N' && at == begin &&
            (at + 2 == record_.size() || record_[at + 2] == delimiter)) {
          field = "\\N";
          at += 2;
          break;
        }
        field.push_back(record_[++at]);
        escaped = true;
      } else if (quote != 0 && c == quote &&
                 (at + 1 == record_.size() || record_[at + 1] == delimiter)) {
        closed = true;
        at++;
        break;
      } else if (quote == 0 && c == delimiter) {
        break;
      } else {
        field.push_back(c);
      }
    }
    if (!closed) {
      fault_ = kNoDelimiter;
      return;
    }
    Add(field, begin, !escaped);
    if (at >= record_.size()) return;
    at++;  // the delimiter
  }
}

void FieldReader::Csv() {
  const char delimiter = plan_.delimiter[0], quote = plan_.quote;
  size_t at = 0;
  for (;;) {
    const size_t begin = at;
    if (at < record_.size() && record_[at] == quote) {
      std::string* made = nullptr;
      size_t from = ++at;
      std::string_view text;
      for (;;) {
        const size_t close = record_.find(quote, at);
        if (close == std::string_view::npos) {
          fault_ = kInvalidQuote;
          return;
        }
        if (close + 1 < record_.size() && record_[close + 1] == quote) {  // "" is one
          if (!made) made = &made_.emplace_back();
          made->append(record_, from, close + 1 - from);
          at = from = close + 2;
          continue;
        }
        text = record_.substr(from, close - from);
        if (made) {
          made->append(text);
          text = *made;
        }
        at = close + 1;
        break;
      }
      if (at < record_.size() && record_[at] != delimiter) {
        fault_ = kInvalidQuote;
        return;
      }
      Add(text, begin);
      if (at >= record_.size()) return;
      at++;
      if (at == record_.size()) {  // a delimiter at the end: one more, empty
        Add({}, at);
        return;
      }
      continue;
    }
    const size_t end = std::min(record_.find(delimiter, at), record_.size());
    Add(record_.substr(at, end - at), at);
    if (end == record_.size()) return;
    at = end + 1;
  }
}

// Widths count characters; blanks at a field's end are padding.
void FieldReader::FixedWidth() {
  size_t at = 0;
  for (const uint32_t width : plan_.widths) {
    const size_t begin = at;
    for (uint32_t i = 0; i < width && at < record_.size(); i++) {
      at++;
      while (at < record_.size() && (static_cast<unsigned char>(record_[at]) & 0xC0U) == 0x80U)
        at++;
    }
    std::string_view text = record_.substr(begin, at - begin);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (begin < record_.size()) Add(text, begin);
  }
}

}  // namespace skep::worker::copy
