#include "base/crc32c.h"

#include <array>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace skep {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<uint32_t, 256> kTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}();

uint32_t ByTable(uint32_t crc, std::string_view bytes) {
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(c)) & 0xff];
  return crc;
}

#ifdef __x86_64__

uint64_t WordAt(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) uint32_t ByInstruction(std::string_view bytes) {
  uint64_t crc = ~uint32_t{0};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) crc = _mm_crc32_u64(crc, WordAt(bytes.data() + at));
  return ~ByTable(static_cast<uint32_t>(crc), bytes.substr(at));
}

// Four pages of `page_bytes`, a multiple of 8. The instruction takes three cycles but another may
// start every cycle, so that independent sums hide each other's wait.
__attribute__((target("sse4.2"))) void FourPages(const char* pages, size_t page_bytes,
                                                 uint32_t* sums) {
  uint64_t a = ~uint32_t{0}, b = a, c = a, d = a;
  for (size_t at = 0; at < page_bytes; at += 8) {
    a = _mm_crc32_u64(a, WordAt(pages + at));
    b = _mm_crc32_u64(b, WordAt(pages + page_bytes + at));
    c = _mm_crc32_u64(c, WordAt(pages + 2 * page_bytes + at));
    d = _mm_crc32_u64(d, WordAt(pages + 3 * page_bytes + at));
  }
  sums[0] = ~static_cast<uint32_t>(a);
  sums[1] = ~static_cast<uint32_t>(b);
  sums[2] = ~static_cast<uint32_t>(c);
  sums[3] = ~static_cast<uint32_t>(d);
}

bool HasInstruction() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}

#endif

}  // namespace

uint32_t Crc32c(std::string_view bytes) {
#ifdef __x86_64__
  if (HasInstruction()) return ByInstruction(bytes);
#endif
  return ~ByTable(~uint32_t{0}, bytes);
}

void Crc32cOfPages(std::string_view bytes, size_t page_bytes, std::span<uint32_t> sums) {
  size_t page = 0;
#ifdef __x86_64__
  if (HasInstruction() && page_bytes % 8 == 0) {
    for (; (page + 4) * page_bytes <= bytes.size(); page += 4)
      FourPages(bytes.data() + page * page_bytes, page_bytes, &sums[page]);
  }
#endif
  for (; page * page_bytes < bytes.size(); page++)
    sums[page] = Crc32c(bytes.substr(page * page_bytes, page_bytes));
}

}  // namespace skep
