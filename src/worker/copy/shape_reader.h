// Records of a shapefile as the fields of a COPY: the geometry, as it is stored, and the attributes
// as text.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/copy/fields.h"
#include "worker/copy/load_report.h"
#include "worker/copy/shape_source.h"
#include "worker/copy/shapes.h"

namespace skep::worker::copy {

struct ShapeFault {
  int32_t code = 0;
  std::string reason;
  bool of_geometry = false;
};

// Cuts one record at a time from a batch of `source`.
class ShapeReader {
 public:
  ShapeReader(const sql::CopyPlan& plan, const ShapeSource& source, LoadReport& report);

  void Enter(const Batch& batch) {
    rest_ = batch.text;
    facts_ = &source_.FactsOf(batch.file);
  }
  // The next record: false at the batch's end. Fields stay valid until the next call.
  bool Next();
  const std::vector<Field>& fields() const { return fields_; }
  const std::optional<ShapeFault>& fault() const { return fault_; }
  // The attributes, as the file has them.
  std::string_view record() const { return row_; }
  uint64_t line() const { return frame_.record; }
  bool blank() const { return false; }
  // Of a field in a record, bytes.
  size_t PositionOf(size_t field) const {
    return field == 0 || field > facts_->layout.fields.size()
               ? 0
               : facts_->layout.fields[field - 1].offset;
  }

 private:
  std::string_view Take(size_t bytes);
  void ReadGeometry(std::string_view content);
  void ReadAttributes();

  const sql::CopyPlan& plan_;
  const ShapeSource& source_;
  LoadReport& report_;
  std::optional<Simplification> simplification_;
  const ShapeSource::Facts* facts_ = nullptr;
  std::string_view rest_, row_;
  ShapeFrame frame_;
  std::vector<Field> fields_;
  std::deque<std::string> made_;
  std::optional<ShapeFault> fault_;
};

}  // namespace skep::worker::copy
