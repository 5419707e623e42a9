// Hash functions. FNV_HASH, MURMUR3_32_HASH and CHECKSUM take a value of any type as its bytes; the
// others take text or VARBYTE. Source: developer guide, chapter "Hash functions", and "CRC32
// function"; for MURMUR3_32_HASH the specification of Apache Iceberg, appendix B.
#pragma once

#include "worker/functions/registrar.h"

namespace skep::worker {

// rs_fnv_hash, rs_murmur3_32_hash, rs_checksum, rs_farmfingerprint64, rs_crc32, rs_md5, rs_sha1,
// rs_sha2.
void RegisterHash(Registrar& registrar);

}  // namespace skep::worker
