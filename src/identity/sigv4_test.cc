#include "identity/sigv4.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace skep::identity {
namespace {

// The AWS Signature Version 4 test suite (aws-sig-v4-test-suite): credentials, scope and time are
// the same throughout.
constexpr int64_t kSuiteTime = 1440938160;  // 20150830T123600Z
SigningKey SuiteKey(std::string service = "service") {
  return {"AKIDEXAMPLE",
          Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
          {},
          "us-east-1",
          std::move(service)};
}

struct Vector {
  const char* name;
  std::string method, path, query;
  HeaderList headers;
  std::string body, signature;
};

std::vector<Vector> Vectors() {
  const HeaderList host = {{"Host", "example.amazonaws.com"}};
  const auto with = [&](HeaderList more) {
    more.insert(more.begin(), host.front());
    return more;
  };
  return {
      {"get-vanilla", "GET", "/", "", host, "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", host, "",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-relative", "GET", "/example/..", "", host, "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash", "GET", "//", "", host, "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-unreserved", "GET",
       "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", host, "",
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8", "GET", "/\xe1\x88\xb4", "", host, "",
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-header-value-trim", "GET", "/", "",
       with({{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}), "",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"get-header-value-order", "GET", "/", "",
       with({{"My-Header1", "value4"},
             {"My-Header1", "value1"},
             {"My-Header1", "value3"},
             {"My-Header1", "value2"}}),
       "", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"post-vanilla", "POST", "/", "", host, "",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-header-key-sort", "POST", "/", "", with({{"My-Header1", "value1"}}), "",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-x-www-form-urlencoded", "POST", "/", "",
       with({{"Content-Type", "application/x-www-form-urlencoded"}}), "Param1=value1",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
  };
}

std::string SignatureIn(const HeaderList& headers) {
  const std::string& text = headers.back().second;
  return text.substr(text.find("Signature=") + 10);
}

TEST(SigV4, SignsThePublishedVectors) {
  for (Vector v : Vectors()) {
    SignRequest(v.method, v.path, v.query, v.headers, v.body, SuiteKey(), kSuiteTime);
    EXPECT_EQ(SignatureIn(v.headers), v.signature) << v.name;
  }
}

TEST(SigV4, VerifiesThePublishedVectors) {
  for (Vector v : Vectors()) {
    SignRequest(v.method, v.path, v.query, v.headers, v.body, SuiteKey(), kSuiteTime);
    const RequestView request{v.method, v.path, v.query, v.headers, v.body};
    const auto claim = ReadSignature(request);
    ASSERT_TRUE(claim) << v.name << ": " << claim.error().message;
    EXPECT_EQ(claim->access_key_id, "AKIDEXAMPLE");
    EXPECT_EQ(claim->region, "us-east-1");
    const auto proven = CheckSignature(request, *claim, SuiteKey().secret, kSuiteTime);
    EXPECT_TRUE(proven) << v.name << ": " << proven.error().message;
  }
}

// S3 API Reference, "Authenticating Requests: Using the Authorization Header", example GET Object.
TEST(SigV4, SignsTheExampleOfTheS3Reference) {
  SigningKey key{"AKIAIOSFODNN7EXAMPLE",
                 Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                 {},
                 "us-east-1",
                 "s3"};
  HeaderList headers = {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}};
  SignRequest("GET", "/test.txt", "", headers, "", key, 1369353600);
  EXPECT_EQ(SignatureIn(headers),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

// S3 API Reference, "Authenticating Requests: Using Query Parameters".
TEST(SigV4, VerifiesThePresignedExampleOfTheS3Reference) {
  const HeaderList headers = {{"host", "examplebucket.s3.amazonaws.com"}};
  const std::string query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-"
      "1%2Fs3%2Faws4_request"
      "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
      "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  const RequestView request{"GET", "/test.txt", query, headers, ""};
  const Secret secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  const auto claim = ReadSignature(request);
  ASSERT_TRUE(claim) << claim.error().message;
  EXPECT_TRUE(claim->presigned);
  EXPECT_TRUE(CheckSignature(request, *claim, secret, 1369353600 + 86400));
  EXPECT_EQ(CheckSignature(request, *claim, secret, 1369353600 + 86401).error().fault,
            SignatureFault::kExpired);
  EXPECT_EQ(CheckSignature(request, *claim, Secret("x"), 1369353600).error().fault,
            SignatureFault::kMismatch);
}

class SignedRequest : public ::testing::Test {
 protected:
  void SetUp() override {
    headers_ = {{"Host", "localhost:8439"}, {"X-Amz-Target", "AWSGlue.GetDatabases"}};
    SignRequest("POST", "/", "", headers_, body_, SuiteKey("glue"), kSuiteTime);
  }
  std::expected<void, SignatureFailure> Check(int64_t now = kSuiteTime) {
    const RequestView request{"POST", "/", "", headers_, body_};
    const auto claim = ReadSignature(request);
    if (!claim) return std::unexpected(claim.error());
    return CheckSignature(request, *claim, SuiteKey().secret, now);
  }
  SignatureFault FaultOf(int64_t now = kSuiteTime) {
    const auto checked = Check(now);
    EXPECT_FALSE(checked);
    return checked ? SignatureFault::kTokenExpired : checked.error().fault;
  }
  HeaderList headers_;
  std::string body_ = "{}";
};

TEST_F(SignedRequest, IsAcceptedWithinTheClockSkew) {
  EXPECT_TRUE(Check());
  EXPECT_TRUE(Check(kSuiteTime + kClockSkewSeconds));
  EXPECT_TRUE(Check(kSuiteTime - kClockSkewSeconds));
  EXPECT_EQ(FaultOf(kSuiteTime + kClockSkewSeconds + 1), SignatureFault::kExpired);
  EXPECT_EQ(FaultOf(kSuiteTime - kClockSkewSeconds - 1), SignatureFault::kNotYetValid);
}

TEST_F(SignedRequest, IsRefusedWhenTheBodyChanged) {
  body_ = "{ }";
  EXPECT_EQ(FaultOf(), SignatureFault::kMismatch);
}

TEST_F(SignedRequest, IsRefusedWhenASignedHeaderChanged) {
  headers_[1].second = "AWSGlue.DeleteDatabase";
  EXPECT_EQ(FaultOf(), SignatureFault::kMismatch);
}

TEST_F(SignedRequest, IsRefusedWhenAnUnsignedAmazonHeaderWasAdded) {
  headers_.emplace_back("X-Amz-Security-Token", "x");
  EXPECT_EQ(FaultOf(), SignatureFault::kMismatch);
}

TEST_F(SignedRequest, IsRefusedWhenATargetIsAddedTwice) {
  headers_.emplace_back("X-Amz-Target", "AWSGlue.DeleteDatabase");
  EXPECT_EQ(FaultOf(), SignatureFault::kMismatch);
}

TEST_F(SignedRequest, IsRefusedWithoutAnAuthorization) {
  headers_.pop_back();
  EXPECT_EQ(FaultOf(), SignatureFault::kMissing);
}

TEST_F(SignedRequest, IsRefusedWithoutADate) {
  std::erase_if(headers_, [](const auto& h) { return h.first == "x-amz-date"; });
  EXPECT_EQ(FaultOf(), SignatureFault::kIncomplete);
}

TEST_F(SignedRequest, IsRefusedWhenTheAuthorizationIsCutAnywhere) {
  const std::string whole = headers_.back().second;
  for (size_t size = 1; size < whole.size(); size++) {
    headers_.back().second = whole.substr(0, size);
    EXPECT_FALSE(Check()) << size;
  }
}

TEST_F(SignedRequest, IsRefusedWhenTheHostIsNotSigned) {
  std::string& text = headers_.back().second;
  text.replace(text.find("host;"), 5, "");
  EXPECT_EQ(FaultOf(), SignatureFault::kMismatch);
}

TEST(SigV4, RefusesMalformedClaims) {
  for (const char* authorization :
       {"Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 x",
        "AWS4-HMAC-SHA256 Credential=a",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=host,Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20150830/c/d/e,SignedHeaders=host,Signature=x",
        "AWS4-HMAC-SHA256 Credential=/20150830/c/d/aws4_request,SignedHeaders=host,Signature=x",
        "AWS4-HMAC-SHA256 "
        "Credential=a/20150830/c/d/aws4_request,SignedHeaders=host;;x,Signature=x"}) {
    const HeaderList headers = {
        {"host", "h"}, {"x-amz-date", "20150830T123600Z"}, {"authorization", authorization}};
    const auto claim = ReadSignature({"POST", "/", "", headers, ""});
    ASSERT_FALSE(claim) << authorization;
    EXPECT_EQ(claim.error().fault, SignatureFault::kIncomplete) << authorization;
  }
}

}  // namespace
}  // namespace skep::identity
