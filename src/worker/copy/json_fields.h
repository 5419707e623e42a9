// JSON objects of a COPY as fields: by the columns' names, by a jsonpaths file, or whole. Source:
// the developer guide's "COPY from JSON format".
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "sql/copy_plan.h"
#include "worker/copy/fields.h"

namespace skep::worker::copy {

// From the root: attributes by name, elements by number.
using JsonPath = std::vector<std::variant<std::string, int64_t>>;

// {"jsonpaths": ["$.a.b", "$['a'][0]"]}. Errors: kDataException.
Result<std::vector<JsonPath>> ReadJsonPaths(std::string_view text, std::string_view name);

class JsonReader {
 public:
  // `paths` of a jsonpaths file; empty otherwise.
  JsonReader(const sql::CopyPlan& plan, std::vector<JsonPath> paths);

  void Enter(std::string_view batch, uint64_t first_line) {
    rest_ = batch;
    line_ = next_line_ = first_line;
  }
  bool Next();
  const std::vector<Field>& fields() const { return fields_; }
  std::optional<FieldFault> fault() const { return fault_; }
  std::string_view record() const { return record_; }
  uint64_t line() const { return line_; }
  bool blank() const { return false; }

 private:
  bool Cut();
  void Find(size_t column);

  const sql::CopyPlan& plan_;
  std::vector<JsonPath> paths_;
  std::vector<std::string> keys_;  // of the columns, quoted
  std::string_view rest_, record_;
  uint64_t line_ = 0, next_line_ = 0;
  std::string text_;  // the record, canonical
  std::vector<Field> fields_;
  std::deque<std::string> made_;
  std::optional<FieldFault> fault_;
};

}  // namespace skep::worker::copy
