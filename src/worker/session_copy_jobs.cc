// Auto-copy jobs of a session: COPY ... JOB CREATE, and COPY JOB. A run is several transactions,
// each of which loads some files and records them as loaded.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "worker/copy/load_report.h"
#include "worker/engine_errors.h"
#include "worker/session.h"

namespace skep::worker {
namespace {

constexpr size_t kFilesAtOnce = 500;  // of one transaction
constexpr uint64_t kBytesAtOnce = uint64_t{4} << 30;
constexpr auto kWaitForLease = std::chrono::milliseconds(20);

int64_t NowSeconds() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

// What is wrong with a file and would be wrong again.
bool IsFaultOfData(ErrorKind kind) {
  using enum ErrorKind;
  switch (kind) {
    case kInvalidArgument:  // "Load into table ... failed"
    case kInvalidText:
    case kInvalidDatetime:
    case kDatetimeOutOfRange:
    case kNumericOutOfRange:
    case kStringTooLong:
    case kNotNullViolation:
    case kUniqueViolation:
    case kDataException:
    case kDatatypeMismatch:
    case kPayloadTooLarge:
      return true;
    default:
      return false;
  }
}

// What no other file would fare better with.
bool IsFaultOfJob(ErrorKind kind) {
  using enum ErrorKind;
  switch (kind) {
    case kQueryCanceled:
    case kStatementTimeout:
    case kSyntaxError:
    case kFeatureNotSupported:
    case kUndefinedObject:
    case kUndefinedTable:
    case kUndefinedColumn:
    case kUndefinedSchema:
    case kWrongObjectType:
    case kInvalidRole:
    case kInsufficientPrivilege:
    case kSerializationFailure:
    case kTooManyConnections:
    case kDiskFull:
      return true;
    default:
      return false;
  }
}

// The next files from `at` on.
std::vector<ipc::TableFile> Some(const std::vector<ipc::TableFile>& files, size_t& at) {
  std::vector<ipc::TableFile> some;
  for (uint64_t bytes = 0; at < files.size() && some.size() < kFilesAtOnce; at++) {
    bytes += files[at].size;
    if (!some.empty() && bytes > kBytesAtOnce) break;
    some.push_back(files[at]);
  }
  return some;
}

}  // namespace

Result<void> Session::TrustedTransaction(const std::function<Result<void>()>& work) {
  const Running before = std::exchange(running_, Running{.trusted = true});
  auto done = WithinTransaction([&]() -> Result<void> {
    own_writes_++;
    wrote_in_transaction_ = true;
    return work();
  });
  running_ = before;
  if (!done) FailTransaction();
  return done;
}

Result<ipc::StatementComplete> Session::ControlCopyJob(const sql::CopyJobCommand& command,
                                                       const ipc::ExecuteStatement& request) {
  using enum sql::CopyJobCommand::Step;
  ipc::StatementComplete complete;
  complete.tag = command.step == kCreate ? "COPY JOB CREATE" : "COPY JOB";
  if (in_transaction_)
    return Fail(ErrorKind::kInTransaction, complete.tag + " cannot run inside a transaction block");
  const std::string& database = attached_.database;
  if (command.step == kCreate) {
    SKEP_TRY(CreateCopyJob(command));
    return complete;
  }
  SKEP_TRY_ASSIGN(const auto job, FindCopyJob(command.name));
  if (!job)
    return Fail(ErrorKind::kUndefinedObject, "COPY JOB \"" + command.name + "\" does not exist");
  if (command.step == kRun) {
    // Runs of the gateway's own carry parameters: how, then the paths that events named.
    JobRun run;
    for (const auto& parameter : request.parameters)
      run.named.push_back(parameter.value.value_or(""));
    if (!run.named.empty()) {
      run.automatic = true;
      run.careful = run.named.front() == "careful";
      run.named.erase(run.named.begin());
    }
    SKEP_TRY_ASSIGN(complete.rows, RunCopyJob(*job, run));
    return complete;
  }
  SKEP_TRY(TrustedTransaction([&]() -> Result<void> {
    if (command.step == kDrop) return CopyJobs::Drop(*connection_, database, job->id);
    if (!command.automatic) return {};
    return CopyJobs::SetAutomatic(*connection_, database, job->id, *command.automatic);
  }));
  return complete;
}

Result<std::optional<CopyJob>> Session::FindCopyJob(const std::string& name) {
  std::optional<CopyJob> job;
  SKEP_TRY(TrustedTransaction([&]() -> Result<void> {
    SKEP_TRY_ASSIGN(job, CopyJobs::Find(*connection_, attached_.database, name));
    return {};
  }));
  return job;
}

// Files that the prefix has now are older than the job, whatever the clocks say.
Result<void> Session::CreateCopyJob(const sql::CopyJobCommand& command) {
  CopyJob job;
  job.name = command.name;
  job.owner = attached_.user;
  job.schema = command.schema;
  job.table = command.table;
  job.location = command.location;
  job.roles = command.roles;
  job.automatic = command.automatic.value_or(true);
  job.text = command.text;
  job.since_s = NowSeconds() - CopyJobs::kClockSkewS;
  SKEP_TRY_ASSIGN(const auto there, FilesOf(job, {}));
  return TrustedTransaction(
      [&] { return CopyJobs::Create(*connection_, attached_.database, std::move(job), there); });
}

// What the job's prefix has, or those of `named` that are there.
Result<std::vector<ipc::TableFile>> Session::FilesOf(const CopyJob& job,
                                                     const std::vector<std::string>& named) {
  uint64_t scan = 0;
  auto files = engine_.lake().OpenObjects(
      job.roles, facts_->asker, job.location,
      named.empty() ? ipc::ObjectsNamed::kPrefix : ipc::ObjectsNamed::kListed, scan,
      [this] { return outlet_->stopped(); }, named);
  if (scan != 0) engine_.lake().CloseScan(scan);
  if (!files && files.error().kind == ErrorKind::kExternalNotFound)
    return std::vector<ipc::TableFile>{};
  return files;
}

Result<uint64_t> Session::RunCopyJob(const CopyJob& job, const JobRun& run) {
  auto lease = engine_.copy_jobs().TryRun(attached_.database, job.name);
  while (!lease) {
    if (outlet_->stopped())
      return Fail(Translate(duckdb::ErrorData(duckdb::InterruptException()), nullptr));
    std::this_thread::sleep_for(kWaitForLease);
    lease = engine_.copy_jobs().TryRun(attached_.database, job.name);
  }
  const auto failed = [&](const Error& error) -> std::unexpected<Error> {
    (void)TrustedTransaction(
        [&] { return CopyJobs::Tell(*connection_, attached_.database, job, error.message); });
    return Fail(error);
  };
  auto files = FilesOf(job, run.named);
  if (!files) return failed(files.error());
  if (auto left = TrustedTransaction([&] {
        return CopyJobs::LeaveNew(*connection_, attached_.database, job, !run.automatic, *files);
      });
      !left)
    return Fail(left.error());
  std::ranges::sort(*files, {},
                    [](const auto& file) { return std::pair(file.modified_s, file.path); });
  uint64_t loaded = 0;
  std::optional<Error> pending;  // of files that are to be tried again
  for (size_t at = 0; at < files->size();) {
    SKEP_TRY_ASSIGN(const auto now, FindCopyJob(job.name));
    if (!now || now->id != job.id) break;  // dropped meanwhile
    const auto some = Some(*files, at);
    auto rows = run.careful ? LoadInTurn(job, some, true) : LoadFiles(job, some);
    if (!rows && !run.careful && !IsFaultOfJob(rows.error().kind))
      rows = LoadInTurn(job, some, false);
    if (!rows && IsFaultOfJob(rows.error().kind)) return failed(rows.error());
    if (!rows && !pending) pending = rows.error();
    if (rows) loaded += *rows;
  }
  if (pending) return Fail(*pending);
  return loaded;
}

// One by one, because one of them fails: it must not keep the others. `careful`: one may kill the
// worker, so that it counts as tried before it is. Errors: of the job, or of a file that is to be
// tried again.
Result<uint64_t> Session::LoadInTurn(const CopyJob& job, const std::vector<ipc::TableFile>& files,
                                     bool careful) {
  uint64_t loaded = 0;
  std::vector<std::pair<ipc::TableFile, Error>> failures;
  const auto note = [&](FileFate fate, const ipc::TableFile& file, const std::string& message) {
    return TrustedTransaction([&] {
      return CopyJobs::Note(*connection_, attached_.database, job.id, fate, {file}, message);
    });
  };
  for (const auto& file : files) {
    if (careful) SKEP_TRY(note(FileFate::kPending, file, "the worker ended while it was loaded"));
    auto rows = LoadFiles(job, {file});
    if (rows)
      loaded += *rows;
    else if (IsFaultOfJob(rows.error().kind))
      return Fail(rows.error());
    else
      failures.emplace_back(file, rows.error());
  }
  const bool store_is_down =
      failures.size() == files.size() && std::ranges::all_of(failures, [](const auto& failure) {
        return failure.second.kind == ErrorKind::kExternalUnavailable;
      });
  if (store_is_down && !failures.empty() && !careful) return Fail(failures.front().second);
  std::optional<Error> pending;
  for (const auto& [file, error] : failures) {
    if (error.kind == ErrorKind::kExternalNotFound) continue;  // gone meanwhile
    if (!IsFaultOfData(error.kind) && !pending) pending = error;
    SKEP_TRY(note(IsFaultOfData(error.kind) ? FileFate::kFailed : FileFate::kPending, file,
                  error.message));
    SKEP_TRY(TrustedTransaction([&] {
      return CopyJobs::Tell(*connection_, attached_.database, job,
                            file.path + ": " + error.message);
    }));
  }
  if (pending) return Fail(*pending);
  return loaded;
}

// Loads files and records them in one transaction. Answers the rows.
Result<uint64_t> Session::LoadFiles(const CopyJob& job, const std::vector<ipc::TableFile>& files) {
  SKEP_TRY_ASSIGN(const auto parsed, sql::ParseScript(job.text));
  if (parsed.size() != 1) return Fail(ErrorKind::kInternal, "a job that is not one statement");
  uint64_t rows = 0;
  const auto load = [&]() -> Result<void> {
    own_writes_++;
    wrote_in_transaction_ = true;
    Prepared prepared;
    prepared.kind = sql::ast::NodeKind::kCopy;
    sql::FrontContext::CopyJobLoad chosen{job.id, {}};
    for (const auto& file : files) chosen.files.push_back(file.path);
    const auto path = std::exchange(search_path_, {job.schema});
    front_.copy_job_load = std::move(chosen);
    auto emitted = Emit(parsed.front(), job.text, {});
    front_.copy_job_load.reset();
    search_path_ = path;
    if (!emitted) return Fail(emitted.error());
    prepared.emitted = std::move(*emitted);
    running_ = {.prepared = &prepared};
    auto result = RunInEngine(prepared, {});
    running_ = {};
    if (!result) return Fail(result.error());
    const auto chunk = (*result)->Fetch();
    if (chunk && chunk->size() == 1)
      rows = static_cast<uint64_t>(chunk->GetValue(0, 0).GetValue<int64_t>());
    // Those that were there to be read.
    const auto report =
        connection_->context->registered_state->Get<copy::LoadReport>(copy::LoadReport::kName);
    if (!report) return Fail(ErrorKind::kInternal, "a load without a report");
    running_ = {.trusted = true};
    auto noted = CopyJobs::Note(*connection_, attached_.database, job.id, FileFate::kLoaded,
                                report->files, {});
    running_ = {};
    return noted;
  };
  auto done = WithinTransaction(load);
  if (!done) FailTransaction();
  EndLoad(done ? std::optional(rows) : std::nullopt, done ? "" : done.error().message);
  if (!done) return Fail(done.error());
  return rows;
}

}  // namespace skep::worker
