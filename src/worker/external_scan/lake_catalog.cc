#include "worker/external_scan/lake_catalog.h"

#include <fmt/format.h>

#include <charconv>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/catalog/entry_lookup_info.hpp>
#include <duckdb/common/enums/statement_type.hpp>
#include <duckdb/common/virtual_file_system.hpp>
#include <duckdb/main/attached_database.hpp>
#include <duckdb/parser/parsed_data/attach_info.hpp>
#include <duckdb/parser/parsed_data/create_schema_info.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/storage/database_size.hpp>
#include <duckdb/storage/statistics/base_statistics.hpp>
#include <duckdb/storage/storage_extension.hpp>
#include <duckdb/storage/table_storage_info.hpp>
#include <duckdb/transaction/meta_transaction.hpp>
#include <duckdb/transaction/transaction.hpp>
#include <duckdb/transaction/transaction_manager.hpp>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sql/column_facts.h"
#include "worker/external_scan/avro_scan.h"
#include "worker/external_scan/decompression.h"
#include "worker/external_scan/glue_types.h"
#include "worker/external_scan/iceberg.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/lake_scan.h"
#include "worker/external_scan/lake_table.h"
#include "worker/external_scan/orc_scan.h"
#include "worker/external_scan/remote_scan.h"
#include "worker/external_scan/xlsx_scan.h"

namespace skep::external_scan {
namespace {

using duckdb::CatalogEntry;
using duckdb::CatalogTransaction;
using duckdb::ClientContext;
using duckdb::optional_ptr;

[[noreturn]] void ReadOnly() {
  ThrowLakeError(
      {ErrorKind::kFeatureNotSupported, "external tables and schemas are read-only", {}, {}, 0});
}

// The length in bytes that the catalog declares for text, as facts of the column: what is written
// is held to it, what is read is not. Empty: none.
std::string DeclaredLength(std::string_view glue_type) {
  const std::string type = Lower(glue_type);
  const size_t open = type.find('(');
  const std::string name = type.substr(0, open);
  if (open == std::string::npos || (name != "varchar" && name != "char")) return {};
  sql::ColumnFacts facts;
  facts.type = sql::Type::Of(sql::TypeKind::kVarchar);
  const auto read =
      std::from_chars(type.data() + open + 1, type.data() + type.size(), facts.type.length);
  return read.ec == std::errc() ? facts.Text() : std::string();
}

// The same of a column of a remote database, whose CHAR is one.
std::string DeclaredType(const std::string& type) {
  sql::ColumnFacts facts;
  if (type.starts_with("char") || type.starts_with("varchar"))
    facts.type = sql::ParseCompactType(type);
  return facts.type.kind == sql::TypeKind::kUnknown ? std::string() : facts.Text();
}

// What the catalog needs; kept by the storage extension.
struct LakeStorageInfo final : duckdb::StorageExtensionInfo {
  LakeStorageInfo(LakeClient& c, SchemaLookup s, AskerLookup a)
      : client(c), schemas(std::move(s)), asker(std::move(a)) {}
  LakeClient& client;
  SchemaLookup schemas;
  AskerLookup asker;
};

class LakeTableEntry final : public duckdb::TableCatalogEntry {
 public:
  LakeTableEntry(duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema,
                 duckdb::CreateTableInfo& info, LakeTable& table)
      : TableCatalogEntry(catalog, schema, info), table_(table) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(ClientContext&,
                                                           duckdb::column_t) override {
    return nullptr;
  }
  duckdb::virtual_column_map_t GetVirtualColumns() const override {
    return table_.VirtualColumns();
  }
  duckdb::TableFunction GetScanFunction(
      ClientContext& context, duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override {
    return BindLakeScan(context, table_, bind_data);
  }
  duckdb::TableStorageInfo GetStorageInfo(ClientContext&) override {
    duckdb::TableStorageInfo info;
    info.cardinality = table_.description().rows;
    return info;
  }

 private:
  LakeTable& table_;  // owns this entry
};

// Holds the tables that the running statement opened. A new statement lets go of those of the one
// before, which live on only as long as that one's plan does.
class LakeTransaction final : public duckdb::Transaction {
 public:
  LakeTransaction(duckdb::TransactionManager& transactions, ClientContext& client_context)
      : Transaction(transactions, client_context) {}
  ~LakeTransaction() override {
    for (auto& weak : opened_) {
      if (auto table = weak.lock()) table->Close();
    }
  }

  duckdb::shared_ptr<LakeTable> Find(uint64_t query, const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (query != query_) {
      query_ = query;
      tables_.clear();
      std::erase_if(opened_, [](const auto& weak) { return weak.expired(); });
    }
    const auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : found->second;
  }
  void Keep(const std::string& name, duckdb::shared_ptr<LakeTable> table) {
    const std::lock_guard lock(mutex_);
    opened_.push_back(table);
    tables_[name] = std::move(table);
  }

 private:
  std::mutex mutex_;
  uint64_t query_ = 0;
  std::unordered_map<std::string, duckdb::shared_ptr<LakeTable>> tables_;
  std::vector<duckdb::weak_ptr<LakeTable>> opened_;
};

class LakeTransactions final : public duckdb::TransactionManager {
 public:
  explicit LakeTransactions(duckdb::AttachedDatabase& database) : TransactionManager(database) {}
  duckdb::Transaction& StartTransaction(ClientContext& context) override {
    auto transaction = duckdb::make_uniq<LakeTransaction>(*this, context);
    auto& reference = *transaction;
    const std::lock_guard lock(mutex_);
    running_.emplace(&reference, std::move(transaction));
    return reference;
  }
  duckdb::ErrorData CommitTransaction(ClientContext&, duckdb::Transaction& transaction) override {
    End(transaction);
    return {};
  }
  void RollbackTransaction(duckdb::Transaction& transaction) override { End(transaction); }
  void Checkpoint(ClientContext&, bool) override {}

 private:
  void End(duckdb::Transaction& transaction) {
    duckdb::unique_ptr<LakeTransaction> ended;
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(&transaction);
    if (found == running_.end()) return;
    ended = std::move(found->second);
    running_.erase(found);
  }
  std::mutex mutex_;
  std::unordered_map<duckdb::Transaction*, duckdb::unique_ptr<LakeTransaction>> running_;
};

// A name only: what it is bound to is asked for at each look-up.
class LakeSchema final : public duckdb::SchemaCatalogEntry {
 public:
  LakeSchema(duckdb::Catalog& owner, duckdb::CreateSchemaInfo& info, LakeStorageInfo& lake)
      : SchemaCatalogEntry(owner, info), lake_(lake) {}

  optional_ptr<CatalogEntry> LookupEntry(CatalogTransaction transaction,
                                         const duckdb::EntryLookupInfo& lookup) override {
    if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY || !transaction.HasContext())
      return nullptr;
    ClientContext& context = transaction.GetContext();
    auto& own = duckdb::Transaction::Get(context, catalog).Cast<LakeTransaction>();
    const auto binding = lake_.schemas(context, name);
    if (!binding || binding->source == ipc::SchemaSource::kRedshift) return nullptr;
    // The data catalog's names have no case; those of PostgreSQL do.
    const std::string table_name = binding->source == ipc::SchemaSource::kDataCatalog
                                       ? duckdb::StringUtil::Lower(lookup.GetEntryName())
                                       : lookup.GetEntryName();
    const Asker asker = lake_.asker ? lake_.asker(context) : Asker{};
    const std::string key = name + (asker.describing ? '\1' : '\0') + table_name;
    const uint64_t query = duckdb::MetaTransaction::Get(context).GetActiveQuery();
    if (auto known = own.Find(query, key)) return known->entry.get();

    auto opened =
        OrThrow(lake_.client.OpenTable(*binding, name, asker, table_name, InterruptOf(&context)));
    if (opened.description.format == "iceberg" && asker.describing) {
      // Its columns stand in its metadata, which only a scan reads.
      Asker reading = asker;
      reading.describing = false;
      reading.statement.clear();
      opened = OrThrow(
          lake_.client.OpenTable(*binding, name, reading, table_name, InterruptOf(&context)));
    }
    auto iceberg = OpenIceberg(context, table_name, opened);
    auto table = duckdb::make_shared_ptr<LakeTable>(lake_.client, name, std::move(opened),
                                                    std::move(iceberg));
    duckdb::CreateTableInfo info(*this, table_name);
    const auto& described = table->description();
    for (size_t i = 0; i < table->names().size(); i++) {
      duckdb::ColumnDefinition column(table->names()[i], table->types()[i]);
      const size_t data = described.columns.size();
      const std::string& type =
          i < data ? described.columns[i].type : described.partition_keys[i - data].type;
      const std::string facts = table->remote() ? DeclaredType(type) : DeclaredLength(type);
      if (!facts.empty()) column.SetComment(duckdb::Value(facts));
      info.columns.AddColumn(std::move(column));
    }
    table->entry = duckdb::make_uniq<LakeTableEntry>(catalog, *this, info, *table);
    table->entry->tags[kPartitionKeysTag] = std::to_string(table->partition_keys());
    if (!table->remote()) table->entry->tags[kFilesTag] = "";
    if (table->iceberg() != nullptr) table->entry->tags[kIcebergTag] = "true";
    CatalogEntry* entry = table->entry.get();
    own.Keep(key, std::move(table));
    return entry;
  }

  void Scan(ClientContext&, duckdb::CatalogType,
            const std::function<void(CatalogEntry&)>&) override {}
  void Scan(duckdb::CatalogType, const std::function<void(CatalogEntry&)>&) override {}
  // Of a table of Iceberg: what its metadata say takes the place of what the catalog says.
  std::unique_ptr<IcebergTable> OpenIceberg(ClientContext& context, const std::string& table,
                                            OpenedTable& opened) {
    auto& description = opened.description;
    if (description.format != "iceberg") return nullptr;
    try {
      std::string metadata;
      for (const auto& [key, value] : description.options) {
        if (key == "metadata") metadata = value;
      }
      auto iceberg = std::make_unique<IcebergTable>(context, lake_.client, opened.scan,
                                                    name + "." + table, metadata);
      description.format = "parquet";
      description.rows = iceberg->total_rows();
      description.columns.clear();
      for (const auto& field : iceberg->fields())
        description.columns.push_back({field.name, GlueTypeOf(field.type)});
      return iceberg;
    } catch (...) {
      lake_.client.CloseScan(opened.scan);
      throw;
    }
  }

  optional_ptr<CatalogEntry> CreateIndex(CatalogTransaction, duckdb::CreateIndexInfo&,
                                         duckdb::TableCatalogEntry&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateFunction(CatalogTransaction,
                                            duckdb::CreateFunctionInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateTable(CatalogTransaction,
                                         duckdb::BoundCreateTableInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateView(CatalogTransaction, duckdb::CreateViewInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateSequence(CatalogTransaction,
                                            duckdb::CreateSequenceInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateTableFunction(CatalogTransaction,
                                                 duckdb::CreateTableFunctionInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateCopyFunction(CatalogTransaction,
                                                duckdb::CreateCopyFunctionInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreatePragmaFunction(CatalogTransaction,
                                                  duckdb::CreatePragmaFunctionInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateCollation(CatalogTransaction,
                                             duckdb::CreateCollationInfo&) override {
    ReadOnly();
  }
  optional_ptr<CatalogEntry> CreateType(CatalogTransaction, duckdb::CreateTypeInfo&) override {
    ReadOnly();
  }
  void DropEntry(ClientContext&, duckdb::DropInfo&) override { ReadOnly(); }
  void Alter(CatalogTransaction, duckdb::AlterInfo&) override { ReadOnly(); }

 private:
  LakeStorageInfo& lake_;
};

class LakeCatalog final : public duckdb::Catalog {
 public:
  LakeCatalog(duckdb::AttachedDatabase& database, LakeStorageInfo& lake)
      : Catalog(database), lake_(lake) {}
  void Initialize(bool) override {}
  std::string GetCatalogType() override { return kLakeCatalog; }

  optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(
      CatalogTransaction transaction, const duckdb::EntryLookupInfo& lookup,
      duckdb::OnEntryNotFound if_missing) override {
    const std::string& name = lookup.GetEntryName();
    if (lake_.schemas && transaction.HasContext() &&
        lake_.schemas(transaction.GetContext(), name)) {
      const std::lock_guard lock(mutex_);
      auto& schema = schemas_[name];
      if (!schema) {
        duckdb::CreateSchemaInfo info;
        info.schema = name;
        schema = duckdb::make_uniq<LakeSchema>(*this, info, lake_);
      }
      return schema.get();
    }
    if (if_missing == duckdb::OnEntryNotFound::RETURN_NULL) return nullptr;
    ThrowLakeError({ErrorKind::kUndefinedSchema,
                    fmt::format("external schema \"{}\" does not exist", name),
                    {},
                    {},
                    0});
  }
  void ScanSchemas(ClientContext&, std::function<void(duckdb::SchemaCatalogEntry&)>) override {}

  optional_ptr<CatalogEntry> CreateSchema(CatalogTransaction, duckdb::CreateSchemaInfo&) override {
    ReadOnly();
  }
  duckdb::PhysicalOperator& PlanCreateTableAs(ClientContext&, duckdb::PhysicalPlanGenerator&,
                                              duckdb::LogicalCreateTable&,
                                              duckdb::PhysicalOperator&) override {
    ReadOnly();
  }
  duckdb::PhysicalOperator& PlanInsert(ClientContext&, duckdb::PhysicalPlanGenerator&,
                                       duckdb::LogicalInsert&,
                                       optional_ptr<duckdb::PhysicalOperator>) override {
    ReadOnly();
  }
  duckdb::PhysicalOperator& PlanDelete(ClientContext&, duckdb::PhysicalPlanGenerator&,
                                       duckdb::LogicalDelete&, duckdb::PhysicalOperator&) override {
    ReadOnly();
  }
  duckdb::PhysicalOperator& PlanUpdate(ClientContext&, duckdb::PhysicalPlanGenerator&,
                                       duckdb::LogicalUpdate&, duckdb::PhysicalOperator&) override {
    ReadOnly();
  }
  void DropSchema(ClientContext&, duckdb::DropInfo&) override { ReadOnly(); }
  duckdb::DatabaseSize GetDatabaseSize(ClientContext&) override { return {}; }
  bool InMemory() override { return true; }
  std::string GetDBPath() override { return {}; }

 private:
  LakeStorageInfo& lake_;
  std::mutex mutex_;
  std::unordered_map<std::string, duckdb::unique_ptr<LakeSchema>>
      schemas_;  // never shrinks: statements hold references
};

}  // namespace

void RegisterLake(duckdb::DatabaseInstance& instance, LakeClient& client, SchemaLookup schemas,
                  AskerLookup asker) {
  instance.GetFileSystem().RegisterSubSystem(duckdb::make_uniq<LakeFileSystem>(client));
  instance.GetFileSystem().RegisterSubSystem(duckdb::FileCompressionType::GZIP,
                                             duckdb::make_uniq<PackedFiles>());
  RegisterAvro(instance);
  RegisterOrc(instance);
  RegisterRemoteLimits(instance);
  RegisterXlsx(instance);
  auto extension = duckdb::make_shared_ptr<duckdb::StorageExtension>();
  extension->storage_info =
      duckdb::make_shared_ptr<LakeStorageInfo>(client, std::move(schemas), std::move(asker));
  extension->attach = [](optional_ptr<duckdb::StorageExtensionInfo> info, ClientContext&,
                         duckdb::AttachedDatabase& database, const std::string&,
                         duckdb::AttachInfo&,
                         duckdb::AttachOptions&) -> duckdb::unique_ptr<duckdb::Catalog> {
    return duckdb::make_uniq<LakeCatalog>(database, static_cast<LakeStorageInfo&>(*info));
  };
  extension->create_transaction_manager =
      [](optional_ptr<duckdb::StorageExtensionInfo>, duckdb::AttachedDatabase& database,
         duckdb::Catalog&) -> duckdb::unique_ptr<duckdb::TransactionManager> {
    return duckdb::make_uniq<LakeTransactions>(database);
  };
  duckdb::StorageExtension::Register(duckdb::DBConfig::GetConfig(instance), kLakeCatalog,
                                     std::move(extension));
  duckdb::Connection connection(instance);
  const auto attached = connection.Query(fmt::format("ATTACH '' AS {0} (TYPE {0})", kLakeCatalog));
  if (attached->HasError()) attached->ThrowError();
}

bool ReadsLake(const duckdb::StatementProperties& properties) {
  return properties.read_databases.contains(kLakeCatalog);
}

}  // namespace skep::external_scan
