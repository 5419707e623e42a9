// CRC-32C (Castagnoli), the check of what lies on local disks. No defence against an attacker.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace skep {

// Source: RFC 3720, section 12.1 and appendix B.4.
uint32_t Crc32c(std::string_view bytes);

// The sums of consecutive pages of `page_bytes` each, of which the last may be shorter; `sums` has
// one place for each. Four at a time where the processor can: a page costs a quarter of Crc32c's
// time.
void Crc32cOfPages(std::string_view bytes, size_t page_bytes, std::span<uint32_t> sums);

}  // namespace skep
