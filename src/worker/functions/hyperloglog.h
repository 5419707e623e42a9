// A HyperLogLog sketch of 2^15 registers, sparse while small: what HLLSKETCH holds. Knows nothing
// of the engine. The hash and the registers are those of Apache DataSketches' HLL (MurmurHash3 of
// 128 bits, seed 9001), which reproduces the sketches printed in the developer guide, "HyperLogLog
// functions". The estimate is Ertl's (arXiv:1702.01284): about 0.6 % standard error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skep::worker {

class HyperLogLog {
 public:
  // The bytes of one value; equal values must have equal bytes.
  void Add(const void* data, size_t size_bytes);
  void Merge(const HyperLogLog& other);
  uint64_t Cardinality() const;

  // At most 24,580 bytes. Nothing for bytes that no sketch has.
  std::string ToBytes() const;
  static std::optional<HyperLogLog> FromBytes(std::string_view bytes);

  // JSON of the sparse form, base64 of the dense one's registers.
  std::string ToText() const;
  static std::optional<HyperLogLog> FromText(std::string_view text);

 private:
  static constexpr unsigned kIndexBits = 26;
  static constexpr unsigned kLogRegisters = 15;
  static constexpr size_t kRegisters = size_t{1} << kLogRegisters;
  static constexpr unsigned kValueBits = 6;
  static constexpr uint32_t kMaxValue = (1U << kValueBits) - 1;
  static constexpr size_t kDenseBytes = kRegisters * kValueBits / 8;
  // Where four bytes for each entry exceed the dense form.
  static constexpr size_t kMaxEntries = kDenseBytes / 4;

  static constexpr size_t kFirstCompaction = 512;

  bool dense() const { return !registers_.empty(); }
  void AddEntry(uint32_t entry);
  void Raise(uint32_t index, uint8_t value);
  std::vector<uint32_t> Sorted() const;
  void Compact();
  // Of one and the same form for the same entries, however they came in.
  HyperLogLog Canonical() const;
  void BecomeDense();
  std::string Packed() const;
  static std::optional<HyperLogLog> FromPacked(std::string_view packed);

  // Sparse: index << 6 | value, in any order and with repetitions until compacted.
  std::vector<uint32_t> entries_;
  size_t compact_at_ = kFirstCompaction;
  std::vector<uint8_t> registers_;
};

}  // namespace skep::worker
