#include "worker/external_scan/lake_fixture.h"

namespace skep::external_scan {
namespace {

// ext.sales: four days and one NULL day of 1,000 rows each, as Parquet, two files a day.
class ParquetScan : public LakeFixture {
 protected:
  ParquetScan() {
    FakeTable table;
    table.description = Describe("sales", "parquet", {{"id", "bigint"}, {"amount", "decimal(10,2)"}, {"note", "string"}}, {{"dt", "date"}, {"region", "string"}});
    for (int day = 1; day <= 5; day++) {
      const std::string date = day == 5 ? "none" : "2026-01-0" + std::to_string(day);
      const std::string folder = "sales/dt=" + date;
      for (int part = 0; part < 2; part++) {
        Write(folder + "/part-" + std::to_string(part) + ".parquet",
              "SELECT " + std::to_string(day * 1000) + " + range + " + std::to_string(part * 500) +
                  " AS id, (range * 1.5)::DECIMAL(10,2) AS amount, 'n' || range AS note FROM range(500)",
              "FORMAT parquet");
      }
      AddPartition(table, {day == 5 ? std::nullopt : std::optional(date), day % 2 == 0 ? "east" : "west"}, folder);
    }
    gateway_->SetTable(std::move(table));
    gateway_->TakeCounts();
  }
};

TEST_F(ParquetScan, ReadsAllRowsOfAPartitionedTable) {
  EXPECT_EQ(Ask("SELECT count(*), sum(id), count(dt), count(DISTINCT dt), max(note) FROM skep_lake.ext.sales"), "5000|17497500|4000|4|n99");
  EXPECT_EQ(gateway_->TakeCounts().last_user, "alice");
}

}  // namespace
}  // namespace skep::external_scan
