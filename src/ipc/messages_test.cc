#include "ipc/messages.h"

#include <gtest/gtest.h>

#include "ipc/channel.h"

namespace skep::ipc {
namespace {

template <class M>
void RoundTripsAndRefusesTruncation(const M& message) {
  const std::string bytes = EncodePacket(message);
  M back;
  ASSERT_TRUE(DecodeExact(bytes, back));
  EXPECT_EQ(back, message);
  for (size_t n = 0; n < bytes.size(); n++) {
    M broken;
    EXPECT_FALSE(DecodeExact(ByteView(bytes).substr(0, n), broken)) << n;
  }
  M longer;
  EXPECT_FALSE(DecodeExact(bytes + "x", longer));
}

TEST(IpcMessages, RoundTripAndRefuseTruncation) {
  RoundTripsAndRefusesTruncation(ExecuteStatement{.statement_id = "id",
                                                  .text = "select $1",
                                                  .parameter_types = {23},
                                                  .parameters = {{"7", 0}, {std::nullopt, 1}},
                                                  .result_formats = {1},
                                                  .describe = true,
                                                  .max_rows = 9,
                                                  .settings = {{"search_path", "public"}}});
  RoundTripsAndRefusesTruncation(
      StatementError{{Error{ErrorKind::kSyntaxError, "m", "d", "h", 4}}, 'E'});
  RoundTripsAndRefusesTruncation(StatementDescription{
      .parameter_types = {20}, .columns = {{"a", 1700, -1, 655366}}, .transaction = 'T'});
  RoundTripsAndRefusesTruncation(
      Control{ControlType::kBind, "x", {.workspace = "w", .threads = 3, .require_sandbox = true}});
  LakeReply reply;
  reply.id = 3;
  reply.error = Error{ErrorKind::kExternalChanged, "changed"};
  reply.table = {
      .name = "t", .format = "csv", .columns = {{"a", "int"}}, .partition_keys = {{"d", "date"}}};
  reply.table.partitions = {{{std::optional<std::string>("2026-01-01")}}, {{std::nullopt}}};
  reply.files = {{1, 0, "s3://b/k", "e", 10, 20}};
  RoundTripsAndRefusesTruncation(reply);
}

TEST(IpcMessages, RefusesAListLongerThanItsPacket) {
  ByteWriter w;
  w.U32(0xfffffff0u);
  FetchPortal portal;
  EXPECT_FALSE(DecodeExact(w.str(), portal));
}

TEST(IpcMessages, RefusesAFrameAboveTheCap) {
  ByteWriter w;
  w.U32(1u << 30).U8(2).U8(0).U8(0).U8(0);
  FrameHeader header;
  EXPECT_FALSE(DecodeFrameHeader(w.str(), header));
}

TEST(IpcChannel, PassesBytesAndDescriptors) {
  auto pair = PacketSocketPair();
  ASSERT_TRUE(pair);
  auto inner = StreamSocketPair();
  ASSERT_TRUE(inner);
  ASSERT_TRUE(SendPacket(pair->first.get(), "hello", {inner->first.get()}));
  Packet packet;
  ASSERT_EQ(ReceivePacket(pair->second.get(), packet), ReceiveStatus::kPacket);
  EXPECT_EQ(packet.bytes, "hello");
  EXPECT_EQ(packet.fds.size(), 1u);
  pair->first.Reset();
  EXPECT_EQ(ReceivePacket(pair->second.get(), packet), ReceiveStatus::kClosed);
}

}  // namespace
}  // namespace skep::ipc
