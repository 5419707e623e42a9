// Which encoding text is in, by its bytes.
#pragma once

#include <string_view>

namespace skep::external_scan {

struct TextEncoding {
  std::string_view name;  // as catalogs write it; empty: ASCII, or nothing that can be told
  std::string_view form;  // as Transcoder names it; empty: nothing to do
};

// Of the beginning of a file. UTF-16 by its mark, or by the zeros of what is mostly ASCII; UTF-8
// where most of what is not ASCII is that; of the rest windows-1252 where the bytes 0x80 to 0x9F
// stand, ISO-8859-1 otherwise. Bytes that no text has: nothing.
TextEncoding EncodingOf(std::string_view sample);

}  // namespace skep::external_scan
