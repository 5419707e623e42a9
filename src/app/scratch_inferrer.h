// Schema inference for crawls in a scratch worker: files are hostile, so they are read where no
// secret and no other tenant's data is.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>

#include "catalog/crawler/inferrer.h"
#include "compute/pool.h"
#include "lake/lake_service.h"
#include "session/worker_link.h"

namespace skep::app {

class ScratchInferrer final : public catalog::Inferrer {
 public:
  ScratchInferrer(boost::asio::io_context& io, compute::Pool& pool, lake::LakeService& lake);
  // Called on crawls' threads, one sample at a time; the work itself runs on the I/O thread.
  Result<ipc::InferReply> Infer(const catalog::SampleObject& object,
                                const identity::Credentials& credentials) override;
  // Lets the worker go. Call on the I/O thread, when no crawl runs any more.
  void Stop();

 private:
  boost::asio::awaitable<Result<ipc::InferReply>> Run(catalog::SampleObject object,
                                                      identity::Credentials credentials);
  boost::asio::awaitable<Result<void>> EnsureWorker();
  void Release();

  std::mutex one_at_a_time_;
  boost::asio::io_context& io_;
  compute::Pool& pool_;
  lake::LakeService& lake_;
  std::shared_ptr<compute::Worker> worker_;
  std::unique_ptr<session::WorkerLink> link_;
  uint64_t lake_connection_ = 0;
  boost::asio::steady_timer idle_;  // ends the worker some seconds after the last sample
};

}  // namespace skep::app
