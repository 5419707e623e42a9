#include "worker/functions/spatial/wkt.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <duckdb.hpp>

#include "worker/functions/ascii.h"

namespace skep::worker::spatial {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text), whole_(text) {}

  ParsedText ParseAll() {
    ParsedText result;
    Skip();
    if (StartsWithWord("SRID=")) {
      rest_.remove_prefix(5);
      result.geometry.srid = ParseSrid();
      result.names_srid = true;
    }
    const int32_t srid = result.geometry.srid;
    result.geometry = ParseTagged(0);
    Skip();
    if (!rest_.empty()) Refuse();
    SetSrid(result.geometry, srid);
    return result;
  }

 private:
  [[noreturn]] void Refuse() const {
    throw duckdb::InvalidInputException("parse error - invalid geometry: \"%s\"",
                                        std::string(whole_.substr(0, 100)));
  }
  void Skip() {
    while (!rest_.empty() && IsSpace(rest_.front())) rest_.remove_prefix(1);
  }
  bool StartsWithWord(std::string_view word) const {
    return EqualsNoCase(rest_.substr(0, word.size()), word);
  }
  bool Accept(char c) {
    Skip();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) {
    if (!Accept(c)) Refuse();
  }
  std::string Word() {
    Skip();
    std::string word;
    while (!rest_.empty() && IsLetter(rest_.front())) {
      word.push_back(UpperLetter(rest_.front()));
      rest_.remove_prefix(1);
    }
    return word;
  }
  bool AcceptEmpty() {
    Skip();
    if (!StartsWithWord("EMPTY")) return false;
    rest_.remove_prefix(5);
    return true;
  }
  int32_t ParseSrid() {
    Skip();
    int32_t srid = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), srid);
    if (error != std::errc() || srid < 0) Refuse();
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    Expect(';');
    return srid;
  }
  std::optional<double> AcceptNumber() {
    Skip();
    const char* begin = rest_.data();
    const char* end = begin + rest_.size();
    if (begin != end && *begin == '+') begin++;
    // No "inf" and "nan".
    const char* first = begin;
    if (first != end && *first == '-') first++;
    if (first == end || (!IsDigit(*first) && *first != '.')) return std::nullopt;
    double number = 0;
    const auto [stop, error] = std::from_chars(begin, end, number);
    if (error == std::errc::result_out_of_range) {
      // Too small is 0, too large an error; from_chars does not say which it was.
      number = std::strtod(std::string(begin, stop).c_str(), nullptr);
      if (std::isinf(number)) Refuse();
    } else if (error != std::errc()) {
      return std::nullopt;
    }
    rest_.remove_prefix(static_cast<size_t>(stop - rest_.data()));
    return number;
  }

  // The first point of a value without Z or M in its name decides for all.
  void ParsePoint(Geometry& line) {
    std::array<double, 4> numbers{};
    size_t count = 0;
    while (count < numbers.size()) {
      const auto number = AcceptNumber();
      if (!number) break;
      numbers[count++] = *number;
    }
    if (count < 2) Refuse();
    if (!dimensions_) {
      dimensions_ = Dimensions{count > 2, count > 3};
    }
    if (count != dimensions_->Count()) Refuse();
    line.coordinates.insert(line.coordinates.end(), numbers.begin(), numbers.begin() + count);
  }
  void ParsePoints(Geometry& line) {
    if (AcceptEmpty()) return;
    Expect('(');
    do ParsePoint(line);
    while (Accept(','));
    Expect(')');
  }
  Geometry Part(Kind kind) {
    Geometry part;
    part.kind = kind;
    return part;
  }
  void ParseRings(Geometry& polygon) {
    if (AcceptEmpty()) return;
    Expect('(');
    do ParsePoints(polygon.parts.emplace_back(Part(Kind::kLineString)));
    while (Accept(','));
    Expect(')');
  }
  void ParseMember(Geometry& multi, int depth) {
    switch (multi.kind) {
      case Kind::kMultiPoint: {
        Geometry& point = multi.parts.emplace_back(Part(Kind::kPoint));
        if (AcceptEmpty()) return;
        if (!Accept('(')) return ParsePoint(point);
        ParsePoint(point);
        return Expect(')');
      }
      case Kind::kMultiLineString:
        return ParsePoints(multi.parts.emplace_back(Part(Kind::kLineString)));
      case Kind::kMultiPolygon:
        return ParseRings(multi.parts.emplace_back(Part(Kind::kPolygon)));
      default:
        multi.parts.push_back(ParseTagged(depth + 1));
    }
  }
  Geometry ParseTagged(int depth) {
    if (depth > kMaximumDepth) Refuse();
    std::string name = Word();
    std::optional<Dimensions> named = TakeDimensions(name);
    Geometry geometry;
    bool known = false;
    for (int kind = 1; kind <= 7; kind++) {
      if (name != UpperName(static_cast<Kind>(kind))) continue;
      geometry.kind = static_cast<Kind>(kind);
      known = true;
    }
    if (!known) Refuse();
    if (!named) {
      Skip();
      if (!StartsWithWord("EMPTY")) {
        std::string tag = Word();
        if (!tag.empty()) {
          named = TakeDimensions(tag);
          if (!named || !tag.empty()) Refuse();
        }
      }
    }
    if (named) {
      if (dimensions_ && *dimensions_ != *named) Refuse();
      dimensions_ = named;
    }
    switch (geometry.kind) {
      case Kind::kPoint:
        if (AcceptEmpty()) break;
        Expect('(');
        ParsePoint(geometry);
        Expect(')');
        break;
      case Kind::kLineString:
        ParsePoints(geometry);
        break;
      case Kind::kPolygon:
        ParseRings(geometry);
        break;
      default:
        if (AcceptEmpty()) break;
        Expect('(');
        do ParseMember(geometry, depth);
        while (Accept(','));
        Expect(')');
    }
    if (depth == 0) Dimension(geometry);
    return geometry;
  }
  // Takes a "Z", "M" or "ZM" off the end of `word`.
  static std::optional<Dimensions> TakeDimensions(std::string& word) {
    const auto take = [&](std::string_view end) {
      if (!word.ends_with(end)) return false;
      word.resize(word.size() - end.size());
      return true;
    };
    if (take("ZM")) return Dimensions{true, true};
    if (take("Z")) return Dimensions{true, false};
    if (take("M")) return Dimensions{false, true};
    return std::nullopt;
  }
  void Dimension(Geometry& geometry) const {
    geometry.dimensions = dimensions_.value_or(Dimensions{});
    for (auto& part : geometry.parts) Dimension(part);
  }

  std::string_view rest_, whole_;
  std::optional<Dimensions> dimensions_;
};

void AppendPoints(std::string& out, const Geometry& line, int precision) {
  const size_t count = line.dimensions.Count();
  for (size_t i = 0; i < line.coordinates.size(); i++) {
    if (i > 0) out.push_back(i % count == 0 ? ',' : ' ');
    AppendNumber(out, line.coordinates[i], precision);
  }
}

void AppendTagged(std::string& out, const Geometry& geometry, int precision);

// What follows the name.
void AppendBody(std::string& out, const Geometry& geometry, int precision) {
  if (geometry.coordinates.empty() && geometry.parts.empty()) {
    out += "EMPTY";
    return;
  }
  out.push_back('(');
  if (geometry.parts.empty()) AppendPoints(out, geometry, precision);
  for (size_t i = 0; i < geometry.parts.size(); i++) {
    if (i > 0) out.push_back(',');
    if (geometry.kind == Kind::kCollection) {
      AppendTagged(out, geometry.parts[i], precision);
    } else {
      AppendBody(out, geometry.parts[i], precision);
    }
  }
  out.push_back(')');
}

void AppendTagged(std::string& out, const Geometry& geometry, int precision) {
  out += UpperName(geometry.kind);
  const Dimensions dimensions = geometry.dimensions;
  if (dimensions.z || dimensions.m) {
    out += " ";
    if (dimensions.z) out += "Z";
    if (dimensions.m) out += "M";
    out += " ";
  } else if (geometry.coordinates.empty() && geometry.parts.empty()) {
    out += " ";
  }
  AppendBody(out, geometry, precision);
}

}  // namespace

ParsedText ParseWkt(std::string_view text) { return Parser(text).ParseAll(); }

int Precision(int64_t digits) { return static_cast<int>(std::clamp<int64_t>(digits, 1, 20)); }

void AppendNumber(std::string& out, double number, int precision) {
  std::array<char, 64> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                          std::chars_format::general, precision);
  out.append(buffer.data(), end);
}

std::string WriteWkt(const Geometry& geometry, int precision) {
  std::string out;
  AppendTagged(out, geometry, precision);
  return out;
}

std::string WriteEwkt(const Geometry& geometry, int precision) {
  std::string out;
  if (geometry.srid != 0) out = "SRID=" + std::to_string(geometry.srid) + ";";
  AppendTagged(out, geometry, precision);
  return out;
}

}  // namespace skep::worker::spatial
