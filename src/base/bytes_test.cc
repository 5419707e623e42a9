#include "base/bytes.h"

#include <gtest/gtest.h>

namespace skep {

TEST(Bytes, ReadsBackWhatItWrote) {
  ByteWriter w;
  w.U8(7)
      .U16Be(0x1234)
      .U32Be(0xdeadbeef)
      .U64(0x0102030405060708)
      .String("schema")
      .CString("portal")
      .F64(-0.5)
      .I64(-9);
  ByteReader r(w.str());
  EXPECT_EQ(r.U8(), 7);
  EXPECT_EQ(r.U16Be(), 0x1234);
  EXPECT_EQ(r.U32Be(), 0xdeadbeef);
  EXPECT_EQ(r.U64(), 0x0102030405060708u);
  EXPECT_EQ(r.String(), "schema");
  EXPECT_EQ(r.CString(), "portal");
  EXPECT_EQ(r.F64(), -0.5);
  EXPECT_EQ(r.I64(), -9);
  EXPECT_TRUE(r.Done());
}

TEST(Bytes, FailsStickilyOnEveryTruncation) {
  ByteWriter w;
  w.U32(5).String("abcde").CString("x").U64(1);
  for (size_t n = 0; n < w.size(); n++) {
    ByteReader r(ByteView(w.str()).substr(0, n));
    r.U32();
    r.String();
    r.CString();
    r.U64();
    EXPECT_FALSE(r.ok()) << n;
    EXPECT_EQ(r.U32(), 0u);
  }
}

TEST(Bytes, RefusesAStringLongerThanItsInput) {
  ByteWriter w;
  w.U32(0xffffffff).Raw("abc");
  ByteReader r(w.str());
  EXPECT_EQ(r.String(), "");
  EXPECT_FALSE(r.ok());
}

}  // namespace skep
