#include "worker/copy/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "worker/functions/spatial/construct.h"
#include "worker/functions/spatial/ewkb.h"
#include "worker/functions/spatial/measures.h"

namespace skep::worker::copy {
namespace {

using spatial::Geometry;
using spatial::Kind;

static_assert(std::endian::native == std::endian::little);

// What a type's number is made of: a base, and 10 more with Z, 20 more with M alone.
enum Base : uint32_t { kPoint = 1, kPolyLine = 3, kPolygon = 5, kMultiPoint = 8 };
constexpr uint32_t kMultiPatch = 31;
constexpr double kNoMeasure = -1e38;  // what is less is no measure
constexpr size_t kBoxBytes = 32;      // four numbers that are not needed
// Of matching holes with exteriors; a value that fits takes at most half of them.
constexpr size_t kMostRingSteps = 1u << 29;
constexpr uint64_t kMostSimplifySteps = 1u << 30;  // of a shape

struct Unfit {
  Rejection why;
};
[[noreturn]] void Invalid(std::string_view why) {
  throw Unfit{{1216, fmt::format("Invalid shape: {}", why)}};
}
[[noreturn]] void TooLarge(size_t bytes) {
  throw Unfit{{1204, fmt::format("Geometry size: {} is larger than maximum supported size: {}",
                                 bytes, spatial::kMaximumBytes)}};
}

class ContentReader {
 public:
  explicit ContentReader(std::string_view content) : rest_(content) {}

  uint32_t Word() {
    uint32_t word;
    std::memcpy(&word, Take(sizeof word).data(), sizeof word);
    return word;
  }
  // `count` numbers; a view of their bytes.
  std::string_view Numbers(size_t count) {
    if (count > rest_.size() / sizeof(double)) Invalid("the record ends too early");
    return Take(count * sizeof(double));
  }
  void Skip(size_t bytes) { Take(bytes); }
  size_t Left() const { return rest_.size(); }

 private:
  std::string_view Take(size_t bytes) {
    if (bytes > rest_.size()) Invalid("the record ends too early");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::string_view rest_;
};

double At(std::string_view numbers, size_t index) {
  double number;
  std::memcpy(&number, numbers.data() + index * sizeof number, sizeof number);
  return number;
}

// The points of a record as the file has them: x and y in pairs, z and m behind them.
struct Points {
  std::string_view xy, z, m;  // empty: there are none

  bool HasMeasures() const {
    for (size_t i = 0; i < m.size() / sizeof(double); i++) {
      if (At(m, i) >= kNoMeasure) return true;
    }
    return false;
  }
  // Points [from, to) of a point or a line.
  void AppendTo(Geometry& line, size_t from, size_t to) const {
    for (size_t i = from; i < to; i++) {
      const double x = At(xy, 2 * i), y = At(xy, 2 * i + 1);
      if (!std::isfinite(x) || !std::isfinite(y)) Invalid("a coordinate is not a number");
      line.coordinates.push_back(x);
      line.coordinates.push_back(y);
      if (line.dimensions.z) line.coordinates.push_back(At(z, i));
      if (line.dimensions.m) line.coordinates.push_back(At(m, i));
    }
  }
};

enum class Side { kInside, kOutside, kOn };

Side SideOf(double x, double y, const Geometry& ring) {
  bool inside = false;
  for (size_t i = 0, j = ring.Points() - 1; i < ring.Points(); j = i++) {
    const auto [ax, ay] = ring.XY(i);
    const auto [bx, by] = ring.XY(j);
    const double turn = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
    if (turn == 0 && x >= std::min(ax, bx) && x <= std::max(ax, bx) && y >= std::min(ay, by) &&
        y <= std::max(ay, by))
      return Side::kOn;
    if ((ay > y) != (by > y) && (turn > 0) == (by > ay)) inside = !inside;
  }
  return inside ? Side::kInside : Side::kOutside;
}

struct Box {
  explicit Box(const Geometry& ring) {
    for (size_t i = 0; i < ring.Points(); i++) {
      const auto [x, y] = ring.XY(i);
      x_min = i == 0 ? x : std::min(x_min, x);
      x_max = i == 0 ? x : std::max(x_max, x);
      y_min = i == 0 ? y : std::min(y_min, y);
      y_max = i == 0 ? y : std::max(y_max, y);
    }
  }
  bool Covers(const Box& other) const {
    return x_min <= other.x_min && y_min <= other.y_min && x_max >= other.x_max &&
           y_max >= other.y_max;
  }
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

// Rings in the order of the file as polygons.
class PolygonBuilder {
 public:
  std::vector<Geometry> Build(std::vector<Geometry> rings, const Geometry& like) {
    std::vector<size_t> holes;
    for (size_t i = 0; i < rings.size(); i++) {
      const double area = spatial::SignedArea(rings[i]);
      if (area > 0)
        holes.push_back(i);
      else
        exteriors_.push_back({i, std::isnan(area) ? 0 : -area, Box(rings[i]), {}});
    }
    // The smallest first.
    std::ranges::sort(exteriors_, {}, [](const Exterior& e) { return std::pair(e.area, e.ring); });
    for (const size_t hole : holes) {
      // A hole in nothing is an exterior that runs the wrong way round.
      if (!Place(rings, hole)) lost_.push_back({hole, 0, Box(rings[hole]), {}});
    }
    exteriors_.insert(exteriors_.end(), lost_.begin(), lost_.end());
    std::ranges::sort(exteriors_, {}, &Exterior::ring);
    std::vector<Geometry> polygons;
    for (const Exterior& exterior : exteriors_) {
      Geometry& polygon = polygons.emplace_back(spatial::NewLike(like, Kind::kPolygon));
      polygon.parts.push_back(std::move(rings[exterior.ring]));
      for (const size_t hole : exterior.holes) polygon.parts.push_back(std::move(rings[hole]));
    }
    return polygons;
  }

 private:
  struct Exterior {
    size_t ring;
    double area;
    Box box;
    std::vector<size_t> holes;
  };

  bool Place(const std::vector<Geometry>& rings, size_t hole) {
    const Box box(rings[hole]);
    for (Exterior& exterior : exteriors_) {
      Count(1);
      if (!exterior.box.Covers(box) || !IsWithin(rings[hole], rings[exterior.ring])) continue;
      exterior.holes.push_back(hole);
      return true;
    }
    return false;
  }

  // The first point that is not on the other ring tells.
  bool IsWithin(const Geometry& hole, const Geometry& exterior) {
    for (size_t i = 0; i < hole.Points(); i++) {
      Count(exterior.Points());
      const Side side = SideOf(hole.X(i), hole.Y(i), exterior);
      if (side != Side::kOn) return side == Side::kInside;
    }
    return true;
  }

  void Count(size_t steps) {
    steps_ += steps;
    if (steps_ > kMostRingSteps) Invalid("the polygon has too many rings");
  }

  std::vector<Exterior> exteriors_, lost_;
  size_t steps_ = 0;
};

// The parts of lines and polygons, empty ones left out.
std::vector<Geometry> ReadParts(std::string_view offsets, const Points& points, size_t count,
                                const Geometry& like) {
  const size_t parts = offsets.size() / sizeof(uint32_t);
  const auto offset = [&](size_t part) {
    if (part == parts) return count;
    uint32_t number;
    std::memcpy(&number, offsets.data() + part * sizeof number, sizeof number);
    return size_t{number};
  };
  std::vector<Geometry> lines;
  for (size_t i = 0; i < parts; i++) {
    const size_t from = offset(i), to = offset(i + 1);
    if (from > to || to > count || (i == 0 && from != 0))
      Invalid(fmt::format("part {} does not lie within the record's points", i + 1));
    if (from < to)
      points.AppendTo(lines.emplace_back(spatial::NewLike(like, Kind::kLineString)), from, to);
  }
  return lines;
}

Geometry Joined(std::vector<Geometry> parts, const Geometry& like, Kind single) {
  if (parts.size() == 1) return std::move(parts.front());
  Geometry all = spatial::NewLike(like, parts.empty() ? single : spatial::MultiOf(single));
  all.parts = std::move(parts);
  return all;
}

void CloseRing(Geometry& ring) {
  if (!ring.IsClosedLine()) spatial::AppendPoint(ring, spatial::PointAt(ring, 0), 0);
}

// Of the stored form.
size_t StoredBytes(const Geometry& geometry) {
  size_t bytes = 1 + sizeof(uint32_t);
  if (geometry.kind == Kind::kPoint) return bytes + geometry.dimensions.Count() * sizeof(double);
  bytes += sizeof(uint32_t) + geometry.coordinates.size() * sizeof(double);
  for (const Geometry& part : geometry.parts)
    bytes += geometry.kind == Kind::kPolygon
                 ? sizeof(uint32_t) + part.coordinates.size() * sizeof(double)
                 : StoredBytes(part);
  return bytes;
}

std::optional<Geometry> Read(std::string_view content, int32_t srid) {
  ContentReader reader(content);
  const uint32_t type = reader.Word();
  if (type == 0) return std::nullopt;
  const uint32_t base = type % 10;
  if (type >= kMultiPatch ||
      (base != kPoint && base != kPolyLine && base != kPolygon && base != kMultiPoint))
    Invalid(fmt::format("shape type {}{} is not supported", type,
                        type == kMultiPatch ? " (MultiPatch)" : ""));
  const bool has_z = type / 10 == 1, may_have_m = type >= 10;
  Points points;
  std::string_view offsets;
  size_t count = 1;
  if (base == kPoint) {
    points.xy = reader.Numbers(2);
    if (has_z) points.z = reader.Numbers(1);
    if (may_have_m && reader.Left() > 0) points.m = reader.Numbers(1);
  } else {
    reader.Skip(kBoxBytes);
    size_t parts = 0;
    if (base != kMultiPoint) parts = reader.Word();
    count = reader.Word();
    if (parts > reader.Left() / sizeof(uint32_t)) Invalid("the record ends too early");
    if (parts > 0) {
      offsets = content.substr(content.size() - reader.Left(), parts * sizeof(uint32_t));
      reader.Skip(offsets.size());
    } else if (base != kMultiPoint && count > 0) {
      Invalid("there are points and no parts");
    }
    points.xy = reader.Numbers(2 * count);
    if (has_z) points.z = reader.Numbers(2 + count).substr(2 * sizeof(double));
    if (may_have_m && reader.Left() > 0)
      points.m = reader.Numbers(2 + count).substr(2 * sizeof(double));
  }
  Geometry like;
  like.srid = srid;
  like.dimensions = {.z = has_z, .m = points.HasMeasures()};
  if (base == kPoint) {
    points.AppendTo(like, 0, 1);
    return like;
  }
  if (base == kMultiPoint) {
    Geometry all = spatial::NewLike(like, Kind::kMultiPoint);
    // Nothing makes it smaller: it is refused before it takes many times its size.
    const size_t bytes = StoredBytes(all) + count * StoredBytes(like);
    if (bytes > spatial::kMaximumBytes) TooLarge(bytes);
    for (size_t i = 0; i < count; i++)
      points.AppendTo(all.parts.emplace_back(spatial::NewLike(like, Kind::kPoint)), i, i + 1);
    return all;
  }
  std::vector<Geometry> lines = ReadParts(offsets, points, count, like);
  if (base == kPolyLine) return Joined(std::move(lines), like, Kind::kLineString);
  std::ranges::for_each(lines, CloseRing);
  return Joined(PolygonBuilder().Build(std::move(lines), like), like, Kind::kPolygon);
}

size_t BytesOf(const Geometry& geometry) {
  return StoredBytes(geometry) + (geometry.srid != 0 ? sizeof(uint32_t) : 0);
}

bool Fits(const Geometry& geometry) { return BytesOf(geometry) <= spatial::kMaximumBytes; }

// The diagonal of the box around all points.
double Diagonal(const Geometry& geometry) {
  std::optional<Box> all;
  spatial::ForEachLine(geometry, [&](const Geometry& line) {
    if (line.Points() == 0) return;
    const Box box(line);
    if (!all) {
      all = box;
      return;
    }
    all->x_min = std::min(all->x_min, box.x_min);
    all->y_min = std::min(all->y_min, box.y_min);
    all->x_max = std::max(all->x_max, box.x_max);
    all->y_max = std::max(all->y_max, box.y_max);
  });
  return all ? std::hypot(all->x_max - all->x_min, all->y_max - all->y_min) : 0;
}

// `geometry` is too large. With a tolerance of `most` when none up to it is enough.
Geometry SimplifiedToFit(const Geometry& geometry, std::optional<double> most, double& tolerance,
                         uint64_t& steps_left) {
  tolerance = most.value_or(Diagonal(geometry));
  Geometry fitting = spatial::SimplifyWithin(geometry, tolerance, steps_left);
  if (!Fits(fitting)) return fitting;
  for (double low = 0; tolerance - low > tolerance / 1000;) {
    const double middle = low + (tolerance - low) / 2;
    if (middle <= low || middle >= tolerance) break;
    Geometry simpler = spatial::SimplifyWithin(geometry, middle, steps_left);
    if (Fits(simpler)) {
      fitting = std::move(simpler);
      tolerance = middle;
    } else {
      low = middle;
    }
  }
  return fitting;
}

}  // namespace

std::expected<std::optional<Geometry>, Rejection> ReadShape(std::string_view content,
                                                            int32_t srid) {
  try {
    return Read(content, srid);
  } catch (const Unfit& unfit) {
    return std::unexpected(unfit.why);
  }
}

std::expected<std::string, Rejection> StoredShape(const Geometry& geometry,
                                                  const std::optional<Simplification>& how,
                                                  std::optional<Simplified>& simplified) {
  simplified.reset();
  uint64_t steps_left = kMostSimplifySteps;
  const auto stored = [](const Geometry& value) {
    if (!Fits(value)) TooLarge(BytesOf(value));
    return spatial::WriteStored(value);
  };
  try {
    if (!how || (how->only_too_large && Fits(geometry))) return stored(geometry);
    if (!how->only_too_large)
      return stored(spatial::SimplifyWithin(geometry, how->tolerance.value_or(0), steps_left));
    simplified.emplace();
    simplified->initial_bytes = BytesOf(geometry);
    const Geometry simpler =
        SimplifiedToFit(geometry, how->tolerance, simplified->tolerance, steps_left);
    simplified->final_bytes = BytesOf(simpler);
    simplified->fits = Fits(simpler);
    return stored(simpler);
  } catch (const Unfit& unfit) {
    return std::unexpected(unfit.why);
  } catch (const duckdb::InvalidInputException& e) {
    return std::unexpected(Rejection{1204, duckdb::ErrorData(e).RawMessage()});
  }
}

}  // namespace skep::worker::copy
