// New values computed from the planes of others: overlays, buffers, hulls, centroids, simpler
// lines. Each result has the SRID of its input.
#pragma once

#include <optional>

#include "worker/functions/spatial/geometry.h"
#include "worker/functions/spatial/shape.h"

namespace skep::worker::spatial {

// Both throw InvalidInputException for different SRIDs and for collections.
Geometry Intersection(const Shape& a, const Shape& b);
// Of points and polygons; throws for lines.
Geometry Union(const Shape& a, const Shape& b);
// `segments` to a quarter circle. Throws InvalidInputException for a collection and when the result
// would be too large.
Geometry Buffer(const Geometry& geometry, double distance, int64_t segments);
// 2D, or 3DZ when the input is 3DZ or 4D.
Geometry ConvexHull(const Geometry& geometry);
// Ramer-Douglas-Peucker; distances in the plane, all dimensions kept. A ring of fewer than four
// points vanishes, a polygon with its exterior.
Geometry Simplify(const Geometry& geometry, double tolerance);
// The same within `steps_left`, of which it takes: the work can be the square of a line's points.
// Throws InvalidInputException when they are too few.
Geometry SimplifyWithin(const Geometry& geometry, double tolerance, uint64_t& steps_left);
// 2D, of the parts of the highest dimension. Nothing of an empty value.
std::optional<Geometry> Centroid(const Geometry& geometry);
// ST_Boundary. Throws InvalidInputException for a collection.
Geometry Boundary(const Geometry& geometry);

}  // namespace skep::worker::spatial
