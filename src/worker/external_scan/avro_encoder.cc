#include "worker/external_scan/avro_encoder.h"

#include <cstring>
#include <random>

namespace skep::external_scan {

namespace {

constexpr size_t kBlockBytes = 1u << 20;  // a block ends behind the record that reaches it

}  // namespace

AvroEncoder& AvroEncoder::Long(int64_t value) {
  uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (zigzag >= 0x80) {
    out_.push_back(static_cast<char>(zigzag | 0x80));
    zigzag >>= 7;
  }
  out_.push_back(static_cast<char>(zigzag));
  return *this;
}

AvroEncoder& AvroEncoder::Boolean(bool value) {
  out_.push_back(value ? 1 : 0);
  return *this;
}

AvroEncoder& AvroEncoder::Float(float value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return Fixed({bytes, sizeof bytes});
}

AvroEncoder& AvroEncoder::Double(double value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return Fixed({bytes, sizeof bytes});
}

AvroEncoder& AvroEncoder::Bytes(std::string_view value) {
  Long(static_cast<int64_t>(value.size()));
  return Fixed(value);
}

AvroEncoder& AvroEncoder::Fixed(std::string_view value) {
  out_.append(value);
  return *this;
}

AvroEncoder& AvroEncoder::Items(size_t count) {
  if (count > 0) Long(static_cast<int64_t>(count));
  return *this;
}

std::string AvroFile(std::string_view schema,
                     const std::vector<std::pair<std::string, std::string>>& metadata,
                     const std::vector<std::string>& records) {
  char sync[16];
  std::random_device random;
  for (size_t i = 0; i < sizeof sync; i += sizeof(uint32_t)) {
    const uint32_t some = random();
    std::memcpy(sync + i, &some, sizeof some);
  }
  const std::string_view marker(sync, sizeof sync);
  AvroEncoder file;
  file.Fixed(std::string_view("Obj\x01", 4)).Items(metadata.size() + 2);
  file.Bytes("avro.schema").Bytes(schema).Bytes("avro.codec").Bytes("null");
  for (const auto& [name, value] : metadata) file.Bytes(name).Bytes(value);
  file.EndItems().Fixed(marker);
  std::string block;
  size_t count = 0;
  const auto end_block = [&] {
    if (count == 0) return;
    file.Long(static_cast<int64_t>(count)).Bytes(block).Fixed(marker);
    block.clear();
    count = 0;
  };
  for (const std::string& record : records) {
    block += record;
    count++;
    if (block.size() >= kBlockBytes) end_block();
  }
  end_block();
  return file.Take();
}

}  // namespace skep::external_scan
