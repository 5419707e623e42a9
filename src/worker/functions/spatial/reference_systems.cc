#include "worker/functions/spatial/reference_systems.h"

#include <algorithm>
#include <array>
#include <boost/geometry/geometries/point.hpp>
#include <boost/geometry/srs/transformation.hpp>
#include <charconv>
#include <cmath>
#include <duckdb.hpp>
#include <memory>
#include <numbers>
#include <string>

namespace skep::worker::spatial {
namespace {

namespace bg = boost::geometry;
using std::numbers::pi;
// Holds radians when the system is of longitude and latitude, else lengths. (Of degrees,
// Boost.Geometry would take radians off for a prime meridian.)
using Position = bg::model::point<double, 3, bg::cs::geographic<bg::radian>>;

struct Definition {
  int32_t srid;
  const char* text;
};

constexpr Definition kDefinitions[] = {
#define SKEP_SRS(srid, text) {srid, text},
#include "worker/functions/spatial/reference_systems.def"
#undef SKEP_SRS
};
static_assert(std::ranges::is_sorted(kDefinitions, {}, &Definition::srid));

struct Ellipsoid {
  std::string_view name;
  double equatorial_radius, inverse_flattening;
};

// Those that reference_systems.def names.
constexpr Ellipsoid kEllipsoids[] = {{"WGS84", 6378137, 298.257223563},
                                     {"GRS80", 6378137, 298.257222101},
                                     {"WGS72", 6378135, 298.26},
                                     {"GRS67", 6378160, 298.2471674270},
                                     {"aust_SA", 6378160, 298.25},
                                     {"intl", 6378388, 297},
                                     {"krass", 6378245, 298.3},
                                     {"bessel", 6377397.155, 299.1528128},
                                     {"bess_nam", 6377483.865, 299.1528128},
                                     {"clrk66", 6378206.4, 294.978698213898},
                                     {"clrk80ign", 6378249.2, 293.466021293627},
                                     {"airy", 6377563.396, 299.324975315},
                                     {"evrst30", 6377276.345, 300.8017},
                                     {"evrst48", 6377304.063, 300.8017},
                                     {"evrst69", 6377295.664, 300.8017},
                                     {"evrstSS", 6377298.556, 300.8017},
                                     {"helmert", 6378200, 298.3},
                                     {"IAU76", 6378140, 298.257},
                                     {"NWL9D", 6378145, 298.25},
                                     {"hough", 6378270, 297}};

const char* Find(int32_t srid) {
  const auto* found = std::ranges::lower_bound(kDefinitions, srid, {}, &Definition::srid);
  return found != std::end(kDefinitions) && found->srid == srid ? found->text : nullptr;
}

// The value of `name` in a definition; empty when it is not there.
std::string_view Field(std::string_view text, std::string_view name) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view field = text.substr(at, end - at);
    if (field.size() > name.size() && field.starts_with(name) && field[name.size()] == '=')
      return field.substr(name.size() + 1);
    at = end + 1;
  }
  return {};
}

double NumberField(std::string_view text, std::string_view name) {
  const std::string_view value = Field(text, name);
  double number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

std::optional<Spheroid> SpheroidIn(std::string_view text) {
  double radius = NumberField(text, "a"), flattening = NumberField(text, "rf");
  if (const double polar = NumberField(text, "b"); polar > 0) return Spheroid{radius, polar};
  if (const double sphere = NumberField(text, "R"); sphere > 0) return Spheroid{sphere, sphere};
  std::string_view name = Field(text, "ellps");
  if (name.empty()) name = Field(text, "datum");
  for (const auto& ellipsoid : kEllipsoids) {
    if (ellipsoid.name != name) continue;
    radius = ellipsoid.equatorial_radius;
    flattening = ellipsoid.inverse_flattening;
  }
  if (radius == 0) return std::nullopt;
  return Spheroid{radius, flattening == 0 ? radius : radius - radius / flattening};
}

bg::srs::proj4 Proj4(std::string_view text) {
  std::string parameters = " +no_defs";
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view field = text.substr(at, end - at);
    parameters += " +";
    // Of a geocentric system, the longitudes and latitudes on its ellipsoid.
    parameters += field == "proj=geocent" ? "proj=longlat" : field;
    at = end + 1;
  }
  // Shifts are made only between systems that both name one.
  if (Field(text, "ellps") == "GRS80" && Field(text, "towgs84").empty())
    parameters += " +towgs84=0,0,0";
  return bg::srs::proj4(parameters.substr(1));
}

// Where a geocentric system's axes meet the ellipsoid; Boost.Geometry has only the plane's systems.
void ToGeocentric(const Spheroid& spheroid, double& x, double& y, double& z) {
  const double a = spheroid.equatorial_radius, b = spheroid.polar_radius;
  const double squared = 1 - b * b / (a * a);  // of the eccentricity
  const double longitude = x * (pi / 180), latitude = y * (pi / 180);
  const double sine = std::sin(latitude), cosine = std::cos(latitude);
  const double normal = a / std::sqrt(1 - squared * sine * sine);
  const double height = z;
  x = (normal + height) * cosine * std::cos(longitude);
  y = (normal + height) * cosine * std::sin(longitude);
  z = (normal * (1 - squared) + height) * sine;
}
void FromGeocentric(const Spheroid& spheroid, double& x, double& y, double& z) {
  const double a = spheroid.equatorial_radius, b = spheroid.polar_radius;
  const double squared = 1 - b * b / (a * a);
  const double radius = std::hypot(x, y);
  double latitude = std::atan2(z, radius * (1 - squared));
  double normal = a;
  // Near the ground each round adds some three digits.
  for (int i = 0; i < 10; i++) {
    const double sine = std::sin(latitude);
    normal = a / std::sqrt(1 - squared * sine * sine);
    latitude = std::atan2(z + squared * normal * sine, radius);
  }
  const double longitude = std::atan2(y, x), sine = std::sin(latitude);
  const double height = radius * std::cos(latitude) + z * sine - a * a / normal;
  x = longitude * (180 / pi);
  y = latitude * (180 / pi);
  z = height;
}

// From one system to another; the last one stays, as neighbouring values rarely differ in it.
class Transformation {
 public:
  static const Transformation& Between(int32_t from, int32_t to) {
    thread_local std::unique_ptr<Transformation> last;
    if (!last || last->from_ != from || last->to_ != to)
      last = std::make_unique<Transformation>(from, to);
    return *last;
  }

  Transformation(int32_t from, int32_t to)
      : from_(from),
        to_(to),
        from_angles_(HasAngles(from)),
        to_angles_(HasAngles(to)),
        from_geocentric_(GeocentricOf(from)),
        to_geocentric_(GeocentricOf(to)),
        transformation_(Proj4(Known(from)), Proj4(Known(to))) {}

  void Apply(double& x, double& y, double& z) const {
    const double given_x = x, given_y = y;
    if (from_geocentric_) FromGeocentric(*from_geocentric_, x, y, z);
    const double angles = pi / 180;
    const Position in(from_angles_ ? x * angles : x, from_angles_ ? y * angles : y, z);
    Position out(0, 0, 0);
    const bool possible = std::isfinite(x) && std::isfinite(y) && std::isfinite(z) &&
                          transformation_.forward(in, out);
    if (!possible || !std::isfinite(out.get<0>()) || !std::isfinite(out.get<1>())) {
      throw duckdb::InvalidInputException("coordinates (%g %g) cannot be transformed to SRID %d",
                                          given_x, given_y, to_);
    }
    x = to_angles_ ? out.get<0>() / angles : out.get<0>();
    y = to_angles_ ? out.get<1>() / angles : out.get<1>();
    z = out.get<2>();
    if (to_geocentric_) ToGeocentric(*to_geocentric_, x, y, z);
  }

 private:
  static const char* Known(int32_t srid) {
    const char* text = Find(srid);
    if (text == nullptr)
      throw duckdb::InvalidInputException("spatial reference system with SRID %d not found", srid);
    return text;
  }

  static bool HasAngles(int32_t srid) {
    const std::string_view projection = Field(Known(srid), "proj");
    return projection == "longlat" || projection == "geocent";
  }
  static std::optional<Spheroid> GeocentricOf(int32_t srid) {
    const std::string_view text = Known(srid);
    return Field(text, "proj") == "geocent" ? SpheroidIn(text) : std::nullopt;
  }

  int32_t from_, to_;
  bool from_angles_, to_angles_;
  std::optional<Spheroid> from_geocentric_, to_geocentric_;
  bg::srs::transformation<> transformation_;
};

}  // namespace

bool IsKnownSrid(int32_t srid) { return Find(srid) != nullptr; }

std::optional<Spheroid> SpheroidOf(int32_t srid) {
  const char* text = Find(srid);
  if (text == nullptr || Field(text, "proj") != "longlat") return std::nullopt;
  return SpheroidIn(text);
}

Geometry Transformed(const Geometry& geometry, int32_t srid) {
  try {
    const Transformation& transformation = Transformation::Between(geometry.srid, srid);
    if (geometry.srid == srid) return geometry;
    Geometry result = geometry;
    ForEachLine(result, [&](Geometry& line) {
      for (size_t i = 0; i < line.Points(); i++) {
        double* point = line.coordinates.data() + i * line.dimensions.Count();
        double z = line.dimensions.z ? point[2] : 0;
        transformation.Apply(point[0], point[1], z);
        if (line.dimensions.z) point[2] = z;
      }
    });
    SetSrid(result, srid);
    return result;
  } catch (const bg::exception& error) {
    throw duckdb::InvalidInputException("coordinates cannot be transformed to SRID %d: %s", srid,
                                        error.what());
  }
}

}  // namespace skep::worker::spatial
