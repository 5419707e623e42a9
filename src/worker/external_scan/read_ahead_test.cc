#include "worker/external_scan/read_ahead.h"

#include <gtest/gtest.h>

namespace skep::external_scan {
namespace {

constexpr uint64_t kMiB = 1u << 20;
std::shared_ptr<Demand> Fresh() { return std::make_shared<Demand>(); }
using Ranges = std::vector<ByteRange>;

TEST(ReadAhead, MergesChunksThatLieCloseAndLeavesOthersApart) {
  ReadAhead plan({{{{300'000, 50'000}, {100, 1000}, {1100 + 16384, 10}, {200'000, 0}}, {}}},
                 Fresh());
  EXPECT_EQ(plan.Begin(), (Ranges{{100, 1000 + 16384 + 10}, {300'000, 50'000}}));
  EXPECT_EQ(plan.Begin(), Ranges{});
}

TEST(ReadAhead, GoesOnAsGroupsAreReadAndAnswersEachRangeOnce) {
  std::vector<PlannedGroup> groups;
  for (uint64_t i = 0; i < 10; i++) groups.push_back({{{i * 10 * kMiB, 6 * kMiB}}, {}});
  ReadAhead plan(groups, Fresh());
  EXPECT_EQ(plan.Begin(), (Ranges{{0, 6 * kMiB}, {10 * kMiB, 6 * kMiB}}));
  EXPECT_EQ(plan.Reading(0), Ranges{});
  EXPECT_EQ(plan.Reading(10 * kMiB + 5), (Ranges{{20 * kMiB, 6 * kMiB}}));
  EXPECT_EQ(plan.Reading(11 * kMiB), Ranges{});
  EXPECT_EQ(plan.Reading(90 * kMiB), (Ranges{{90 * kMiB, 6 * kMiB}}));
  EXPECT_EQ(plan.Reading(7 * kMiB), Ranges{}) << "between chunks";
  EXPECT_EQ(plan.Reading(1000 * kMiB), Ranges{});
}

TEST(ReadAhead, DoesNotRunAheadOfLargeGroups) {
  std::vector<PlannedGroup> groups;
  for (uint64_t i = 0; i < 4; i++) groups.push_back({{{i * 200 * kMiB, 100 * kMiB}}, {}});
  ReadAhead plan(groups, Fresh());
  EXPECT_EQ(plan.Begin(), (Ranges{{0, 100 * kMiB}}));
  EXPECT_EQ(plan.Reading(0), Ranges{});
  EXPECT_EQ(plan.Reading(200 * kMiB), (Ranges{{200 * kMiB, 100 * kMiB}}));
}

TEST(ReadAhead, FetchesColumnsWithoutFilterOnlyWhileRowsPass) {
  std::vector<PlannedGroup> groups;
  const auto at = [](uint64_t mib) { return ByteRange{mib * kMiB, 3 * kMiB}; };
  for (uint64_t i = 0; i < 8; i++) groups.push_back({{at(i * 100)}, {at(i * 100 + 50)}});
  const auto demand = Fresh();
  ReadAhead plan(groups, demand);
  // Nothing has passed so far: columns with filters alone.
  EXPECT_EQ(plan.Begin(), (Ranges{at(0), at(100), at(200), at(300), at(400)}));
  EXPECT_EQ(plan.Reading(0), Ranges{});
  // A row passed: the group's other columns, and those of the next ones.
  EXPECT_EQ(plan.Reading(52 * kMiB), (Ranges{at(50), at(150)}));
  EXPECT_EQ(plan.Reading(52 * kMiB), Ranges{});
  EXPECT_EQ(plan.Reading(100 * kMiB), (Ranges{at(250)}));
  // Another file of the scan begins with both.
  EXPECT_EQ(ReadAhead({{{at(0)}, {at(50)}}}, demand).Begin(), (Ranges{at(0), at(50)}));
  // Then nothing passes for a while.
  for (uint64_t i = 2; i < 5; i++) plan.Reading(i * 100 * kMiB);
  EXPECT_FALSE(demand->Likely());
  EXPECT_EQ(ReadAhead({{{at(0)}, {at(50)}}}, demand).Begin(), (Ranges{at(0)}));
}

TEST(ReadAhead, AnEmptyPlanAsksForNothing) {
  ReadAhead none({}, Fresh());
  EXPECT_EQ(none.Begin(), Ranges{});
  EXPECT_EQ(none.Reading(0), Ranges{});
  ReadAhead empty({PlannedGroup{}, PlannedGroup{}}, Fresh());
  EXPECT_EQ(empty.Begin(), Ranges{});
}

}  // namespace
}  // namespace skep::external_scan
