#include "catalog/crawler/classifier.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxRegex = 64u << 10;
constexpr int kMaxDepth = 16;
constexpr char kListSeparator = '\x1f';

// The patterns that log formats are made of, without look-around, which RE2 does not have.
constexpr auto kPatterns = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"WORD", R"(\b\w+\b)"},
    {"NOTSPACE", R"(\S+)"},
    {"SPACE", R"(\s*)"},
    {"DATA", ".*?"},
    {"GREEDYDATA", ".*"},
    {"INT", "[+-]?[0-9]+"},
    {"POSINT", "[1-9][0-9]*"},
    {"NONNEGINT", "[0-9]+"},
    {"NUMBER", R"([+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))"},
    {"BASE10NUM", "%{NUMBER}"},
    {"BASE16NUM", "[+-]?(?:0x)?[0-9A-Fa-f]+"},
    {"USERNAME", "[a-zA-Z0-9._-]+"},
    {"USER", "%{USERNAME}"},
    {"EMAILLOCALPART", "[a-zA-Z0-9!#$%&'*+\\-/=?^_`{|}~.]+"},
    {"EMAILADDRESS", "%{EMAILLOCALPART}@%{HOSTNAME}"},
    {"UUID", "[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"},
    {"QUOTEDSTRING", R"re((?:"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'))re"},
    {"QS", "%{QUOTEDSTRING}"},
    {"IPV4",
     R"((?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2}))"},
    {"IPV6", "[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+(?:%[0-9A-Za-z]+)?"},
    {"IP", "(?:%{IPV6}|%{IPV4})"},
    {"HOSTNAME", R"([0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?)"},
    {"HOST", "%{HOSTNAME}"},
    {"IPORHOST", "(?:%{IP}|%{HOSTNAME})"},
    {"HOSTPORT", "%{IPORHOST}:%{POSINT}"},
    {"MAC", "(?:[A-Fa-f0-9]{2}[:-]){5}[A-Fa-f0-9]{2}"},
    {"UNIXPATH", R"((?:/[^\s]*)+)"},
    {"PATH", "%{UNIXPATH}"},
    {"URIPROTO", R"([A-Za-z][A-Za-z0-9+\-.]+)"},
    {"URIHOST", "%{IPORHOST}(?::%{POSINT})?"},
    {"URIPATH", R"((?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+)"},
    {"URIPARAM", R"(\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*)"},
    {"URIPATHPARAM", "%{URIPATH}(?:%{URIPARAM})?"},
    {"URI", "%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?"},
    {"MONTH",
     "\\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:"
     "tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\\b"},
    {"MONTHNUM", "(?:0?[1-9]|1[0-2])"},
    {"MONTHDAY", "(?:0[1-9]|[12][0-9]|3[01]|[1-9])"},
    {"DAY",
     "(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)"
     "?)"},
    {"YEAR", R"((?:\d\d){1,2})"},
    {"HOUR", "(?:2[0123]|[01]?[0-9])"},
    {"MINUTE", "[0-5][0-9]"},
    {"SECOND", "(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?"},
    {"TIME", "%{HOUR}:%{MINUTE}(?::%{SECOND})?"},
    {"DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"},
    {"DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"},
    {"DATE", "(?:%{DATE_US}|%{DATE_EU})"},
    {"ISO8601_TIMEZONE", "(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))"},
    {"TIMESTAMP_ISO8601",
     "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?"},
    {"HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"},
    {"SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"},
    {"PROG", R"([\w._/%-]+)"},
    {"SYSLOGPROG", R"(%{PROG}(?:\[%{POSINT}\])?)"},
    {"SYSLOGHOST", "%{IPORHOST}"},
    {"LOGLEVEL",
     "(?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo|INFO|[Ww]arn(?:ing)?"
     "|WARN(?:ING)?|[Ee]rr(?:or)?|ERR(?:OR)?|[Cc]rit(?:ical)?|CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]"
     "evere|SEVERE|EMERG(?:ENCY)?|[Ee]merg(?:ency)?)"},
    {"COMMONAPACHELOG",
     R"re(%{IPORHOST:clientip} %{USER:ident} %{USER:auth} \[%{HTTPDATE:timestamp}\] "(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" %{NUMBER:response} (?:%{NUMBER:bytes}|-))re"},
    {"COMBINEDAPACHELOG", "%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}"},
});

std::map<std::string, std::string, std::less<>> CustomPatterns(std::string_view text) {
  std::map<std::string, std::string, std::less<>> patterns;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t space = line.find_first_of(" \t");
    if (space == std::string_view::npos || space == 0) continue;
    const size_t value = line.find_first_not_of(" \t", space);
    if (value != std::string_view::npos)
      patterns[std::string(line.substr(0, space))] = line.substr(value);
  }
  return patterns;
}

// The types that fields may be given; the service's names.
std::string FieldType(std::string_view name) {
  if (name.empty() || name == "string") return "string";
  if (name == "byte") return "tinyint";
  if (name == "short") return "smallint";
  if (name == "long") return "bigint";
  if (name == "boolean" || name == "double" || name == "int" || name == "float")
    return std::string(name);
  return {};
}

class Expansion {
 public:
  explicit Expansion(std::string_view custom) : custom_(CustomPatterns(custom)) {}

  Result<void> Append(std::string_view pattern, int depth) {
    if (depth > kMaxDepth) return Refuse("its patterns name each other without end");
    while (!pattern.empty()) {
      const size_t begin = pattern.find("%{");
      out_.regex += pattern.substr(0, begin);
      if (out_.regex.size() > kMaxRegex) return Refuse("it grows too long");
      if (begin == std::string_view::npos) return {};
      const size_t end = pattern.find('}', begin);
      if (end == std::string_view::npos) return Refuse("a %{ is not closed");
      SKEP_TRY(Reference(pattern.substr(begin + 2, end - begin - 2), depth));
      pattern.remove_prefix(end + 1);
    }
    return {};
  }
  TypedGrok Take() { return std::move(out_); }

 private:
  static std::unexpected<Error> Refuse(std::string_view why) {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("the grok pattern cannot be used: {}", why));
  }

  Result<void> Reference(std::string_view text, int depth) {
    const size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    std::string_view field, type;
    if (colon != std::string_view::npos) {
      field = text.substr(colon + 1);
      const size_t second = field.find(':');
      if (second != std::string_view::npos) {
        type = field.substr(second + 1);
        field = field.substr(0, second);
      }
    }
    std::string_view pattern;
    if (const auto own = custom_.find(name); own != custom_.end()) {
      pattern = own->second;
    } else {
      for (const auto& [known, value] : kPatterns) {
        if (known == name) pattern = value;
      }
      if (pattern.empty()) return Refuse(fmt::format("the pattern {} is not known", name));
    }
    if (field.empty()) {
      out_.regex += "(?:";
    } else {
      const std::string glue = FieldType(type);
      if (glue.empty()) return Refuse(fmt::format("{} is no type of a field", type));
      out_.fields.push_back({std::string(field), glue});
      out_.regex += '(';
    }
    SKEP_TRY(Append(pattern, depth + 1));
    out_.regex += ')';
    return {};
  }

  const std::map<std::string, std::string, std::less<>> custom_;
  TypedGrok out_;
};

void ReadGrok(Classifier& out, const Json& json) {
  const std::string pattern = TextOf(json, "GrokPattern"), custom = TextOf(json, "CustomPatterns");
  const auto expanded = ExpandGrok(pattern, custom);
  if (!expanded) {
    out.problem = expanded.error().message;
    return;
  }
  std::string names, types;
  for (const GrokField& field : expanded->fields) {
    if (!names.empty()) {
      names += kListSeparator;
      types += kListSeparator;
    }
    names += field.name;
    types += field.type;
  }
  out.options = {{"classifier", "grok"},
                 {"format", TextOf(json, "Classification")},
                 {"regex", expanded->regex},
                 {"columns", names},
                 {"types", types}};
  out.properties = {{"grokPattern", pattern}};
  if (!custom.empty()) out.properties.emplace_back("grokCustomPatterns", custom);
}

void ReadCsv(Classifier& out, const Json& json) {
  out.options = {{"classifier", "csv"},
                 {"delimiter", TextOf(json, "Delimiter")},
                 {"quote", TextOf(json, "QuoteSymbol")},
                 {"header", TextOf(json, "ContainsHeader")}};
  std::string names;
  for (const Json& name : MemberOf(json, "Header")) {
    if (!name.is_string()) continue;
    if (!names.empty()) names += kListSeparator;
    names += name.get<std::string>();
  }
  if (!names.empty()) out.options.emplace_back("columns", names);
  if (MemberOf(json, "AllowSingleColumn") == true)
    out.options.emplace_back("single_column", "true");
  if (const std::string serde = TextOf(json, "Serde"); serde != "None" && !serde.empty())
    out.properties.emplace_back("serde", serde);
}

}  // namespace

Result<TypedGrok> ExpandGrok(std::string_view pattern, std::string_view custom) {
  Expansion expansion(custom);
  SKEP_TRY(expansion.Append(pattern, 0));
  TypedGrok out = expansion.Take();
  if (out.fields.empty())
    return Fail(ErrorKind::kInvalidArgument,
                "the grok pattern cannot be used: it names no field (%{PATTERN:field})");
  return out;
}

Classifier ReadClassifier(const std::string& name, const Json& json) {
  Classifier out{name, {}, {}, {}, {}};
  if (const Json& grok = MemberOf(json, "GrokClassifier"); grok.is_object()) {
    out.type = "grok";
    ReadGrok(out, grok);
  } else if (const Json& csv = MemberOf(json, "CsvClassifier"); csv.is_object()) {
    out.type = "csv";
    ReadCsv(out, csv);
  } else if (const Json& paths = MemberOf(json, "JsonClassifier"); paths.is_object()) {
    out.type = "json";
    const std::string path = TextOf(paths, "JsonPath");
    out.options = {{"classifier", "json"}, {"path", path}};
    if (path != "$" && path != "$[*]") out.properties = {{"jsonPath", path}};
  } else {
    out.type = "xml";
    out.problem = "XML is not read here";
  }
  return out;
}

}  // namespace skep::catalog
