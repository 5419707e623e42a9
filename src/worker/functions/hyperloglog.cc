#include "worker/functions/hyperloglog.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/crypto.h"

namespace skep::worker {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeaderBytes = 4;  // version, logm, 0 sparse or 1 dense, 0

// MurmurHash3_x64_128 (Austin Appleby, public domain): both words.
struct Hash {
  uint64_t low;
  uint64_t high;
};

uint64_t Mix(uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccdULL;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53ULL;
  k ^= k >> 33;
  return k;
}

uint64_t Word(const unsigned char* bytes, size_t size) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, size);
  return word;
}

Hash Murmur(const void* data, size_t size) {
  constexpr uint64_t kSeed = 9001;
  constexpr uint64_t kFirst = 0x87c37b91114253d5ULL;
  constexpr uint64_t kSecond = 0x4cf5ad432745937fULL;
  const auto first = [](uint64_t k) { return std::rotl(k * kFirst, 31) * kSecond; };
  const auto second = [](uint64_t k) { return std::rotl(k * kSecond, 33) * kFirst; };
  const auto* bytes = static_cast<const unsigned char*>(data);
  uint64_t low = kSeed;
  uint64_t high = kSeed;
  size_t at = 0;
  for (; at + 16 <= size; at += 16) {
    low = (std::rotl(low ^ first(Word(bytes + at, 8)), 27) + high) * 5 + 0x52dce729;
    high = (std::rotl(high ^ second(Word(bytes + at + 8, 8)), 31) + low) * 5 + 0x38495ab5;
  }
  const size_t rest = size - at;
  if (rest > 8) high ^= second(Word(bytes + at + 8, rest - 8));
  if (rest > 0) low ^= first(Word(bytes + at, std::min<size_t>(rest, 8)));
  low ^= size;
  high ^= size;
  low += high;
  high += low;
  low = Mix(low);
  high = Mix(high);
  low += high;
  high += low;
  return {low, high};
}

double Sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; before != z;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; before != z;) {
    x = std::sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void HyperLogLog::Add(const void* data, size_t size_bytes) {
  const Hash hash = Murmur(data, size_bytes);
  const auto index = static_cast<uint32_t>(hash.low & ((1U << kIndexBits) - 1));
  const auto value =
      std::min<uint32_t>(static_cast<uint32_t>(std::countl_zero(hash.high)) + 1, kMaxValue);
  if (dense()) {
    Raise(index, static_cast<uint8_t>(value));
  } else {
    AddEntry(index << kValueBits | value);
  }
}

void HyperLogLog::AddEntry(uint32_t entry) {
  entries_.push_back(entry);
  if (entries_.size() >= compact_at_) Compact();
}

void HyperLogLog::Raise(uint32_t index, uint8_t value) {
  uint8_t& at = registers_[index & (kRegisters - 1)];
  at = std::max(at, value);
}

std::vector<uint32_t> HyperLogLog::Sorted() const {
  std::vector<uint32_t> sorted = entries_;
  std::sort(sorted.begin(), sorted.end());
  // The last of an index has the greatest value.
  size_t kept = 0;
  for (size_t i = 0; i < sorted.size(); i++) {
    if (kept > 0 && sorted[kept - 1] >> kValueBits == sorted[i] >> kValueBits) kept--;
    sorted[kept++] = sorted[i];
  }
  sorted.resize(kept);
  return sorted;
}

void HyperLogLog::Compact() {
  entries_ = Sorted();
  if (entries_.size() > kMaxEntries) {
    BecomeDense();
    return;
  }
  compact_at_ = std::max(kFirstCompaction, 2 * entries_.size());
}

HyperLogLog HyperLogLog::Canonical() const {
  HyperLogLog sketch = *this;
  if (!sketch.dense()) sketch.Compact();
  return sketch;
}

void HyperLogLog::BecomeDense() {
  if (dense()) return;
  registers_.assign(kRegisters, 0);
  for (const uint32_t entry : entries_) {
    Raise(entry >> kValueBits, static_cast<uint8_t>(entry & kMaxValue));
  }
  entries_ = {};
}

void HyperLogLog::Merge(const HyperLogLog& other) {
  if (other.dense()) {
    BecomeDense();
    for (size_t i = 0; i < kRegisters; i++) {
      registers_[i] = std::max(registers_[i], other.registers_[i]);
    }
    return;
  }
  for (const uint32_t entry : other.entries_) {
    if (dense()) {
      Raise(entry >> kValueBits, static_cast<uint8_t>(entry & kMaxValue));
    } else {
      AddEntry(entry);
    }
  }
}

uint64_t HyperLogLog::Cardinality() const {
  if (entries_.size() > kMaxEntries) {
    const HyperLogLog canonical = Canonical();
    if (canonical.dense()) return canonical.Cardinality();
  }
  if (!dense()) {
    // Linear counting over 2^26 places.
    const auto places = static_cast<double>(1U << kIndexBits);
    const auto used = static_cast<double>(Sorted().size());
    return static_cast<uint64_t>(std::llround(-places * std::log1p(-used / places)));
  }
  constexpr size_t kRanks = kMaxValue - 1;
  size_t counts[kMaxValue + 1] = {};
  for (const uint8_t value : registers_) counts[value]++;
  const auto registers = static_cast<double>(kRegisters);
  double z = registers * Tau(1 - static_cast<double>(counts[kMaxValue]) / registers);
  for (size_t rank = kRanks; rank >= 1; rank--) {
    z = 0.5 * (z + static_cast<double>(counts[rank]));
  }
  z += registers * Sigma(static_cast<double>(counts[0]) / registers);
  return static_cast<uint64_t>(std::llround(registers * registers / (2 * std::numbers::ln2 * z)));
}

std::string HyperLogLog::Packed() const {
  std::string packed(kDenseBytes, '\0');
  for (size_t i = 0; i < kRegisters; i++) {
    const size_t bit = i * kValueBits;
    const unsigned shifted = static_cast<unsigned>(registers_[i]) << (bit % 8);
    packed[bit / 8] = static_cast<char>(packed[bit / 8] | static_cast<char>(shifted & 0xff));
    if (shifted > 0xff) {
      packed[bit / 8 + 1] =
          static_cast<char>(packed[bit / 8 + 1] | static_cast<char>(shifted >> 8));
    }
  }
  return packed;
}

std::optional<HyperLogLog> HyperLogLog::FromPacked(std::string_view packed) {
  if (packed.size() != kDenseBytes) return std::nullopt;
  HyperLogLog sketch;
  sketch.registers_.resize(kRegisters);
  for (size_t i = 0; i < kRegisters; i++) {
    const size_t bit = i * kValueBits;
    unsigned word = static_cast<unsigned char>(packed[bit / 8]);
    if (bit / 8 + 1 < packed.size()) {
      word |= static_cast<unsigned>(static_cast<unsigned char>(packed[bit / 8 + 1])) << 8;
    }
    sketch.registers_[i] = static_cast<uint8_t>(word >> (bit % 8) & kMaxValue);
  }
  return sketch;
}

std::string HyperLogLog::ToBytes() const {
  if (entries_.size() > kMaxEntries) {
    const HyperLogLog canonical = Canonical();
    if (canonical.dense()) return canonical.ToBytes();
  }
  std::string bytes{kVersion, static_cast<char>(kLogRegisters), static_cast<char>(dense()), 0};
  if (dense()) return bytes + Packed();
  for (const uint32_t entry : Sorted()) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bytes += static_cast<char>(entry >> shift & 0xff);
    }
  }
  return bytes;
}

std::optional<HyperLogLog> HyperLogLog::FromBytes(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes[0] != kVersion ||
      bytes[1] != static_cast<char>(kLogRegisters) || (bytes[2] != 0 && bytes[2] != 1)) {
    return std::nullopt;
  }
  const std::string_view body = bytes.substr(kHeaderBytes);
  if (bytes[2] == 1) return FromPacked(body);
  if (body.size() % 4 != 0 || body.size() > 4 * kMaxEntries) return std::nullopt;
  HyperLogLog sketch;
  sketch.entries_.reserve(body.size() / 4);
  for (size_t at = 0; at < body.size(); at += 4) {
    uint32_t entry = 0;
    for (unsigned i = 0; i < 4; i++) {
      entry |= static_cast<uint32_t>(static_cast<unsigned char>(body[at + i])) << (8 * i);
    }
    if ((entry & kMaxValue) == 0) return std::nullopt;
    sketch.entries_.push_back(entry);
  }
  sketch.Compact();
  return sketch;
}

std::string HyperLogLog::ToText() const {
  if (entries_.size() > kMaxEntries) {
    const HyperLogLog canonical = Canonical();
    if (canonical.dense()) return canonical.ToText();
  }
  if (dense()) return Base64Encode(Packed());
  const std::vector<uint32_t> sorted = Sorted();
  std::string indices;
  std::string values;
  for (const uint32_t entry : sorted) {
    if (!indices.empty()) {
      indices += ',';
      values += ',';
    }
    indices += std::to_string(entry >> kValueBits);
    values += std::to_string(entry & kMaxValue);
  }
  return fmt::format(R"({{"version":{},"logm":{},"sparse":{{"indices":[{}],"values":[{}]}}}})",
                     static_cast<int>(kVersion), kLogRegisters, indices, values);
}

std::optional<HyperLogLog> HyperLogLog::FromText(std::string_view text) {
  constexpr size_t kMaxTextBytes = 1 << 20;
  if (text.size() > kMaxTextBytes) return std::nullopt;
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return std::nullopt;
  if (text[begin] != '{') {
    const size_t end = text.find_last_not_of(" \t\r\n");
    const auto packed = Base64Decode(text.substr(begin, end - begin + 1));
    return packed ? FromPacked(*packed) : std::nullopt;
  }
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("sparse") || !json["sparse"].is_object() ||
      json.value("logm", nlohmann::json()) != kLogRegisters ||
      (json.contains("version") && json["version"] != static_cast<int>(kVersion))) {
    return std::nullopt;
  }
  const auto indices = json["sparse"].value("indices", nlohmann::json());
  const auto values = json["sparse"].value("values", nlohmann::json());
  if (!indices.is_array() || !values.is_array() || indices.size() != values.size()) {
    return std::nullopt;
  }
  HyperLogLog sketch;
  for (size_t i = 0; i < indices.size(); i++) {
    if (!indices[i].is_number_unsigned() || !values[i].is_number_unsigned()) return std::nullopt;
    const auto index = indices[i].get<uint64_t>();
    const auto value = values[i].get<uint64_t>();
    if (index >> kIndexBits != 0 || value == 0 || value > kMaxValue) return std::nullopt;
    if (sketch.dense()) {
      sketch.Raise(static_cast<uint32_t>(index), static_cast<uint8_t>(value));
    } else {
      sketch.AddEntry(static_cast<uint32_t>(index << kValueBits | value));
    }
  }
  return sketch;
}

}  // namespace skep::worker
