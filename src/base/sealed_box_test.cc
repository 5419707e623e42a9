#include "base/sealed_box.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace skep {
namespace {

const Secret kKey(std::string(32, 'k'));

TEST(SealedBox, OpensWhatItSealedAndNothingElse) {
  const SealedBox box(kKey);
  const std::string sealed = box.Seal("pass word", "here");
  EXPECT_TRUE(SealedBox::IsSealed(sealed));
  EXPECT_EQ(sealed.find("pass word"), std::string::npos);
  EXPECT_EQ(box.Open(sealed, "here")->Reveal(), "pass word");
  EXPECT_NE(box.Seal("pass word", "here"), sealed);
  EXPECT_FALSE(box.Open(sealed, "there"));
  EXPECT_FALSE(SealedBox(Secret(std::string(32, 'x'))).Open(sealed, "here"));
  for (size_t i = 9; i < sealed.size(); i++) {
    std::string altered = sealed;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    const auto opened = box.Open(altered, "here");
    if (opened) EXPECT_EQ(opened->Reveal(), "pass word") << i;  // bits that base64 drops
    EXPECT_FALSE(box.Open(sealed.substr(0, i), "here"));
  }
  EXPECT_FALSE(box.Open("pass word", "here"));
  EXPECT_EQ(box.Open(box.Seal("", "here"), "here")->Reveal(), "");
}

TEST(SealedBox, TheKeyFileIsMadeOnceAndForItsOwnerAlone) {
  const std::string path = ::testing::TempDir() + "/sealing.key";
  std::filesystem::remove(path);
  const auto key = SealingKey(path);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->Reveal().size(), 32u);
  EXPECT_TRUE(*SealingKey(path) == *key);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(SealingKey(path).error().kind, ErrorKind::kIoError);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  std::ofstream(path) << "short";
  EXPECT_EQ(SealingKey(path).error().kind, ErrorKind::kIoError);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace skep
