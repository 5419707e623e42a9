// Statements about tables and views, and their maintenance. Source of the forms: the developer
// guide's CREATE TABLE, ALTER TABLE, CREATE EXTERNAL TABLE, CREATE VIEW and their neighbours.
#pragma once

#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

enum class ConstraintKind : uint8_t { kUnique, kPrimaryKey, kForeignKey };

struct TableConstraint : Is<NodeKind::kTableConstraint, Node> {
  Name name;
  ConstraintKind constraint = ConstraintKind::kUnique;
  List<Name> columns;
  QualifiedName references;
  List<Name> referenced;
  static auto Fields(auto& s) {
    return std::tie(s.name, s.constraint, s.columns, s.references, s.referenced);
  }
};

enum class DefaultsRule : uint8_t { kNone, kIncluding, kExcluding };

struct LikeTable : Is<NodeKind::kLikeTable, Node> {
  QualifiedName table;
  DefaultsRule defaults = DefaultsRule::kNone;
  static auto Fields(auto& s) { return std::tie(s.table, s.defaults); }
};

enum class DistStyle : uint8_t { kNone, kAuto, kEven, kKey, kAll };
enum class SortStyle : uint8_t { kNone, kPlain, kCompound, kInterleaved, kAuto };

// How a table lies on disk. Kept and shown, never acted upon.
struct TableAttributes {
  OnOff backup = OnOff::kNone;
  DistStyle dist_style = DistStyle::kNone;
  List<Name> dist_key;  // of one; digits are a column's position
  SortStyle sort_style = SortStyle::kNone;
  List<Name> sort_key;
  bool encode_auto = false;
  static auto Fields(auto& s) {
    return std::tie(s.backup, s.dist_style, s.dist_key, s.sort_style, s.sort_key, s.encode_auto);
  }
};

// USING ICEBERG [LOCATION '...'] [PARTITIONED BY (...)] [TABLE PROPERTIES (...)]
struct TableFormat {
  Name format;
  Value* location = nullptr;
  List<Expr*> partitioned_by;  // a column, or a call: bucket(16, a), day(b)
  List<Property*> properties;
  static auto Fields(auto& s) {
    return std::tie(s.format, s.location, s.partitioned_by, s.properties);
  }
};

struct CreateTable : Is<NodeKind::kCreateTable, Statement> {
  bool temporary = false;  // TEMP, TEMPORARY; a name that begins with # is temporary as well
  bool if_not_exists = false;
  QualifiedName name;
  List<Node*> elements;  // ColumnDefinition, TableConstraint, LikeTable
  TableAttributes attributes;
  TableFormat format;
  static auto Fields(auto& s) {
    return std::tie(s.temporary, s.if_not_exists, s.name, s.elements, s.attributes, s.format);
  }
};

struct CreateTableAs : Is<NodeKind::kCreateTableAs, Statement> {
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  List<Name> columns;
  TableAttributes attributes;
  TableFormat format;
  Query* query = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.temporary, s.if_not_exists, s.name, s.columns, s.attributes, s.format,
                    s.query);
  }
};

struct CreateExternalTable : Is<NodeKind::kCreateExternalTable, Statement> {
  bool if_not_exists = false;
  QualifiedName name;
  List<ColumnDefinition*> columns;
  List<ColumnDefinition*> partitioned_by;
  bool delimited = false;
  List<Option*> row_format;  // "fields terminated by" 'x', ...
  Value* serde = nullptr;
  List<Property*> serde_properties;
  std::string_view stored_as;  // lower case; empty with input_format
  Value* input_format = nullptr;
  Value* output_format = nullptr;
  Value* location = nullptr;
  List<Property*> properties;
  Query* query = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.if_not_exists, s.name, s.columns, s.partitioned_by, s.delimited, s.row_format,
                    s.serde, s.serde_properties, s.stored_as, s.input_format, s.output_format,
                    s.location, s.properties, s.query);
  }
};

struct CreateView : Is<NodeKind::kCreateView, Statement> {
  bool or_replace = false;
  bool temporary = false;
  QualifiedName name;
  List<Name> columns;
  Query* query = nullptr;
  bool no_schema_binding = false;
  static auto Fields(auto& s) {
    return std::tie(s.or_replace, s.temporary, s.name, s.columns, s.query, s.no_schema_binding);
  }
};

struct CreateMaterializedView : Is<NodeKind::kCreateMaterializedView, Statement> {
  bool if_not_exists = false;
  QualifiedName name;
  List<Name> columns;
  TableAttributes attributes;
  OnOff auto_refresh = OnOff::kNone;
  Query* query = nullptr;
  static auto Fields(auto& s) {
    return std::tie(s.if_not_exists, s.name, s.columns, s.attributes, s.auto_refresh, s.query);
  }
};

struct CreateExternalView : Is<NodeKind::kCreateExternalView, Statement> {
  bool guarded = false;  // PROTECTED
  bool if_not_exists = false;
  QualifiedName name;
  Query* query = nullptr;
  static auto Fields(auto& s) { return std::tie(s.guarded, s.if_not_exists, s.name, s.query); }
};

struct PartitionValues : Is<NodeKind::kPartitionValues, Node> {  // PARTITION (a=1) LOCATION '...'
  List<Property*> values;
  Value* location = nullptr;
  static auto Fields(auto& s) { return std::tie(s.values, s.location); }
};

enum class AlterStep : uint8_t {
  kAddColumn,
  kDropColumn,
  kAddConstraint,
  kDropConstraint,
  kOwnerTo,
  kRenameTo,
  kRenameColumn,
  kColumnType,
  kColumnEncode,
  kDistKey,
  kDistStyle,
  kSortKey,  // columns, compound
  kSortKeyAuto,
  kSortKeyNone,
  kEncodeAuto,
  kRowLevelSecurity,
  kMasking,
  kSetLocation,
  kSetFileFormat,
  kSetTableProperties,
  kAddPartitions,
  kDropPartitions,
  kPartitionLocation,
};

struct AlterAction : Is<NodeKind::kAlterAction, Node> {
  AlterStep step = AlterStep::kAddColumn;
  ColumnDefinition* column = nullptr;
  TableConstraint* constraint = nullptr;
  Name name;      // column, constraint or owner
  Name new_name;  // RENAME
  TypeName* type = nullptr;
  std::string_view word;  // encoding, file format: lower case
  DistStyle dist_style = DistStyle::kNone;
  bool compound = false;
  List<Name> columns;
  Behavior behavior = Behavior::kNone;
  OnOff on = OnOff::kNone;
  std::string_view conjunction;  // and, or
  bool for_datashares = false;
  Value* location = nullptr;
  List<Property*> properties;
  bool if_not_exists = false;
  List<PartitionValues*> partitions;
  static auto Fields(auto& s) {
    return std::tie(s.step, s.column, s.constraint, s.name, s.new_name, s.type, s.word,
                    s.dist_style, s.compound, s.columns, s.behavior, s.on, s.conjunction,
                    s.for_datashares, s.location, s.properties, s.if_not_exists, s.partitions);
  }
};

struct AlterTable : Is<NodeKind::kAlterTable, Statement> {  // also ALTER VIEW
  bool view = false;
  QualifiedName table;
  List<AlterAction*> actions;
  static auto Fields(auto& s) { return std::tie(s.view, s.table, s.actions); }
};

struct AlterTableAppend : Is<NodeKind::kAlterTableAppend, Statement> {
  QualifiedName table;
  QualifiedName source;
  bool ignore_extra = false;
  bool fill_target = false;
  static auto Fields(auto& s) { return std::tie(s.table, s.source, s.ignore_extra, s.fill_target); }
};

struct AlterMaterializedView : Is<NodeKind::kAlterMaterializedView, Statement> {
  QualifiedName view;
  OnOff auto_refresh = OnOff::kNone;
  List<AlterAction*> actions;
  static auto Fields(auto& s) { return std::tie(s.view, s.auto_refresh, s.actions); }
};

struct AlterExternalView : Is<NodeKind::kAlterExternalView, Statement> {
  QualifiedName view;
  bool force = false;
  Query* query = nullptr;  // none: REMOVE DEFINITION
  static auto Fields(auto& s) { return std::tie(s.view, s.force, s.query); }
};

struct RefreshMaterializedView : Is<NodeKind::kRefreshMaterializedView, Statement> {
  QualifiedName view;
  Behavior behavior = Behavior::kNone;
  static auto Fields(auto& s) { return std::tie(s.view, s.behavior); }
};

enum class AnalyzeColumns : uint8_t { kNone, kPredicate, kAll };

struct Analyze : Is<NodeKind::kAnalyze, Statement> {
  bool verbose = false;
  QualifiedName table;
  List<Name> columns;
  AnalyzeColumns which = AnalyzeColumns::kNone;
  static auto Fields(auto& s) { return std::tie(s.verbose, s.table, s.columns, s.which); }
};

struct AnalyzeCompression : Is<NodeKind::kAnalyzeCompression, Statement> {
  QualifiedName table;
  List<Name> columns;
  std::string_view comprows;
  static auto Fields(auto& s) { return std::tie(s.table, s.columns, s.comprows); }
};

enum class VacuumMode : uint8_t { kNone, kFull, kSortOnly, kDeleteOnly, kReindex, kRecluster };

struct Vacuum : Is<NodeKind::kVacuum, Statement> {
  VacuumMode mode = VacuumMode::kNone;
  QualifiedName table;
  std::string_view threshold;
  bool boost = false;
  static auto Fields(auto& s) { return std::tie(s.mode, s.table, s.threshold, s.boost); }
};

}  // namespace skep::sql::ast
