#include <algorithm>
#include <cmath>
#include <limits>

#include "worker/functions/spatial/chapters.h"
#include "worker/functions/spatial/construct.h"
#include "worker/functions/spatial/reference_systems.h"

namespace skep::worker::spatial {
namespace {

void CheckKind(const Geometry& geometry, Kind kind) {
  if (geometry.kind != kind) {
    throw duckdb::InvalidInputException("argument must be of subtype %s, not %s",
                                        std::string(UpperName(kind)),
                                        std::string(UpperName(geometry.kind)));
  }
}
void CheckSameSrid(const Geometry& a, const Geometry& b) {
  if (a.srid != b.srid) {
    throw duckdb::InvalidInputException("Operation on mixed SRID geometries (%d != %d)", a.srid,
                                        b.srid);
  }
}
void CheckSameDimensions(const Geometry& a, const Geometry& b) {
  if (a.dimensions != b.dimensions)
    throw duckdb::InvalidInputException("geometries must have the same dimensions");
}
int32_t ValidSrid(int64_t srid) {
  if (srid < 0 || srid > std::numeric_limits<int32_t>::max())
    throw duckdb::InvalidInputException("invalid SRID %lld", srid);
  return static_cast<int32_t>(srid);
}
[[noreturn]] void OutOfRange(int64_t index) {
  throw duckdb::InvalidInputException("index %lld is out of range", index);
}

Geometry Point2(double x, double y) { return NewPoint(x, y); }
Geometry Point3(double x, double y, double z) {
  Geometry point = NewPoint(x, y);
  point.dimensions.z = true;
  point.coordinates.push_back(z);
  return point;
}
Geometry Point4(double x, double y, double z, double m) {
  Geometry point = Point3(x, y, z);
  point.dimensions.m = true;
  point.coordinates.push_back(m);
  return point;
}

Geometry MakeEnvelope(double x_min, double y_min, double x_max, double y_max) {
  return NewBox(x_min, y_min, x_max, y_max);
}
Geometry MakeEnvelopeIn(double x_min, double y_min, double x_max, double y_max, int64_t srid) {
  Geometry box = NewBox(x_min, y_min, x_max, y_max);
  SetSrid(box, ValidSrid(srid));
  return box;
}

Geometry SetSridOf(const Geometry& geometry, int64_t srid) {
  Geometry result = geometry;
  SetSrid(result, ValidSrid(srid));
  return result;
}
Geometry TransformTo(const Geometry& geometry, int64_t srid) {
  return Transformed(geometry, ValidSrid(srid));
}

Geometry AddPointAt(const Geometry& line, const Geometry& point, int64_t index) {
  CheckKind(line, Kind::kLineString);
  CheckKind(point, Kind::kPoint);
  CheckSameSrid(line, point);
  const auto points = static_cast<int64_t>(line.Points());
  if (index < -1 || index > points) OutOfRange(index);
  if (point.IsEmpty()) return line;
  if (index == -1) index = points;
  Geometry result = NewLike(line, Kind::kLineString);
  for (int64_t i = 0; i <= points; i++) {
    if (i == index) AppendPoint(result, point, 0);
    if (i < points) AppendPoint(result, line, static_cast<size_t>(i));
  }
  return result;
}
Geometry AddPoint(const Geometry& line, const Geometry& point) {
  return AddPointAt(line, point, -1);
}
Geometry SetPoint(const Geometry& line, int64_t index, const Geometry& point) {
  CheckKind(line, Kind::kLineString);
  CheckKind(point, Kind::kPoint);
  CheckSameSrid(line, point);
  const auto points = static_cast<int64_t>(line.Points());
  const int64_t at = index < 0 ? index + points : index;
  if (at < 0 || at >= points) OutOfRange(index);
  if (point.IsEmpty()) return line;
  Geometry result = NewLike(line, Kind::kLineString);
  for (int64_t i = 0; i < points; i++) {
    if (i == at) {
      AppendPoint(result, point, 0);
    } else {
      AppendPoint(result, line, static_cast<size_t>(i));
    }
  }
  return result;
}
Geometry RemovePoint(const Geometry& line, int64_t index) {
  CheckKind(line, Kind::kLineString);
  if (index < 0 || index >= static_cast<int64_t>(line.Points())) OutOfRange(index);
  Geometry result = NewLike(line, Kind::kLineString);
  for (size_t i = 0; i < line.Points(); i++) {
    if (i != static_cast<size_t>(index)) AppendPoint(result, line, i);
  }
  return result;
}

Geometry LineFromMultiPoint(const Geometry& points) {
  CheckKind(points, Kind::kMultiPoint);
  Geometry result = NewLike(points, Kind::kLineString);
  for (const auto& point : points.parts) {
    if (!point.IsEmpty()) AppendPoint(result, point, 0);
  }
  return result;
}
Geometry MakeLine(const Geometry& a, const Geometry& b) {
  for (const Geometry* geometry : {&a, &b}) {
    if (geometry->kind != Kind::kPoint && geometry->kind != Kind::kLineString &&
        geometry->kind != Kind::kMultiPoint) {
      throw duckdb::InvalidInputException(
          "ST_MakeLine takes points, linestrings and multipoints, not %s",
          std::string(UpperName(geometry->kind)));
    }
  }
  CheckSameSrid(a, b);
  CheckSameDimensions(a, b);
  Geometry result = NewLike(a, Kind::kLineString);
  for (const Geometry* geometry : {&a, &b}) {
    ForEachLine(*geometry, [&](const Geometry& line) {
      for (size_t i = 0; i < line.Points(); i++) AppendPoint(result, line, i);
    });
  }
  return result;
}

void CheckRing(const Geometry& ring) {
  if (ring.Points() < 2 || !ring.IsClosedLine())
    throw duckdb::InvalidInputException("linestring must be closed");
}
Geometry MakePolygon(const Geometry& shell) {
  CheckKind(shell, Kind::kLineString);
  Geometry result = NewLike(shell, Kind::kPolygon);
  if (shell.IsEmpty()) return result;
  CheckRing(shell);
  result.parts.push_back(shell);
  return result;
}
Geometry MakePolygonWithHoles(const Geometry& shell, const Geometry& holes) {
  CheckKind(holes, Kind::kMultiLineString);
  CheckSameSrid(shell, holes);
  CheckSameDimensions(shell, holes);
  Geometry result = MakePolygon(shell);
  for (const auto& hole : holes.parts) {
    if (hole.IsEmpty()) continue;
    CheckRing(hole);
    if (!result.parts.empty()) result.parts.push_back(hole);
  }
  return result;
}
Geometry PolygonIn(const Geometry& shell, int64_t srid) {
  Geometry result = MakePolygon(shell);
  SetSrid(result, ValidSrid(srid));
  return result;
}

Geometry Reverse(const Geometry& geometry) {
  Geometry result = geometry;
  ForEachLine(result, [](Geometry& line) {
    const Geometry forward = line;
    line.coordinates.clear();
    for (size_t i = forward.Points(); i-- > 0;) AppendPoint(line, forward, i);
  });
  return result;
}
Geometry MultiOfValue(const Geometry& geometry) { return Multi(geometry); }

template <bool z, bool m>
Geometry Force(const Geometry& geometry) {
  return Forced(geometry, {z, m});
}

Geometry LineInterpolatePoint(const Geometry& line, double fraction) {
  CheckKind(line, Kind::kLineString);
  if (!(fraction >= 0 && fraction <= 1))
    throw duckdb::InvalidInputException("fraction must be between 0 and 1");
  Geometry result = NewLike(line, Kind::kPoint);
  if (line.IsEmpty()) return result;
  std::vector<double> lengths;
  double total = 0;
  for (size_t i = 1; i < line.Points(); i++) {
    lengths.push_back(std::hypot(line.X(i) - line.X(i - 1), line.Y(i) - line.Y(i - 1)));
    total += lengths.back();
  }
  if (fraction == 0 || total == 0) return PointAt(line, 0);
  double left = fraction * total;
  for (size_t i = 0; i < lengths.size(); i++) {
    if (left > lengths[i] || lengths[i] == 0) {
      left -= lengths[i];
      continue;
    }
    const double part = left / lengths[i];
    for (size_t j = 0; j < line.dimensions.Count(); j++) {
      const double from = line.coordinates[i * line.dimensions.Count() + j];
      const double to = line.coordinates[(i + 1) * line.dimensions.Count() + j];
      result.coordinates.push_back(from + (to - from) * part);
    }
    return result;
  }
  return PointAt(line, line.Points() - 1);
}

}  // namespace

void AddEditors(Overloads& functions) {
  functions.Add<&Point2>("rs_st_point");
  functions.Add<&Point2>("rs_st_makepoint");
  functions.Add<&Point3>("rs_st_makepoint");
  functions.Add<&Point4>("rs_st_makepoint");
  functions.Add<&MakeEnvelope>("rs_st_makeenvelope");
  functions.Add<&MakeEnvelopeIn>("rs_st_makeenvelope");
  functions.Add<&SetSridOf>("rs_st_setsrid");
  functions.Add<&TransformTo>("rs_st_transform");
  functions.Add<&AddPoint>("rs_st_addpoint");
  functions.Add<&AddPointAt>("rs_st_addpoint");
  functions.Add<&SetPoint>("rs_st_setpoint");
  functions.Add<&RemovePoint>("rs_st_removepoint");
  functions.Add<&LineFromMultiPoint>("rs_st_linefrommultipoint");
  functions.Add<&MakeLine>("rs_st_makeline");
  functions.Add<&MakePolygon>("rs_st_makepolygon");
  functions.Add<&MakePolygonWithHoles>("rs_st_makepolygon");
  functions.Add<&PolygonIn>("rs_st_polygon");
  functions.Add<&Reverse>("rs_st_reverse");
  functions.Add<&MultiOfValue>("rs_st_multi");
  functions.Add<&Force<false, false>>("rs_st_force2d");
  functions.Add<&Force<true, false>>("rs_st_force3d");
  functions.Add<&Force<true, false>>("rs_st_force3dz");
  functions.Add<&Force<false, true>>("rs_st_force3dm");
  functions.Add<&Force<true, true>>("rs_st_force4d");
  functions.Add<&LineInterpolatePoint>("rs_st_lineinterpolatepoint");
  functions.Add<&ConvexHull>("rs_st_convexhull");
  functions.Add<&Simplify>("rs_st_simplify");
  functions.Add<&Centroid>("rs_st_centroid");
  functions.Add<&Boundary>("rs_st_boundary");
}

}  // namespace skep::worker::spatial
