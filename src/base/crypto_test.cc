#include "base/crypto.h"

#include <gtest/gtest.h>

namespace skep {

// RFC 4231, test case 2; RFC 1321, appendix A.5; FIPS 180-2, appendix B.1; RFC 7914, section 11.
TEST(Crypto, MatchesPublishedVectors) {
  EXPECT_EQ(HexEncode(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexEncode(Md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(HexEncode(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(Pbkdf2Sha256("passwd", "salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
}

TEST(Crypto, RoundTripsItsEncodings) {
  for (size_t n = 0; n < 70; n++) {
    const std::string bytes = RandomBytes(n);
    EXPECT_EQ(HexDecode(HexEncode(bytes)), bytes);
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
    EXPECT_EQ(UriDecode(UriEncode(bytes, false)), bytes);
  }
}

TEST(Crypto, RefusesMalformedText) {
  EXPECT_EQ(HexDecode("abc"), std::nullopt);
  EXPECT_EQ(HexDecode("zz"), std::nullopt);
  EXPECT_EQ(Base64Decode("a"), std::nullopt);
  EXPECT_EQ(Base64Decode("a*=="), std::nullopt);
  EXPECT_EQ(UriDecode("%4"), std::nullopt);
  EXPECT_EQ(UriDecode("%zz"), std::nullopt);
}

TEST(Crypto, ComparesByLengthAndContent) {
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
}

}  // namespace skep
