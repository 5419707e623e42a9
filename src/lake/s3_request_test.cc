#include "lake/s3_request.h"

#include <gtest/gtest.h>

namespace skep::lake {
namespace {

Credentials At(std::string endpoint, bool path_style = true) {
  Credentials c;
  c.endpoint = std::move(endpoint);
  c.region = "us-east-1";
  c.access_key_id = "AK";
  c.secret_access_key = Secret("secret");
  c.path_style = path_style;
  return c;
}

TEST(S3Request, BuildsUrlsOfBothStyles) {
  const auto path = MakeS3Url(At("http://127.0.0.1:7070/"), "bucket", "a b/ü+#?.csv");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->Text(), "http://127.0.0.1:7070/bucket/a%20b/%C3%BC%2B%23%3F.csv");
  const auto host = MakeS3Url(At("https://s3.example.org", false), "bucket", "k");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->Text(), "https://bucket.s3.example.org/k");
  EXPECT_EQ(host->Place(), "s3://bucket/k");
}

TEST(S3Request, RefusesWhatWouldLeadElsewhere) {
  for (const char* endpoint : {"", "127.0.0.1", "file:///etc", "http://", "http://user@host",
                               "http://host/path", "gopher://host"}) {
    EXPECT_FALSE(MakeS3Url(At(endpoint), "bucket", "k")) << endpoint;
  }
  for (const char* bucket :
       {"", "a", "..", "a/b", "buc ket", "bucket\n", "-ab", "a..b", "bucket?x"}) {
    EXPECT_FALSE(MakeS3Url(At("http://h"), bucket, "k")) << bucket;
  }
  EXPECT_FALSE(MakeS3Url(At("http://h"), "bucket", std::string(1025, 'k')));
  EXPECT_FALSE(MakeS3Url(At("http://h"), "bucket", std::string("a\0b", 3)));
}

TEST(S3Request, ReadsListings) {
  const auto page = ParseListing(
      R"(<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>)"
      R"(<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>)"
      R"(<Contents><Key>a+b%2Fc%2B.csv</Key><ETag>&quot;e1&quot;</ETag><Size>1125899906842624</Size><LastModified>1970-01-02T00:00:01.000Z</LastModified></Contents>)"
      R"(<CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes></ListBucketResult>)");
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0], (ObjectInfo{"a b/c+.csv", "e1", kMaxObjectBytes, 86401}));
  EXPECT_EQ(page->prefixes, std::vector<std::string>{"p/"});
  EXPECT_EQ(page->next, "t&1");
}

TEST(S3Request, RefusesMalformedListings) {
  for (const char* xml :
       {"", "<html/>", "<ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>1x</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>1125899906842625</Size></Contents></"
        "ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%G</Key><Size>1</Size></"
        "Contents></ListBucketResult>"}) {
    const auto page = ParseListing(xml);
    ASSERT_FALSE(page) << xml;
    EXPECT_EQ(page.error().kind, ErrorKind::kExternalUnavailable);
  }
}

TEST(S3Request, HidesWhatTablesDoNotRead) {
  for (const char* hidden :
       {"_SUCCESS", ".hidden", "a/_temporary/0/part", "#x", "a~", "dir/", "", "a/.b/c"})
    EXPECT_TRUE(IsHiddenObject(hidden, 1)) << hidden;
  for (const char* shown : {"part-0.csv", "dt=1/x", "a_b"})
    EXPECT_FALSE(IsHiddenObject(shown, 1)) << shown;
  EXPECT_TRUE(IsHiddenObject("empty.csv", 0));
}

TEST(S3Request, ParsesPaths) {
  std::string bucket, key;
  EXPECT_TRUE(ParseS3Path("s3://b/k/l", bucket, key));
  EXPECT_EQ(bucket + "|" + key, "b|k/l");
  EXPECT_TRUE(ParseS3Path("s3a://b", bucket, key));
  EXPECT_EQ(bucket + "|" + key, "b|");
  for (const char* bad : {"", "s3://", "s3:///k", "file:///etc/passwd", "http://b/k", "S3://b/k"})
    EXPECT_FALSE(ParseS3Path(bad, bucket, key)) << bad;
}

}  // namespace
}  // namespace skep::lake
