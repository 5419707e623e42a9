#include "session/settings.h"

#include <gtest/gtest.h>

namespace skep::session {
namespace {

TEST(Settings, TakesWhatTheStartUpPacketMayChangeAndIgnoresTheRest) {
  const Settings settings(
      {{"TimeZone", "Europe/Berlin"}, {"is_superuser", "on"}, {"client_protocol_version", "2"}},
      "ada", false);
  EXPECT_EQ(*settings.Get("timezone"), "Europe/Berlin");
  EXPECT_EQ(*settings.Get("IS_SUPERUSER"), "off");
  EXPECT_FALSE(settings.Get("client_protocol_version"));
}

TEST(Settings, RefusesUnknownReadOnlyAndMalformedOnes) {
  Settings settings({}, "ada", false);
  EXPECT_EQ(settings.Set("nonsense", "1", false).error().kind, ErrorKind::kUndefinedObjectSetting);
  EXPECT_EQ(settings.Set("server_version", "9", false).error().kind,
            ErrorKind::kUndefinedObjectSetting);
  EXPECT_EQ(settings.Set("statement_timeout", "soon", false).error().kind,
            ErrorKind::kInvalidSettingValue);
  EXPECT_EQ(settings.Set("client_encoding", "latin1", false).error().kind,
            ErrorKind::kInvalidSettingValue);
  EXPECT_TRUE(settings.Set("app.tenant", "7", false));
}

TEST(Settings, ReadsTimeoutsWithUnits) {
  Settings settings({}, "ada", false);
  ASSERT_TRUE(settings.Set("statement_timeout", "2s", false));
  EXPECT_EQ(settings.statement_timeout_ms(), 2000u);
  ASSERT_TRUE(settings.Set("statement_timeout", "150", false));
  EXPECT_EQ(settings.statement_timeout_ms(), 150u);
}

TEST(Settings, UndoesWhatARolledBackTransactionSet) {
  Settings settings({}, "ada", false);
  settings.BeginTransaction();
  ASSERT_TRUE(settings.Set("search_path", "a", false));
  settings.EndTransaction(false);
  EXPECT_EQ(*settings.Get("search_path"), "\"$user\", public");
  settings.BeginTransaction();
  ASSERT_TRUE(settings.Set("search_path", "b", false));
  ASSERT_TRUE(settings.Set("timezone", "Asia/Tokyo", true));
  settings.EndTransaction(true);
  EXPECT_EQ(*settings.Get("search_path"), "b");
  EXPECT_EQ(*settings.Get("timezone"), "UTC");
}

TEST(Settings, TellsTheWorkerAndTheClientOnlyWhatChanged) {
  Settings settings({}, "ada", false);
  EXPECT_TRUE(settings.TakeWorkerChanges().empty());
  ASSERT_TRUE(settings.Set("TimeZone", "Asia/Tokyo", false));
  ASSERT_TRUE(settings.Set("query_group", "x", false));
  EXPECT_EQ(settings.TakeWorkerChanges(),
            (ipc::Settings{{"timezone", "Asia/Tokyo"}, {"query_group", "x"}}));
  EXPECT_EQ(settings.TakeReportedChanges(), (ipc::Settings{{"TimeZone", "Asia/Tokyo"}}));
  EXPECT_TRUE(settings.TakeReportedChanges().empty());
}

}  // namespace
}  // namespace skep::session
