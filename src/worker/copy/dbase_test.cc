#include "worker/copy/dbase.h"

#include <gtest/gtest.h>

#include <random>

namespace skep::worker::copy {
namespace {

// A header of fields "a" (of `type` and `width`) and "b" (C, 3).
std::string Header(char type, uint8_t width) {
  std::string header(32, '\0');
  header[4] = 2;                                  // rows
  header[8] = 32 + 2 * 32 + 1;                    // bytes of the header
  header[10] = static_cast<char>(1 + width + 3);  // bytes of a row
  header[29] = '\x57';
  const auto field = [&](char name, char kind, uint8_t bytes) {
    std::string one(32, '\0');
    one[0] = name;
    one[11] = kind;
    one[16] = static_cast<char>(bytes);
    header += one;
  };
  field('a', type, width);
  field('b', 'C', 3);
  return header + '\r';
}

std::optional<std::string> First(char type, std::string_view value) {
  const auto layout = DbaseLayout::Read(Header(type, static_cast<uint8_t>(value.size())));
  EXPECT_TRUE(layout);
  return DbaseText(layout->fields[0], " " + std::string(value) + "xyz", 1252);
}

TEST(Dbase, ReadsItsHeader) {
  const auto layout = DbaseLayout::Read(Header('N', 9));
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->rows, 2u);
  EXPECT_EQ(layout->row_bytes, 13u);
  EXPECT_EQ(layout->page, CodePage{1252});
  ASSERT_EQ(layout->fields.size(), 2u);
  EXPECT_EQ(layout->fields[1].name, "b");
  EXPECT_EQ(layout->fields[1].offset, 10u);
}

TEST(Dbase, ReadsValuesOfEachType) {
  EXPECT_EQ(First('N', "  12.50"), "12.50");
  EXPECT_EQ(First('N', "      "), std::nullopt);
  EXPECT_EQ(First('F', "******"), std::nullopt);
  EXPECT_EQ(First('D', "20260131"), "2026-01-31");
  EXPECT_EQ(First('D', "00000000"), std::nullopt);
  EXPECT_EQ(First('D', "        "), std::nullopt);
  EXPECT_EQ(First('L', "T"), "t");
  EXPECT_EQ(First('L', "n"), "f");
  EXPECT_EQ(First('L', "?"), std::nullopt);
  EXPECT_EQ(First('C', " a b  "), " a b");
  EXPECT_EQ(First('C', "gr\xf6\xdf"), "größ");
  EXPECT_EQ(First('C', "   "), "");
}

TEST(Dbase, RefusesHeadersThatAreCutOrLie) {
  const std::string whole = Header('N', 9);
  for (size_t size = 0; size < whole.size(); size++)
    EXPECT_FALSE(DbaseLayout::Read(std::string_view(whole).substr(0, size))) << size;
  std::mt19937 random(7);
  for (int i = 0; i < 20000; i++) {
    std::string changed = whole;
    for (int k = 0; k < 3; k++) changed[random() % changed.size()] = static_cast<char>(random());
    const auto layout = DbaseLayout::Read(changed);
    if (!layout) continue;
    const std::string row(layout->row_bytes, '*');
    for (const DbaseField& field : layout->fields) DbaseText(field, row, 437);
  }
}

TEST(CodePages, AreKnownByTheirNames) {
  EXPECT_EQ(CodePageOfName("UTF-8\n"), kUtf8Page);
  EXPECT_EQ(CodePageOfName("65001"), kUtf8Page);
  EXPECT_EQ(CodePageOfName("ANSI 1252"), CodePage{1252});
  EXPECT_EQ(CodePageOfName("windows-1251"), CodePage{1251});
  EXPECT_EQ(CodePageOfName("CP437"), CodePage{437});
  EXPECT_EQ(CodePageOfName("ISO-8859-1"), CodePage{28591});
  EXPECT_EQ(CodePageOfName("ISO 885915"), CodePage{28605});
  EXPECT_EQ(CodePageOfName("88592"), CodePage{28592});
  EXPECT_EQ(CodePageOfName("iso88591"), CodePage{28591});
  EXPECT_EQ(CodePageOfName(""), std::nullopt);
  EXPECT_EQ(CodePageOfName("932"), std::nullopt);
  EXPECT_EQ(CodePageOfName("99999999999999999999"), std::nullopt);
}

TEST(CodePages, DecodeAndKeepWhatIsNoCharacter) {
  std::string out;
  AppendDecoded(1252, "\x80 \x81", out);  // the second is none
  EXPECT_EQ(out, "€ \x81");
  out.clear();
  AppendDecoded(866, "\x8f\xe0\xa8\xa2\xa5\xe2", out);
  EXPECT_EQ(out, "Привет");
}

}  // namespace
}  // namespace skep::worker::copy
