# Bricks every folder's CMakeLists.txt is built from: one library per folder, one test program per folder.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(GTest REQUIRED)
include(GoogleTest)

set(SKEP_DUCKDB_ROOT "${CMAKE_SOURCE_DIR}/.deps/duckdb" CACHE PATH "DuckDB library, headers and extensions (tools/fetch_duckdb)")

add_library(skep_options INTERFACE)
target_include_directories(skep_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(skep_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wno-unused-parameter -Wno-missing-field-initializers -Werror -fno-omit-frame-pointer)
target_compile_definitions(skep_options INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  SPDLOG_FMT_EXTERNAL SKEP_VERSION="${PROJECT_VERSION}")
target_link_libraries(skep_options INTERFACE Threads::Threads fmt::fmt)
if(SKEP_SANITIZE)
  target_compile_options(skep_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(skep_options INTERFACE -fsanitize=address,undefined)
endif()

if(SKEP_FUZZ)
  target_compile_options(skep_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# DuckDB: only worker/ may link this.
add_library(skep_duckdb INTERFACE)
target_include_directories(skep_duckdb SYSTEM INTERFACE ${SKEP_DUCKDB_ROOT}/include)
target_link_directories(skep_duckdb INTERFACE ${SKEP_DUCKDB_ROOT}/lib)
target_link_libraries(skep_duckdb INTERFACE duckdb)

# Arrow, for its reader of ORC: only worker/ may link this.
set(SKEP_ARROW_ROOT "${CMAKE_SOURCE_DIR}/.deps/arrow" CACHE PATH "Apache Arrow's C++ library and headers (tools/fetch_arrow)")
add_library(skep_arrow INTERFACE)
target_include_directories(skep_arrow SYSTEM INTERFACE ${SKEP_ARROW_ROOT}/include)
target_link_directories(skep_arrow INTERFACE ${SKEP_ARROW_ROOT}/lib)
target_link_libraries(skep_arrow INTERFACE arrow)

# skep_library(NAME SOURCES a.cc b.cc DEPS skep_base ...)
function(skep_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC skep_options ${ARG_DEPS})
endfunction()

# skep_test(NAME SOURCES a_test.cc DEPS ...): one GoogleTest program, registered as one ctest entry.
function(skep_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
