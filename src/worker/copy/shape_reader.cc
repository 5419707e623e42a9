#include "worker/copy/shape_reader.h"

#include <algorithm>
#include <cstring>

namespace skep::worker::copy {

ShapeReader::ShapeReader(const sql::CopyPlan& plan, const ShapeSource& source, LoadReport& report)
    : plan_(plan), source_(source), report_(report) {
  if (plan.simplify != sql::CopySimplify::kNone)
    simplification_ = {plan.simplify == sql::CopySimplify::kAuto, plan.tolerance};
}

std::string_view ShapeReader::Take(size_t bytes) {
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(taken.size());
  return taken;
}

bool ShapeReader::Next() {
  if (rest_.size() < sizeof frame_) return false;
  std::memcpy(&frame_, Take(sizeof frame_).data(), sizeof frame_);
  const std::string_view content = Take(frame_.shape_bytes);
  row_ = Take(frame_.row_bytes);
  fields_.clear();
  made_.clear();
  fault_.reset();
  if (frame_.fault != 0) {
    fault_ = {static_cast<int32_t>(frame_.fault), std::string(content), false};
    return true;
  }
  ReadGeometry(content);
  ReadAttributes();
  return true;
}

void ShapeReader::ReadGeometry(std::string_view content) {
  const auto shape = ReadShape(content, facts_->srid);
  if (!shape) {
    fault_ = {shape.error().code, shape.error().reason, true};
    return;
  }
  if (!*shape) {
    fields_.push_back({{}, true, 0});
    return;
  }
  std::optional<Simplified> simplified;
  auto stored = StoredShape(**shape, simplification_, simplified);
  if (simplified)
    report_.Add(LoadReport::SimplifiedShape{frame_.record, simplified->initial_bytes,
                                            simplified->final_bytes, simplified->tolerance,
                                            simplified->fits});
  if (stored)
    fields_.push_back({made_.emplace_back(*std::move(stored)), false, 0});
  else
    fault_ = {stored.error().code, stored.error().reason, true};
}

void ShapeReader::ReadAttributes() {
  if (row_.empty()) return;
  for (const DbaseField& field : facts_->layout.fields) {
    auto text = DbaseText(field, row_, facts_->page);
    const bool null = !text || *text == plan_.null_text;
    fields_.push_back(
        {null ? std::string_view() : made_.emplace_back(*std::move(text)), null, field.offset});
  }
}

}  // namespace skep::worker::copy
