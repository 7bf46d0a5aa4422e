# stoa_unit_test(name SOURCES a.c [LIBS libs…]): an executable that ctest runs, label "unit".
# Not in the fuzz build, which is for fuzz targets alone, nor in the release build, which is for
# users, benchmarks and browsers.
function(stoa_unit_test name)
  if(NOT STOA_WITH_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE stoa_flags ${arg_LIBS})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(STOA_SANITIZE STREQUAL "fuzzer" OR CMAKE_BUILD_TYPE STREQUAL "Release")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# stoa_fuzz_target(name SOURCES fuzz_x.c CORPUS dir [LIBS libs…]): the file defines
# LLVMFuzzerTestOneInput(). In every build the corpus is replayed as a ctest (label "fuzz"); with
# STOA_SANITIZE=fuzzer the target is a libFuzzer binary that `./dev fuzz` runs.
add_custom_target(fuzzers) # all of them, which is all the fuzz build needs

function(stoa_fuzz_target name)
  if(NOT STOA_WITH_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "CORPUS" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(fuzzers ${name})
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  target_link_libraries(${name} PRIVATE stoa_flags ${arg_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  if(STOA_SANITIZE STREQUAL "fuzzer")
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${name} COMMAND ${name} -max_total_time=5 -timeout=5 -rss_limit_mb=1024
      ${CMAKE_BINARY_DIR}/fuzz/found/${name} ${arg_CORPUS})
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz/found/${name})
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME ${name} COMMAND ${name} ${arg_CORPUS})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
