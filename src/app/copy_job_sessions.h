// Auto-copy jobs through sessions: their runs are statements of their owners (jobs/copy_jobs.h),
// and statements that change them are told to the jobs.
#pragma once

#include <boost/asio/io_context.hpp>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "jobs/copy_jobs.h"
#include "net/blocking_pool.h"
#include "session/session.h"

namespace skep::app {

class CopyJobSessions final : public jobs::CopyJobDoor {
 public:
  CopyJobSessions(boost::asio::io_context& io, session::SessionFactory& sessions);
  // Called on the jobs' threads; the work itself runs on the I/O thread.
  Result<std::vector<jobs::CopyJob>> List(const std::string& workspace,
                                          const std::string& user) override;
  Result<uint64_t> Run(const std::string& workspace, const jobs::CopyJob& job, bool careful,
                       const std::vector<std::string>& paths) override;
  void Stop() override;

 private:
  struct Answer {
    uint64_t count = 0;
    std::vector<std::vector<std::string>> rows;
  };
  boost::asio::awaitable<Result<Answer>> Execute(session::SessionOptions options,
                                                 session::StatementRequest request);
  Result<Answer> Await(session::SessionOptions options, session::StatementRequest request);

  boost::asio::io_context& io_;
  session::SessionFactory& sessions_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::set<session::Session*> running_;  // on the I/O thread alone
};

class CopyJobHearing final : public session::CopyJobListener {
 public:
  CopyJobHearing(jobs::CopyJobs& jobs, net::BlockingPool& blocking)
      : jobs_(jobs), blocking_(blocking) {}
  boost::asio::awaitable<Result<void>> Changing(std::string workspace, std::string user) override;
  void Changed(const std::string& workspace) override { jobs_.Changed(workspace); }

 private:
  jobs::CopyJobs& jobs_;
  net::BlockingPool& blocking_;
};

}  // namespace skep::app
