// What every folder does to text: lower case of names, JSON strings.
#pragma once

#include <string>
#include <string_view>

namespace skep {

// Lower case of ASCII letters; other bytes stay. Names of protocols, settings and SQL fold like
// this.
std::string Lower(std::string_view text);

// Appends `text` as a JSON string, quotes included; bytes from 0x80 on stay. Source: RFC 8259,
// section 7.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace skep
