#include "app/copy_job_sessions.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <future>
#include <memory>

#include "base/text.h"
#include "session/text_rows.h"
#include "sql/quoting.h"

namespace skep::app {
namespace asio = boost::asio;

namespace {

constexpr size_t kMostJobs = 10'000;
// Columns of COPY JOB LIST (sql/emit/copy_jobs.cc).
enum Column : size_t { kId, kName, kOwner, kDatabase, kSchema, kTable, kSource, kRoles, kAuto };

session::SessionOptions OptionsOf(const std::string& workspace, const std::string& user) {
  session::SessionOptions options;
  options.workspace = workspace;
  options.user = user;
  options.client = "copy-job";
  // Names as they are kept; a load takes as long as it takes.
  options.settings = {{"enable_case_sensitive_identifier", "on"}, {"statement_timeout", "0"}};
  return options;
}

}  // namespace

CopyJobSessions::CopyJobSessions(asio::io_context& io, session::SessionFactory& sessions)
    : io_(io), sessions_(sessions) {}

asio::awaitable<Result<CopyJobSessions::Answer>> CopyJobSessions::Execute(
    session::SessionOptions options, session::StatementRequest request) {
  auto opened = co_await sessions_.Open(std::move(options));
  if (!opened) co_return Fail(opened.error());
  const std::unique_ptr<session::Session> session = std::move(*opened);
  struct Running {
    std::set<session::Session*>& all;
    session::Session* one;
    ~Running() { all.erase(one); }
  } const running{running_, *running_.insert(session.get()).first};
  session::TextRows rows(kMostJobs);
  const auto outcome = co_await session->Execute(std::move(request), rows);
  co_await session->Close();
  if (!outcome) co_return Fail(outcome.error());
  co_return Answer{outcome->rows, std::move(rows.rows)};
}

Result<CopyJobSessions::Answer> CopyJobSessions::Await(session::SessionOptions options,
                                                       session::StatementRequest request) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Fail(ErrorKind::kAdminShutdown, "the gateway is shutting down");
  }
  auto promise = std::make_shared<std::promise<Result<Answer>>>();
  auto answer = promise->get_future();
  asio::co_spawn(io_, Execute(std::move(options), std::move(request)),
                 [promise](std::exception_ptr error, Result<Answer> reply) {
                   if (error) reply = Fail(ErrorKind::kInternal, "the job's statement failed");
                   promise->set_value(std::move(reply));
                 });
  // The gateway may stop its I/O thread while a job waits; then nobody will answer.
  while (answer.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    if (io_.stopped()) return Fail(ErrorKind::kAdminShutdown, "the gateway is shutting down");
    const std::lock_guard lock(mutex_);
    if (stopping_)
      asio::post(io_, [this] {
        for (session::Session* session : running_) session->Cancel();
      });
  }
  return answer.get();
}

void CopyJobSessions::Stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
}

Result<std::vector<jobs::CopyJob>> CopyJobSessions::List(const std::string& workspace,
                                                         const std::string& user) {
  session::StatementRequest request;
  request.text = "COPY JOB LIST";
  SKEP_TRY_ASSIGN(const auto answer, Await(OptionsOf(workspace, user), std::move(request)));
  std::vector<jobs::CopyJob> jobs;
  for (const auto& row : answer.rows) {
    if (row.size() <= kAuto) return Fail(ErrorKind::kInternal, "malformed rows of COPY JOB LIST");
    jobs.push_back({row[kId], row[kName], row[kOwner], row[kSource], SplitAtCommas(row[kRoles]),
                    row[kAuto] == "1"});
  }
  return jobs;
}

Result<uint64_t> CopyJobSessions::Run(const std::string& workspace, const jobs::CopyJob& job,
                                      bool careful, const std::vector<std::string>& paths) {
  session::StatementRequest request;
  request.text = "COPY JOB RUN " + sql::QuoteName(job.name);
  // How the worker tells runs of ours from a user's.
  request.parameters.push_back({careful ? "careful" : "auto", 0});
  for (const std::string& path : paths) request.parameters.push_back({path, 0});
  SKEP_TRY_ASSIGN(const auto answer, Await(OptionsOf(workspace, job.owner), std::move(request)));
  return answer.count;
}

asio::awaitable<Result<void>> CopyJobHearing::Changing(std::string workspace, std::string user) {
  auto mark = [&jobs = jobs_, workspace = std::move(workspace), user = std::move(user)] {
    return jobs.Changing(workspace, user);
  };
  co_return co_await blocking_.Run(std::move(mark));
}

}  // namespace skep::app
