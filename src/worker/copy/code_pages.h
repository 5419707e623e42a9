// Encodings of the attributes of shapefiles: UTF-8 and code pages of one byte a character.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skep::worker::copy {

// Windows' number of a code page; 65001: UTF-8. The table is written by tools/make_code_pages.
using CodePage = uint16_t;
inline constexpr CodePage kUtf8Page = 65001;

// Of what a .cpg file says: "UTF-8", "1252", "ANSI 1252", "CP437", "ISO-8859-1", "88591". Nothing
// for what is not known.
std::optional<CodePage> CodePageOfName(std::string_view name);
// Of the language driver in a .dbf file's header; 0 says nothing, and so does a number that is not
// known. Source: dBASE's table of language drivers.
std::optional<CodePage> CodePageOfDriver(uint8_t driver);

// Appends `bytes` as UTF-8. Bytes that are no character stay as they are, and are no UTF-8 then.
void AppendDecoded(CodePage page, std::string_view bytes, std::string& out);

}  // namespace skep::worker::copy
