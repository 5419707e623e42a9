// How two values lie to each other in the plane: the matrix of the dimensionally extended
// nine-intersection model (DE-9IM; OGC 06-103r4 section 6.1.15) and the predicates it defines, the
// distance between values, and validity and simplicity of one.
#pragma once

#include <array>
#include <optional>

#include "worker/functions/spatial/geometry.h"
#include "worker/functions/spatial/shape.h"

namespace skep::worker::spatial {

// Each throws InvalidInputException for different SRIDs and for collections.
bool Intersects(const Shape& a, const Shape& b);
bool Contains(const Shape& a, const Shape& b);
bool ContainsProperly(const Shape& a, const Shape& b);
bool Covers(const Shape& a, const Shape& b);
bool Touches(const Shape& a, const Shape& b);
bool Crosses(const Shape& a, const Shape& b);
bool Equals(const Shape& a, const Shape& b);
// Nothing when one is empty.
std::optional<double> Distance(const Shape& a, const Shape& b);

// spatial-terminology.md, "Geometric validity" and "Geometric simplicity".
bool IsValid(const Geometry& geometry);
bool IsSimple(const Geometry& geometry);

}  // namespace skep::worker::spatial
