#include "control/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "control/migrations.h"

namespace skep::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skep-control-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/control.sqlite";
  }
  ~SqliteStoreTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Store> Open() {
    auto store = OpenSqlite(path_);
    EXPECT_TRUE(store.has_value())
        << (store ? "" : store.error().message + " " + store.error().detail);
    return store ? std::move(*store) : nullptr;
  }
  // Runs SQL past the store.
  void Raw(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  std::string directory_, path_;
};

Statement MakeStatement(const std::string& id, int64_t created_ms) {
  Statement s;
  s.id = id;
  s.account = "123456789012";
  s.caller = "AKIA1";
  s.sql = "select 1";
  s.parameters_json = "[]";
  s.created_ms = created_ms;
  return s;
}

TEST_F(SqliteStoreTest, KeepsWorkspacesUsersAndKeysAcrossReopening) {
  {
    auto store = Open();
    ASSERT_TRUE(store->PutWorkspace({"default", "dev", 7}));
    ASSERT_TRUE(store->PutUser({"default", "admin", true, false, "scram", "md5", "digest"}));
    ASSERT_TRUE(
        store->PutAccessKey({"AKIA1", Secret("s3cret"), "default", "admin", "123456789012", true}));
    ASSERT_TRUE(store->PutSetting("name", "value"));
  }
  auto store = Open();
  const auto workspace = store->GetWorkspace("default");
  ASSERT_TRUE(workspace && *workspace);
  EXPECT_EQ((*workspace)->database, "dev");
  EXPECT_EQ((*workspace)->created_ms, 7);
  const auto user = store->GetUser("default", "admin");
  ASSERT_TRUE(user && *user);
  EXPECT_TRUE((*user)->superuser);
  EXPECT_EQ((*user)->digest, "digest");
  const auto key = store->GetAccessKey("AKIA1");
  ASSERT_TRUE(key && *key);
  EXPECT_TRUE((*key)->secret == Secret("s3cret"));
  EXPECT_EQ(store->GetSetting("name")->value(), "value");
  EXPECT_FALSE(store->GetUser("default", "nobody")->has_value());
}

TEST_F(SqliteStoreTest, RemovesAUsersKeysWithTheUser) {
  auto store = Open();
  ASSERT_TRUE(store->PutWorkspace({"default", "dev", 0}));
  ASSERT_TRUE(store->PutUser({.workspace = "default", .name = "ann"}));
  ASSERT_TRUE(store->PutAccessKey({"AKIA1", Secret("x"), "default", "ann", "123456789012", true}));
  // Changing the user is not removing it.
  ASSERT_TRUE(store->PutUser({.workspace = "default", .name = "ann", .superuser = true}));
  EXPECT_TRUE(store->GetAccessKey("AKIA1")->has_value());
  EXPECT_TRUE(*store->DeleteUser("default", "ann"));
  EXPECT_FALSE(*store->DeleteUser("default", "ann"));
  EXPECT_FALSE(store->GetAccessKey("AKIA1")->has_value());
}

TEST_F(SqliteStoreTest, RefusesAUserOfAnUnknownWorkspace) {
  auto store = Open();
  const auto result = store->PutUser({.workspace = "nowhere", .name = "ann"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kUndefinedObject);
}

TEST_F(SqliteStoreTest, KeepsTheFilePrivate) {
  auto store = Open();
  struct stat status{};
  for (const char* suffix : {"", "-wal", "-shm"}) {
    ASSERT_EQ(stat((path_ + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(SqliteStoreTest, RefusesADuplicateGlueDatabaseAndTable) {
  auto store = Open();
  ASSERT_TRUE(store->CreateGlueDatabase({"1", "sales", "{}"}));
  EXPECT_EQ(store->CreateGlueDatabase({"1", "sales", "{}"}).error().kind,
            ErrorKind::kDuplicateObject);
  EXPECT_TRUE(store->CreateGlueDatabase({"2", "sales", "{}"}));
  ASSERT_TRUE(store->CreateGlueTable({"1", "sales", "orders", 0, "{}"}));
  EXPECT_EQ(store->CreateGlueTable({"1", "sales", "orders", 0, "{}"}).error().kind,
            ErrorKind::kDuplicateObject);
  EXPECT_EQ(store->CreateGlueTable({"1", "nothing", "orders", 0, "{}"}).error().kind,
            ErrorKind::kUndefinedObject);
}

TEST_F(SqliteStoreTest, RaisesATablesVersionOnUpdate) {
  auto store = Open();
  ASSERT_TRUE(store->CreateGlueDatabase({"1", "sales", "{}"}));
  ASSERT_TRUE(store->CreateGlueTable({"1", "sales", "orders", 0, "a"}));
  EXPECT_TRUE(*store->UpdateGlueTable({"1", "sales", "orders", 0, "b"}));
  EXPECT_FALSE(*store->UpdateGlueTable({"1", "sales", "missing", 0, "b"}));
  const auto table = store->GetGlueTable("1", "sales", "orders");
  EXPECT_EQ((*table)->version, 1u);
  EXPECT_EQ((*table)->json, "b");
}

TEST_F(SqliteStoreTest, AddsPartitionsAllOrNone) {
  auto store = Open();
  const GlueTable table{"1", "sales", "orders", 0, "{}"};
  ASSERT_TRUE(store->CreateGlueDatabase({"1", "sales", "{}"}));
  ASSERT_TRUE(store->CreateGlueTable(table));
  ASSERT_TRUE(store->CreateGluePartitions(table, {{{"2001", "02"}, "b"}}, false));
  const auto twice =
      store->CreateGluePartitions(table, {{{"2001", "01"}, "a"}, {{"2001", "02"}, "B"}}, false);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind, ErrorKind::kDuplicateObject);
  EXPECT_EQ(store->ListGluePartitions("1", "sales", "orders")->size(), 1u);
  ASSERT_TRUE(
      store->CreateGluePartitions(table, {{{"2001", "01"}, "a"}, {{"2001", "02"}, "B"}}, true));
  const auto partitions = *store->ListGluePartitions("1", "sales", "orders");
  ASSERT_EQ(partitions.size(), 2u);
  EXPECT_THAT(partitions[0].values, ElementsAre("2001", "01"));
  EXPECT_EQ(partitions[1].json, "B");
  EXPECT_TRUE(*store->DeleteGluePartition("1", "sales", "orders", {"2001", "01"}));
  EXPECT_TRUE(*store->DeleteGlueDatabase("1", "sales"));
  EXPECT_TRUE(store->ListGluePartitions("1", "sales", "orders")->empty());
  EXPECT_TRUE(store->ListGlueTables("1", "sales")->empty());
}

TEST_F(SqliteStoreTest, KeepsPartitionValuesApartWhateverBytesTheyHave) {
  auto store = Open();
  const GlueTable table{"1", "d", "t", 0, "{}"};
  ASSERT_TRUE(store->CreateGlueDatabase({"1", "d", "{}"}));
  ASSERT_TRUE(store->CreateGlueTable(table));
  const std::vector<std::vector<std::string>> all = {{"a", "b"},
                                                     {"a\x1f"
                                                      "b"},
                                                     {"ab"},
                                                     {"a\\", "b"},
                                                     {"a\\b"},
                                                     {""},
                                                     {"", ""},
                                                     {std::string("\0x", 2)},
                                                     {"\xff"},
                                                     {"ü"}};
  for (const auto& values : all)
    ASSERT_TRUE(store->CreateGluePartitions(table, {{values, "{}"}}, false));
  const auto partitions = *store->ListGluePartitions("1", "d", "t");
  std::vector<std::vector<std::string>> read;
  for (const auto& partition : partitions) read.push_back(partition.values);
  EXPECT_THAT(read, testing::UnorderedElementsAreArray(all));
}

TEST_F(SqliteStoreTest, MovesACrawlerOnlyFromTheExpectedState) {
  auto store = Open();
  ASSERT_TRUE(store->CreateCrawler({"1", "c", "READY", "{}"}));
  EXPECT_EQ(store->CreateCrawler({"1", "c", "READY", "{}"}).error().kind,
            ErrorKind::kDuplicateObject);
  EXPECT_TRUE(*store->MoveCrawler("1", "c", "READY", "RUNNING"));
  EXPECT_FALSE(*store->MoveCrawler("1", "c", "READY", "RUNNING"));
  EXPECT_TRUE(*store->UpdateCrawler({"1", "c", "READY", "new"}));
  EXPECT_EQ((*store->GetCrawler("1", "c"))->state, "RUNNING");
  EXPECT_EQ((*store->GetCrawler("1", "c"))->json, "new");
}

TEST_F(SqliteStoreTest, ListsStatementsNewestFirstInPages) {
  auto store = Open();
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(store->PutStatement(MakeStatement("id" + std::to_string(i), 100 + i / 2)));
  StatementFilter filter{.account = "123456789012", .caller = "AKIA1", .limit = 2};
  std::vector<std::string> seen;
  for (;;) {
    const auto page = *store->ListStatements(filter);
    for (const auto& s : page) seen.push_back(s.id);
    if (page.size() < 2) break;
    filter.before_id = page.back().id;
  }
  EXPECT_THAT(seen, ElementsAre("id4", "id3", "id2", "id1", "id0"));
  EXPECT_TRUE(store->ListStatements({.account = "123456789012", .caller = "AKIA2"})->empty());
}

TEST_F(SqliteStoreTest, FiltersStatements) {
  auto store = Open();
  auto one = MakeStatement("one", 1);
  one.name = "100%_load";
  one.status = "FINISHED";
  one.database = "dev";
  ASSERT_TRUE(store->PutStatement(one));
  ASSERT_TRUE(store->PutStatement(MakeStatement("two", 2)));
  const auto ids = [&](StatementFilter filter) {
    filter.account = "123456789012";
    std::vector<std::string> found;
    for (const auto& s : *store->ListStatements(filter)) found.push_back(s.id);
    return found;
  };
  EXPECT_THAT(ids({.status = "FINISHED"}), ElementsAre("one"));
  EXPECT_THAT(ids({.name_prefix = "100%_"}), ElementsAre("one"));
  EXPECT_THAT(ids({.name_prefix = "1000_"}), ElementsAre());
  EXPECT_THAT(ids({.database = "dev"}), ElementsAre("one"));
  EXPECT_THAT(ids({.since_ms = 2}), ElementsAre("two"));
}

TEST_F(SqliteStoreTest, ReadsAStatementBackWhole) {
  auto store = Open();
  Statement s = MakeStatement("id", 5);
  s.client_token = "token";
  s.workspace = "default";
  s.sql = std::string("select '\0'", 10);
  s.has_result = true;
  s.result_rows = 3;
  s.result_bytes = 9;
  s.process_id = 11;
  s.query_id = 12;
  s.duration_ns = 13;
  s.result_file = "file";
  ASSERT_TRUE(store->PutStatement(s));
  const auto read = store->FindStatementByToken(s.account, s.caller, "token");
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->sql, s.sql);
  EXPECT_TRUE((*read)->has_result);
  EXPECT_EQ((*read)->result_bytes, 9);
  EXPECT_EQ((*read)->query_id, 12);
  EXPECT_EQ((*read)->duration_ns, 13);
  EXPECT_EQ((*read)->result_file, "file");
  EXPECT_FALSE(store->FindStatementByToken(s.account, s.caller, "")->has_value());
  Statement other = s;
  other.id = "other";
  EXPECT_EQ(store->PutStatement(other).error().kind, ErrorKind::kDuplicateObject);
}

TEST_F(SqliteStoreTest, FailsWhatWasUnfinishedAtStart) {
  auto store = Open();
  auto done = MakeStatement("done", 1);
  done.status = "FINISHED";
  ASSERT_TRUE(store->PutStatement(done));
  ASSERT_TRUE(store->PutStatement(MakeStatement("open", 2)));
  ASSERT_TRUE(store->CreateCrawler({"1", "c", "RUNNING", "{}"}));
  EXPECT_EQ(*store->FailUnfinished("lost"), 1u);
  EXPECT_EQ((*store->GetStatement("open"))->status, "FAILED");
  EXPECT_EQ((*store->GetStatement("open"))->error, "lost");
  EXPECT_EQ((*store->GetStatement("done"))->status, "FINISHED");
  EXPECT_EQ((*store->GetCrawler("1", "c"))->state, "READY");
}

TEST_F(SqliteStoreTest, NamesTheResultFilesOfDeletedStatements) {
  auto store = Open();
  auto old = MakeStatement("old", 1);
  old.result_file = "old.result";
  ASSERT_TRUE(store->PutStatement(old));
  ASSERT_TRUE(store->PutStatement(MakeStatement("older", 0)));
  ASSERT_TRUE(store->PutStatement(MakeStatement("new", 10)));
  EXPECT_THAT(*store->DeleteStatementsBefore(10), ElementsAre("old.result"));
  EXPECT_FALSE(store->GetStatement("old")->has_value());
  EXPECT_TRUE(store->GetStatement("new")->has_value());
}

TEST_F(SqliteStoreTest, MigratesAnEmptyFile) {
  std::ofstream(path_).close();
  auto store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(store->PutSetting("a", "b"));
}

TEST_F(SqliteStoreTest, RefusesASchemaNewerThanItself) {
  Open().reset();
  Raw("PRAGMA user_version = " + std::to_string(SchemaVersion() + 1));
  const auto store = OpenSqlite(path_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::kIoError);
  EXPECT_THAT(store.error().message, HasSubstr("schema version"));
}

TEST_F(SqliteStoreTest, RefusesAnotherProgramsFile) {
  Raw("CREATE TABLE theirs (x)");
  const auto store = OpenSqlite(path_);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("something else"));
}

TEST_F(SqliteStoreTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  const auto store = OpenSqlite(path_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::kIoError);
  EXPECT_THAT(store.error().hint, HasSubstr("damaged"));
}

TEST_F(SqliteStoreTest, ReportsCorruptPagesAsErrors) {
  {
    auto store = Open();
    ASSERT_TRUE(store->PutWorkspace({"default", "dev", 0}));
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(store->PutSetting("name" + std::to_string(i), std::string(200, 'v')));
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    const auto size = static_cast<int64_t>(std::filesystem::file_size(path_));
    const std::string noise(static_cast<size_t>(size - 4096), '\xa5');
    file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
  }
  auto store = OpenSqlite(path_);
  if (!store) {
    EXPECT_EQ(store.error().kind, ErrorKind::kIoError);
    return;
  }
  const auto read = (*store)->ListWorkspaces();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kIoError);
}

TEST_F(SqliteStoreTest, AnotherProcessThatComesAndGoesLeavesTheLogAlone) {
  const auto in_child = [](const auto& work) {
    const pid_t child = fork();
    if (child == 0) _exit(work() ? 0 : 1);
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  };
  const auto holder = Open();
  ASSERT_TRUE(holder->PutSetting("first", "1"));
  // Like `skep user add` beside a running gateway: the last of its connections closes while the
  // holder's is open.
  ASSERT_TRUE(in_child([&] {
    const auto visitor = OpenSqlite(path_);
    return visitor && (*visitor)->PutSetting("second", "2");
  }));
  const auto second = holder->GetSetting("second");
  ASSERT_TRUE(second && *second);
  EXPECT_EQ(**second, "2");
  ASSERT_TRUE(holder->PutSetting("third", "3"));
  // Read by a process that shares nothing with the holder, which never closed: what a start after a
  // kill sees.
  EXPECT_TRUE(in_child([&] {
    const auto visitor = OpenSqlite(path_);
    if (!visitor) return false;
    const auto third = (*visitor)->GetSetting("third");
    return third && *third && **third == "3";
  }));
}

TEST_F(SqliteStoreTest, NamesThePathOfAMissingDirectory) {
  const auto store = OpenSqlite(directory_ + "/missing/control.sqlite");
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("missing/control.sqlite"));
}

TEST_F(SqliteStoreTest, AnswersAnErrorAndKeepsWhatItHadWhenTheFileMayNotGrow) {
  auto opened = Open();
  ASSERT_TRUE(opened->PutSetting("kept", "v"));
  opened.reset();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A limit on the file size stands for a full disk.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{256 * 1024, 256 * 1024};
    setrlimit(RLIMIT_FSIZE, &limit);
    auto store = OpenSqlite(path_);
    if (!store) _exit(10);
    const auto put = (*store)->PutSetting("large", std::string(1024 * 1024, 'v'));
    if (put) _exit(11);
    if (put.error().kind != ErrorKind::kDiskFull && put.error().kind != ErrorKind::kIoError)
      _exit(12);
    if (!(*store)->GetSetting("kept")->has_value()) _exit(13);
    _exit((*store)->PutSetting("small", "v") ? 0 : 14);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto store = Open();
  EXPECT_TRUE(store->GetSetting("small")->has_value());
  EXPECT_FALSE(store->GetSetting("large")->has_value());
}

TEST_F(SqliteStoreTest, ServesSeveralThreadsAndASecondProcessAtOnce) {
  auto first = Open();
  auto second =
      Open();  // a second connection stands for another process: it takes the same file locks
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Store& store = t % 2 == 0 ? *first : *second;
      for (int i = 0; i < 25; ++i) {
        if (!store.PutSetting("t" + std::to_string(t) + "i" + std::to_string(i), "v")) ++failures;
        if (!store.GetSetting("t0i0")) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 25; ++i)
      EXPECT_TRUE(
          first->GetSetting("t" + std::to_string(t) + "i" + std::to_string(i))->has_value());
  }
}

TEST_F(SqliteStoreTest, LosesNothingAcknowledgedWhenTheProcessIsKilled) {
  Open().reset();
  for (int round = 0; round < 5; ++round) {
    int acknowledged[2];
    ASSERT_EQ(pipe(acknowledged), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(acknowledged[0]);
      auto store = OpenSqlite(path_);
      if (!store) _exit(1);
      for (int i = 0;; ++i) {
        if (!(*store)->PutSetting("r" + std::to_string(round) + "n" + std::to_string(i), "v"))
          _exit(1);
        if (write(acknowledged[1], "x", 1) != 1) _exit(1);
      }
    }
    close(acknowledged[1]);
    char mark = 0;
    int told = 0;
    while (told < 20 && read(acknowledged[0], &mark, 1) == 1) ++told;
    ASSERT_EQ(kill(child, SIGKILL), 0);
    while (read(acknowledged[0], &mark, 1) == 1) ++told;
    close(acknowledged[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_GE(told, 20);
    auto store = Open();
    for (int i = 0; i < told; ++i) {
      EXPECT_TRUE(
          store->GetSetting("r" + std::to_string(round) + "n" + std::to_string(i))->has_value())
          << "round " << round << " row " << i;
    }
  }
}

TEST_F(SqliteStoreTest, WaitsForAnotherProcessAndThenSaysWhoHoldsTheLock) {
  Open().reset();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  auto store = OpenSqlite(path_, SqliteOptions{.busy_timeout_ms = 20});
  ASSERT_TRUE(store);
  const auto put = (*store)->PutSetting("a", "b");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kIoError);
  EXPECT_THAT(put.error().hint, HasSubstr("lock"));
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_TRUE((*store)->PutSetting("a", "b"));
}

}  // namespace
}  // namespace skep::control
