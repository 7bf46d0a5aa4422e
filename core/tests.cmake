# Unit tests of the core. Those of one file link core_objects and may look inside; those of the
# public interface link libstoa as modules do.
set(unit ${CMAKE_SOURCE_DIR}/tests/unit)

stoa_unit_test(test_core_testing SOURCES ${unit}/test_core_testing.c LIBS libstoa)
foreach(name args base64 buf control event hash hook id listen log loop map metric module notify resolve step time utf8)
  stoa_unit_test(test_core_${name} SOURCES ${unit}/test_core_${name}.c LIBS core_objects)
endforeach()

foreach(what IN ITEMS control text)
  stoa_fuzz_target(fuzz_core_${what} SOURCES ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_core_${what}.c
    CORPUS ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${what} LIBS core_objects)
endforeach()
