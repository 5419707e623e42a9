#include "protocol/aws/event_webhook.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/crypto.h"

namespace skep::aws {
namespace {

constexpr char kSecret[] = "a secret of the source";

class EventWebhookTest : public testing::Test {
 protected:
  EventWebhookTest()
      : blocking_(1),
        webhook_({{"lake", "111111111111", Secret(kSecret), {}},
                  {"other", "222222222222", Secret("another secret"), {}}},
                 blocking_, [this](const EventSource& source, const std::string& body) {
                   kept_.push_back(source.account + " " + body);
                   return outcome_;
                 }) {}
  ~EventWebhookTest() override { blocking_.Join(); }

  int Send(const std::string& path, const std::string& query, const std::string& header,
           const std::string& value, const std::string& method = "POST") {
    HttpRequest request{method, path, query, {}, "{}", "127.0.0.1:1"};
    if (!header.empty()) request.headers.emplace_back(header, value);
    boost::asio::io_context io;
    int status = 0;
    boost::asio::co_spawn(io, webhook_.Handle(std::move(request)),
                          [&](std::exception_ptr error, HttpResponse response) {
                            EXPECT_FALSE(error);
                            status = response.status;
                          });
    io.run();
    return status;
  }

  net::BlockingPool blocking_;
  Result<void> outcome_;
  std::vector<std::string> kept_;
  EventWebhook webhook_;
};

TEST_F(EventWebhookTest, BelievesWhoKnowsTheSecret) {
  EXPECT_EQ(Send("/events/lake", "", "authorization", std::string("Bearer ") + kSecret), 200);
  EXPECT_EQ(Send("/events/lake", "", "authorization", kSecret), 200);
  EXPECT_EQ(Send("/events/lake", "x=1&token=a%20secret%20of%20the%20source", "", ""), 200);
  EXPECT_EQ(Send("/events/lake", "", "x-skep-signature",
                 "sha256=" + HexEncode(HmacSha256(kSecret, "{}"))),
            200);
  EXPECT_EQ(kept_, std::vector<std::string>(4, "111111111111 {}"));
}

TEST_F(EventWebhookTest, RefusesEverybodyElse) {
  const std::string right = std::string("Bearer ") + kSecret;
  EXPECT_EQ(Send("/events/lake", "", "", ""), 403);
  EXPECT_EQ(Send("/events/lake", "", "authorization", ""), 403);
  EXPECT_EQ(Send("/events/lake", "", "authorization", "Bearer "), 403);
  EXPECT_EQ(Send("/events/lake", "", "authorization", right + "x"), 403);
  EXPECT_EQ(Send("/events/lake", "token=", "", ""), 403);
  EXPECT_EQ(Send("/events/lake", "token=%zz", "", ""), 403);
  EXPECT_EQ(Send("/events/other", "", "authorization", right), 403);
  EXPECT_EQ(Send("/events/nobody", "", "authorization", right), 403);
  EXPECT_EQ(Send("/events/", "", "authorization", right), 403);
  EXPECT_EQ(Send("/events/lake", "", "x-skep-signature",
                 "sha256=" + HexEncode(HmacSha256(kSecret, "{} "))),
            403);
  EXPECT_EQ(Send("/events/lake", "", "x-skep-signature", "sha256="), 403);
  EXPECT_TRUE(kept_.empty());
}

TEST_F(EventWebhookTest, SaysWhetherTheSenderShallRepeatItself) {
  const std::string right = std::string("Bearer ") + kSecret;
  outcome_ = Fail(ErrorKind::kInvalidArgument, "no event");
  EXPECT_EQ(Send("/events/lake", "", "authorization", right), 400);
  outcome_ = Fail(ErrorKind::kDiskFull, "full");
  EXPECT_EQ(Send("/events/lake", "", "authorization", right), 503);
  EXPECT_EQ(Send("/events/lake", "", "authorization", right, "DELETE"), 405);
  kept_.clear();
  EXPECT_EQ(Send("/events/lake", "", "authorization", right, "HEAD"), 200);
  EXPECT_TRUE(kept_.empty());
}

}  // namespace
}  // namespace skep::aws
