#include "worker/wire_collector.h"

#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/main/prepared_statement_data.hpp>
#include <utility>

#include "worker/encoder.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/result_cache.h"

namespace skep::worker {
namespace {

// The first frame is small, so that the first row comes soon; later ones amortise a system call.
constexpr size_t kFirstFrameBytes = 16u << 10;
constexpr size_t kSecondFrameBytes = 64u << 10;
// Frames below this wait for the statement's end and leave with it.
constexpr size_t kHoldBytes = 32u << 10;

ResultShape MustShape(const duckdb::vector<duckdb::LogicalType>& types, const WireOutput& output) {
  ResultShape shape = external_scan::OrThrow(ShapeOf(types, output.formats, output.declared));
  shape.zone_is_utc = IsUtc(output.zone);
  shape.extra_float_digits = output.extra_float_digits;
  return shape;
}

class WireCollector final : public duckdb::PhysicalResultCollector {
 public:
  WireCollector(duckdb::PhysicalPlan& plan, duckdb::PreparedStatementData& data, WireOutput& output,
                bool parallel)
      : PhysicalResultCollector(plan, data),
        output_(output),
        shape_(MustShape(types, output)),
        parallel_(parallel) {}

  const ResultShape& shape() const { return shape_; }

  duckdb::SinkResultType Sink(duckdb::ExecutionContext&, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override {
    Outlet& outlet = output_.outlet;
    if (outlet.stopped()) throw duckdb::InterruptException();
    if (outlet.full() && outlet.OnRoom([state = input.interrupt_state] { state.Callback(); }))
      return duckdb::SinkResultType::BLOCKED;
    auto& local = input.local_state.Cast<Local>();
    local.encoder.Load(chunk);
    const size_t count = chunk.size();
    for (size_t row = 0;;) {
      if (!local.frame) local.frame = Frame::WithRoom(local.limit_bytes);
      row = local.encoder.Encode(row, count, local.frame, local.limit_bytes);
      if (row == count) break;
      local.frame.Seal(ipc::FrameType::kRows);
      output_.Copy(local.frame, false);
      outlet.Push(local.frame);
      local.limit_bytes =
          local.limit_bytes == kFirstFrameBytes ? kSecondFrameBytes : ipc::kMaxRowsFrame;
    }
    local.rows += count;
    return duckdb::SinkResultType::NEED_MORE_INPUT;
  }

  duckdb::SinkCombineResultType Combine(duckdb::ExecutionContext&,
                                        duckdb::OperatorSinkCombineInput& input) const override {
    auto& local = input.local_state.Cast<Local>();
    output_.rows += std::exchange(local.rows, 0);
    if (local.frame && !local.frame.empty()) {
      local.frame.Seal(ipc::FrameType::kRows);
      output_.Copy(local.frame, true);
      if (local.frame.size < kHoldBytes) {
        output_.outlet.Hold(std::exchange(local.frame, Frame{}));
      } else {
        output_.outlet.Push(local.frame);
      }
    }
    return duckdb::SinkCombineResultType::FINISHED;
  }

  duckdb::unique_ptr<duckdb::QueryResult> GetResult(duckdb::GlobalSinkState& state) const override {
    auto& context = state.Cast<Global>().context;
    return duckdb::make_uniq<duckdb::MaterializedQueryResult>(statement_type, properties, names,
                                                              CreateCollection(context),
                                                              context.GetClientProperties());
  }

  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(
      duckdb::ClientContext& context) const override {
    return duckdb::make_uniq<Global>(context);
  }
  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(
      duckdb::ExecutionContext& context) const override {
    return duckdb::make_uniq<Local>(context.client, shape_);
  }
  bool ParallelSink() const override { return parallel_; }
  bool SinkOrderDependent() const override { return true; }

 private:
  struct Global final : duckdb::GlobalSinkState {
    explicit Global(duckdb::ClientContext& c) : context(c) {}
    duckdb::ClientContext& context;
  };
  struct Local final : duckdb::LocalSinkState {
    Local(duckdb::ClientContext& context, const ResultShape& shape) : encoder(context, shape) {}
    RowEncoder encoder;
    Frame frame;
    size_t limit_bytes = kFirstFrameBytes;
    uint64_t rows = 0;
  };

  WireOutput& output_;
  const ResultShape shape_;
  const bool parallel_;
};

}  // namespace

void WireOutput::Copy(const Frame& frame, bool last) {
  if (!keep) return;
  const std::lock_guard lock(kept_mutex);
  // A frame that is not the last of its thread means a large result.
  whole = whole && last && kept.size() + frame.size <= ResultCache::kMostResultBytes;
  if (whole) {
    kept.append(frame.data.get(), frame.size);
  } else {
    kept.clear();
  }
}

Frame DescribeRows(const duckdb::vector<std::string>& names,
                   const duckdb::vector<duckdb::LogicalType>& types, const ResultShape& shape,
                   const Declared& declared) {
  const std::string message = EncodeRowDescription(DescribeColumns(names, types, declared), shape);
  Frame frame = Frame::WithRoom(message.size());
  frame.Append(message);
  frame.Seal(ipc::FrameType::kRows);
  return frame;
}

duckdb::unique_ptr<duckdb::PhysicalOperator> MakeWireCollector(duckdb::ClientContext& context,
                                                               duckdb::PreparedStatementData& data,
                                                               WireOutput& output) {
  const bool parallel =
      !duckdb::PhysicalPlanGenerator::PreserveInsertionOrder(context, data.physical_plan->Root());
  auto collector = duckdb::make_uniq<WireCollector>(*data.physical_plan, data, output, parallel);
  if (output.describe) {
    Frame description = DescribeRows(data.names, data.types, collector->shape(), output.declared);
    output.Copy(description, true);
    output.outlet.Hold(std::move(description));
  }
  return collector;
}

}  // namespace skep::worker
