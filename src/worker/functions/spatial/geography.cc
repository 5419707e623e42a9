#include "worker/functions/spatial/geography.h"

#include <boost/geometry/algorithms/area.hpp>
#include <boost/geometry/algorithms/distance.hpp>
#include <boost/geometry/algorithms/length.hpp>
#include <boost/geometry/geometries/geometries.hpp>
#include <boost/geometry/srs/spheroid.hpp>
#include <boost/geometry/strategies/geographic/area.hpp>
#include <boost/geometry/strategies/geographic/distance.hpp>
#include <boost/geometry/strategies/strategies.hpp>
#include <cmath>
#include <duckdb.hpp>

#include "worker/functions/spatial/reference_systems.h"

namespace skep::worker::spatial {
namespace {

namespace bg = boost::geometry;
using Position = bg::model::point<double, 2, bg::cs::geographic<bg::degree>>;
using Path = bg::model::linestring<Position>;
using Ring = bg::model::ring<Position>;
using Model = bg::srs::spheroid<double>;

constexpr int32_t kWgs84 = 4326;

Model ModelOf(const Geometry& geography) {
  const auto spheroid = SpheroidOf(geography.srid);
  if (!spheroid) {
    throw duckdb::InvalidInputException(
        "SRID %d is not that of a known geographic coordinate system", geography.srid);
  }
  return {spheroid->equatorial_radius, spheroid->polar_radius};
}

template <class Container>
Container Positions(const Geometry& line) {
  Container positions;
  for (size_t i = 0; i < line.Points(); i++) {
    if (!std::isfinite(line.X(i)) || !std::isfinite(line.Y(i)))
      throw duckdb::InvalidInputException("geography contains coordinates that are not finite");
    positions.emplace_back(line.X(i), line.Y(i));
  }
  return positions;
}

// The formulas for areas give an edge along a pole none. A millimetre beside it they are right.
Ring BesidePoles(Ring ring) {
  constexpr double kNearPole = 90 - 1e-8;
  for (auto& position : ring) {
    const double latitude = position.get<1>();
    if (std::abs(latitude) == 90) position.set<1>(std::copysign(kNearPole, latitude));
  }
  return ring;
}

double LengthOf(const Geometry& line, const Model& model) {
  const bg::strategy::distance::geographic<bg::strategy::andoyer, Model> strategy(model);
  return static_cast<double>(bg::length(Positions<Path>(line), strategy));
}

void CheckPoint(const Geometry& geography) {
  if (geography.kind != Kind::kPoint)
    throw duckdb::InvalidInputException("ST_Distance of geographies is defined for points only");
}

}  // namespace

double GeodesicArea(const Geometry& geography) {
  const bg::strategy::area::geographic<bg::strategy::andoyer> strategy(ModelOf(geography));
  double area = 0;
  ForEachSingle(geography, [&](const Geometry& single) {
    if (single.kind != Kind::kPolygon) return;
    for (size_t i = 0; i < single.parts.size(); i++) {
      const double part = std::abs(
          static_cast<double>(bg::area(BesidePoles(Positions<Ring>(single.parts[i])), strategy)));
      area += i == 0 ? part : -part;
    }
  });
  return area;
}

double GeodesicLength(const Geometry& geography) {
  const Model model = ModelOf(geography);
  double length = 0;
  ForEachSingle(geography, [&](const Geometry& single) {
    if (single.kind == Kind::kLineString) length += LengthOf(single, model);
  });
  return length;
}

double GeodesicPerimeter(const Geometry& geography) {
  const Model model = ModelOf(geography);
  double length = 0;
  ForEachSingle(geography, [&](const Geometry& single) {
    if (single.kind != Kind::kPolygon) return;
    for (const auto& ring : single.parts) length += LengthOf(ring, model);
  });
  return length;
}

std::optional<double> GeodesicDistance(const Geometry& a, const Geometry& b) {
  if (a.srid != b.srid) {
    throw duckdb::InvalidInputException("Operation on mixed SRID geometries (%d != %d)", a.srid,
                                        b.srid);
  }
  CheckPoint(a);
  CheckPoint(b);
  if (a.IsEmpty() || b.IsEmpty()) return std::nullopt;
  Geometry path = a;
  path.kind = Kind::kLineString;
  path.dimensions = {};
  path.coordinates = {a.X(0), a.Y(0), b.X(0), b.Y(0)};
  return LengthOf(path, ModelOf(a));
}

Geometry ToGeography(Geometry geometry) {
  if (geometry.srid == 0) SetSrid(geometry, kWgs84);
  ModelOf(geometry);
  return geometry;
}

}  // namespace skep::worker::spatial
