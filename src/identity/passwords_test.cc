#include "identity/passwords.h"

#include <gtest/gtest.h>

#include "base/crypto.h"

namespace skep::identity {
namespace {

// RFC 7677, section 3.
constexpr std::string_view kClientNonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";

ScramVerifier VerifierOf(std::string_view password, std::string_view salt, int iterations) {
  const std::string salted = Pbkdf2Sha256(password, salt, iterations);
  return {iterations, std::string(salt), Sha256(HmacSha256(salted, "Client Key")),
          HmacSha256(salted, "Server Key")};
}

// The client's side, for passwords without a published exchange.
std::string ProofOf(std::string_view password, std::string_view salt, int iterations,
                    const std::string& message) {
  const std::string client_key = HmacSha256(Pbkdf2Sha256(password, salt, iterations), "Client Key");
  std::string proof = HmacSha256(Sha256(client_key), message);
  for (size_t i = 0; i < proof.size(); i++) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  return Base64Encode(proof);
}

TEST(Passwords, ScramFollowsThePublishedExchange) {
  ScramServer server(VerifierOf("pencil", *Base64Decode(kSalt), 4096), std::string(kServerNonce));
  const auto first = server.First("n,,n=user,r=" + std::string(kClientNonce));
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(
      *first,
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const auto last = server.Final(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
      "Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  ASSERT_TRUE(last) << last.error().detail;
  EXPECT_EQ(*last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Passwords, ScramRefusesAWrongProof) {
  ScramServer server(VerifierOf("pen", *Base64Decode(kSalt), 4096), std::string(kServerNonce));
  ASSERT_TRUE(server.First("n,,n=user,r=" + std::string(kClientNonce)));
  const auto last = server.Final(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
      "Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().kind, ErrorKind::kAuthenticationFailed);
}

TEST(Passwords, ScramRefusesMalformedMessages) {
  const auto verifier = VerifierOf("pencil", "0123456789abcdef", 1);
  for (const char* first : {"", "n", "n,", "n,,", "n,,n=", "n,,n=user",
                            "n,,n=user,r=", "n,,r=x,n=user", "p=tls-server-end-point,,n=,r=x",
                            "x,,n=,r=x", "n,a=other,n=,r=x", "n,,n=,r=a b", "n,,n=,r=\x80"}) {
    ScramServer server(verifier);
    EXPECT_FALSE(server.First(first)) << first;
    EXPECT_FALSE(server.Final("c=biws,r=x,p=AAAA")) << first;
  }
  const std::string proof = Base64Encode(std::string(32, 'x'));
  for (const std::string& last : std::vector<std::string>{
           "", "p=", ",p=", "c=biws,p=" + proof, "c=biws,r=x,p=" + proof, "c=eSws,r=xy,p=" + proof,
           "c=biws,r=xy", "c=biws,r=xy,p=", "c=biws,r=xy,p=AAAA", "c=biws,r=xy,p=" + proof + "=",
           "r=xy,c=biws,p=" + proof}) {
    ScramServer server(verifier, "y");
    ASSERT_TRUE(server.First("n,,n=,r=x"));
    const auto answer = server.Final(last);
    ASSERT_FALSE(answer) << last;
    EXPECT_EQ(answer.error().kind, ErrorKind::kProtocolViolation) << last;
  }
}

TEST(Passwords, EveryWayAcceptsThePasswordAndNoOther) {
  control::User user;
  user.name = "alice";
  SetPassword(user, Secret("Secret1 \xc3\xa4"));
  for (const std::string& password :
       {std::string("Secret1 \xc3\xa4"), std::string("Secret2"), std::string()}) {
    const bool right = password == "Secret1 \xc3\xa4";
    EXPECT_EQ(
        CheckMd5(user, "salt", "md5" + HexEncode(Md5(HexEncode(Md5(password + "alice")) + "salt"))),
        right);
    const std::string salt = DigestSalt(user);
    ASSERT_EQ(salt.size(), 16u);
    EXPECT_EQ(CheckDigest(user, "server", "client",
                          Sha256(Sha256(password + salt) + "server" + "client")),
              right);
    const auto verifier = ParseScram(user.scram);
    ASSERT_TRUE(verifier);
    EXPECT_EQ(verifier->iterations, kScramIterations);
    ScramServer server(*verifier);
    const auto first = server.First("y,,n=,r=abc");
    ASSERT_TRUE(first);
    const std::string last = "c=eSws," + first->substr(0, first->find(','));
    const std::string message = "n=,r=abc," + *first + "," + last;
    EXPECT_EQ(
        server
            .Final(last + ",p=" + ProofOf(password, verifier->salt, verifier->iterations, message))
            .has_value(),
        right);
  }
  EXPECT_FALSE(CheckMd5(user, "salt", ""));
  EXPECT_FALSE(CheckDigest(user, "", "", ""));
}

TEST(Passwords, SaltsDifferBetweenUsersWithTheSamePassword) {
  control::User one, other;
  SetPassword(one, Secret("Secret1x"));
  SetPassword(other, Secret("Secret1x"));
  EXPECT_NE(one.scram, other.scram);
  EXPECT_NE(one.digest, other.digest);
}

TEST(Passwords, ADecoyLooksLikeAUserAndStaysTheSame) {
  const Secret secret("server secret");
  const auto decoy = MakeDecoy(secret, "w", "nobody");
  const auto verifier = ParseScram(decoy.scram);
  ASSERT_TRUE(verifier);
  EXPECT_EQ(verifier->iterations, kScramIterations);
  EXPECT_EQ(verifier->salt.size(), 16u);
  EXPECT_EQ(DigestSalt(decoy).size(), 16u);
  EXPECT_EQ(decoy.md5.size(), 35u);
  EXPECT_EQ(decoy.scram, MakeDecoy(secret, "w", "nobody").scram);
  EXPECT_NE(decoy.scram, MakeDecoy(secret, "w", "nobody2").scram);
  EXPECT_NE(decoy.scram, MakeDecoy(secret, "v", "nobody").scram);
  EXPECT_NE(decoy.scram, MakeDecoy(Secret("another"), "w", "nobody").scram);
}

TEST(Passwords, RefusesMalformedVerifiers) {
  for (const char* text :
       {"", "SCRAM-SHA-256", "SCRAM-SHA-256$", "SCRAM-SHA-256$4096:AAAA",
        "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA", "SCRAM-SHA-256$x:AAAA$AAAA:AAAA", "md50123"}) {
    EXPECT_FALSE(ParseScram(text)) << text;
  }
  EXPECT_EQ(DigestSalt(control::User{}), "");
  EXPECT_FALSE(CheckDigest(control::User{}, "", "", Sha256("")));
  EXPECT_FALSE(CheckMd5(control::User{}, "", "md5"));
}

TEST(Passwords, PreparesSpacesAndInvisibleCharacters) {
  // RFC 4013, section 3, and its mappings.
  EXPECT_EQ(SaslPrep("I\xc2\xadX"), "IX");
  EXPECT_EQ(SaslPrep("user"), "user");
  EXPECT_EQ(SaslPrep("a\xc2\xa0\xe3\x80\x80z"), "a  z");
  EXPECT_EQ(SaslPrep("bell\x07"), "bell\x07");
  EXPECT_EQ(SaslPrep("no\xff utf"), "no\xff utf");
  EXPECT_EQ(SaslPrep("\xc2\xad"), "\xc2\xad");
  EXPECT_EQ(SaslPrep("\xf0\x9f\x90\x9d"), "\xf0\x9f\x90\x9d");
  EXPECT_EQ(SaslPrep("cut\xf0\x9f"), "cut\xf0\x9f");
}

}  // namespace
}  // namespace skep::identity
