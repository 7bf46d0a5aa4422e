# Tests of configuration, linked with the core's objects.
foreach(what IN ITEMS read value secret layer check adopt table print)
  stoa_unit_test(test_core_conf_${what}
    SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/test_core_conf_${what}.c LIBS core_objects)
endforeach()

stoa_fuzz_target(fuzz_core_conf_read SOURCES ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_core_conf_read.c
  CORPUS ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/conf LIBS core_objects)
