// Makes functions of the engine from plain functions over spatial values: the types of a C++
// function's arguments and result give the engine's signature, its rows are read and written here.
// A value that stays the same from row to row (a constant) is read once.
#pragma once

#include <array>
#include <duckdb.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "worker/functions/registrar.h"
#include "worker/functions/spatial/ewkb.h"
#include "worker/functions/spatial/shape.h"
#include "worker/functions/text_view.h"
#include "worker/functions/types.h"

namespace skep::worker::spatial {

// Arguments and results that are not numbers or texts.
struct Stored {  // GEOMETRY: its bytes, unread
  std::string_view bytes;
};
struct StoredGeography {
  std::string_view bytes;
};
struct Geography {  // GEOGRAPHY, read
  Geometry value;
};
struct Bytes {  // VARBYTE argument
  std::string_view bytes;
};
struct OwnedBytes {  // VARBYTE result
  std::string bytes;
};
struct StoredResult {  // GEOMETRY result that is bytes already
  std::string bytes;
};

// How an argument of type T is read. Types that are costly to make keep the one they made last.
template <class T>
struct Input;

template <class T>
struct PlainInput {
  T Get(const duckdb::UnifiedVectorFormat& format, duckdb::idx_t index) {
    return duckdb::UnifiedVectorFormat::GetData<T>(format)[index];
  }
};
template <class T>
struct TextInput {
  T Get(const duckdb::UnifiedVectorFormat& format, duckdb::idx_t index) {
    const auto& text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format)[index];
    const std::string_view view = View(text);
    return T{view};
  }
};
template <class T, class Make>
struct MadeInput {
  const T& Get(const duckdb::UnifiedVectorFormat& format, duckdb::idx_t index) {
    if (!made || index != at) {
      const auto& text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format)[index];
      made.emplace(Make::From(ReadEwkb(View(text))));
      at = index;
    }
    return *made;
  }
  std::optional<T> made;
  duckdb::idx_t at = 0;
};

template <>
struct Input<double> : PlainInput<double> {
  static duckdb::LogicalType Type() { return duckdb::LogicalType::DOUBLE; }
};
// Every integer type becomes this one.
template <>
struct Input<int64_t> : PlainInput<int64_t> {
  static duckdb::LogicalType Type() { return duckdb::LogicalType::BIGINT; }
};
template <>
struct Input<std::string_view> : TextInput<std::string_view> {
  static duckdb::LogicalType Type() { return duckdb::LogicalType::VARCHAR; }
};
template <>
struct Input<Bytes> : TextInput<Bytes> {
  static duckdb::LogicalType Type() { return duckdb::LogicalType::BLOB; }
};
template <>
struct Input<Stored> : TextInput<Stored> {
  static duckdb::LogicalType Type() { return GeometryType(); }
};
template <>
struct Input<StoredGeography> : TextInput<StoredGeography> {
  static duckdb::LogicalType Type() { return GeographyType(); }
};
struct MakeGeometry {
  static Geometry From(Geometry&& geometry) { return std::move(geometry); }
};
template <>
struct Input<const Geometry&> : MadeInput<Geometry, MakeGeometry> {
  static duckdb::LogicalType Type() { return GeometryType(); }
};
struct MakeGeography {
  static Geography From(Geometry&& geometry) { return {std::move(geometry)}; }
};
template <>
struct Input<const Geography&> : MadeInput<Geography, MakeGeography> {
  static duckdb::LogicalType Type() { return GeographyType(); }
};
struct MakeShape {
  static Shape From(Geometry&& geometry) { return Shape(geometry); }
};
template <>
struct Input<const Shape&> : MadeInput<Shape, MakeShape> {
  static duckdb::LogicalType Type() { return GeometryType(); }
};

// How a result of type R is written.
template <class R>
struct Output {
  static duckdb::LogicalType Type() {
    if constexpr (std::is_same_v<R, double>) return duckdb::LogicalType::DOUBLE;
    if constexpr (std::is_same_v<R, int32_t>) return duckdb::LogicalType::INTEGER;
    if constexpr (std::is_same_v<R, bool>) return duckdb::LogicalType::BOOLEAN;
  }
  static void Put(duckdb::Vector& result, duckdb::idx_t row, R value) {
    duckdb::FlatVector::GetData<R>(result)[row] = value;
  }
};
inline void PutBytes(duckdb::Vector& result, duckdb::idx_t row, std::string_view bytes) {
  duckdb::FlatVector::GetData<duckdb::string_t>(result)[row] =
      duckdb::StringVector::AddStringOrBlob(result, bytes.data(), bytes.size());
}
template <>
struct Output<std::string> {
  static duckdb::LogicalType Type() { return duckdb::LogicalType::VARCHAR; }
  static void Put(duckdb::Vector& result, duckdb::idx_t row, const std::string& value) {
    PutBytes(result, row, value);
  }
};
template <>
struct Output<OwnedBytes> {
  static duckdb::LogicalType Type() { return duckdb::LogicalType::BLOB; }
  static void Put(duckdb::Vector& result, duckdb::idx_t row, const OwnedBytes& value) {
    PutBytes(result, row, value.bytes);
  }
};
template <>
struct Output<StoredResult> {
  static duckdb::LogicalType Type() { return GeometryType(); }
  static void Put(duckdb::Vector& result, duckdb::idx_t row, const StoredResult& value) {
    PutBytes(result, row, value.bytes);
  }
};
template <>
struct Output<Geometry> {
  static duckdb::LogicalType Type() { return GeometryType(); }
  static void Put(duckdb::Vector& result, duckdb::idx_t row, const Geometry& value) {
    PutBytes(result, row, WriteStored(value));
  }
};
template <>
struct Output<Geography> {
  static duckdb::LogicalType Type() { return GeographyType(); }
  static void Put(duckdb::Vector& result, duckdb::idx_t row, const Geography& value) {
    PutBytes(result, row, WriteStored(value.value));
  }
};
template <class R>
struct Output<std::optional<R>> {
  static duckdb::LogicalType Type() { return Output<R>::Type(); }
  static void Put(duckdb::Vector& result, duckdb::idx_t row, const std::optional<R>& value) {
    if (value) {
      Output<R>::Put(result, row, *value);
    } else {
      duckdb::FlatVector::SetNull(result, row, true);
    }
  }
};

template <auto F>
struct Call;

template <class R, class... A, R (*F)(A...)>
struct Call<F> {
  static duckdb::vector<duckdb::LogicalType> Arguments() { return {Input<A>::Type()...}; }
  static duckdb::LogicalType Result() { return Output<R>::Type(); }

  static void Run(duckdb::DataChunk& chunk, duckdb::ExpressionState&, duckdb::Vector& result) {
    Rows(chunk, result, std::index_sequence_for<A...>());
  }

  static duckdb::ScalarFunction Function() {
    duckdb::ScalarFunction function(Arguments(), Result(), Run);
    function.SetFallible();
    return function;
  }

 private:
  template <size_t... I>
  static void Rows(duckdb::DataChunk& chunk, duckdb::Vector& result, std::index_sequence<I...>) {
    const bool constant = chunk.AllConstant();
    const duckdb::idx_t rows = constant ? 1 : chunk.size();
    std::array<duckdb::UnifiedVectorFormat, sizeof...(A)> formats;
    for (size_t i = 0; i < sizeof...(A); i++)
      chunk.data[i].ToUnifiedFormat(chunk.size(), formats[i]);
    std::tuple<Input<A>...> inputs;
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    for (duckdb::idx_t row = 0; row < rows; row++) {
      const std::array<duckdb::idx_t, sizeof...(A)> at{formats[I].sel->get_index(row)...};
      if (!(formats[I].validity.RowIsValid(at[I]) && ...)) {
        duckdb::FlatVector::SetNull(result, row, true);
        continue;
      }
      Output<R>::Put(result, row, F(std::get<I>(inputs).Get(formats[I], at[I])...));
    }
    if (constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  }
};

// The overloads of all functions, added to the engine at once.
class Overloads {
 public:
  template <auto F>
  void Add(const std::string& name) {
    Set(name).AddFunction(Call<F>::Function());
  }
  // One of two by the type of the first argument. A literal is a geometry.
  template <auto OfGeometry, auto OfGeography>
  void AddEither(const std::string& name) {
    auto arguments = Call<OfGeometry>::Arguments();
    for (auto& type : arguments) {
      if (IsGeometry(type)) type = duckdb::LogicalType::ANY;
    }
    duckdb::ScalarFunction function(arguments, Call<OfGeometry>::Result(), Call<OfGeometry>::Run);
    function.SetBindCallback([](duckdb::ClientContext&, duckdb::ScalarFunction& bound,
                                duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given)
                                 -> duckdb::unique_ptr<duckdb::FunctionData> {
      const bool geography = TakesGeography(bound, given);
      bound.arguments = geography ? Call<OfGeography>::Arguments() : Call<OfGeometry>::Arguments();
      bound.SetFunctionCallback(geography ? Call<OfGeography>::Run : Call<OfGeometry>::Run);
      return nullptr;
    });
    function.SetFallible();
    Set(name).AddFunction(std::move(function));
  }
  void Register(Registrar& registrar) {
    for (auto& [name, set] : sets_) registrar.Add(std::move(set));
    sets_.clear();
  }

 private:
  duckdb::ScalarFunctionSet& Set(const std::string& name) {
    return sets_.try_emplace(name, name).first->second;
  }
  // Throws BinderException when the arguments declared ANY are neither all geometries nor all
  // geographies.
  static bool TakesGeography(const duckdb::ScalarFunction& bound,
                             const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given);

  std::map<std::string, duckdb::ScalarFunctionSet> sets_;
};

}  // namespace skep::worker::spatial
