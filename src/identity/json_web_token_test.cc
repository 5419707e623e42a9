#include "identity/json_web_token.h"

#include <gtest/gtest.h>

#include <string>

namespace skep::identity {
namespace {

// RFC 7515, appendix A.3: a key and what it signed with ES256.
constexpr char kKeys[] =
    R"({"keys":[{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";
constexpr char kToken[] =
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

TEST(JsonWebToken, TheStandardsOwnSignatureHolds) {
  const auto token = ReadJsonWebToken(kToken);
  const auto keys = ReadJsonWebKeys(kKeys);
  ASSERT_TRUE(token && keys && keys->size() == 1);
  EXPECT_EQ(token->claims["iss"], "joe");
  EXPECT_EQ(token->algorithm, "ES256");
  EXPECT_TRUE(IsSignedBy(*token, (*keys)[0]));
}

TEST(JsonWebToken, NoOtherByteHoldsInItsPlace) {
  const auto keys = ReadJsonWebKeys(kKeys);
  const std::string whole = kToken;
  for (size_t i = 0; i < whole.size(); i++) {
    std::string altered = whole;
    altered[i] = altered[i] == 'Q' ? 'g' : 'Q';  // differ in the bits that base64 keeps at an end
    const auto token = ReadJsonWebToken(altered);
    EXPECT_FALSE(token && IsSignedBy(*token, (*keys)[0])) << i;
    const auto cut = ReadJsonWebToken(whole.substr(0, i));
    EXPECT_FALSE(cut && IsSignedBy(*cut, (*keys)[0])) << i;
  }
}

TEST(JsonWebToken, TheKeyDecidesWhichAlgorithmItIs) {
  const auto keys = ReadJsonWebKeys(kKeys);
  auto token = *ReadJsonWebToken(kToken);
  for (const char* other : {"none", "", "HS256", "RS256", "ES384", "es256", "ES256 "}) {
    token.algorithm = other;
    EXPECT_FALSE(IsSignedBy(token, (*keys)[0])) << other;
  }
  token.algorithm = "ES256";
  JsonWebKey key = (*keys)[0];
  key.algorithm = "ES384";
  EXPECT_FALSE(IsSignedBy(token, key));
  key.algorithm = "ES256";
  EXPECT_TRUE(IsSignedBy(token, key));
  key.y[0] ^= 1;  // no point of the curve
  EXPECT_FALSE(IsSignedBy(token, key));
  token.signature.assign(64, '\0');
  EXPECT_FALSE(IsSignedBy(token, (*keys)[0]));
}

TEST(JsonWebToken, WhatIsNoTokenIsRefused) {
  for (const char* text : {"", ".", "..", "a.b", "a.b.c.d", "e30.W10.", "bnVsbA.e30.", "e30=.e30.",
                           "eyJhIjoxLCJhIjoyfQ.e30.",                     // {"a":1,"a":2}
                           "e30.eyJhIjoxLCJhIjoyfQ.",                     // the same as claims
                           "eyJhbGciOiJFUzI1NiIsImNyaXQiOltdfQ.e30."}) {  // crit
    EXPECT_FALSE(ReadJsonWebToken(text)) << text;
  }
  EXPECT_TRUE(ReadJsonWebToken("e30.e30."));
  EXPECT_FALSE(ReadJsonWebToken("e30.e30." + std::string(kMaxTokenBytes, 'A')));
}

TEST(JsonWebToken, KeysThatAreNotForSignaturesArePassedOver) {
  EXPECT_FALSE(ReadJsonWebKeys("[]"));
  EXPECT_FALSE(ReadJsonWebKeys("{}"));
  EXPECT_FALSE(ReadJsonWebKeys("{\"keys\":{}}"));
  const auto none = ReadJsonWebKeys(
      R"({"keys":[1, {"kty":"oct","k":"AAAA"}, {"kty":"EC","crv":"P-256","x":"AA","y":"AA"},
          {"kty":"RSA","n":"","e":"AQAB"}, {"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"},
          {"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}]})");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(JsonWebToken, ShortRsaKeysProveNothing) {
  JsonWebToken token;
  token.algorithm = "RS256";
  token.signed_text = "x";
  token.signature = std::string(1, '\1');
  JsonWebKey key;
  key.type = "RSA";
  key.n = std::string(64, '\xff');  // 512 bits
  key.e = "\1";                     // with which every text is its own signature
  EXPECT_FALSE(IsSignedBy(token, key));
  key.n = std::string(256, '\xff');
  EXPECT_FALSE(IsSignedBy(token, key));
}

TEST(JsonWebToken, AKeyIsFoundByItsName) {
  JsonWebKey one, two;
  one.key_id = "one";
  two.key_id = "two";
  JsonWebToken token;
  EXPECT_EQ(KeysFor({one, two}, token).size(), 2u);
  token.key_id = "two";
  ASSERT_EQ(KeysFor({one, two}, token).size(), 1u);
  EXPECT_EQ(KeysFor({one, two}, token)[0].key_id, "two");
  token.key_id = "three";
  EXPECT_TRUE(KeysFor({one, two}, token).empty());
}

}  // namespace
}  // namespace skep::identity
