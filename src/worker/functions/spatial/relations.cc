#include "worker/functions/spatial/relations.h"

#include <boost/geometry/algorithms/detail/within/point_in_geometry.hpp>
#include <boost/geometry/algorithms/relate.hpp>
#include <boost/geometry/algorithms/relation.hpp>
#include <boost/geometry/strategies/cartesian.hpp>
#include <boost/geometry/strategies/relate/cartesian.hpp>
#include <string_view>

namespace skep::worker::spatial {
namespace {

// Interior, boundary and exterior of the first by those of the second.
enum Cell { kII, kIB, kIE, kBI, kBB, kBE, kEI, kEB, kEE };

struct Matrix {
  std::array<char, 9> cells;

  bool Is(Cell cell) const { return cells[cell] != 'F'; }
  bool Meets() const { return Is(kII) || Is(kIB) || Is(kBI) || Is(kBB); }
};

template <class A, class B>
void Fill(Matrix& matrix, const A& a, const B& b) {
  const auto text = bg::relation(a, b).str();
  std::copy_n(text.begin(), matrix.cells.size(), matrix.cells.begin());
}

// A ray through the edges instead of a sweep over both values.
Matrix OfPoint(const Point& point, const Polygons& polygons) {
  const int side =
      bg::detail::within::point_in_geometry(point, polygons, bg::strategies::relate::cartesian<>());
  Matrix matrix{{'F', 'F', 'F', 'F', 'F', 'F', '2', '1', '2'}};
  matrix.cells[side > 0 ? kII : side == 0 ? kIB : kIE] = '0';
  return matrix;
}

Matrix Transposed(const Matrix& matrix) {
  const auto& c = matrix.cells;
  return {{c[kII], c[kBI], c[kEI], c[kIB], c[kBB], c[kEB], c[kIE], c[kBE], c[kEE]}};
}

Matrix Relate(const Shape& a, const Shape& b) {
  Matrix matrix{};
  Guarded([&] {
    if (a.dimension == 0 && b.dimension == 2 && a.points.size() == 1) {
      matrix = OfPoint(a.points.front(), b.polygons);
    } else if (a.dimension == 2 && b.dimension == 0 && b.points.size() == 1) {
      matrix = Transposed(OfPoint(b.points.front(), a.polygons));
    } else if (a.dimension == 0) {
      if (b.dimension == 0) Fill(matrix, a.points, b.points);
      if (b.dimension == 1) Fill(matrix, a.points, b.lines);
      if (b.dimension == 2) Fill(matrix, a.points, b.polygons);
    } else if (a.dimension == 1) {
      if (b.dimension == 0) matrix = Transposed(Relate(b, a));
      if (b.dimension == 1) Fill(matrix, a.lines, b.lines);
      if (b.dimension == 2) Fill(matrix, a.lines, b.polygons);
    } else {
      if (b.dimension < 2) matrix = Transposed(Relate(b, a));
      if (b.dimension == 2) Fill(matrix, a.polygons, b.polygons);
    }
  });
  return matrix;
}

// The matrix of values that may have points in common, for predicates that are false of all others.
std::optional<Matrix> RelateNear(const Shape& a, const Shape& b) {
  CheckPair(a, b);
  if (!a.BoxIntersects(b)) return std::nullopt;
  return Relate(a, b);
}

}  // namespace

bool Intersects(const Shape& a, const Shape& b) {
  const auto matrix = RelateNear(a, b);
  return matrix && matrix->Meets();
}

bool Contains(const Shape& a, const Shape& b) {
  const auto matrix = RelateNear(a, b);
  return matrix && matrix->Is(kII) && !matrix->Is(kEI) && !matrix->Is(kEB);
}

bool ContainsProperly(const Shape& a, const Shape& b) {
  const auto matrix = RelateNear(a, b);
  return matrix && matrix->Is(kII) && !matrix->Is(kBI) && !matrix->Is(kBB) && !matrix->Is(kEI) &&
         !matrix->Is(kEB);
}

bool Covers(const Shape& a, const Shape& b) {
  const auto matrix = RelateNear(a, b);
  return matrix && matrix->Meets() && !matrix->Is(kEI) && !matrix->Is(kEB);
}

bool Touches(const Shape& a, const Shape& b) {
  const auto matrix = RelateNear(a, b);
  return matrix && !matrix->Is(kII) && matrix->Meets();
}

bool Crosses(const Shape& a, const Shape& b) {
  const auto matrix = RelateNear(a, b);
  if (!matrix) return false;
  if (a.dimension < b.dimension) return matrix->Is(kII) && matrix->Is(kIE);
  if (a.dimension > b.dimension) return matrix->Is(kII) && matrix->Is(kEI);
  return a.dimension == 1 && matrix->cells[kII] == '0';
}

bool Equals(const Shape& a, const Shape& b) {
  const auto matrix = RelateNear(a, b);
  return matrix && matrix->Is(kII) && !matrix->Is(kIE) && !matrix->Is(kBE) && !matrix->Is(kEI) &&
         !matrix->Is(kEB);
}

}  // namespace skep::worker::spatial
