// Records of text as fields: delimited, CSV, fixed width. Source: the developer guide's "Data
// format parameters" and "Data conversion parameters".
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/copy_plan.h"

namespace skep::worker::copy {

struct Field {
  std::string_view text;
  bool null = false;    // it is NULL AS
  size_t position = 0;  // in the record, bytes
  bool plain = false;   // known to be ASCII without NUL
  bool stays = false;   // the text is the batch's, and stays until the next one
};

// Why a record has no fields; the code of "Load error reference".
struct FieldFault {
  int32_t code = 0;
  const char* reason = nullptr;
};

// Cuts one record at a time from a batch.
class FieldReader {
 public:
  explicit FieldReader(const sql::CopyPlan& plan) : plan_(plan) {}

  void Enter(std::string_view batch, uint64_t first_line);
  // The next record: false at the batch's end. Fields stay valid until the next call.
  bool Next();
  const std::vector<Field>& fields() const { return fields_; }
  std::optional<FieldFault> fault() const { return fault_; }
  std::string_view record() const { return record_; }
  uint64_t line() const { return line_; }
  bool blank() const { return record_.empty(); }

 private:
  void Delimited();
  void Escaped();
  void Csv();
  void FixedWidth();
  void Add(std::string_view text, size_t position, bool may_be_null = true);
  size_t EndOfLine() const;

  const sql::CopyPlan& plan_;
  std::string_view batch_, rest_, record_;
  uint64_t line_ = 0, next_line_ = 0;
  bool plain_ = false;  // the batch
  std::vector<Field> fields_;
  std::deque<std::string> made_;  // fields that are not as the record has them
  std::optional<FieldFault> fault_;
};

}  // namespace skep::worker::copy
