#include "worker/storage/native_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <fstream>

#include "worker/session_fixture.h"
#include "worker/store_child.h"

extern char** environ;

namespace skep::worker {
namespace {

// This program again, as another process that owns a store.
class OtherProcess {
 public:
  OtherProcess(const std::string& verb, const std::string& folder) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    reports_ = UniqueFd(out[0]);
    const UniqueFd write_end(out[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    const char* arguments[] = {"worker_test", "--store-child", verb.c_str(), folder.c_str(),
                               nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr,
                            const_cast<char* const*>(arguments), environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~OtherProcess() { Kill(); }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  // The next line it wrote; empty when it ended.
  std::string Line() {
    std::string line;
    for (char c; ::read(reports_.get(), &c, 1) == 1;) {
      if (c == '\n') return line;
      line += c;
    }
    return "";
  }
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd reports_;
};

class NativeStoreTest : public ::testing::Test {
 protected:
  NativeStoreTest() { std::filesystem::create_directories(folder_.path() + "/databases"); }

  // An engine with a store of its own, as one worker has.
  struct Worker {
    explicit Worker(const std::string& folder) : engine(nullptr), store(MakeNativeStore(folder)) {}
    std::string Ask(const std::string& sql) {
      duckdb::Connection connection(engine);
      const auto result = connection.Query(sql);
      return result->HasError() ? "ERROR " + result->GetErrorObject().RawMessage()
                                : result->GetValue(0, 0).ToString();
    }
    duckdb::DuckDB engine;
    std::unique_ptr<Store> store;
  };

  TemporaryFolder folder_;
};

TEST_F(NativeStoreTest, CreatesADatabaseOnceAndFindsItAgain) {
  {
    Worker worker(folder_.path());
    ASSERT_TRUE(worker.store->OpenDatabase(worker.engine, "dev"));
    ASSERT_TRUE(worker.store->OpenDatabase(worker.engine, "dev")) << "it is open already";
    EXPECT_EQ(worker.Ask("SELECT max(version) FROM dev.skep_catalog.format"), "1");
    EXPECT_EQ(worker.Ask("CREATE TABLE dev.public.t AS SELECT 42 a"), "1");
    worker.store->Close(worker.engine);
  }
  Worker again(folder_.path());
  ASSERT_TRUE(again.store->OpenAll(again.engine));
  EXPECT_EQ(again.Ask("SELECT a FROM dev.public.t"), "42");
  EXPECT_EQ(again.Ask("SELECT count(*) FROM dev.skep_catalog.format"), "1");
}

TEST_F(NativeStoreTest, MakesHiddenTablesAgainThatAreGone) {
  for (const char* broken :
       {"DROP SCHEMA dev.skep_catalog CASCADE",
        "DROP SCHEMA dev.skep_catalog CASCADE; CREATE SCHEMA dev.\"Skep_Catalog\"",
        "DROP TABLE dev.skep_catalog.external_schemas", "DROP TABLE dev.skep_catalog.format",
        "DELETE FROM dev.skep_catalog.format"}) {
    {
      Worker worker(folder_.path());
      ASSERT_TRUE(worker.store->OpenDatabase(worker.engine, "dev"));
      duckdb::Connection connection(worker.engine);
      for (auto& statement : connection.ExtractStatements(broken))
        ASSERT_FALSE(connection.Query(std::move(statement))->HasError()) << broken;
      worker.store->Close(worker.engine);
    }
    Worker again(folder_.path());
    const auto opened = again.store->OpenAll(again.engine);
    ASSERT_TRUE(opened) << broken << ": " << opened.error().message;
    EXPECT_EQ(again.Ask("SELECT max(version) FROM dev.skep_catalog.format"), "1") << broken;
    EXPECT_EQ(again.Ask("SELECT count(*) FROM dev.skep_catalog.external_schemas"), "0") << broken;
  }
}

TEST_F(NativeStoreTest, RefusesNamesThatAreNotNames) {
  Worker worker(folder_.path());
  for (const std::string name :
       {"", ".", "..", "../dev", "a/b", "/etc/passwd", "dev.duckdb", "Dev", "a b", "a\"b", "a'b",
        "a;b", "-x", "$x", "memory", "temp", "system", "skep_lake", "grüße"}) {
    const auto opened = worker.store->OpenDatabase(worker.engine, name);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().kind, ErrorKind::kUndefinedDatabase) << name;
  }
  EXPECT_FALSE(worker.store->OpenDatabase(worker.engine, std::string(65, 'x')));
  EXPECT_FALSE(worker.store->OpenDatabase(worker.engine, std::string("dev\0x", 5)));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() + "/databases"));
  EXPECT_TRUE(worker.store->OpenDatabase(worker.engine, std::string(64, 'x')));
  EXPECT_TRUE(worker.store->OpenDatabase(worker.engine, "a_b-c$9"));
}

TEST_F(NativeStoreTest, DoesNotStumbleOverFilesThatAreNoDatabases) {
  for (const char* stray : {"Not A Name.duckdb", "notes.txt", "dev.duckdb.wal.old", ".duckdb"})
    std::ofstream(folder_.path() + "/databases/" + stray) << "x";
  Worker worker(folder_.path());
  const auto opened = worker.store->OpenAll(worker.engine);
  EXPECT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(worker.store->OpenDatabase(worker.engine, "dev"));
}

TEST_F(NativeStoreTest, RefusesAFileThatIsNotADatabaseWithoutTouchingIt) {
  const std::string path = folder_.path() + "/databases/dev.duckdb", text(20'000, 'x');
  std::ofstream(path) << text;
  Worker worker(folder_.path());
  const auto opened = worker.store->OpenDatabase(worker.engine, "dev");
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().message.starts_with("database \"dev\" cannot be opened"))
      << opened.error().message;
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
}

TEST_F(NativeStoreTest, RefusesADatabaseOfANewerVersionEachTime) {
  {
    Worker worker(folder_.path());
    ASSERT_TRUE(worker.store->OpenDatabase(worker.engine, "dev"));
    EXPECT_EQ(worker.Ask("UPDATE dev.skep_catalog.format SET version = 99"), "1");
    worker.store->Close(worker.engine);
  }
  Worker worker(folder_.path());
  for (int i = 0; i < 3; i++) {
    const auto opened = worker.store->OpenDatabase(worker.engine, "dev");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kFeatureNotSupported) << opened.error().message;
    EXPECT_EQ(opened.error().message, "database \"dev\" was written by a newer version");
  }
  EXPECT_TRUE(worker.Ask("SELECT 1 FROM dev.skep_catalog.format").starts_with("ERROR"))
      << "a refused database is not part of the engine";
}

TEST_F(NativeStoreTest, WaitsForAProcessThatIsOnItsWayOut) {
  OtherProcess owner("own", folder_.path());
  ASSERT_EQ(owner.Line(), "open");
  std::thread undertaker([&] {
    // Ends when this process has met the lock, or will.
    owner.Kill();
  });
  Worker worker(folder_.path());
  const auto opened = worker.store->OpenDatabase(worker.engine, "dev");
  undertaker.join();
  EXPECT_TRUE(opened) << opened.error().message;
}

TEST_F(NativeStoreTest, RefusesADatabaseThatAnotherProcessKeeps) {
  OtherProcess owner("own", folder_.path());
  ASSERT_EQ(owner.Line(), "open");
  Worker worker(folder_.path());
  const auto opened = worker.store->OpenDatabase(worker.engine, "dev");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(opened.error().message, "database \"dev\" is in use by another process");
}

TEST_F(NativeStoreTest, KeepsEveryCommitThatWasAcknowledgedBeforeAKill) {
  int64_t acknowledged = 0;
  for (const int commits : {1, 17, 60}) {
    OtherProcess owner("commit", folder_.path());
    ASSERT_EQ(owner.Line(), "open");
    for (int i = 0; i < commits; i++) {
      const std::string line = owner.Line();
      ASSERT_FALSE(line.empty());
      acknowledged = std::stoll(line);
    }
    owner.Kill();  // while it goes on committing
    Worker worker(folder_.path());
    const auto opened = worker.store->OpenAll(worker.engine);
    ASSERT_TRUE(opened) << opened.error().message;
    const int64_t kept = std::stoll(worker.Ask("SELECT count(*) FROM dev.public.log"));
    EXPECT_GE(kept, acknowledged);
    // Whole transactions, in order: both tables say the same, without a gap.
    EXPECT_EQ(worker.Ask("SELECT count(*) FROM dev.public.twin"), std::to_string(kept));
    EXPECT_EQ(worker.Ask("SELECT max(a) FROM dev.public.log"), std::to_string(kept));
    acknowledged = kept;
  }
}

}  // namespace

int StoreChild(const std::string& verb, const std::string& folder) {
  duckdb::DuckDB engine(nullptr);
  const auto store = MakeNativeStore(folder);
  if (!store->OpenDatabase(engine, "dev")) return 1;
  const auto report = [](const std::string& line) {
    const std::string text = line + "\n";
    return ::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  if (!report("open")) return 1;
  if (verb == "own") return ::pause();
  duckdb::Connection connection(engine);
  connection.Query(
      "CREATE TABLE IF NOT EXISTS dev.public.log(a BIGINT); CREATE TABLE IF NOT EXISTS "
      "dev.public.twin(a BIGINT)");
  const auto before = connection.Query("SELECT count(*) FROM dev.public.log");
  if (before->HasError()) return 1;
  for (int64_t n = before->GetValue(0, 0).GetValue<int64_t>() + 1;; n++) {
    if (!store->Begin(connection)) return 1;
    for (const char* table : {"log", "twin"}) {
      if (connection.Query(fmt::format("INSERT INTO dev.public.{} VALUES ({})", table, n))
              ->HasError())
        return 1;
    }
    if (!store->Commit(connection)) return 1;
    if (!report(std::to_string(n))) return 1;
  }
}

}  // namespace skep::worker
