#include "base/client_encryption.h"

#include <gtest/gtest.h>

#include <string>

#include "base/crypto.h"

namespace skep {
namespace {

const std::string kKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";  // 0123456789abcdef twice

std::string Encrypted(const std::string& plain, EnvelopeWriter& writer, size_t step) {
  std::string out;
  for (size_t at = 0; at < plain.size(); at += step)
    writer.Append(std::span(plain).subspan(at, std::min(step, plain.size() - at)), out);
  writer.Finish(out);
  return out;
}

// Made with `openssl enc -aes-256-cbc` and `-aes-256-ecb`.
TEST(ClientEncryption, ReadsWhatOpensslWrote) {
  const Envelope envelope{"U13c9ZbPNmQBPIdNhYm7IW+xn0na6p0dXDJsuHtn3OiKo2JB/ejfBU3DJcbGlbie",
                          "ZGVmZ2hpamtsbW5vcHFycw==", std::nullopt};
  const auto object = Base64Decode("ggxmMPEd0WnAO/TY7NqtzY/iV+zrxlPS+VdXsMNQJKI=");
  ASSERT_TRUE(object);
  const auto plain = DecryptObject(envelope, *ReadMasterKey(kKey), *object);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(*plain, "1|one\n2|two\n3|three\n");
}

TEST(ClientEncryption, GivesBackWhatItTook) {
  const Secret master = *ReadMasterKey(kKey);
  std::string all;
  for (int i = 0; i < 100; i++) all += std::to_string(i * i) + ",";
  for (const size_t length : {0, 1, 15, 16, 17, 31, 32, 33, 200}) {
    for (const size_t step : {1, 7, 16, 1000}) {
      const std::string plain = all.substr(0, length);
      EnvelopeWriter writer(master);
      const std::string object = Encrypted(plain, writer, step);
      EXPECT_EQ(object.size(), (length / 16 + 1) * 16);
      const auto envelope = Envelope::Read(writer.envelope().Metadata());
      ASSERT_TRUE(envelope && *envelope);
      EXPECT_EQ(**envelope, writer.envelope());
      const auto back = DecryptObject(**envelope, master, object);
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(*back, plain);
      if (length >= 16) EXPECT_EQ(object.find(plain.substr(0, 16)), std::string::npos);
    }
  }
}

TEST(ClientEncryption, DecryptsAnyBlocksOfAnObject) {
  const Secret master = *ReadMasterKey(kKey);
  std::string plain(1000, '\0');
  for (size_t i = 0; i < plain.size(); i++) plain[i] = static_cast<char>(i * 7);
  EnvelopeWriter writer(master);
  const std::string object = Encrypted(plain, writer, 1000);
  const auto reader = EnvelopeReader::Open(writer.envelope(), master);
  ASSERT_TRUE(reader);
  for (size_t first = 0; first < 60; first += 7) {
    std::string blocks = object.substr(first * 16, 32);
    reader->Decrypt(first == 0 ? std::string() : object.substr(first * 16 - 16, 16), blocks);
    EXPECT_EQ(blocks, plain.substr(first * 16, 32)) << first;
  }
}

TEST(ClientEncryption, EachObjectHasAKeyOfItsOwn) {
  const Secret master = *ReadMasterKey(kKey);
  EnvelopeWriter one(master), two(master);
  EXPECT_NE(one.envelope().key, two.envelope().key);
  EXPECT_NE(one.envelope().iv, two.envelope().iv);
}

TEST(ClientEncryption, TakesKeysOf256BitsOnly) {
  for (const char* text :
       {"", "x", "AAAA", "MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYw",
        "0123456789abcdef0123456789abcdef", "!!!!"}) {
    const auto key = ReadMasterKey(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().kind, ErrorKind::kInvalidArgument);
    if (*text != '\0' && std::string(text) != "x")
      EXPECT_EQ(key.error().message.find(text), std::string::npos);
  }
}

TEST(ClientEncryption, KnowsAnotherKeyAndDamage) {
  const Secret master = *ReadMasterKey(kKey), other(std::string(32, 'x'));
  EnvelopeWriter writer(master);
  const std::string object = Encrypted("some content of an object", writer, 100);
  for (int i = 0; i < 300; i++) {  // by chance one padding in 256 looks right
    const auto wrong = DecryptObject(writer.envelope(), Secret(RandomBytes(32)), object);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, ErrorKind::kDataException);
  }
  std::string damaged = object;
  damaged[damaged.size() - 1] ^= 1;
  EXPECT_FALSE(DecryptObject(writer.envelope(), master, damaged));
  for (const size_t length : {0, 1, 15, 17, 31})
    EXPECT_FALSE(DecryptObject(writer.envelope(), master, object.substr(0, length))) << length;
  Envelope bad = writer.envelope();
  bad.iv = "AAAA";
  EXPECT_FALSE(DecryptObject(bad, master, object));
  bad = writer.envelope();
  bad.key = "no base64!";
  EXPECT_FALSE(DecryptObject(bad, master, object));
}

TEST(ClientEncryption, KnowsObjectsThatAreNotEncryptedSo) {
  const auto plain = Envelope::Read({{"author", "me"}});
  ASSERT_TRUE(plain);
  EXPECT_FALSE(*plain);
  const auto second = Envelope::Read({{"x-amz-key-v2", "k"}, {"x-amz-iv", "i"}});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kFeatureNotSupported);
}

}  // namespace
}  // namespace skep
