// Hash algorithms that the engine lacks, on bytes: FNV-1a, MurmurHash3 (32 bits, x86),
// FarmHash's Fingerprint64, CRC-32C. None of them is for secrets. Source: RFC draft
// "The FNV Non-Cryptographic Hash Algorithm"; the reference code of MurmurHash3 and of FarmHash
// (namespace farmhashna); RFC 3720, appendix B.4.
#pragma once

#include <cstdint>
#include <string_view>

namespace skep::worker {

inline constexpr uint64_t kFnvSeed = 0xcbf29ce484222325;

inline uint64_t Fnv1a(std::string_view bytes, uint64_t seed) {
  for (const char c : bytes) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return seed;
}

uint32_t Murmur3(std::string_view bytes, uint32_t seed);
uint64_t FarmFingerprint64(std::string_view bytes);
uint32_t Crc32c(std::string_view bytes);

}  // namespace skep::worker
