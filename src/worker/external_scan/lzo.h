// LZO1X, the compression inside of lzop files. There is no library of it under a licence that fits.
// Source: "LZO stream format as understood by Linux's LZO decompressor" (the kernel's staging/lzo).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skep::external_scan {

// Decompresses one block into `out`, which becomes `size` bytes. False: the block is broken, or is
// of another length. Reads and writes within its bounds whatever the block holds.
bool DecompressLzo(std::string_view block, size_t size, std::string& out);

}  // namespace skep::external_scan
