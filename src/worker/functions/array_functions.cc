#include "worker/functions/array_functions.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "worker/functions/rows.h"
#include "worker/functions/super_arguments.h"
#include "worker/functions/super_builder.h"
#include "worker/functions/super_key.h"
#include "worker/functions/super_value.h"
#include "worker/functions/super_writer.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::Vector;

void Put(std::string& out, std::string_view element) {
  if (out.size() > 1) out.push_back(',');
  out += element;
}

void PutElements(std::string& out, std::string_view array) {
  const std::string_view inside = array.substr(1, array.size() - 2);
  if (!inside.empty()) Put(out, inside);
}

std::string KeyOf(std::string_view value) {
  std::string key;
  AppendSortKey(key, value);
  return key;
}

bool IsArray(const Columns& columns, size_t column, idx_t row) {
  return !columns.IsNull(column, row) && KindOf(columns.Text(column, row)) == SuperKind::kArray;
}

// ---- to make arrays

duckdb::unique_ptr<duckdb::FunctionData> BindArray(duckdb::ClientContext&, duckdb::ScalarFunction&,
                                                   Arguments& arguments) {
  for (const auto& argument : arguments) {
    if (!CanBecomeSuper(argument->return_type)) {
      RefuseType("ARRAY could not convert", argument->return_type);
    }
  }
  return nullptr;
}

void Array(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const idx_t count = arguments.AllConstant() ? 1 : arguments.size();
  std::vector<SuperWriter> writers;
  writers.reserve(arguments.ColumnCount());
  for (auto& column : arguments.data) writers.emplace_back(column, count);
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    out.push_back('[');
    for (const auto& writer : writers) {
      if (out.size() > 1) out.push_back(',');
      writer.Append(out, row);
    }
    out.push_back(']');
    return true;
  });
}

void SplitToArray(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    for (size_t i = 0; i < columns.size(); i++) {
      if (columns.IsNull(i, row)) return false;
    }
    std::string_view text = columns.Text(0, row);
    const std::string_view delimiter = columns.size() > 1 ? columns.Text(1, row) : ",";
    out.push_back('[');
    while (!delimiter.empty()) {
      const size_t at = text.find(delimiter);
      if (at == std::string_view::npos) break;
      AppendQuoted(out, text.substr(0, at));
      out.push_back(',');
      text.remove_prefix(at + delimiter.size());
    }
    AppendQuoted(out, text);
    out.push_back(']');
    return true;
  });
}

void ArrayConcat(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    out.push_back('[');
    for (size_t i = 0; i < columns.size(); i++) {
      if (!IsArray(columns, i, row)) return false;
      PutElements(out, columns.Text(i, row));
    }
    out.push_back(']');
    return true;
  });
}

// The elements of the arrays inside of the array, and of the arrays inside of those; others stay as
// they are. Several arguments are taken as the elements of one array. Source: developer guide,
// "Operators and functions" of semistructured data, ARRAY_FLATTEN.
void ArrayFlatten(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  const auto put = [](const auto& again, std::string& out, std::string_view value) -> void {
    if (KindOf(value) != SuperKind::kArray) return Put(out, value);
    ArrayElements elements(value);
    std::string_view element;
    while (elements.Next(element)) again(again, out, element);
  };
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    out.push_back('[');
    for (size_t i = 0; i < columns.size(); i++) {
      if (!IsArray(columns, i, row)) return false;
      put(put, out, columns.Text(i, row));
    }
    out.push_back(']');
    return true;
  });
}

void Subarray(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    if (!IsArray(columns, 0, row)) return false;
    for (size_t i = 1; i < columns.size(); i++) {
      if (columns.IsNull(i, row)) return false;
    }
    const std::string_view array = columns.Text(0, row);
    int64_t start = columns.At<int64_t>(1, row);
    if (start < 0) start = std::max<int64_t>(0, start + static_cast<int64_t>(CountElements(array)));
    const int64_t length =
        columns.size() > 2 ? columns.At<int64_t>(2, row) : std::numeric_limits<int64_t>::max();
    out.push_back('[');
    ArrayElements elements(array);
    std::string_view element;
    for (int64_t i = 0; elements.Next(element); i++) {
      if (i < start) continue;
      if (i - start >= length) break;
      Put(out, element);
    }
    out.push_back(']');
    return true;
  });
}

// ---- to look into arrays

void ArrayLength(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, int32_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t value, duckdb::ValidityMask& mask, idx_t row) {
        if (KindOf(View(value)) == SuperKind::kArray) {
          return static_cast<int32_t>(CountElements(View(value)));
        }
        mask.SetInvalid(row);
        return 0;
      });
}

// What ARRAY_CONTAINS, ARRAY_POSITION and ARRAY_POSITIONS share: `found` gets every position. False
// for NULL: with null_match false, a NULL that is looked for matches nothing for sure, nor does a
// null in the array differ for sure.
bool Search(const Columns& columns, idx_t row, bool first_only, std::vector<int64_t>& found) {
  found.clear();
  if (!IsArray(columns, 0, row)) return false;
  bool null_match = true;
  if (columns.size() > 2) {
    if (columns.IsNull(2, row)) return false;
    null_match = columns.At<bool>(2, row);
  }
  const bool wants_null = columns.IsNull(1, row);
  if (wants_null && !null_match) return false;
  const std::string_view wanted = wants_null ? "null" : columns.Text(1, row);
  const std::string key = KeyOf(wanted);
  bool nulls = false;
  ArrayElements elements(columns.Text(0, row));
  std::string_view element;
  std::string other;
  for (int64_t i = 0; elements.Next(element); i++) {
    nulls = nulls || element == "null";
    if (element != wanted) {
      other.clear();
      AppendSortKey(other, element);
      if (other != key) continue;
    }
    found.push_back(i);
    if (first_only) return true;
  }
  return null_match || !nulls || !found.empty();
}

template <class T, class Answer>
void SearchFor(duckdb::DataChunk& arguments, Vector& result, Answer&& answer) {
  const Columns columns(arguments);
  std::vector<int64_t> found;
  FillRows<T>(arguments, result, [&](idx_t row, T& out) {
    if (!Search(columns, row, true, found)) return false;
    out = answer(found);
    return true;
  });
}

void ArrayContains(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  SearchFor<bool>(arguments, result, [](const auto& found) { return !found.empty(); });
}
void ArrayPosition(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  SearchFor<int32_t>(arguments, result, [](const auto& found) {
    return found.empty() ? -1 : static_cast<int32_t>(found[0]);
  });
}
void ArrayPositions(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  std::vector<int64_t> found;
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    if (!Search(columns, row, false, found)) return false;
    out.push_back('[');
    for (const int64_t position : found) Put(out, std::to_string(position));
    out.push_back(']');
    return true;
  });
}

void ArraysOverlap(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  FillRows<bool>(arguments, result, [&](idx_t row, bool& out) {
    if (!IsArray(columns, 0, row) || !IsArray(columns, 1, row)) return false;
    std::unordered_set<std::string> keys;
    std::string_view element;
    ArrayElements first(columns.Text(0, row));
    while (first.Next(element)) keys.insert(KeyOf(element));
    bool overlap = false;
    ArrayElements second(columns.Text(1, row));
    while (!overlap && second.Next(element)) overlap = keys.contains(KeyOf(element));
    out = overlap;
    return true;
  });
}

// ---- arrays as sets; the order is that of the first array

void Distinct(std::string& out, std::string_view array, std::unordered_set<std::string>& seen) {
  ArrayElements elements(array);
  std::string_view element;
  while (elements.Next(element)) {
    if (seen.insert(KeyOf(element)).second) Put(out, element);
  }
}

void ArrayUnion(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    std::unordered_set<std::string> seen;
    out.push_back('[');
    for (size_t i = 0; i < columns.size(); i++) {
      if (!IsArray(columns, i, row)) return false;
      Distinct(out, columns.Text(i, row), seen);
    }
    out.push_back(']');
    return true;
  });
}

// Elements of the first array that have (kIntersect) or lack a counterpart in the second. Without
// `distinct` each counterpart serves once.
template <bool kIntersect>
void Match(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    if (!IsArray(columns, 0, row) || !IsArray(columns, 1, row)) return false;
    bool distinct = false;
    if (columns.size() > 2) {
      if (columns.IsNull(2, row)) return false;
      distinct = columns.At<bool>(2, row);
    }
    std::unordered_map<std::string, size_t> counterparts;
    std::string_view element;
    ArrayElements second(columns.Text(1, row));
    while (second.Next(element)) counterparts[KeyOf(element)]++;
    std::unordered_set<std::string> seen;
    out.push_back('[');
    ArrayElements first(columns.Text(0, row));
    while (first.Next(element)) {
      std::string key = KeyOf(element);
      const auto entry = counterparts.find(key);
      const bool matched = entry != counterparts.end() && entry->second > 0;
      if (matched && !distinct) entry->second--;
      if (matched != kIntersect) continue;
      if (distinct && !seen.insert(std::move(key)).second) continue;
      Put(out, element);
    }
    out.push_back(']');
    return true;
  });
}

void ArraySort(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  const Columns columns(arguments);
  BuildSuper(arguments, result, [&](idx_t row, std::string& out) {
    if (!IsArray(columns, 0, row)) return false;
    bool ascending = true;
    for (size_t i = 1; i < columns.size(); i++) {
      if (columns.IsNull(i, row)) return false;
    }
    if (columns.size() > 1) ascending = columns.At<bool>(1, row);
    const bool nulls_first = columns.size() > 2 ? columns.At<bool>(2, row) : !ascending;
    std::vector<std::pair<std::string, std::string_view>> sorted;
    size_t nulls = 0;
    ArrayElements elements(columns.Text(0, row));
    std::string_view element;
    while (elements.Next(element)) {
      if (element == "null") {
        nulls++;
      } else {
        sorted.emplace_back(KeyOf(element), element);
      }
    }
    std::sort(sorted.begin(), sorted.end(), [ascending](const auto& a, const auto& b) {
      const int order = a.first.compare(b.first);
      if (order != 0) return (order < 0) == ascending;
      return a.second.data() < b.second.data();
    });
    const auto put_nulls = [&] {
      for (size_t i = 0; i < nulls; i++) Put(out, "null");
    };
    out.push_back('[');
    if (nulls_first) put_nulls();
    for (const auto& entry : sorted) Put(out, entry.second);
    if (!nulls_first) put_nulls();
    out.push_back(']');
    return true;
  });
}

class Set {
 public:
  explicit Set(const char* name, LogicalType result, duckdb::scalar_function_t run)
      : set_(name), result_(std::move(result)), run_(std::move(run)) {}
  // SUPER results may become too large. NULL is not always NULL's result.
  Set& With(duckdb::vector<LogicalType> arguments,
            LogicalType varargs = LogicalType(duckdb::LogicalTypeId::INVALID)) {
    duckdb::ScalarFunction function(std::move(arguments), result_, run_, BindAsSuper);
    function.varargs = std::move(varargs);
    function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    function.SetFallible();
    set_.AddFunction(function);
    return *this;
  }
  void AddTo(Registrar& registrar) { registrar.Add(set_); }

 private:
  duckdb::ScalarFunctionSet set_;
  LogicalType result_;
  duckdb::scalar_function_t run_;
};

}  // namespace

void RegisterArrayFunctions(Registrar& registrar) {
  const LogicalType super = SuperType();
  const LogicalType any = LogicalType::ANY;
  const LogicalType boolean = LogicalType::BOOLEAN;
  const LogicalType bigint = LogicalType::BIGINT;
  const LogicalType text = LogicalType::VARCHAR;

  duckdb::ScalarFunction array("rs_array", {}, super, Array, BindArray);
  array.varargs = any;
  array.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  array.SetFallible();
  registrar.Add(array);
  registrar.Add(
      duckdb::ScalarFunction("rs_get_array_length", {super}, LogicalType::INTEGER, ArrayLength));

  Set("rs_split_to_array", super, SplitToArray).With({text}).With({text, text}).AddTo(registrar);
  Set("rs_array_concat", super, ArrayConcat).With({super, super}).AddTo(registrar);
  Set("rs_array_flatten", super, ArrayFlatten).With({super}, super).AddTo(registrar);
  Set("rs_subarray", super, Subarray)
      .With({super, bigint})
      .With({super, bigint, bigint})
      .AddTo(registrar);
  Set("rs_array_contains", boolean, ArrayContains)
      .With({super, any})
      .With({super, any, boolean})
      .AddTo(registrar);
  Set("rs_array_position", LogicalType::INTEGER, ArrayPosition)
      .With({super, any})
      .With({super, any, boolean})
      .AddTo(registrar);
  Set("rs_array_positions", super, ArrayPositions)
      .With({super, any})
      .With({super, any, boolean})
      .AddTo(registrar);
  Set("rs_arrays_overlap", boolean, ArraysOverlap).With({super, super}).AddTo(registrar);
  Set("rs_array_distinct", super, ArrayUnion).With({super}).AddTo(registrar);
  Set("rs_array_union", super, ArrayUnion).With({super, super}).AddTo(registrar);
  Set("rs_array_except", super, Match<false>)
      .With({super, super})
      .With({super, super, boolean})
      .AddTo(registrar);
  Set("rs_array_intersection", super, Match<true>)
      .With({super, super})
      .With({super, super, boolean})
      .AddTo(registrar);
  Set("rs_array_sort", super, ArraySort)
      .With({super})
      .With({super, boolean})
      .With({super, boolean, boolean})
      .AddTo(registrar);
}

}  // namespace skep::worker
