// A catalog for tests: a shop's tables, one of each kind.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "sql/emit.h"

namespace skep::sql {

class TestCatalog final : public Catalog {
 public:
  TestCatalog() {
    Add(RelationKind::kTable, "public", "orders",
        {{"id", "int"},
         {"customer", "int"},
         {"amount", "decimal(10,2)"},
         {"placed", "date"},
         {"status", "char(10)"},
         {"note", "varchar(100)"}});
    Add(RelationKind::kTable, "public", "customers",
        {{"id", "int"}, {"name", "varchar(40)"}, {"since", "timestamp"}, {"boss", "int"}});
    Add(RelationKind::kTable, "public", "events",
        {{"id", "bigint"}, {"body", "super"}, {"at", "timestamptz"}});
    Add(RelationKind::kView, "reports", "daily", {{"day", "date"}, {"total", "decimal(38,2)"}});
    Add(RelationKind::kExternal, "lake", "clicks",
        {{"url", "varchar"}, {"hits", "bigint"}, {"$path", "varchar"}, {"$size", "bigint"}});
    Add(RelationKind::kTemporary, "", "scratch", {{"a", "int"}});
    AddTpch();
  }

  bool IsExternalSchema(std::string_view schema) const override { return schema == "lake"; }
  Result<std::shared_ptr<const RelationEntry>> Find(std::string_view schema,
                                                    std::string_view name) override {
    const auto found = entries_.find({std::string(schema), std::string(name)});
    if (found == entries_.end()) return nullptr;
    return found->second;
  }

 private:
  void Add(RelationKind kind, const std::string& schema, const std::string& name,
           std::initializer_list<std::pair<const char*, const char*>> columns) {
    auto entry = std::make_shared<RelationEntry>();
    entry->kind = kind;
    entry->is_view = kind == RelationKind::kView;
    entry->schema = schema;
    entry->name = name;
    for (const auto& [column, type] : columns)
      entry->columns.push_back({column, ParseCompactType(type)});
    entries_[{schema, name}] = std::move(entry);
  }

  void AddTpch() {
    Add(RelationKind::kTable, "tpch", "part",
        {{"p_partkey", "int"},
         {"p_name", "varchar(55)"},
         {"p_mfgr", "char(25)"},
         {"p_brand", "char(10)"},
         {"p_type", "varchar(25)"},
         {"p_size", "int"},
         {"p_container", "char(10)"},
         {"p_retailprice", "decimal(15,2)"},
         {"p_comment", "varchar(23)"}});
    Add(RelationKind::kTable, "tpch", "supplier",
        {{"s_suppkey", "int"},
         {"s_name", "char(25)"},
         {"s_address", "varchar(40)"},
         {"s_nationkey", "int"},
         {"s_phone", "char(15)"},
         {"s_acctbal", "decimal(15,2)"},
         {"s_comment", "varchar(101)"}});
    Add(RelationKind::kTable, "tpch", "partsupp",
        {{"ps_partkey", "int"},
         {"ps_suppkey", "int"},
         {"ps_availqty", "int"},
         {"ps_supplycost", "decimal(15,2)"},
         {"ps_comment", "varchar(199)"}});
    Add(RelationKind::kTable, "tpch", "customer",
        {{"c_custkey", "int"},
         {"c_name", "varchar(25)"},
         {"c_address", "varchar(40)"},
         {"c_nationkey", "int"},
         {"c_phone", "char(15)"},
         {"c_acctbal", "decimal(15,2)"},
         {"c_mktsegment", "char(10)"},
         {"c_comment", "varchar(117)"}});
    Add(RelationKind::kTable, "tpch", "orders",
        {{"o_orderkey", "bigint"},
         {"o_custkey", "int"},
         {"o_orderstatus", "char(1)"},
         {"o_totalprice", "decimal(15,2)"},
         {"o_orderdate", "date"},
         {"o_orderpriority", "char(15)"},
         {"o_clerk", "char(15)"},
         {"o_shippriority", "int"},
         {"o_comment", "varchar(79)"}});
    Add(RelationKind::kTable, "tpch", "lineitem",
        {{"l_orderkey", "bigint"},
         {"l_partkey", "int"},
         {"l_suppkey", "int"},
         {"l_linenumber", "int"},
         {"l_quantity", "decimal(15,2)"},
         {"l_extendedprice", "decimal(15,2)"},
         {"l_discount", "decimal(15,2)"},
         {"l_tax", "decimal(15,2)"},
         {"l_returnflag", "char(1)"},
         {"l_linestatus", "char(1)"},
         {"l_shipdate", "date"},
         {"l_commitdate", "date"},
         {"l_receiptdate", "date"},
         {"l_shipinstruct", "char(25)"},
         {"l_shipmode", "char(10)"},
         {"l_comment", "varchar(44)"}});
    Add(RelationKind::kTable, "tpch", "nation",
        {{"n_nationkey", "int"},
         {"n_name", "char(25)"},
         {"n_regionkey", "int"},
         {"n_comment", "varchar(152)"}});
    Add(RelationKind::kTable, "tpch", "region",
        {{"r_regionkey", "int"}, {"r_name", "char(25)"}, {"r_comment", "varchar(152)"}});
  }

  std::map<std::pair<std::string, std::string>, std::shared_ptr<const RelationEntry>> entries_;
};

inline EmitContext TestContext(Catalog& catalog) {
  EmitContext context;
  context.database = "dev";
  context.user = "admin";
  context.process_id = 42;
  context.search_path = {"public"};
  context.catalog = &catalog;
  return context;
}

}  // namespace skep::sql
