#include "app/scratch_inferrer.h"

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <future>

#include "base/ids.h"

namespace skep::app {
namespace asio = boost::asio;

namespace {
constexpr auto kKeepWorker = std::chrono::seconds(10);
constexpr auto kSampleTimeout = std::chrono::seconds(60);
}  // namespace

ScratchInferrer::ScratchInferrer(asio::io_context& io, compute::Pool& pool, lake::LakeService& lake)
    : io_(io), pool_(pool), lake_(lake), idle_(io) {}

Result<ipc::InferReply> ScratchInferrer::Infer(const catalog::SampleObject& object,
                                               const identity::Credentials& credentials) {
  const std::lock_guard lock(one_at_a_time_);
  auto promise = std::make_shared<std::promise<Result<ipc::InferReply>>>();
  auto answer = promise->get_future();
  asio::co_spawn(io_, Run(object, credentials),
                 [promise](std::exception_ptr error, Result<ipc::InferReply> reply) {
                   if (error) reply = Fail(ErrorKind::kInternal, "inference failed");
                   promise->set_value(std::move(reply));
                 });
  // The gateway may stop its I/O thread while a crawl waits; then nobody will answer.
  while (answer.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    if (io_.stopped()) return Fail(ErrorKind::kAdminShutdown, "the gateway is shutting down");
  }
  return answer.get();
}

void ScratchInferrer::Stop() {
  idle_.cancel();
  Release();
}

void ScratchInferrer::Release() {
  if (link_) link_->Close();
  link_.reset();
  if (worker_) worker_->Shutdown();
  worker_.reset();
}

asio::awaitable<Result<void>> ScratchInferrer::EnsureWorker() {
  if (worker_ && worker_->usable() && link_ && link_->is_open()) co_return Result<void>{};
  Release();
  auto worker = co_await pool_.Scratch(lake_connection_);
  if (!worker) co_return Fail(worker.error());
  worker_ = *worker;
  auto socket = worker_->OpenSession();
  if (!socket) co_return Fail(socket.error());
  link_ = std::make_unique<session::WorkerLink>(io_.get_executor(), std::move(*socket));
  ipc::AttachSession attach;
  attach.session_id = NewUuid();
  co_return co_await link_->Send(ipc::EncodeFrame(ipc::FrameType::kAttach, attach));
}

asio::awaitable<Result<ipc::InferReply>> ScratchInferrer::Run(catalog::SampleObject object,
                                                              identity::Credentials credentials) {
  idle_.cancel();
  auto ready = co_await EnsureWorker();
  if (!ready) co_return Fail(ready.error());
  auto granted =
      lake_.GrantObject(lake_connection_, credentials, object.path, object.etag, object.size);
  if (!granted) co_return Fail(granted.error());
  ipc::InferRequest request;
  request.scan = *granted;
  request.path = object.path;
  request.etag = object.etag;
  request.size = object.size;
  request.format = object.format;
  request.compression = object.compression;
  request.options = object.options;
  auto sent = co_await link_->Send(ipc::EncodeFrame(ipc::FrameType::kInfer, request));
  if (!sent) co_return Fail(sent.error());

  // A file that keeps the reader busy for ever must not keep the crawl: the worker goes, and with
  // it the read.
  auto overdue = std::make_shared<asio::steady_timer>(io_, kSampleTimeout);
  overdue->async_wait([worker = worker_](boost::system::error_code error) {
    if (!error) worker->Shutdown();
  });
  std::vector<Error> notices;
  std::optional<Error> sink_error;
  auto end = co_await link_->Receive(nullptr, notices, sink_error);
  overdue->cancel();
  lake_.RevokeGrant(lake_connection_, *granted);
  idle_.expires_after(kKeepWorker);
  idle_.async_wait([this](boost::system::error_code error) {
    if (!error) Release();
  });
  if (!end) {
    Release();
    // A file that kills its reader is a bad file, not a reason to give up the crawl.
    co_return Fail(ErrorKind::kDataException, "the reader did not survive " + object.path);
  }
  if (auto* reply = std::get_if<ipc::InferReply>(&*end)) co_return std::move(*reply);
  if (const auto* failed = std::get_if<ipc::StatementError>(&*end))
    co_return Fail(failed->error.error);
  Release();
  co_return Fail(ErrorKind::kProtocolViolation, "the scratch worker answered out of turn");
}

}  // namespace skep::app
