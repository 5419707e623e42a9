#include "control/sqlite_crawl.h"

#include <charconv>
#include <mutex>

#include "base/ids.h"

namespace skep::control {
namespace {

constexpr char kEnd = '\0';  // of a field; no S3 key holds one

std::string Encode(const std::vector<SeenObject>& objects) {
  std::string out;
  for (const SeenObject& object : objects) {
    if (object.name.find(kEnd) != std::string::npos || object.etag.find(kEnd) != std::string::npos)
      continue;
    out += object.name;
    out += kEnd;
    out += std::to_string(object.size);
    out += kEnd;
    out += object.etag;
    out += kEnd;
  }
  return out;
}

std::vector<SeenObject> Decode(std::string_view text) {
  std::vector<SeenObject> objects;
  const auto field = [&text] {
    const size_t end = text.find(kEnd);
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return one;
  };
  while (!text.empty()) {
    SeenObject object;
    object.name = field();
    const std::string_view size = field();
    (void)std::from_chars(size.data(), size.data() + size.size(), object.size);
    object.etag = field();
    objects.push_back(std::move(object));
  }
  return objects;
}

SeenFolder ReadSeen(sqlite3_stmt* s) {
  return {SqliteConnection::Text(s, 0), SqliteConnection::Text(s, 1),
          Decode(SqliteConnection::Text(s, 2))};
}

}  // namespace

Result<void> SqliteCrawl::AddChanges(const std::vector<ChangedFolder>& changes) {
  if (changes.empty()) return {};
  const std::lock_guard lock(db_.mutex_);
  return db_.InTransaction([&]() -> Result<void> {
    for (const ChangedFolder& c : changes) {
      // A crawler that is gone by now wants nothing.
      SKEP_TRY(db_.Run(
          "INSERT INTO crawl_changes SELECT account, name, ?, ?, ?, ?, ?, ? FROM crawlers WHERE "
          "account = ? AND name = ? ON CONFLICT (account, crawler, bucket, folder) DO UPDATE SET "
          "last_ms = excluded.last_ms, events = events + excluded.events, token = excluded.token",
          SqliteConnection::NoRow, c.bucket, c.folder, c.last_ms, c.last_ms,
          static_cast<int64_t>(c.events), NewUuid(), c.account, c.crawler));
    }
    return {};
  });
}

Result<std::vector<ChangedFolder>> SqliteCrawl::ListChanges(std::string_view account,
                                                            std::string_view crawler) {
  return db_.All<ChangedFolder>(
      [](sqlite3_stmt* s) {
        return ChangedFolder{SqliteConnection::Text(s, 0),
                             SqliteConnection::Text(s, 1),
                             SqliteConnection::Text(s, 2),
                             SqliteConnection::Text(s, 3),
                             SqliteConnection::Int(s, 4),
                             SqliteConnection::Int(s, 5),
                             static_cast<uint64_t>(SqliteConnection::Int(s, 6)),
                             SqliteConnection::Text(s, 7)};
      },
      "SELECT account, crawler, bucket, folder, first_ms, last_ms, events, token FROM "
      "crawl_changes WHERE ? IN ('', account) AND ? IN ('', crawler) ORDER BY 1, 2, 3, 4",
      account, crawler);
}

Result<std::optional<std::string>> SqliteCrawl::Definition(std::string_view account,
                                                           std::string_view crawler) {
  return db_.One<std::string>(
      [](sqlite3_stmt* s) { return SqliteConnection::Text(s, 0); },
      "SELECT definition FROM crawl_marks WHERE account = ? AND crawler = ?", account, crawler);
}

Result<std::vector<SeenFolder>> SqliteCrawl::ListSeen(std::string_view account,
                                                      std::string_view crawler) {
  return db_.All<SeenFolder>(
      ReadSeen,
      "SELECT bucket, folder, objects FROM crawl_seen WHERE account = ? AND crawler = ? ORDER BY "
      "bucket, folder",
      account, crawler);
}

Result<std::optional<SeenFolder>> SqliteCrawl::GetSeen(std::string_view account,
                                                       std::string_view crawler,
                                                       std::string_view bucket,
                                                       std::string_view folder) {
  return db_.One<SeenFolder>(ReadSeen,
                             "SELECT bucket, folder, objects FROM crawl_seen WHERE account = ? AND "
                             "crawler = ? AND bucket = ? AND folder = ?",
                             account, crawler, bucket, folder);
}

Result<std::vector<KnownSample>> SqliteCrawl::ListSamples(std::string_view account,
                                                          std::string_view crawler) {
  return db_.All<KnownSample>(
      [](sqlite3_stmt* s) {
        return KnownSample{
            SqliteConnection::Text(s, 0), SqliteConnection::Text(s, 1),
            SqliteConnection::Text(s, 2), static_cast<uint64_t>(SqliteConnection::Int(s, 3)),
            SqliteConnection::Text(s, 4), SqliteConnection::Text(s, 5)};
      },
      "SELECT bucket, key, etag, size, method, json FROM crawl_samples WHERE account = ? AND "
      "crawler = ?",
      account, crawler);
}

Result<void> SqliteCrawl::Remember(std::string_view account, std::string_view crawler,
                                   const CrawlMemory& memory) {
  const std::lock_guard lock(db_.mutex_);
  return db_.InTransaction([&]() -> Result<void> {
    bool known = false;
    SKEP_TRY(db_.Run(
        "SELECT 1 FROM crawlers WHERE account = ? AND name = ?",
        [&known](sqlite3_stmt*) { known = true; }, account, crawler));
    if (!known) return {};  // deleted meanwhile
    SKEP_TRY(db_.Run("INSERT OR REPLACE INTO crawl_marks VALUES (?,?,?)", SqliteConnection::NoRow,
                     account, crawler, memory.definition));
    for (const SeenFolder& folder : memory.seen) {
      if (folder.objects.empty()) {
        SKEP_TRY(
            db_.Run("DELETE FROM crawl_seen WHERE account = ? AND crawler = ? AND bucket = ? "
                    "AND folder = ?",
                    SqliteConnection::NoRow, account, crawler, folder.bucket, folder.folder));
      } else {
        const std::string objects = Encode(folder.objects);
        SKEP_TRY(db_.Run("INSERT OR REPLACE INTO crawl_seen VALUES (?,?,?,?,?)",
                         SqliteConnection::NoRow, account, crawler, folder.bucket, folder.folder,
                         Bytes{objects}));
      }
    }
    for (const KnownSample& sample : memory.forgotten) {
      SKEP_TRY(
          db_.Run("DELETE FROM crawl_samples WHERE account = ? AND crawler = ? AND bucket = ? "
                  "AND key = ?",
                  SqliteConnection::NoRow, account, crawler, sample.bucket, sample.key));
    }
    for (const KnownSample& sample : memory.samples) {
      SKEP_TRY(db_.Run("INSERT OR REPLACE INTO crawl_samples VALUES (?,?,?,?,?,?,?,?)",
                       SqliteConnection::NoRow, account, crawler, sample.bucket, sample.key,
                       sample.etag, static_cast<int64_t>(sample.size), sample.method, sample.json));
    }
    for (const ChangedFolder& change : memory.answered) {
      SKEP_TRY(db_.Run(
          "DELETE FROM crawl_changes WHERE account = ? AND crawler = ? AND bucket = ? "
          "AND folder = ? AND token = ?",
          SqliteConnection::NoRow, account, crawler, change.bucket, change.folder, change.token));
    }
    return {};
  });
}

}  // namespace skep::control
