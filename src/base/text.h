// What every folder does to text: lower case of names, lists with commas, JSON strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skep {

// Lower case of ASCII letters; other bytes stay. Names of protocols, settings and SQL fold like
// this.
std::string Lower(std::string_view text);

// The parts between commas, as they are; none of an empty text. So chains of roles are written.
std::vector<std::string> SplitAtCommas(std::string_view text);

// Appends `text` as a JSON string, quotes included; bytes from 0x80 on stay. Source: RFC 8259,
// section 7.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace skep
