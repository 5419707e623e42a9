// GoogleTest's main, and another process for the tests that need one.
#include <gtest/gtest.h>

#include <string_view>

#include "worker/store_child.h"

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--store-child")
    return skep::worker::StoreChild(argv[2], argv[3]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
