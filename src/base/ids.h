// Identifiers as the services spell them.
#pragma once

#include <string>
#include <string_view>

namespace skep {

// A random version-4 UUID in lower case: 8-4-4-4-12 hexadecimal digits.
std::string NewUuid();
// True for [a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}.
bool IsUuidShaped(std::string_view text);

}  // namespace skep
