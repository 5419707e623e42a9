#include "worker/external_scan/text_encoding.h"

#include <gtest/gtest.h>

#include <string>

#include "worker/external_scan/transcoder.h"

namespace skep::external_scan {
namespace {

TEST(TextEncoding, IsToldByBytes) {
  const std::pair<std::string, std::string_view> kTold[] = {
      {"", ""},
      {"plain ASCII\twith tabs\r\n", ""},
      {"größe", "UTF-8"},
      {"gr\xc3", "UTF-8"},  // cut off within a character
      {"gr\xf6\xdf"
       "e",
       "ISO-8859-1"},
      {"\x80 5", "windows-1252"},
      // One broken byte does not make UTF-8 something else.
      {"größe und größe \xff", "UTF-8"},
      {"\xff\xfe" + std::string("a\0", 2), "UTF-16"},
      {"\xfe\xff" + std::string("\0a", 2), "UTF-16"},
      {std::string("a\0b\0c\0,\0\n\0", 10), "UTF-16LE"},
      {std::string("\0a\0b\0c\0,\0\n", 10), "UTF-16BE"},
      // Zeros as numbers have them.
      {std::string("\1\0\2\0\3\0\4\0\5\0", 10), ""},
      {std::string("\0\0\0\0\0\0\0\0\0\0", 10), ""},
      {std::string("abc\0def", 7), ""}};
  for (const auto& [bytes, name] : kTold) EXPECT_EQ(EncodingOf(bytes).name, name) << bytes;
}

std::string Transcoded(const char* encoding, const std::string& bytes, size_t piece) {
  Transcoder transcoder(encoding);
  std::string out;
  for (size_t at = 0; at <= bytes.size(); at += piece)
    transcoder.Append(std::string_view(bytes).substr(at, piece), at + piece > bytes.size(), out);
  return out;
}

TEST(Transcoder, MakesUtf8InPiecesOfAnySize) {
  for (size_t piece = 1; piece < 6; piece++) {
    EXPECT_EQ(Transcoded("iso88591",
                         "gr\xf6\xdf"
                         "e \x80",
                         piece),
              "größe \xc2\x80");
    EXPECT_EQ(Transcoded("windows1252", "\x80 \x93q\x94 \xe9 \x81", piece), "€ “q” é \xc2\x81");
    EXPECT_EQ(Transcoded("utf16", std::string("\xff\xfe\xac\x20\x3d\xd8\x00\xde", 8), piece),
              "€😀");
    EXPECT_EQ(Transcoded("utf16be", std::string("\x20\xac\xd8\x3d\xde\x00", 6), piece), "€😀");
    // Half a pair, and half a unit, are no UTF-8.
    EXPECT_EQ(Transcoded("utf16le", std::string("\x3d\xd8\x41\x00", 4), piece),
              "\xed\xa0\xbd"
              "A");
    EXPECT_EQ(Transcoded("utf16le", std::string("\x41\x00\x41", 3), piece), "A\xff");
  }
}

}  // namespace
}  // namespace skep::external_scan
