#include <gtest/gtest.h>

#include <filesystem>

#include "base/ids.h"
#include "control/iam_store.h"
#include "control/store.h"

namespace skep::control {
namespace {

namespace fs = std::filesystem;

class IamStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("skep-iam-" + NewUuid());
    fs::create_directories(directory_);
    path_ = (directory_ / "control.sqlite").string();
    auto opened = OpenSqlite(path_);
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    ASSERT_TRUE(store_->PutWorkspace({"w"}));
    auto iam = OpenSqliteIam(path_);
    ASSERT_TRUE(iam) << iam.error().message;
    iam_ = std::move(*iam);
    ASSERT_TRUE(iam_->CreateAccount({"111111111111", "org", 5}));
  }
  void TearDown() override {
    iam_.reset();
    store_.reset();
    fs::remove_all(directory_);
  }
  static IamEntity Role(const std::string& name) {
    IamEntity e;
    e.account = "111111111111";
    e.name = name;
    e.id = "AROA" + name;
    e.path = "/team/";
    e.trust = "{}";
    e.max_session_s = 7200;
    e.tags = {{"a", "1"}, {"b", "2"}};
    return e;
  }
  fs::path directory_;
  std::string path_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IamStore> iam_;
};

TEST_F(IamStoreTest, KeepsARoleWithAllThatHangsOnIt) {
  IamEntity role = Role("Reader");
  ASSERT_TRUE(iam_->CreateEntity(role));
  ASSERT_TRUE(iam_->PutInlinePolicy(role, {"p", "{1}"}));
  ASSERT_TRUE(iam_->PutInlinePolicy(role, {"p", "{2}"}));
  ASSERT_TRUE(iam_->AttachPolicy(role, "arn:x"));
  ASSERT_TRUE(iam_->AttachPolicy(role, "arn:x"));
  ASSERT_TRUE(iam_->PutTags(role, {{"A", "3"}}));
  ASSERT_TRUE(iam_->DeleteTags(role, {"b"}));
  iam_.reset();
  iam_ = std::move(*OpenSqliteIam(path_));
  const auto found = iam_->GetEntity(IamKind::kRole, "111111111111", "reader");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->Arn(), "arn:aws:iam::111111111111:role/team/Reader");
  EXPECT_EQ((*found)->inline_policies, (std::vector<IamPolicyText>{{"p", "{2}"}}));
  EXPECT_EQ((*found)->attached, std::vector<std::string>{"arn:x"});
  EXPECT_EQ((*found)->tags, (IamTags{{"A", "3"}}));
  EXPECT_EQ((*found)->max_session_s, 7200);
}

TEST_F(IamStoreTest, RefusesDuplicatesOrphansAndDeletionOfWhatIsInUse) {
  IamEntity role = Role("Reader");
  ASSERT_TRUE(iam_->CreateEntity(role));
  IamEntity same = Role("READER");
  EXPECT_EQ(iam_->CreateEntity(same).error().kind, ErrorKind::kDuplicateObject);
  IamEntity orphan = Role("Other");
  orphan.account = "999999999999";
  EXPECT_EQ(iam_->CreateEntity(orphan).error().kind, ErrorKind::kUndefinedObject);
  ASSERT_TRUE(iam_->PutInlinePolicy(role, {"p", "{}"}));
  const auto refused = iam_->DeleteEntity(IamKind::kRole, "111111111111", "Reader");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kDependentObjects);
  EXPECT_TRUE(*iam_->DeleteInlinePolicy(role, "p"));
  EXPECT_FALSE(*iam_->DeleteInlinePolicy(role, "p"));
  EXPECT_TRUE(*iam_->DeleteEntity(IamKind::kRole, "111111111111", "Reader"));
  EXPECT_FALSE(*iam_->DeleteEntity(IamKind::kRole, "111111111111", "Reader"));
  EXPECT_FALSE(*iam_->GetEntity(IamKind::kRole, "111111111111", "Reader"));
}

TEST_F(IamStoreTest, KeepsPoliciesInVersionsAndRefusesToDropAttachedOnes) {
  IamManagedPolicy policy;
  policy.account = "111111111111";
  policy.name = "P";
  policy.id = "ANPA1";
  policy.versions = {{"v1", "{1}", true, 1}};
  ASSERT_TRUE(iam_->CreatePolicy(policy));
  ASSERT_TRUE(iam_->PutPolicyVersion(policy.Arn(), {"v2", "{2}", true, 2}));
  auto found = iam_->GetPolicy(policy.Arn());
  ASSERT_TRUE(found && *found);
  ASSERT_EQ((*found)->versions.size(), 2u);
  EXPECT_EQ((*found)->versions[0].id, "v2");
  EXPECT_TRUE((*found)->versions[0].is_default);
  EXPECT_FALSE((*found)->versions[1].is_default);
  EXPECT_FALSE(*iam_->DeletePolicyVersion(policy.Arn(), "v2")) << "the default one stays";
  EXPECT_TRUE(*iam_->SetDefaultPolicyVersion(policy.Arn(), "v1"));
  EXPECT_FALSE(*iam_->SetDefaultPolicyVersion(policy.Arn(), "v9"));
  EXPECT_FALSE(*iam_->SetDefaultPolicyVersion(policy.Arn(), "1 OR 1"));
  EXPECT_TRUE(*iam_->DeletePolicyVersion(policy.Arn(), "v2"));
  IamEntity role = Role("Reader");
  ASSERT_TRUE(iam_->CreateEntity(role));
  ASSERT_TRUE(iam_->AttachPolicy(role, policy.Arn()));
  EXPECT_EQ(iam_->DeletePolicy(policy.Arn()).error().kind, ErrorKind::kDependentObjects);
  EXPECT_TRUE(*iam_->DetachPolicy(role, policy.Arn()));
  EXPECT_TRUE(*iam_->DeletePolicy(policy.Arn()));
}

TEST_F(IamStoreTest, KeepsKeysOfUsersAndRolesOfWorkspaces) {
  IamEntity user = Role("ada");
  user.kind = IamKind::kUser;
  user.id = "AIDA1";
  ASSERT_TRUE(iam_->CreateEntity(user));
  IamAccessKey key{"AKIA1", Secret("s"), "111111111111", "ada", true, 3};
  ASSERT_TRUE(iam_->PutAccessKey(key));
  key.active = false;
  ASSERT_TRUE(iam_->PutAccessKey(key));
  const auto found = iam_->GetAccessKey("AKIA1");
  ASSERT_TRUE(found && *found);
  EXPECT_FALSE((*found)->active);
  EXPECT_EQ((*found)->user, "ada");
  key.user = "nobody";
  key.id = "AKIA2";
  EXPECT_FALSE(iam_->PutAccessKey(key));
  EXPECT_EQ(iam_->DeleteEntity(IamKind::kUser, "111111111111", "ada").error().kind,
            ErrorKind::kDependentObjects);

  ASSERT_TRUE(iam_->PutWorkspaceRole({"w", "arn:own", true, ""}));
  ASSERT_TRUE(iam_->PutWorkspaceRole({"w", "arn:org", false, "e"}));
  EXPECT_FALSE(iam_->PutWorkspaceRole({"w", "arn:second", true, ""})) << "one own role";
  EXPECT_FALSE(iam_->PutWorkspaceRole({"nowhere", "arn:own", true, ""}));
  const auto roles = iam_->ListWorkspaceRoles("w");
  ASSERT_TRUE(roles);
  ASSERT_EQ(roles->size(), 2u);
  EXPECT_EQ((*roles)[0].external_id, "e");
  EXPECT_TRUE((*roles)[1].warehouse);
}

}  // namespace
}  // namespace skep::control
