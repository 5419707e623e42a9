#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

Json VersionOf(const control::GlueTable& table) {
  return {{"Table", TableOf(table)}, {"VersionId", std::to_string(table.version)}};
}

Answer<uint64_t> ReadVersion(const std::string& text) {
  uint64_t version = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, version);
  if (read.ec != std::errc{} || read.ptr != end ||
      version > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return InvalidInput(fmt::format("Version id {} is not valid.", text));
  return version;
}

std::unexpected<Failure> NoVersion(const control::GlueTable& table, const std::string& version) {
  return NotFound(fmt::format("Version {} of table {} not found.", version, table.name));
}

// Without a VersionId the current version is meant.
Answer<Json> GetTableVersion(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const std::string wanted = Text(call.request, "VersionId");
  if (wanted.empty()) return Json{{"TableVersion", VersionOf(*table)}};
  const auto version = ReadVersion(wanted);
  if (!version) return std::unexpected(version.error());
  if (*version == table->version) return Json{{"TableVersion", VersionOf(*table)}};
  const auto former = call.Glue().GetTableVersion(NameOf(*table), *version);
  if (!former) return Translated(former.error());
  if (!*former) return NoVersion(*table, wanted);
  return Json{{"TableVersion", VersionOf(**former)}};
}

// Newest first; the current version is one of them.
Answer<Json> GetTableVersions(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto token = ReadToken(call.request);
  if (!token) return token;
  const size_t most = PageSize(call.request, kDefaultPage);
  std::vector<control::GlueTable> versions;
  uint64_t before = table->version;
  if (token->is_array()) {
    if (!(*token)[0].is_number_unsigned()) return InvalidInput("Continuation token is not valid.");
    before = std::min<uint64_t>(before, (*token)[0].get<uint64_t>());
  } else {
    versions.push_back(*table);
  }
  auto former = call.Glue().ListTableVersions(NameOf(*table), before,
                                              static_cast<uint32_t>(most - versions.size() + 1));
  if (!former) return Translated(former.error());
  for (auto& version : *former) versions.push_back(std::move(version));
  Json out = {{"TableVersions", Json::array()}};
  if (versions.size() > most) {
    versions.resize(most);
    out["NextToken"] = MakeToken(Json::array({versions.back().version}));
  }
  for (const auto& version : versions) out["TableVersions"].push_back(VersionOf(version));
  return out;
}

Answer<void> DropVersion(const CallState& call, const control::GlueTable& table,
                         const std::string& wanted) {
  const auto version = ReadVersion(wanted);
  if (!version) return std::unexpected(version.error());
  if (*version == table.version)
    return InvalidInput(
        fmt::format("Version {} is the current version of table {}.", wanted, table.name));
  const auto deleted = call.Glue().DeleteTableVersion(NameOf(table), *version);
  if (!deleted) return Translated(deleted.error());
  if (!*deleted) return NoVersion(table, wanted);
  return {};
}

Answer<Json> DeleteTableVersion(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  if (auto dropped = DropVersion(call, *table, Text(call.request, "VersionId")); !dropped)
    return std::unexpected(dropped.error());
  return Json::object();
}

Answer<Json> BatchDeleteTableVersion(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  Json errors = Json::array();
  for (const std::string& version : Texts(call.request, "VersionIds")) {
    if (auto dropped = DropVersion(call, *table, version); !dropped) {
      errors.push_back({{"TableName", table->name},
                        {"VersionId", version},
                        {"ErrorDetail", ErrorDetail(dropped.error())}});
    }
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

constexpr auto kOperations = std::to_array<Operation>({
    {"GetTableVersion", GetTableVersion},
    {"GetTableVersions", GetTableVersions},
    {"DeleteTableVersion", DeleteTableVersion, true},
    {"BatchDeleteTableVersion", BatchDeleteTableVersion, true},
});

}  // namespace

std::span<const Operation> TableVersionOperations() { return kOperations; }

}  // namespace skep::glue
