// Workers and data catalogs: tables, partitions, questions and changes.
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/text.h"
#include "lake/lake_connection.h"

namespace skep::lake {
// The refusal of a catalog's table (empty: of all tables of the database), or nothing.
std::optional<Error> RefusedByCatalog(const Credentials& credentials, std::string_view action,
                                      const std::string& database, const std::string& table) {
  const auto decision = credentials.DecideCatalog(action, Lower(database), Lower(table));
  if (decision.allowed) return std::nullopt;
  return Error{ErrorKind::kInsufficientPrivilege,
               fmt::format("{} is not authorized to perform: {} on {}{}{}", credentials.role,
                           action, database, table.empty() ? "" : ".", table),
               DetailOf(decision),
               {},
               0};
}

CatalogAction CatalogActionOf(std::string_view change) {
  static constexpr std::pair<std::string_view, std::string_view> kActions[] = {
      {"CreateDatabase", "glue:CreateDatabase"},
      {"DropDatabase", "glue:DeleteDatabase"},
      {"CreateTable", "glue:CreateTable"},
      {"DropTable", "glue:DeleteTable"},
      {"PublishIceberg", "glue:UpdateTable"},
      {"AddPartitions", "glue:BatchCreatePartition"},
      {"DropPartitions", "glue:BatchDeletePartition"}};
  const auto json = nlohmann::json::parse(change, nullptr, false);
  CatalogAction wanted{"glue:UpdateTable", {}};
  if (!json.is_object()) return wanted;
  const auto text = [](const nlohmann::json& of, const char* name) {
    const auto found = of.is_object() ? of.find(name) : of.end();
    return found != of.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  for (const auto& [operation, action] : kActions) {
    if (text(json, "operation") == operation) wanted.action = action;
  }
  // The name that the change itself will use, never another member a worker may have added.
  const auto table = json.find("table");
  wanted.table = wanted.action == "glue:CreateTable"
                     ? (table != json.end() ? text(*table, "Name") : std::string())
                     : text(json, "name");
  return wanted;
}

void LakeService::ChangeCatalog(const std::shared_ptr<Connection>& c,
                                const ipc::LakeRequest& request, std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const CatalogAction wanted = CatalogActionOf(request.change);
  const auto credentials = CatalogOf(*c, request, wanted.action.c_str());
  if (!credentials) return fail(credentials.error());
  if (auto refused = RefusedByCatalog(*credentials, wanted.action, request.schema.catalog_database,
                                      wanted.table))
    return fail(std::move(*refused));
  const auto changed =
      tables_.Change(*credentials, request.schema.catalog_database, request.change);
  if (!changed) return fail(changed.error());
  log::Info("catalog_changed", {{"workspace", c->workspace},
                                {"user", request.user},
                                {"account", credentials->account},
                                {"database", request.schema.catalog_database},
                                {"role", credentials->role}});
  ipc::LakeReply reply;
  reply.id = request.id;
  out.push_back({ipc::EncodePacket(reply), {}, true});
}

// Looks the table up with the roles of the catalog; what is scanned is read with those of the data.
Result<std::shared_ptr<LakeService::Scan>> LakeService::FindTable(const Connection& c,
                                                                  const ipc::LakeRequest& request,
                                                                  CatalogTable& table) {
  SKEP_TRY_ASSIGN(auto credentials, CatalogOf(c, request, "glue:GetTable"));
  if (auto refused = RefusedByCatalog(credentials, "glue:GetTable", request.schema.catalog_database,
                                      request.table))
    return Fail(std::move(*refused));
  if (request.describe) {
    SKEP_TRY_ASSIGN(
        table, tables_.DescribeTable(credentials, request.schema.catalog_database, request.table));
    return nullptr;
  }
  SKEP_TRY_ASSIGN(table,
                  tables_.GetTable(credentials, request.schema.catalog_database, request.table));
  auto scan = c.MakeScan();
  scan->database = request.schema.catalog_database;
  scan->table = request.table;
  auto catalog = RenewedCatalog(c, request, "glue:GetTable", std::move(credentials));
  if (request.schema.catalog_roles.empty()) {
    scan->live = std::move(catalog);
  } else {
    SKEP_TRY_ASSIGN(auto data, Walk(c, request, request.schema.role_chain, "s3:GetObject"));
    scan->live = RenewedChain(c, request, "s3:GetObject", std::move(data));
    scan->catalog_live = std::move(catalog);
  }
  scan->name = request.schema.catalog_database + "." + request.table;
  scan->location = std::move(table.location);
  scan->listing = table.listing;
  scan->locations = std::move(table.locations);
  return scan;
}

void LakeService::OpenTable(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                            std::vector<Outgoing>& out) {
  if (request.schema.source == ipc::SchemaSource::kPostgres) return OpenRemote(c, request, out);
  CatalogTable table;
  ScanFacts facts;
  facts.workspace = c->workspace;
  facts.user = request.user;
  facts.statement = request.statement;
  facts.process_id = request.process_id;
  facts.table = request.schema_name + "." + request.table;
  const auto fail = [&](Error error) {
    if (error.kind != ErrorKind::kUndefinedTable && !facts.statement.empty())
      scan_log_.Refused(facts, error);
    Refuse(c, request, std::move(error), out);
  };
  auto found = FindTable(*c, request, table);
  if (!found) return fail(found.error());
  const auto scan = std::move(*found);
  if (!scan) {
    ipc::LakeReply reply;
    reply.id = request.id;
    reply.table = std::move(table.description);
    reply.table.partitions.clear();
    out.push_back({ipc::EncodePacket(reply), {}, true});
    RefuseIfTooLarge(c, request, out);
    return;
  }
  const auto& description = table.description;
  if (!scan->Hold(scan->locations.size(), options_.entries_per_connection)) return fail(TooMuch());
  scan->named_by_metadata = description.format == "iceberg";
  facts.account = scan->live->Last()->account;
  facts.role = scan->live->Last()->role;
  facts.format = description.format;
  facts.location = scan->location;
  if (!description.partition_keys.empty())
    facts.partitions =
        std::max<uint64_t>(description.partitions.size(), description.partition_count);
  facts.nested = std::ranges::any_of(description.columns, [](const ipc::TableColumn& column) {
    return column.type.find('<') != std::string::npos;
  });
  // The record is there before anybody can name the scan.
  scan->log = &scan_log_;
  if (!facts.statement.empty()) scan->record = scan_log_.Begin(std::move(facts));
  auto number = c->AddScan(scan, options_.scans_per_connection);
  if (!number) {
    scan->Failed(number.error());
    return Refuse(c, request, number.error(), out);
  }
  {
    const std::lock_guard lock(mutex_);
    figures_.scans++;
  }
  log::Debug("external_table_opened", {{"workspace", c->workspace},
                                       {"user", request.user},
                                       {"table", scan->name},
                                       {"role", scan->live->Last()->role},
                                       {"partitions", scan->locations.size()}});

  std::vector<ipc::TablePartition> partitions = std::move(table.description.partitions);
  ipc::LakeReply reply;
  reply.id = request.id;
  reply.scan = *number;
  reply.table = std::move(table.description);
  reply.table.partitions.clear();
  SendPartitions(std::move(reply), std::move(partitions), out);
  RefuseIfTooLarge(c, request, out);
}

void LakeService::RefuseIfTooLarge(const std::shared_ptr<Connection>& c,
                                   const ipc::LakeRequest& request, std::vector<Outgoing>& out) {
  if (std::ranges::none_of(out, [](const Outgoing& o) { return o.bytes.size() > ipc::kMaxPacket; }))
    return;
  out.clear();
  Refuse(c, request,
         {ErrorKind::kPayloadTooLarge,
          fmt::format("the description of external table {} is too large", request.table),
          {},
          {},
          0},
         out);
}

// A reply and its partitions, in as many packets as they need.
void LakeService::SendPartitions(ipc::LakeReply reply, std::vector<ipc::TablePartition> partitions,
                                 std::vector<Outgoing>& out) {
  SendInPackets(
      std::move(reply), std::move(partitions),
      +[](ipc::LakeReply& r) -> auto& { return r.table.partitions; },
      [](const ipc::TablePartition& partition) {
        size_t size = 8;
        for (const auto& value : partition.values) size += 8 + (value ? value->size() : 0);
        return size;
      },
      out);
}

void LakeService::ListPartitions(const std::shared_ptr<Connection>& c,
                                 const ipc::LakeRequest& request, std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  const auto open = c->OpenScan(request.scan);
  if (!open) return fail(open.error());
  const auto& scan = open->scan;
  if (scan->table.empty())
    return fail({ErrorKind::kInvalidArgument, "objects have no partitions", {}, {}, 0});
  auto catalog = open->credentials;
  if (scan->catalog_live) {
    auto current = scan->catalog_live->Current();
    if (!current) {
      scan->Failed(current.error());
      return fail(current.error());
    }
    catalog = std::move(*current);
  }
  // The credentials may be others than those that opened the table.
  if (auto refused = RefusedByCatalog(*catalog, "glue:GetTable", scan->database, scan->table)) {
    scan->Failed(*refused);
    return fail(std::move(*refused));
  }
  const auto began = std::chrono::steady_clock::now();
  auto found = tables_.ListPartitions(*catalog, scan->database, scan->table, request.change);
  if (!found) {
    scan->Failed(found.error());
    return fail(found.error());
  }
  std::vector<ipc::TablePartition> fresh;
  {
    const std::lock_guard lock(scan->mutex);
    for (size_t i = 0; i < found->partitions.size(); i++) {
      const auto number = static_cast<uint32_t>(scan->locations.size());
      if (!scan->known.try_emplace(found->partitions[i].values, number).second) continue;
      if (scan->locations.size() >= options_.partitions_per_scan)
        return fail({ErrorKind::kPayloadTooLarge,
                     fmt::format("external table {} has more than {} partitions", scan->name,
                                 options_.partitions_per_scan),
                     {},
                     "Filter by the partition keys.",
                     0});
      if (!scan->Hold(1, options_.entries_per_connection)) return fail(TooMuch());
      scan->locations.push_back(std::move(found->locations[i]));
      fresh.push_back(std::move(found->partitions[i]));
    }
  }
  if (scan->record) {
    scan->record->partition_us +=
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::steady_clock::now() - began)
                                  .count());
  }
  ipc::LakeReply reply;
  reply.id = request.id;
  SendPartitions(std::move(reply), std::move(fresh), out);
}

// Answers what system views ask: nothing of a catalog but what its role may see.
void LakeService::Ask(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                      std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (c->workspace.empty())
    return fail(
        {ErrorKind::kInsufficientPrivilege, "a scratch worker has no external schemas", {}, {}, 0});
  if (request.change == R"({"what":"scans"})")
    return SendNames(request, scan_log_.Records(c->workspace), out);
  if (request.change == R"({"what":"metadata"})") return TellMetadata(c, request, out);
  if (request.schema.source == ipc::SchemaSource::kPostgres) return AskRemote(c, request, out);
  const auto credentials = CatalogOf(*c, request, "glue:GetTables");
  if (!credentials) return fail(credentials.error());
  auto answer = tables_.Ask(
      *credentials, request.schema.catalog_database, request.change,
      [&](std::string_view action, std::string_view database, std::string_view table) {
        return credentials->DecideCatalog(action, Lower(database), Lower(table)).allowed;
      });
  if (!answer) return fail(answer.error());
  SendNames(request, std::move(*answer), out);
}

// Names in as many packets as they need; one that fits none is left out.
void LakeService::SendNames(const ipc::LakeRequest& request, std::vector<std::string> names,
                            std::vector<Outgoing>& out) {
  ipc::LakeReply reply;
  reply.id = request.id;
  std::erase_if(names, [](const auto& name) { return name.size() > ipc::kMaxPacket - 4096; });
  SendInPackets(
      std::move(reply), std::move(names), +[](ipc::LakeReply& r) -> auto& { return r.names; },
      [](const std::string& name) { return name.size() + 4; }, out);
}

void LakeService::ListTables(const std::shared_ptr<Connection>& c, const ipc::LakeRequest& request,
                             std::vector<Outgoing>& out) {
  const auto fail = [&](Error error) { Refuse(c, request, std::move(error), out); };
  if (c->workspace.empty())
    return fail(
        {ErrorKind::kInsufficientPrivilege, "a scratch worker has no external schemas", {}, {}, 0});
  const auto credentials = CatalogOf(*c, request, "glue:GetTables");
  if (!credentials) return fail(credentials.error());
  if (auto refused =
          RefusedByCatalog(*credentials, "glue:GetTables", request.schema.catalog_database, ""))
    return fail(std::move(*refused));
  auto names = tables_.ListTables(*credentials, request.schema.catalog_database);
  if (!names) return fail(names.error());
  SendNames(request, std::move(*names), out);
}

}  // namespace skep::lake
