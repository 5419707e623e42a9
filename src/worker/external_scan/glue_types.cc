#include "worker/external_scan/glue_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace skep::external_scan {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

constexpr int kMaxDepth = 100;
constexpr size_t kShownBytes = 200;  // of a malformed type

class Parser {
 public:
  explicit Parser(std::string_view text) : whole_(text), rest_(text) {}

  Result<LogicalType> Whole() {
    SKEP_TRY_ASSIGN(LogicalType type, Type(0));
    Skip();
    if (!rest_.empty()) return Malformed();
    return type;
  }

 private:
  std::unexpected<Error> Malformed() const {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("\"{}{}\" is not a column type of the data catalog",
                            whole_.substr(0, kShownBytes), whole_.size() > kShownBytes ? "…" : ""));
  }

  void Skip() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())))
      rest_.remove_prefix(1);
  }
  bool Take(char c) {
    Skip();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string Word() {
    Skip();
    std::string word;
    while (!rest_.empty() &&
           (std::isalnum(static_cast<unsigned char>(rest_.front())) || rest_.front() == '_')) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(rest_.front())));
      rest_.remove_prefix(1);
    }
    return word;
  }
  // "(n)" or "(n,m)"; the values stay as they are when there are none. False when malformed.
  bool Numbers(int& first, int* second) {
    if (!Take('(')) return true;
    const auto number = [this](int& value) {
      Skip();
      const auto [next, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc{}) return false;
      rest_.remove_prefix(static_cast<size_t>(next - rest_.data()));
      return true;
    };
    if (!number(first)) return false;
    if (second) {
      *second = 0;
      if (Take(',') && !number(*second)) return false;
    }
    return Take(')');
  }
  // A field's name ends at its colon; backquotes may surround it.
  std::string FieldName() {
    Skip();
    const size_t colon = rest_.find(':');
    if (colon == std::string_view::npos) return {};
    std::string name(rest_.substr(0, colon));
    rest_.remove_prefix(colon + 1);
    while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back()))) name.pop_back();
    if (name.size() >= 2 && name.front() == '`' && name.back() == '`')
      name = name.substr(1, name.size() - 2);
    return name;
  }

  Result<LogicalType> Type(int depth) {
    if (depth > kMaxDepth)
      return Fail(ErrorKind::kInvalidArgument,
                  "a column type of the data catalog is nested too deep");
    const std::string word = Word();
    if (word == "array") {
      if (!Take('<')) return Malformed();
      SKEP_TRY_ASSIGN(LogicalType element, Type(depth + 1));
      if (!Take('>')) return Malformed();
      return LogicalType::LIST(element);
    }
    if (word == "map") {
      if (!Take('<')) return Malformed();
      SKEP_TRY_ASSIGN(LogicalType key, Type(depth + 1));
      if (!Take(',')) return Malformed();
      SKEP_TRY_ASSIGN(LogicalType value, Type(depth + 1));
      if (!Take('>')) return Malformed();
      return LogicalType::MAP(std::move(key), std::move(value));
    }
    if (word == "struct") {
      if (!Take('<')) return Malformed();
      duckdb::child_list_t<LogicalType> fields;
      duckdb::case_insensitive_set_t taken;
      do {
        std::string name = FieldName();
        if (name.empty()) return Malformed();
        if (!taken.insert(name).second) return Malformed();
        SKEP_TRY_ASSIGN(LogicalType type, Type(depth + 1));
        fields.emplace_back(std::move(name), std::move(type));
      } while (Take(','));
      if (!Take('>')) return Malformed();
      return LogicalType::STRUCT(std::move(fields));
    }
    return Primitive(word);
  }

  Result<LogicalType> Primitive(const std::string& word) {
    static constexpr std::pair<std::string_view, LogicalTypeId> kPlain[] = {
        {"boolean", LogicalTypeId::BOOLEAN},   {"bool", LogicalTypeId::BOOLEAN},
        {"tinyint", LogicalTypeId::TINYINT},   {"byte", LogicalTypeId::TINYINT},
        {"smallint", LogicalTypeId::SMALLINT}, {"short", LogicalTypeId::SMALLINT},
        {"int", LogicalTypeId::INTEGER},       {"integer", LogicalTypeId::INTEGER},
        {"bigint", LogicalTypeId::BIGINT},     {"long", LogicalTypeId::BIGINT},
        {"float", LogicalTypeId::FLOAT},       {"real", LogicalTypeId::FLOAT},
        {"string", LogicalTypeId::VARCHAR},    {"date", LogicalTypeId::DATE},
        {"binary", LogicalTypeId::BLOB},
    };
    for (const auto& [name, id] : kPlain) {
      if (word == name) return LogicalType(id);
    }
    if (word == "double") {
      const auto before = rest_;
      if (Word() != "precision") rest_ = before;
      return LogicalType(LogicalTypeId::DOUBLE);
    }
    if (word == "timestamptz") return LogicalType(LogicalTypeId::TIMESTAMP_TZ);
    if (word == "timestamp") {
      const auto before = rest_;
      if (Word() == "with") {
        for (std::string more = Word(); !more.empty(); more = Word()) {
        }
        return LogicalType(LogicalTypeId::TIMESTAMP_TZ);
      }
      rest_ = before;
      return LogicalType(LogicalTypeId::TIMESTAMP);
    }
    if (word == "varchar" || word == "char") {
      int length = 1;
      if (!Numbers(length, nullptr) || length < 1) return Malformed();
      return LogicalType(LogicalTypeId::VARCHAR);
    }
    if (word == "decimal" || word == "numeric") {
      int precision = 10, scale = 0;
      if (!Numbers(precision, &scale) || precision < 1 || precision > 38 || scale < 0 ||
          scale > precision)
        return Malformed();
      return LogicalType::DECIMAL(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale));
    }
    if (word == "uniontype" || word.starts_with("interval") || word == "void") {
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("columns of type {} are not supported", word));
    }
    return Malformed();
  }

  std::string_view whole_, rest_;
};

}  // namespace

Result<LogicalType> ParseGlueType(std::string_view text) { return Parser(text).Whole(); }

std::string GlueTypeOf(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return "boolean";
    case LogicalTypeId::TINYINT:
      return "tinyint";
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::SMALLINT:
      return "smallint";
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::INTEGER:
      return "int";
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::BIGINT:
      return "bigint";
    case LogicalTypeId::UBIGINT:
      return "decimal(20,0)";
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UHUGEINT:
      return "decimal(38,0)";
    case LogicalTypeId::FLOAT:
      return "float";
    case LogicalTypeId::DOUBLE:
      return "double";
    case LogicalTypeId::DECIMAL:
      return fmt::format("decimal({},{})", duckdb::DecimalType::GetWidth(type),
                         duckdb::DecimalType::GetScale(type));
    case LogicalTypeId::DATE:
      return "date";
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ:
      return "timestamp";
    case LogicalTypeId::BLOB:
      return "binary";
    case LogicalTypeId::LIST:
      return fmt::format("array<{}>", GlueTypeOf(duckdb::ListType::GetChildType(type)));
    case LogicalTypeId::ARRAY:
      return fmt::format("array<{}>", GlueTypeOf(duckdb::ArrayType::GetChildType(type)));
    case LogicalTypeId::MAP:
      return fmt::format("map<{},{}>", GlueTypeOf(duckdb::MapType::KeyType(type)),
                         GlueTypeOf(duckdb::MapType::ValueType(type)));
    case LogicalTypeId::STRUCT: {
      std::string out = "struct<";
      for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type)) {
        if (out.back() != '<') out += ',';
        out += name + ':' + GlueTypeOf(child);
      }
      return out + '>';
    }
    default:
      return "string";
  }
}

}  // namespace skep::external_scan
