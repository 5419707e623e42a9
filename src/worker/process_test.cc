// The `skep-worker` executable as the gateway meets it: by its sockets.
#include "worker/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <string>

#include "ipc/channel.h"
#include "ipc/messages.h"
#include "worker/session_fixture.h"

extern char** environ;

namespace skep::worker {
namespace {

// Receives one packet within a minute.
template <class Message>
bool Receive(int socket, Message& message) {
  pollfd readable{socket, POLLIN, 0};
  ipc::Packet packet;
  return ::poll(&readable, 1, 60'000) == 1 &&
         ipc::ReceivePacket(socket, packet) == ipc::ReceiveStatus::kPacket &&
         ipc::DecodeExact(packet.bytes, message);
}

struct RemoteWorker {
  int pid = -1;
  UniqueFd control, lake;

  void Tell(ipc::ControlType type, const std::string& text = "") {
    ipc::Control message;
    message.type = type;
    message.text = text;
    ipc::SendPacket(control.get(), ipc::EncodePacket(message));
  }
  ipc::Control Bind(const std::string& folder) {
    ipc::Control bind;
    bind.type = ipc::ControlType::kBind;
    bind.binding.workspace = "test";
    bind.binding.data_directory = folder;
    bind.binding.temp_directory = folder + "/temp";
    bind.binding.threads = 1;
    ipc::SendPacket(control.get(), ipc::EncodePacket(bind));
    ipc::Control answer;
    EXPECT_TRUE(Receive(control.get(), answer));
    return answer;
  }
  std::unique_ptr<SessionClient> Open(const std::string& id) {
    auto pair = ipc::StreamSocketPair();
    ipc::Control open;
    open.type = ipc::ControlType::kOpenSession;
    ipc::SendPacket(control.get(), ipc::EncodePacket(open), {pair->second.get()});
    return std::make_unique<SessionClient>(std::move(pair->first), id);
  }
};

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    auto pair = ipc::PacketSocketPair();
    socket_ = std::move(pair->first);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair->second.get(), 3);
    const char* arguments[] = {"skep-worker", "--fork-server", "3", nullptr};
    EXPECT_EQ(::posix_spawn(&server_, SKEP_WORKER_PATH, &actions, nullptr,
                            const_cast<char* const*>(arguments), environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
    for (const char* folder : {"/a/databases", "/a/temp", "/b/databases", "/b/temp"}) {
      std::filesystem::create_directories(folder_.path() + folder);
    }
  }
  ~ProcessTest() override {
    socket_.Reset();
    if (server_ > 0) EXPECT_EQ(Ended(server_), 0) << "it ends in order with its gateway";
  }

  static int Ended(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
  }
  RemoteWorker Spawn() {
    auto control = ipc::PacketSocketPair(), lake = ipc::PacketSocketPair();
    const ipc::ForkMessage spawn{.type = ipc::ForkType::kSpawn, .token = ++token_};
    ipc::SendPacket(socket_.get(), ipc::EncodePacket(spawn),
                    {control->second.get(), lake->second.get()});
    ipc::ForkMessage answer;
    EXPECT_TRUE(Receive(socket_.get(), answer));
    EXPECT_EQ(answer.type, ipc::ForkType::kSpawned);
    EXPECT_EQ(answer.token, token_);
    EXPECT_GT(answer.pid, 0);
    return {answer.pid, std::move(control->first), std::move(lake->first)};
  }
  // The fork server's word on the end of a worker.
  void ExpectExit(const RemoteWorker& worker, int code) {
    ipc::ForkMessage exited;
    ASSERT_TRUE(Receive(socket_.get(), exited));
    EXPECT_EQ(exited.type, ipc::ForkType::kExited);
    EXPECT_EQ(exited.pid, worker.pid);
    EXPECT_TRUE(WIFEXITED(exited.status)) << exited.status;
    EXPECT_EQ(WEXITSTATUS(exited.status), code);
  }

  TemporaryFolder folder_;
  UniqueFd socket_;
  pid_t server_ = -1;
  uint64_t token_ = 0;
};

TEST_F(ProcessTest, AWorkerServesSessionsAndKeepsWhatTheyCommitted) {
  RemoteWorker worker = Spawn();
  const ipc::Control bound = worker.Bind(folder_.path() + "/a");
  ASSERT_EQ(bound.type, ipc::ControlType::kBound) << bound.text;
  auto one = worker.Open("one"), two = worker.Open("two");
  EXPECT_TRUE(one->Run("create table t as select 42 a").complete);
  EXPECT_EQ(two->Run("select a from t").Text(), "42");
  one->Leave();
  EXPECT_EQ(two->Run("select a + 1 from t").Text(), "43");
  worker.Tell(ipc::ControlType::kShutdown);
  ExpectExit(worker, 0);
  RemoteWorker next = Spawn();
  ASSERT_EQ(next.Bind(folder_.path() + "/a").type, ipc::ControlType::kBound);
  EXPECT_EQ(next.Open("three")->Run("select a from t").Text(), "42");
  next.control.Reset();  // without its gateway a worker ends
  ExpectExit(next, 0);
}

TEST_F(ProcessTest, ACancelReachesTheSessionItNames) {
  RemoteWorker worker = Spawn();
  ASSERT_EQ(worker.Bind(folder_.path() + "/a").type, ipc::ControlType::kBound);
  auto one = worker.Open("one"), two = worker.Open("two");
  const auto forever = SessionClient::Statement(
      "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b "
      "where a.a % 7 = b.b % 11");
  // The first statement of a session, which may not even be attached when the cancel arrives.
  one->Send(ipc::FrameType::kExecute, forever);
  worker.Tell(ipc::ControlType::kCancel, "nobody");
  worker.Tell(ipc::ControlType::kCancel, "one");
  const Reply reply = one->Read();
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->kind, ErrorKind::kQueryCanceled);
  EXPECT_EQ(two->Run("select 2").Text(), "2");
  // A shutdown ends what runs, too.
  two->Send(ipc::FrameType::kExecute, forever);
  worker.Tell(ipc::ControlType::kShutdown);
  ExpectExit(worker, 0);
}

TEST_F(ProcessTest, NonsenseEndsOneWorkerAndNoOther) {
  RemoteWorker good = Spawn();
  ASSERT_EQ(good.Bind(folder_.path() + "/b").type, ipc::ControlType::kBound);
  auto session = good.Open("good");
  ASSERT_EQ(session->Run("select 1").Text(), "1");

  ipc::Control open;
  open.type = ipc::ControlType::kOpenSession;
  ipc::Control answer;
  answer.type = ipc::ControlType::kBound;
  for (const std::string& nonsense :
       {std::string("\xff"), std::string(1000, '\0'), ipc::EncodePacket(open) + "x",
        ipc::EncodePacket(open), ipc::EncodePacket(answer)}) {
    {
      RemoteWorker unbound = Spawn();
      ipc::SendPacket(unbound.control.get(), nonsense);
      ExpectExit(unbound, 1);
    }
    RemoteWorker bound = Spawn();
    ASSERT_EQ(bound.Bind(folder_.path() + "/a").type, ipc::ControlType::kBound);
    ipc::SendPacket(bound.control.get(), nonsense);  // to open a session it lacks a descriptor
    ExpectExit(bound, 1);
  }
  // On a session's socket it ends that session alone.
  auto other = good.Open("other");
  other->SendRaw(std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8));
  EXPECT_TRUE(other->Read().closed);
  EXPECT_EQ(session->Run("select 2").Text(), "2");
}

TEST_F(ProcessTest, AWorkerThatCannotBeBoundSaysWhy) {
  RemoteWorker worker = Spawn();
  const ipc::Control failed = worker.Bind(folder_.path() + "/missing");
  EXPECT_EQ(failed.type, ipc::ControlType::kFailed);
  EXPECT_FALSE(failed.text.empty());
  ExpectExit(worker, 1);
}

TEST_F(ProcessTest, ManySessionsEndInTheMiddleOfTheirStatements) {
  RemoteWorker worker = Spawn();
  ASSERT_EQ(worker.Bind(folder_.path() + "/a").type, ipc::ControlType::kBound);
  for (int i = 0; i < 30; i++) {
    auto session = worker.Open("s" + std::to_string(i));
    session->Send(
        ipc::FrameType::kExecute,
        SessionClient::Statement("select a.a, repeat('x', 100) from "
                                 "generate_series(1, 100000) a, generate_series(1, 100) b"));
    if (i % 3 == 0) worker.Tell(ipc::ControlType::kCancel, "s" + std::to_string(i));
  }
  auto last = worker.Open("last");
  EXPECT_EQ(last->Run("select 1").Text(), "1");
  const auto open = [&] {
    size_t count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(worker.pid) + "/fd")) {
      count += entry.path().empty() ? 0 : 1;
    }
    return count;
  };
  if (::getuid() == 0) {  // others may not look into it
    for (int i = 0; i < 10'000 && open() >= 30; i++) EXPECT_EQ(last->Run("select 1").Text(), "1");
    EXPECT_LT(open(), 30u) << "descriptors of sessions that ended";
  }
  worker.Tell(ipc::ControlType::kShutdown);
  ExpectExit(worker, 0);
}

}  // namespace
}  // namespace skep::worker
