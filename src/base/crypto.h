// Digests, HMAC, random bytes and text encodings, all on OpenSSL. Nothing here knows a protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skep {

// Raw digests: 32 bytes (SHA-256), 16 bytes (MD5).
std::string Sha256(std::string_view data);
std::string Md5(std::string_view data);
std::string HmacSha256(std::string_view key, std::string_view data);
// PBKDF2 with HMAC-SHA-256, 32 bytes out (RFC 8018, section 5.2).
std::string Pbkdf2Sha256(std::string_view password, std::string_view salt, int iterations);
// n bytes from the operating system's generator. Throws std::runtime_error when there are none.
std::string RandomBytes(size_t n);
// True when both are equal; takes the same time wherever they differ.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

std::string HexEncode(std::string_view bytes);
std::optional<std::string> HexDecode(std::string_view hex);
std::string Base64Encode(std::string_view bytes);
std::optional<std::string> Base64Decode(std::string_view text);
// RFC 3986 percent-encoding of everything but unreserved characters; '/' is kept when keep_slash.
std::string UriEncode(std::string_view text, bool keep_slash);
// Decodes %XX ('+' stays '+'). nullopt for a malformed escape.
std::optional<std::string> UriDecode(std::string_view text);

}  // namespace skep
