// The SQLite driver of CrawlStore, on the control store's one connection.
#pragma once

#include <string_view>
#include <vector>

#include "control/crawl_store.h"
#include "control/sqlite_connection.h"

namespace skep::control {

class SqliteCrawl final : public CrawlStore {
 public:
  explicit SqliteCrawl(SqliteConnection& connection) : db_(connection) {}

  Result<void> AddChanges(const std::vector<ChangedFolder>& changes) override;
  Result<std::vector<ChangedFolder>> ListChanges(std::string_view account,
                                                 std::string_view crawler) override;
  Result<std::optional<std::string>> Definition(std::string_view account,
                                                std::string_view crawler) override;
  Result<std::vector<SeenFolder>> ListSeen(std::string_view account,
                                           std::string_view crawler) override;
  Result<std::optional<SeenFolder>> GetSeen(std::string_view account, std::string_view crawler,
                                            std::string_view bucket,
                                            std::string_view folder) override;
  Result<std::vector<KnownSample>> ListSamples(std::string_view account,
                                               std::string_view crawler) override;
  Result<void> Remember(std::string_view account, std::string_view crawler,
                        const CrawlMemory& memory) override;

 private:
  SqliteConnection& db_;
};

}  // namespace skep::control
