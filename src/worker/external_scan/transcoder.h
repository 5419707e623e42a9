// Text in other encodings as UTF-8, piece by piece: COPY's ENCODING, and serialization.encoding of
// external tables. Halves of surrogate pairs
// without the other half become bytes that are no UTF-8, so that their field is refused.
#pragma once

#include <string>
#include <string_view>

namespace skep::external_scan {

class Transcoder {
 public:
  // "utf8", "utf16" (with a byte order mark, else big-endian), "utf16le", "utf16be", "iso88591",
  // "windows1252".
  explicit Transcoder(std::string_view encoding);

  bool needed() const { return form_ != Form::kUtf8; }
  // Appends what `bytes` add to the text; `last`: there are no more.
  void Append(std::string_view bytes, bool last, std::string& out);

 private:
  enum class Form { kUtf8, kLatin1, kWindows1252, kUtf16, kLittle, kBig };
  void Unit(uint32_t unit, std::string& out);
  static void Put(uint32_t c, std::string& out);

  Form form_;
  std::string odd_;    // the first byte of a unit whose second one is yet to come
  uint32_t high_ = 0;  // the first half of a pair
};

}  // namespace skep::external_scan
