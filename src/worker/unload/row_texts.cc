#include "worker/unload/row_texts.h"

#include "worker/external_scan/lake_errors.h"

namespace skep::worker::unload {
namespace {

constexpr size_t kFrameBytes = 256u << 10;
constexpr size_t kRowHead = 7;  // 'D', length, number of values

ResultShape TextShape(duckdb::ClientContext& context,
                      const duckdb::vector<duckdb::LogicalType>& types, const Declared& declared) {
  ResultShape shape = external_scan::OrThrow(ShapeOf(types, {}, declared));
  duckdb::Value zone;
  if (context.TryGetCurrentSetting("TimeZone", zone)) shape.zone_is_utc = IsUtc(zone.ToString());
  return shape;
}

uint32_t ReadBe32(const char* p) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  return uint32_t{u[0]} << 24 | uint32_t{u[1]} << 16 | uint32_t{u[2]} << 8 | u[3];
}

}  // namespace

RowTexts::RowTexts(duckdb::ClientContext& context, const duckdb::vector<duckdb::LogicalType>& types,
                   const Declared& declared)
    : shape_(TextShape(context, types, declared)),
      encoder_(context, shape_),
      frame_(Frame::WithRoom(kFrameBytes)) {}

void RowTexts::Load(duckdb::DataChunk& chunk) {
  encoder_.Load(chunk);
  encoded_ = 0;
  rows_ = chunk.size();
  frame_.Clear();
  at_ = frame_.size;
}

bool RowTexts::Next(std::vector<Field>& fields) {
  if (at_ == frame_.size) {
    if (encoded_ == rows_) return false;
    frame_.Clear();
    at_ = frame_.size;
    encoded_ = encoder_.Encode(encoded_, rows_, frame_, kFrameBytes);
  }
  const char* p = frame_.data.get() + at_ + kRowHead;
  fields.clear();
  for (size_t i = 0; i < shape_.columns.size(); i++) {
    const uint32_t length = ReadBe32(p);
    p += 4;
    if (length == 0xffffffffu) {
      fields.emplace_back(std::nullopt);
      continue;
    }
    fields.emplace_back(std::string_view(p, length));
    p += length;
  }
  at_ = static_cast<size_t>(p - frame_.data.get());
  return true;
}

}  // namespace skep::worker::unload
