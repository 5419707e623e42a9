// The operations of the Glue API by group; each group is a file. GlueService joins them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/glue/call.h"
#include "api/glue/partition_filter.h"

namespace skep::glue {

std::span<const Operation> DatabaseOperations();
std::span<const Operation> TableOperations();
std::span<const Operation> TableVersionOperations();
std::span<const Operation> SearchOperations();
std::span<const Operation> PartitionOperations();
std::span<const Operation> PartitionIndexOperations();
std::span<const Operation> ColumnStatisticsOperations();
std::span<const Operation> FunctionOperations();
std::span<const Operation> ConnectionOperations();
std::span<const Operation> ClassifierOperations();
std::span<const Operation> CrawlerOperations();
std::span<const Operation> CrawlHistoryOperations();
std::span<const Operation> TriggerOperations();
std::span<const Operation> WorkflowOperations();
std::span<const Operation> TagOperations();
std::span<const Operation> PolicyOperations();
std::span<const Operation> CatalogOperations();
std::span<const Operation> UnfilteredOperations();

// What groups need of each other.

// The API's Table.
Json TableOf(const control::GlueTable& table);
std::vector<PartitionKey> KeysOf(const control::GlueTable& table);
// The API's Partition.
Json PartitionOf(const control::GlueTable& table, const control::GluePartition& partition);
// One page of a table's partitions by Expression, Segment, NextToken and MaxResults of the request;
// puts NextToken into `out`.
Answer<std::vector<control::GluePartition>> PartitionPage(const CallState& call,
                                                          const control::GlueTable& table,
                                                          Json& out);
Answer<control::GluePartition> FindPartition(const CallState& call, const control::GlueTable& table,
                                             const std::vector<std::string>& values);
// Keeps the tags of what was just made; none: nothing. Failure: more than 50 of them.
Answer<void> CheckTags(const Json& request);
Answer<void> KeepTags(const CallState& call, const std::string& arn);
void DropTags(const CallState& call, const std::string& arn);
bool HasTags(const CallState& call, const std::string& arn, const Json& wanted);
// Makes a partition index. Failures: AlreadyExists, InvalidInput, ResourceNumberLimitExceeded.
Answer<void> CheckPartitionIndex(const std::vector<PartitionKey>& keys, const Json& index);
Answer<void> KeepPartitionIndex(const CallState& call, const control::GlueTable& table,
                                const Json& index);
// Starts a crawler as the caller.
Answer<void> Start(const CallState& call, const control::Crawler& crawler);
// Begins a run of a workflow; `trigger`: which of its triggers fires, empty: the one that starts
// it.
Answer<std::string> StartRun(const CallState& call, const std::string& workflow,
                             const std::string& trigger, const Json& properties);
// cron(minutes hours day-of-month month day-of-week year). Failure: InvalidInputException.
Answer<void> CheckSchedule(const std::string& expression);
// The former runs of a crawler, newest first, as CrawlerHistory.
Answer<std::vector<Json>> CrawlsOf(const CallState& call, const control::Crawler& crawler);

}  // namespace skep::glue
