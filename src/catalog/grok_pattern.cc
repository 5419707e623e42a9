#include "catalog/grok_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace skep::catalog {
namespace {

constexpr size_t kMaxRegex = 64u << 10;
constexpr int kMaxDepth = 16;

// Those of Logstash that logs are made of; groups do not capture.
constexpr std::pair<std::string_view, std::string_view> kPatterns[] = {
    {"USERNAME", R"([a-zA-Z0-9._-]+)"},
    {"USER", R"(%{USERNAME})"},
    {"EMAILLOCALPART", R"([a-zA-Z][a-zA-Z0-9_.+=:-]*)"},
    {"EMAILADDRESS", R"(%{EMAILLOCALPART}@%{HOSTNAME})"},
    {"INT", R"((?:[+-]?(?:[0-9]+)))"},
    {"BASE10NUM", R"((?<![0-9.+-])(?>[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+))))"},
    {"NUMBER", R"((?:%{BASE10NUM}))"},
    {"BASE16NUM", R"((?<![0-9A-Fa-f])(?:[+-]?(?:0x)?(?:[0-9A-Fa-f]+)))"},
    {"POSINT", R"(\b(?:[1-9][0-9]*)\b)"},
    {"NONNEGINT", R"(\b(?:[0-9]+)\b)"},
    {"BOOLEAN", R"((?i:true|false))"},
    {"WORD", R"(\b\w+\b)"},
    {"NOTSPACE", R"(\S+)"},
    {"SPACE", R"(\s*)"},
    {"DATA", R"(.*?)"},
    {"GREEDYDATA", R"(.*)"},
    {"QUOTEDSTRING", R"((?:"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|`(?:\\.|[^\\`])*`))"},
    {"QS", R"(%{QUOTEDSTRING})"},
    {"UUID", R"([A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12})"},
    {"MAC", R"((?:[A-Fa-f0-9]{2}[:-]){5}[A-Fa-f0-9]{2})"},
    {"IPV6",
     R"((?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,7}:|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}|:(?::[0-9A-Fa-f]{1,4}){1,7}))"},
    {"IPV4",
     R"((?<![0-9])(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})(?![0-9]))"},
    {"IP", R"((?:%{IPV6}|%{IPV4}))"},
    {"HOSTNAME",
     R"(\b(?:[0-9A-Za-z][0-9A-Za-z-]{0,62})(?:\.(?:[0-9A-Za-z][0-9A-Za-z-]{0,62}))*(?:\.?|\b))"},
    {"HOST", R"(%{HOSTNAME})"},
    {"IPORHOST", R"((?:%{IP}|%{HOSTNAME}))"},
    {"HOSTPORT", R"(%{IPORHOST}:%{POSINT})"},
    {"UNIXPATH", R"((?:/[\w_%!$@:.,+~-]*)+)"},
    {"WINPATH", R"((?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+)"},
    {"PATH", R"((?:%{UNIXPATH}|%{WINPATH}))"},
    {"TTY", R"((?:/dev/(?:pts|tty(?:[pq])?)(?:\w+)?/?(?:[0-9]+)))"},
    {"URIPROTO", R"([A-Za-z][A-Za-z0-9+.-]*)"},
    {"URIHOST", R"(%{IPORHOST}(?::%{POSINT})?)"},
    {"URIPATH", R"((?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+)"},
    {"URIPARAM", R"(\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*)"},
    {"URIPATHPARAM", R"(%{URIPATH}(?:%{URIPARAM})?)"},
    {"URI", R"(%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?)"},
    {"MONTH",
     R"(\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|Jun(?:e)?|Jul(?:y)?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b)"},
    {"MONTHNUM", R"((?:0?[1-9]|1[0-2]))"},
    {"MONTHNUM2", R"((?:0[1-9]|1[0-2]))"},
    {"MONTHDAY", R"((?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9]))"},
    {"DAY",
     R"((?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?))"},
    {"YEAR", R"((?>\d\d){1,2})"},
    {"HOUR", R"((?:2[0123]|[01]?[0-9]))"},
    {"MINUTE", R"((?:[0-5][0-9]))"},
    {"SECOND", R"((?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?))"},
    {"TIME", R"((?<![0-9])%{HOUR}:%{MINUTE}(?::%{SECOND})?(?![0-9]))"},
    {"DATE_US", R"(%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR})"},
    {"DATE_EU", R"(%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR})"},
    {"DATE", R"((?:%{DATE_US}|%{DATE_EU}))"},
    {"ISO8601_TIMEZONE", R"((?:Z|[+-]%{HOUR}(?::?%{MINUTE})))"},
    {"TIMESTAMP_ISO8601",
     R"(%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?)"},
    {"DATESTAMP", R"(%{DATE}[- ]%{TIME})"},
    {"TZ", R"((?:[PMCE][SD]T|UTC))"},
    {"SYSLOGTIMESTAMP", R"(%{MONTH} +%{MONTHDAY} %{TIME})"},
    {"PROG", R"((?:[\w._/%-]+))"},
    {"SYSLOGPROG", R"(%{PROG:program}(?:\[%{POSINT:pid}\])?)"},
    {"SYSLOGHOST", R"(%{IPORHOST})"},
    {"SYSLOGFACILITY", R"(<%{NONNEGINT:facility}.%{NONNEGINT:priority}>)"},
    {"SYSLOGBASE",
     R"(%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:)"},
    {"HTTPDATE", R"(%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT})"},
    {"HTTPDUSER", R"((?:%{EMAILADDRESS}|%{USER}))"},
    {"COMMONAPACHELOG",
     R"re(%{IPORHOST:clientip} %{HTTPDUSER:ident} %{USER:auth} \[%{HTTPDATE:timestamp}\] "(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" %{NUMBER:response} (?:%{NUMBER:bytes}|-))re"},
    {"COMBINEDAPACHELOG", R"(%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent})"},
    {"LOGLEVEL",
     R"((?i:trace|debug|notice|info|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg(?:ency)?|alert))"},
};

// RE2 looks neither ahead nor behind, nor does it go back: what these say of a pattern's
// surroundings is left out.
std::string WithoutLookAround(std::string_view expression) {
  std::string out;
  while (!expression.empty()) {
    if (expression.starts_with("(?<![") || expression.starts_with("(?![")) {
      expression.remove_prefix(expression.find("])") + 2);
    } else if (expression.starts_with("(?>")) {
      out += "(?:";
      expression.remove_prefix(3);
    } else {
      out += expression[0];
      expression.remove_prefix(1);
    }
  }
  return out;
}

class Reader {
 public:
  Reader(std::string_view custom, GrokUse use) : reading_(use == GrokUse::kReading) {
    for (const auto& [name, expression] : kPatterns)
      patterns_[std::string(name)] =
          reading_ ? std::string(expression) : WithoutLookAround(expression);
    while (!custom.empty()) {
      const size_t end = std::min(custom.find('\n'), custom.size());
      std::string_view line = custom.substr(0, end);
      custom.remove_prefix(std::min(end + 1, custom.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      const size_t blank = line.find_first_of(" \t");
      if (blank == std::string_view::npos || line.starts_with('#')) continue;
      const size_t from = line.find_first_not_of(" \t", blank);
      if (from != std::string_view::npos)
        patterns_[std::string(line.substr(0, blank))] = line.substr(from);
    }
  }

  Result<void> Expand(std::string_view text, int depth) {
    if (depth > kMaxDepth)
      return Fail(ErrorKind::kInvalidArgument, "the grok patterns hold each other");
    for (size_t i = 0; i < text.size();) {
      if (out_.regex.size() > kMaxRegex)
        return Fail(ErrorKind::kInvalidArgument, "the grok pattern is too long");
      if (text.substr(i).starts_with("%{")) {
        const size_t end = text.find('}', i);
        if (end != std::string_view::npos) {
          SKEP_TRY(Name(text.substr(i + 2, end - i - 2), depth));
          i = end + 1;
          continue;
        }
        if (!reading_) return Fail(ErrorKind::kInvalidArgument, "a %{ is not closed");
      }
      i += Copy(text.substr(i));
    }
    return {};
  }

  GrokExpression Take() { return std::move(out_); }

 private:
  // One character, or an escaped one, or a class as a whole; groups that capture are counted.
  size_t Copy(std::string_view text) {
    size_t length = 1;
    if (text[0] == '\\' && text.size() > 1) {
      length = 2;
    } else if (text[0] == '[') {
      length = text.starts_with("[^]") ? 3 : text.starts_with("[]") ? 2 : 1;
      while (length < text.size() && text[length] != ']') length += text[length] == '\\' ? 2 : 1;
      length = std::min(length + 1, text.size());
    } else if (text[0] == '(') {
      const bool named =
          text.starts_with("(?<") && text.size() > 3 && text[3] != '=' && text[3] != '!';
      if (named) {  // (?<field>...): a field as well
        const size_t end = text.find('>');
        if (end != std::string_view::npos) {
          Open(text.substr(3, end - 3), {});
          return end + 1;
        }
      }
      if (!text.starts_with("(?") || named) {
        if (!reading_) {  // no field, so no group
          out_.regex += "(?:";
          return 1;
        }
        groups_++;
      }
    }
    out_.regex += text.substr(0, length);
    return length;
  }

  Result<void> Name(std::string_view reference, int depth) {
    const size_t colon = std::min(reference.find(':'), reference.size());
    const std::string name(reference.substr(0, colon));
    const std::string_view rest = reference.substr(std::min(colon + 1, reference.size()));
    const size_t second = std::min(rest.find(':'), rest.size());
    const std::string_view field = rest.substr(0, second);
    const std::string_view type = rest.substr(std::min(second + 1, rest.size()));
    const auto pattern = patterns_.find(name);
    if (pattern == patterns_.end())
      return Fail(ErrorKind::kFeatureNotSupported,
                  fmt::format("the grok pattern {} is not known", name.substr(0, 100)));
    if (!field.empty() || reading_)
      Open(field.empty() ? name : field, type);
    else
      out_.regex += "(?:";
    const std::string expression = pattern->second;
    SKEP_TRY(Expand(expression, depth + 1));
    out_.regex += ")";
    return {};
  }

  void Open(std::string_view field, std::string_view type) {
    out_.fields.push_back(
        {reading_ ? Lower(field) : std::string(field), ++groups_, std::string(type)});
    out_.regex += "(";
  }

  const bool reading_;
  std::map<std::string, std::string> patterns_;
  GrokExpression out_;
  uint32_t groups_ = 0;
};

}  // namespace

Result<GrokExpression> ReadGrok(std::string_view pattern, std::string_view custom, GrokUse use) {
  Reader reader(custom, use);
  SKEP_TRY(reader.Expand(pattern, 0));
  return reader.Take();
}

}  // namespace skep::catalog
