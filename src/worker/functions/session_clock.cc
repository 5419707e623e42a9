#include "worker/functions/session_clock.h"

#include <atomic>
#include <cstdio>
#include <duckdb/common/types/timestamp.hpp>
#include <duckdb/main/client_context_state.hpp>
#include <duckdb/transaction/meta_transaction.hpp>

#include "worker/functions/calendar.h"
#include "worker/functions/calendar_names.h"
#include "worker/functions/time_zone.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;

int64_t WallClock() { return duckdb::Timestamp::GetCurrentTimestamp().value; }

class StatementClock : public duckdb::ClientContextState {
 public:
  void QueryBegin(duckdb::ClientContext&) override { start_ = WallClock(); }
  int64_t start() const { return start_; }

 private:
  std::atomic<int64_t> start_ = WallClock();
};

// Binding must see the clock first: only then it is set at the start of later statements.
duckdb::unique_ptr<duckdb::FunctionData> BindStatementClock(
    duckdb::ClientContext& context, duckdb::ScalarFunction&,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>&) {
  StatementStart(context);
  return nullptr;
}

template <class T>
void Put(duckdb::Vector& result, T value) {
  result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  *duckdb::ConstantVector::GetData<T>(result) = value;
}

int64_t LocalTransactionStart(duckdb::ExpressionState& state) {
  auto& session = duckdb::ExecuteFunctionState::GetFunctionState(state)->Cast<SessionZone>();
  return session.zone->ToLocal(TransactionStart(session.context));
}

void Getdate(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const int64_t now = SessionZone::Of(state).ToLocal(StatementStart(state.GetContext()));
  Put(result, FloorDivide(now, kMicrosPerSecond) * kMicrosPerSecond);  // whole seconds
}
void Sysdate(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  Put(result, LocalTransactionStart(state));
}
void CurrentDate(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  Put(result, DateOf(DayOf(LocalTransactionStart(state))));
}
void LocalTime(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  Put(result, TimeOf(LocalTransactionStart(state)));
}
void CurrentTime(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const int64_t utc = TransactionStart(&state.GetContext());
  const Zone& zone = SessionZone::Of(state);
  Put(result,
      duckdb::dtime_tz_t(duckdb::dtime_t(TimeOf(zone.ToLocal(utc))), zone.SecondsEastAt(utc)));
}
void Now(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  Put(result, TransactionStart(&state.GetContext()));
}

// "Thu Sep 19 22:53:50.333525 2013 UTC"
void Timeofday(duckdb::DataChunk&, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const int64_t utc = StatementStart(state.GetContext());
  const Zone& zone = SessionZone::Of(state);
  const int64_t local = zone.ToLocal(utc), day = DayOf(local), time = TimeOf(local);
  const CalendarDay date = ToCalendar(day);
  char text[96];
  const std::string name = zone.NameAt(utc);
  const int size = std::snprintf(
      text, sizeof text, "%.3s %.3s %02d %02d:%02d:%02d.%06d %04lld %s",
      kDayNames[static_cast<size_t>(DayOfWeek(day))].data(),
      kMonthNames[static_cast<size_t>(date.month - 1)].data(), date.day,
      static_cast<int>(time / kMicrosPerHour), static_cast<int>(time / kMicrosPerMinute % 60),
      static_cast<int>(time / kMicrosPerSecond % 60), static_cast<int>(time % kMicrosPerSecond),
      static_cast<long long>(date.year), name.c_str());
  Put(result, duckdb::StringVector::AddString(result, text, static_cast<size_t>(size)));
}

void Add(Registrar& registrar, const char* name, const LogicalType& type,
         duckdb::scalar_function_t function) {
  duckdb::ScalarFunction made(name, {}, type, std::move(function), BindStatementClock);
  made.SetInitStateCallback(SessionZone::Init);
  made.SetStability(duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY);
  registrar.Add(made);
}

}  // namespace

int64_t TransactionStart(duckdb::ClientContext* context) {
  if (!context || !context->transaction.HasActiveTransaction()) return WallClock();
  return context->transaction.ActiveTransaction().GetCurrentTransactionStartTimestamp().value;
}

int64_t StatementStart(duckdb::ClientContext& context) {
  return context.registered_state->GetOrCreate<StatementClock>("skep_statement_clock")->start();
}

void RegisterSessionClock(Registrar& registrar) {
  Add(registrar, "rs_getdate", LogicalType::TIMESTAMP, Getdate);
  Add(registrar, "rs_sysdate", LogicalType::TIMESTAMP, Sysdate);
  Add(registrar, "rs_current_date", LogicalType::DATE, CurrentDate);
  Add(registrar, "rs_current_time", LogicalType::TIME_TZ, CurrentTime);
  Add(registrar, "rs_localtime", LogicalType::TIME, LocalTime);
  Add(registrar, "rs_localtimestamp", LogicalType::TIMESTAMP, Sysdate);
  Add(registrar, "rs_now", LogicalType::TIMESTAMP_TZ, Now);
  Add(registrar, "rs_timeofday", LogicalType::VARCHAR, Timeofday);
}

}  // namespace skep::worker
