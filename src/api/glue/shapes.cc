#include "api/glue/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace skep::glue {
namespace {

using api::Answer;
using api::Json;
using api::Refuse;

enum class Kind : uint8_t {
  kText,
  kTexts,
  kWord,
  kInteger,
  kTime,
  kFlag,
  kMap,
  kStructure,
  kStructures,
  kAny
};
constexpr int64_t kAnyLength = 1 << 22;

struct Member {
  std::string_view shape, name;
  Kind kind;
  bool required = false;
  int64_t least = 0, most = kAnyLength;  // length of text and list elements, value of integers
  std::string_view of = {};              // structure, or the words of kWord as "A|B"
  int64_t most_elements = 1 << 20;
};

constexpr std::array kMembers = std::to_array<Member>({
    // Requests.
    {"CreateDatabase", "CatalogId", Kind::kText, false, 1, 255},
    {"CreateDatabase", "DatabaseInput", Kind::kStructure, true, 0, 0, "DatabaseInput"},
    {"GetDatabase", "CatalogId", Kind::kText, false, 1, 255},
    {"GetDatabase", "Name", Kind::kText, true, 1, 255},
    {"GetDatabases", "CatalogId", Kind::kText, false, 1, 255},
    {"GetDatabases", "NextToken", Kind::kText},
    {"GetDatabases", "MaxResults", Kind::kInteger, false, 1, 100},
    {"UpdateDatabase", "CatalogId", Kind::kText, false, 1, 255},
    {"UpdateDatabase", "Name", Kind::kText, true, 1, 255},
    {"UpdateDatabase", "DatabaseInput", Kind::kStructure, true, 0, 0, "DatabaseInput"},
    {"DeleteDatabase", "CatalogId", Kind::kText, false, 1, 255},
    {"DeleteDatabase", "Name", Kind::kText, true, 1, 255},
    {"CreateTable", "CatalogId", Kind::kText, false, 1, 255},
    {"CreateTable", "DatabaseName", Kind::kText, true, 1, 255},
    {"CreateTable", "TableInput", Kind::kStructure, true, 0, 0, "TableInput"},
    {"GetTable", "CatalogId", Kind::kText, false, 1, 255},
    {"GetTable", "DatabaseName", Kind::kText, true, 1, 255},
    {"GetTable", "Name", Kind::kText, true, 1, 255},
    {"GetTables", "CatalogId", Kind::kText, false, 1, 255},
    {"GetTables", "DatabaseName", Kind::kText, true, 1, 255},
    {"GetTables", "Expression", Kind::kText, false, 0, 2048},
    {"GetTables", "NextToken", Kind::kText},
    {"GetTables", "MaxResults", Kind::kInteger, false, 1, 100},
    {"UpdateTable", "CatalogId", Kind::kText, false, 1, 255},
    {"UpdateTable", "DatabaseName", Kind::kText, true, 1, 255},
    {"UpdateTable", "Name", Kind::kText, false, 1, 255},
    {"UpdateTable", "TableInput", Kind::kStructure, true, 0, 0, "TableInput"},
    {"UpdateTable", "SkipArchive", Kind::kFlag},
    {"UpdateTable", "VersionId", Kind::kText, false, 1, 255},
    {"DeleteTable", "CatalogId", Kind::kText, false, 1, 255},
    {"DeleteTable", "DatabaseName", Kind::kText, true, 1, 255},
    {"DeleteTable", "Name", Kind::kText, true, 1, 255},
    {"BatchDeleteTable", "CatalogId", Kind::kText, false, 1, 255},
    {"BatchDeleteTable", "DatabaseName", Kind::kText, true, 1, 255},
    {"BatchDeleteTable", "TablesToDelete", Kind::kTexts, true, 1, 255, {}, 100},
    {"CreatePartition", "CatalogId", Kind::kText, false, 1, 255},
    {"CreatePartition", "DatabaseName", Kind::kText, true, 1, 255},
    {"CreatePartition", "TableName", Kind::kText, true, 1, 255},
    {"CreatePartition", "PartitionInput", Kind::kStructure, true, 0, 0, "PartitionInput"},
    {"BatchCreatePartition", "CatalogId", Kind::kText, false, 1, 255},
    {"BatchCreatePartition", "DatabaseName", Kind::kText, true, 1, 255},
    {"BatchCreatePartition", "TableName", Kind::kText, true, 1, 255},
    {"BatchCreatePartition", "PartitionInputList", Kind::kStructures, true, 0, 0, "PartitionInput",
     100},
    {"GetPartition", "CatalogId", Kind::kText, false, 1, 255},
    {"GetPartition", "DatabaseName", Kind::kText, true, 1, 255},
    {"GetPartition", "TableName", Kind::kText, true, 1, 255},
    {"GetPartition", "PartitionValues", Kind::kTexts, true, 0, 1024},
    {"GetPartitions", "CatalogId", Kind::kText, false, 1, 255},
    {"GetPartitions", "DatabaseName", Kind::kText, true, 1, 255},
    {"GetPartitions", "TableName", Kind::kText, true, 1, 255},
    {"GetPartitions", "Expression", Kind::kText, false, 0, 2048},
    {"GetPartitions", "NextToken", Kind::kText},
    {"GetPartitions", "Segment", Kind::kStructure, false, 0, 0, "Segment"},
    {"GetPartitions", "MaxResults", Kind::kInteger, false, 1, 1000},
    {"GetPartitions", "ExcludeColumnSchema", Kind::kFlag},
    {"BatchGetPartition", "CatalogId", Kind::kText, false, 1, 255},
    {"BatchGetPartition", "DatabaseName", Kind::kText, true, 1, 255},
    {"BatchGetPartition", "TableName", Kind::kText, true, 1, 255},
    {"BatchGetPartition", "PartitionsToGet", Kind::kStructures, true, 0, 0, "PartitionValueList",
     1000},
    {"UpdatePartition", "CatalogId", Kind::kText, false, 1, 255},
    {"UpdatePartition", "DatabaseName", Kind::kText, true, 1, 255},
    {"UpdatePartition", "TableName", Kind::kText, true, 1, 255},
    {"UpdatePartition", "PartitionValueList", Kind::kTexts, true, 0, 1024},
    {"UpdatePartition", "PartitionInput", Kind::kStructure, true, 0, 0, "PartitionInput"},
    {"DeletePartition", "CatalogId", Kind::kText, false, 1, 255},
    {"DeletePartition", "DatabaseName", Kind::kText, true, 1, 255},
    {"DeletePartition", "TableName", Kind::kText, true, 1, 255},
    {"DeletePartition", "PartitionValues", Kind::kTexts, true, 0, 1024},
    {"BatchDeletePartition", "CatalogId", Kind::kText, false, 1, 255},
    {"BatchDeletePartition", "DatabaseName", Kind::kText, true, 1, 255},
    {"BatchDeletePartition", "TableName", Kind::kText, true, 1, 255},
    {"BatchDeletePartition", "PartitionsToDelete", Kind::kStructures, true, 0, 0,
     "PartitionValueList", 25},
    {"CreateCrawler", "Name", Kind::kText, true, 1, 255},
    {"CreateCrawler", "Role", Kind::kText, true, 1, 2048},
    {"CreateCrawler", "Targets", Kind::kStructure, true, 0, 0, "CrawlerTargets"},
    {"CreateCrawler", "DatabaseName", Kind::kText, false, 0, 255},
    {"CreateCrawler", "Description", Kind::kText, false, 0, 2048},
    {"CreateCrawler", "Schedule", Kind::kText, false, 0, 2048},
    {"CreateCrawler", "Classifiers", Kind::kTexts, false, 1, 255},
    {"CreateCrawler", "TablePrefix", Kind::kText, false, 0, 128},
    {"CreateCrawler", "SchemaChangePolicy", Kind::kStructure, false, 0, 0, "SchemaChangePolicy"},
    {"CreateCrawler", "RecrawlPolicy", Kind::kStructure, false, 0, 0, "RecrawlPolicy"},
    {"CreateCrawler", "LineageConfiguration", Kind::kStructure, false, 0, 0,
     "LineageConfiguration"},
    {"CreateCrawler", "LakeFormationConfiguration", Kind::kStructure, false, 0, 0,
     "LakeFormationConfiguration"},
    {"CreateCrawler", "Configuration", Kind::kText},
    {"CreateCrawler", "CrawlerSecurityConfiguration", Kind::kText, false, 0, 128},
    {"UpdateCrawler", "Name", Kind::kText, true, 1, 255},
    {"UpdateCrawler", "Role", Kind::kText, false, 1, 2048},
    {"UpdateCrawler", "Targets", Kind::kStructure, false, 0, 0, "CrawlerTargets"},
    {"UpdateCrawler", "DatabaseName", Kind::kText, false, 0, 255},
    {"UpdateCrawler", "Description", Kind::kText, false, 0, 2048},
    {"UpdateCrawler", "Schedule", Kind::kText, false, 0, 2048},
    {"UpdateCrawler", "Classifiers", Kind::kTexts, false, 1, 255},
    {"UpdateCrawler", "TablePrefix", Kind::kText, false, 0, 128},
    {"UpdateCrawler", "SchemaChangePolicy", Kind::kStructure, false, 0, 0, "SchemaChangePolicy"},
    {"UpdateCrawler", "RecrawlPolicy", Kind::kStructure, false, 0, 0, "RecrawlPolicy"},
    {"UpdateCrawler", "LineageConfiguration", Kind::kStructure, false, 0, 0,
     "LineageConfiguration"},
    {"UpdateCrawler", "LakeFormationConfiguration", Kind::kStructure, false, 0, 0,
     "LakeFormationConfiguration"},
    {"UpdateCrawler", "Configuration", Kind::kText},
    {"UpdateCrawler", "CrawlerSecurityConfiguration", Kind::kText, false, 0, 128},
    {"GetCrawler", "Name", Kind::kText, true, 1, 255},
    {"GetCrawlers", "NextToken", Kind::kText},
    {"GetCrawlers", "MaxResults", Kind::kInteger, false, 1, 1000},
    {"ListCrawlers", "NextToken", Kind::kText},
    {"ListCrawlers", "MaxResults", Kind::kInteger, false, 1, 1000},
    {"BatchGetCrawlers", "CrawlerNames", Kind::kTexts, true, 1, 255, {}, 100},
    {"DeleteCrawler", "Name", Kind::kText, true, 1, 255},
    {"StartCrawler", "Name", Kind::kText, true, 1, 255},
    {"StopCrawler", "Name", Kind::kText, true, 1, 255},
    // Structures.
    {"DatabaseInput", "Name", Kind::kText, true, 1, 255},
    {"DatabaseInput", "Description", Kind::kText, false, 0, 2048},
    {"DatabaseInput", "LocationUri", Kind::kText, false, 1, 1024},
    {"DatabaseInput", "Parameters", Kind::kMap, false, 1, 255},
    {"DatabaseInput", "CreateTableDefaultPermissions", Kind::kStructures, false, 0, 0,
     "PrincipalPermissions"},
    {"DatabaseInput", "TargetDatabase", Kind::kAny},
    {"PrincipalPermissions", "Principal", Kind::kAny},
    {"PrincipalPermissions", "Permissions", Kind::kTexts},
    {"TableInput", "Name", Kind::kText, true, 1, 255},
    {"TableInput", "Description", Kind::kText, false, 0, 2048},
    {"TableInput", "Owner", Kind::kText, false, 1, 255},
    {"TableInput", "LastAccessTime", Kind::kTime},
    {"TableInput", "LastAnalyzedTime", Kind::kTime},
    {"TableInput", "Retention", Kind::kInteger, false, 0, 2147483647},
    {"TableInput", "StorageDescriptor", Kind::kStructure, false, 0, 0, "StorageDescriptor"},
    {"TableInput", "PartitionKeys", Kind::kStructures, false, 0, 0, "Column"},
    {"TableInput", "ViewOriginalText", Kind::kText, false, 0, 409600},
    {"TableInput", "ViewExpandedText", Kind::kText, false, 0, 409600},
    {"TableInput", "TableType", Kind::kText, false, 0, 255},
    {"TableInput", "Parameters", Kind::kMap, false, 1, 255},
    {"TableInput", "TargetTable", Kind::kAny},
    {"PartitionInput", "Values", Kind::kTexts, false, 0, 1024},
    {"PartitionInput", "LastAccessTime", Kind::kTime},
    {"PartitionInput", "LastAnalyzedTime", Kind::kTime},
    {"PartitionInput", "StorageDescriptor", Kind::kStructure, false, 0, 0, "StorageDescriptor"},
    {"PartitionInput", "Parameters", Kind::kMap, false, 1, 255},
    {"PartitionValueList", "Values", Kind::kTexts, true, 0, 1024},
    {"Segment", "SegmentNumber", Kind::kInteger, true, 0, 9},
    {"Segment", "TotalSegments", Kind::kInteger, true, 1, 10},
    {"StorageDescriptor", "Columns", Kind::kStructures, false, 0, 0, "Column"},
    {"StorageDescriptor", "Location", Kind::kText, false, 0, 2056},
    {"StorageDescriptor", "AdditionalLocations", Kind::kTexts, false, 0, 2056},
    {"StorageDescriptor", "InputFormat", Kind::kText, false, 0, 128},
    {"StorageDescriptor", "OutputFormat", Kind::kText, false, 0, 128},
    {"StorageDescriptor", "Compressed", Kind::kFlag},
    {"StorageDescriptor", "NumberOfBuckets", Kind::kInteger, false, -2147483648LL, 2147483647},
    {"StorageDescriptor", "SerdeInfo", Kind::kStructure, false, 0, 0, "SerDeInfo"},
    {"StorageDescriptor", "BucketColumns", Kind::kTexts, false, 1, 255},
    {"StorageDescriptor", "SortColumns", Kind::kStructures, false, 0, 0, "Order"},
    {"StorageDescriptor", "Parameters", Kind::kMap, false, 1, 255},
    {"StorageDescriptor", "SkewedInfo", Kind::kStructure, false, 0, 0, "SkewedInfo"},
    {"StorageDescriptor", "StoredAsSubDirectories", Kind::kFlag},
    {"StorageDescriptor", "SchemaReference", Kind::kAny},
    {"Column", "Name", Kind::kText, true, 1, 255},
    {"Column", "Type", Kind::kText, false, 0, 131072},
    {"Column", "Comment", Kind::kText, false, 0, 255},
    {"Column", "Parameters", Kind::kMap, false, 1, 255},
    {"SerDeInfo", "Name", Kind::kText, false, 1, 255},
    {"SerDeInfo", "SerializationLibrary", Kind::kText, false, 1, 255},
    {"SerDeInfo", "Parameters", Kind::kMap, false, 1, 255},
    {"Order", "Column", Kind::kText, true, 1, 255},
    {"Order", "SortOrder", Kind::kInteger, true, 0, 1},
    {"SkewedInfo", "SkewedColumnNames", Kind::kTexts, false, 1, 255},
    {"SkewedInfo", "SkewedColumnValues", Kind::kTexts},
    {"SkewedInfo", "SkewedColumnValueLocationMaps", Kind::kMap},
    {"CrawlerTargets", "S3Targets", Kind::kStructures, false, 0, 0, "S3Target"},
    {"CrawlerTargets", "JdbcTargets", Kind::kAny},
    {"CrawlerTargets", "MongoDBTargets", Kind::kAny},
    {"CrawlerTargets", "DynamoDBTargets", Kind::kAny},
    {"CrawlerTargets", "CatalogTargets", Kind::kAny},
    {"CrawlerTargets", "DeltaTargets", Kind::kAny},
    {"CrawlerTargets", "IcebergTargets", Kind::kAny},
    {"CrawlerTargets", "HudiTargets", Kind::kAny},
    {"S3Target", "Path", Kind::kText, true, 1, 2056},
    {"S3Target", "Exclusions", Kind::kTexts},
    {"S3Target", "ConnectionName", Kind::kText},
    {"S3Target", "SampleSize", Kind::kInteger, false, 1, 249},
    {"S3Target", "EventQueueArn", Kind::kText},
    {"S3Target", "DlqEventQueueArn", Kind::kText},
    {"SchemaChangePolicy", "UpdateBehavior", Kind::kWord, false, 0, 0, "LOG|UPDATE_IN_DATABASE"},
    {"SchemaChangePolicy", "DeleteBehavior", Kind::kWord, false, 0, 0,
     "LOG|DELETE_FROM_DATABASE|DEPRECATE_IN_DATABASE"},
    {"RecrawlPolicy", "RecrawlBehavior", Kind::kWord, false, 0, 0,
     "CRAWL_EVERYTHING|CRAWL_NEW_FOLDERS_ONLY|CRAWL_EVENT_MODE"},
    {"LineageConfiguration", "CrawlerLineageSettings", Kind::kWord, false, 0, 0, "ENABLE|DISABLE"},
    {"LakeFormationConfiguration", "UseLakeFormationCredentials", Kind::kFlag},
    {"LakeFormationConfiguration", "AccountId", Kind::kText, false, 0, 12},
});

std::string Spelled(const std::string& path, std::string_view name) {
  std::string lower(name);
  if (!lower.empty() && lower.front() >= 'A' && lower.front() <= 'Z')
    lower.front() = static_cast<char>(lower.front() + 32);
  return path.empty() ? lower : path + "." + lower;
}

std::unexpected<api::Failure> Invalid(const std::string& value, const std::string& path,
                                      const std::string& constraint) {
  return Refuse(
      "InvalidInputException",
      fmt::format("1 validation error detected: Value {} at '{}' failed to satisfy constraint: {}",
                  value, path, constraint));
}

std::unexpected<api::Failure> WrongType(const std::string& path, std::string_view wanted) {
  return Refuse("SerializationException", fmt::format("The member '{}' must be {}.", path, wanted));
}

// Characters, not bytes.
int64_t Length(const std::string& text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

Answer<void> CheckText(const Json& value, const Member& member, const std::string& path) {
  if (!value.is_string()) return WrongType(path, "a string");
  const auto& text = value.get_ref<const std::string&>();
  const int64_t length = Length(text);
  if (length < member.least) {
    return Invalid(
        "'" + text + "'", path,
        fmt::format("Member must have length greater than or equal to {}", member.least));
  }
  if (length > member.most) {
    return Invalid("'" + text.substr(0, 100) + "...'", path,
                   fmt::format("Member must have length less than or equal to {}", member.most));
  }
  return {};
}

Answer<Json> ReadStructure(const Json& input, std::string_view shape, const std::string& path);

Answer<Json> ReadMember(const Json& value, const Member& member, const std::string& path) {
  switch (member.kind) {
    case Kind::kText:
      if (auto checked = CheckText(value, member, path); !checked)
        return std::unexpected(checked.error());
      return value;
    case Kind::kWord: {
      if (!value.is_string()) return WrongType(path, "a string");
      const auto& text = value.get_ref<const std::string&>();
      std::string_view words = member.of;
      while (!words.empty()) {
        const size_t bar = words.find('|');
        if (words.substr(0, bar) == text) return value;
        words.remove_prefix(bar == std::string_view::npos ? words.size() : bar + 1);
      }
      std::string listed(member.of);
      std::ranges::replace(listed, '|', ',');
      return Invalid("'" + text.substr(0, 100) + "'", path,
                     fmt::format("Member must satisfy enum value set: [{}]", listed));
    }
    case Kind::kInteger: {
      if (!value.is_number_integer()) return WrongType(path, "an integer");
      const auto number = value.get<int64_t>();
      if (number < member.least)
        return Invalid(
            fmt::format("'{}'", number), path,
            fmt::format("Member must have value greater than or equal to {}", member.least));
      if (number > member.most)
        return Invalid(fmt::format("'{}'", number), path,
                       fmt::format("Member must have value less than or equal to {}", member.most));
      return value;
    }
    case Kind::kTime:
      if (!value.is_number()) return WrongType(path, "a number of seconds");
      return value;
    case Kind::kFlag:
      if (!value.is_boolean()) return WrongType(path, "true or false");
      return value;
    case Kind::kMap:
      if (!value.is_object()) return WrongType(path, "a map of strings");
      for (const auto& [key, element] : value.items()) {
        if (!element.is_string()) return WrongType(path + "." + key, "a string");
        if (Length(key) < member.least || Length(key) > member.most) {
          return Invalid("'" + key.substr(0, 100) + "'", path,
                         fmt::format("Map keys must have length between {} and {}", member.least,
                                     member.most));
        }
      }
      return value;
    case Kind::kTexts:
    case Kind::kStructures: {
      if (!value.is_array()) return WrongType(path, "a list");
      if (static_cast<int64_t>(value.size()) > member.most_elements) {
        return Invalid(
            fmt::format("of {} elements", value.size()), path,
            fmt::format("Member must have length less than or equal to {}", member.most_elements));
      }
      Json out = Json::array();
      for (size_t i = 0; i < value.size(); i++) {
        const std::string at = fmt::format("{}.{}.member", path, i + 1);
        if (member.kind == Kind::kTexts) {
          if (auto checked = CheckText(value[i], member, at); !checked)
            return std::unexpected(checked.error());
          out.push_back(value[i]);
        } else {
          auto read = ReadStructure(value[i], member.of, at);
          if (!read) return read;
          out.push_back(std::move(*read));
        }
      }
      return out;
    }
    case Kind::kStructure:
      return ReadStructure(value, member.of, path);
    case Kind::kAny:
      return value;
  }
  return value;
}

Answer<Json> ReadStructure(const Json& input, std::string_view shape, const std::string& path) {
  if (!input.is_object()) return WrongType(path, "an object");
  Json out = Json::object();
  for (const Member& member : kMembers) {
    if (member.shape != shape) continue;
    const auto found = input.find(member.name);
    const std::string at = Spelled(path, member.name);
    if (found == input.end() || found->is_null()) {
      if (member.required) return Invalid("null", at, "Member must not be null");
      continue;
    }
    auto read = ReadMember(*found, member, at);
    if (!read) return read;
    out[std::string(member.name)] = std::move(*read);
  }
  return out;
}

}  // namespace

Answer<Json> ReadShape(const Json& input, std::string_view shape) {
  return ReadStructure(input, shape, "");
}

}  // namespace skep::glue
