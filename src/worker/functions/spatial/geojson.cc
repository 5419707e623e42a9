#include "worker/functions/spatial/geojson.h"

#include <cmath>
#include <duckdb.hpp>
#include <nlohmann/json.hpp>

#include "worker/functions/spatial/wkt.h"

namespace skep::worker::spatial {
namespace {

using nlohmann::json;

constexpr int32_t kWgs84 = 4326;
constexpr Dimensions kWithZ{true, false};

[[noreturn]] void Refuse(const char* why) {
  throw duckdb::InvalidInputException("invalid GeoJSON representation: %s", why);
}

const json& Member(const json& object, const char* name) {
  if (!object.is_object()) Refuse("not an object");
  const auto member = object.find(name);
  if (member == object.end()) Refuse("a member is missing");
  return *member;
}

const json& Array(const json& value) {
  if (!value.is_array()) Refuse("not an array");
  return value;
}

bool AnyZ(const json& value) {
  if (!value.is_array()) return false;
  if (!value.empty() && value.front().is_number()) return value.size() > 2;
  for (const auto& element : value) {
    if (AnyZ(element)) return true;
  }
  return false;
}

bool ObjectHasZ(const json& object) {
  if (!object.is_object()) return false;
  if (const auto members = object.find("geometries"); members != object.end()) {
    for (const auto& member : *members) {
      if (ObjectHasZ(member)) return true;
    }
  }
  const auto coordinates = object.find("coordinates");
  return coordinates != object.end() && AnyZ(*coordinates);
}

class Builder {
 public:
  explicit Builder(Dimensions dimensions) : dimensions_(dimensions) {}

  Geometry Build(const json& object) const {
    const json& type = Member(object, "type");
    if (!type.is_string()) Refuse("the type is not a text");
    for (int number = 1; number <= 7; number++) {
      const Kind kind = static_cast<Kind>(number);
      if (type.get_ref<const std::string&>() != MixedName(kind)) continue;
      if (kind != Kind::kCollection) return FromCoordinates(kind, Member(object, "coordinates"));
      Geometry collection = New(kind);
      for (const auto& member : Array(Member(object, "geometries")))
        collection.parts.push_back(Build(member));
      return collection;
    }
    Refuse("unknown type");
  }

 private:
  Geometry New(Kind kind) const {
    Geometry geometry;
    geometry.kind = kind;
    geometry.dimensions = dimensions_;
    geometry.srid = kWgs84;
    return geometry;
  }
  void AppendPosition(Geometry& line, const json& position) const {
    if (Array(position).empty()) return;
    if (position.size() < 2) Refuse("a position needs two numbers");
    for (size_t i = 0; i < dimensions_.Count(); i++) {
      if (i >= position.size()) {
        line.coordinates.push_back(0);
        continue;
      }
      if (!position[i].is_number()) Refuse("a coordinate is not a number");
      line.coordinates.push_back(position[i].get<double>());
      if (!std::isfinite(line.coordinates.back())) Refuse("a coordinate is too large");
    }
  }
  Geometry FromCoordinates(Kind kind, const json& coordinates) const {
    Geometry geometry = New(kind);
    switch (kind) {
      case Kind::kPoint:
        AppendPosition(geometry, coordinates);
        break;
      case Kind::kLineString:
        for (const auto& position : Array(coordinates)) AppendPosition(geometry, position);
        break;
      case Kind::kPolygon:
        for (const auto& ring : Array(coordinates))
          geometry.parts.push_back(FromCoordinates(Kind::kLineString, ring));
        break;
      default:
        for (const auto& member : Array(coordinates)) {
          const auto single = static_cast<Kind>(static_cast<uint8_t>(kind) - 3);
          geometry.parts.push_back(FromCoordinates(single, member));
        }
    }
    return geometry;
  }

  Dimensions dimensions_;
};

void AppendPosition(std::string& out, const Geometry& line, size_t point, int precision) {
  const size_t numbers = line.dimensions.z ? 3 : 2;
  out.push_back('[');
  for (size_t i = 0; i < numbers; i++) {
    if (i > 0) out.push_back(',');
    AppendNumber(out, line.coordinates[point * line.dimensions.Count() + i], precision);
  }
  out.push_back(']');
}

void AppendCoordinates(std::string& out, const Geometry& geometry, int precision) {
  if (geometry.kind == Kind::kPoint && !geometry.coordinates.empty())
    return AppendPosition(out, geometry, 0, precision);
  out.push_back('[');
  for (size_t i = 0; i < geometry.Points(); i++) {
    if (i > 0) out.push_back(',');
    AppendPosition(out, geometry, i, precision);
  }
  for (size_t i = 0; i < geometry.parts.size(); i++) {
    if (i > 0) out.push_back(',');
    AppendCoordinates(out, geometry.parts[i], precision);
  }
  out.push_back(']');
}

void AppendObject(std::string& out, const Geometry& geometry, int precision) {
  out += "{\"type\":\"";
  out += MixedName(geometry.kind);
  if (geometry.kind != Kind::kCollection) {
    out += "\",\"coordinates\":";
    AppendCoordinates(out, geometry, precision);
  } else {
    out += "\",\"geometries\":[";
    for (size_t i = 0; i < geometry.parts.size(); i++) {
      if (i > 0) out.push_back(',');
      AppendObject(out, geometry.parts[i], precision);
    }
    out.push_back(']');
  }
  out.push_back('}');
}

}  // namespace

Geometry ParseGeoJson(std::string_view text) {
  const auto limit_depth = [](int depth, json::parse_event_t, json&) {
    if (depth > 2 * kMaximumDepth) Refuse("nested too deeply");
    return true;
  };
  const json parsed = json::parse(text, limit_depth, false);
  if (parsed.is_discarded()) Refuse("not JSON");
  return Builder(ObjectHasZ(parsed) ? kWithZ : Dimensions{}).Build(parsed);
}

std::string WriteGeoJson(const Geometry& geometry, int precision) {
  std::string out;
  AppendObject(out, geometry, precision);
  return out;
}

}  // namespace skep::worker::spatial
