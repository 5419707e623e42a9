#include "worker/functions/checksums.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace skep::worker {
namespace {

uint32_t Word32(const char* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}
uint64_t Word64(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// ---- FarmHash ----

constexpr uint64_t kFarm0 = 0xc3a5c85c97cb3127, kFarm1 = 0xb492b66fbe98f273,
                   kFarm2 = 0x9ae16a3b2f90404f;

uint64_t ShiftMix(uint64_t v) { return v ^ (v >> 47); }

uint64_t Mix(uint64_t u, uint64_t v, uint64_t multiplier) {
  const uint64_t a = ShiftMix((u ^ v) * multiplier);
  return ShiftMix((v ^ a) * multiplier) * multiplier;
}

uint64_t FarmUpTo16(std::string_view s) {
  const size_t n = s.size();
  const char* p = s.data();
  if (n >= 8) {
    const uint64_t multiplier = kFarm2 + n * 2;
    const uint64_t a = Word64(p) + kFarm2, b = Word64(p + n - 8);
    const uint64_t c = std::rotr(b, 37) * multiplier + a;
    const uint64_t d = (std::rotr(a, 25) + b) * multiplier;
    return Mix(c, d, multiplier);
  }
  if (n >= 4) {
    const uint64_t a = Word32(p);
    return Mix(n + (a << 3), Word32(p + n - 4), kFarm2 + n * 2);
  }
  if (n > 0) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(p[i])); };
    const uint32_t y = byte(0) + (byte(n >> 1) << 8);
    const uint32_t z = static_cast<uint32_t>(n) + (byte(n - 1) << 2);
    return ShiftMix(y * kFarm2 ^ z * kFarm0) * kFarm2;
  }
  return kFarm2;
}

uint64_t Farm17To32(std::string_view s) {
  const size_t n = s.size();
  const char* p = s.data();
  const uint64_t multiplier = kFarm2 + n * 2;
  const uint64_t a = Word64(p) * kFarm1, b = Word64(p + 8), c = Word64(p + n - 8) * multiplier,
                 d = Word64(p + n - 16) * kFarm2;
  return Mix(std::rotr(a + b, 43) + std::rotr(c, 30) + d, a + std::rotr(b + kFarm2, 18) + c,
             multiplier);
}

uint64_t Farm33To64(std::string_view s) {
  const size_t n = s.size();
  const char* p = s.data();
  const uint64_t multiplier = kFarm2 + n * 2;
  const uint64_t a = Word64(p) * kFarm2, b = Word64(p + 8), c = Word64(p + n - 8) * multiplier,
                 d = Word64(p + n - 16) * kFarm2;
  const uint64_t y = std::rotr(a + b, 43) + std::rotr(c, 30) + d;
  const uint64_t z = Mix(y, a + std::rotr(b + kFarm2, 18) + c, multiplier);
  const uint64_t e = Word64(p + 16) * multiplier, f = Word64(p + 24),
                 g = (y + Word64(p + n - 32)) * multiplier,
                 h = (z + Word64(p + n - 24)) * multiplier;
  return Mix(std::rotr(e + f, 43) + std::rotr(g, 30) + h, e + std::rotr(f + a, 18) + g, multiplier);
}

using Pair = std::pair<uint64_t, uint64_t>;

Pair WeakHash32(const char* p, uint64_t a, uint64_t b) {
  a += Word64(p);
  b = std::rotr(b + a + Word64(p + 24), 21);
  const uint64_t c = a;
  a += Word64(p + 8) + Word64(p + 16);
  b += std::rotr(a, 44);
  return {a + Word64(p + 24), b + c};
}

// ---- CRC-32C, eight bytes at a step ----

using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables MakeCrcTables() {
  CrcTables tables{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; i++) {
    for (size_t k = 1; k < 8; k++)
      tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xff];
  }
  return tables;
}
constexpr CrcTables kCrcTables = MakeCrcTables();

}  // namespace

uint64_t FarmFingerprint64(std::string_view s) {
  const size_t n = s.size();
  if (n <= 16) return FarmUpTo16(s);
  if (n <= 32) return Farm17To32(s);
  if (n <= 64) return Farm33To64(s);
  constexpr uint64_t kSeed = 81;
  const char* p = s.data();
  uint64_t x = kSeed, y = kSeed * kFarm1 + 113, z = ShiftMix(y * kFarm2 + 113) * kFarm2;
  Pair v{0, 0}, w{0, 0};
  x = x * kFarm2 + Word64(p);
  const auto step = [&](uint64_t multiplier, uint64_t weight) {
    x = std::rotr(x + y + v.first + Word64(p + 8), 37) * multiplier;
    y = std::rotr(y + v.second + Word64(p + 48), 42) * multiplier;
    x ^= w.second * weight;
    y += v.first * weight + Word64(p + 40);
    z = std::rotr(z + w.first, 33) * multiplier;
    v = WeakHash32(p, v.second * multiplier, x + w.first);
    w = WeakHash32(p + 32, z + w.second, y + Word64(p + 16));
    std::swap(z, x);
  };
  const char* end = p + (n - 1) / 64 * 64;
  const char* last = end + ((n - 1) & 63) - 63;
  for (; p != end; p += 64) step(kFarm1, 1);
  const uint64_t multiplier = kFarm1 + ((z & 0xff) << 1);
  p = last;
  w.first += (n - 1) & 63;
  v.first += w.first;
  w.first += v.first;
  step(multiplier, 9);
  return Mix(Mix(v.first, w.first, multiplier) + ShiftMix(y) * kFarm0 + z,
             Mix(v.second, w.second, multiplier) + x, multiplier);
}

uint32_t Murmur3(std::string_view bytes, uint32_t seed) {
  const auto scramble = [](uint32_t k) { return std::rotl(k * 0xcc9e2d51, 15) * 0x1b873593; };
  uint32_t h = seed;
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4)
    h = std::rotl(h ^ scramble(Word32(bytes.data() + i)), 13) * 5 + 0xe6546b64;
  uint32_t tail = 0;
  for (size_t k = bytes.size(); k > i; k--)
    tail = tail << 8 | static_cast<uint32_t>(static_cast<uint8_t>(bytes[k - 1]));
  h ^= scramble(tail);
  h ^= static_cast<uint32_t>(bytes.size());
  h = (h ^ h >> 16) * 0x85ebca6b;
  h = (h ^ h >> 13) * 0xc2b2ae35;
  return h ^ h >> 16;
}

uint32_t Crc32c(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const uint64_t word = Word64(p) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; k++) crc ^= kCrcTables[7 - k][word >> (8 * k) & 0xff];
  }
  for (; n > 0; n--, p++) crc = (crc >> 8) ^ kCrcTables[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff];
  return ~crc;
}

}  // namespace skep::worker
