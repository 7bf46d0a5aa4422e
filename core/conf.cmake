# Tests of configuration, linked with the core's objects.
foreach(what IN ITEMS read value secret layer check adopt)
  stoa_unit_test(test_core_conf_${what}
    SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/test_core_conf_${what}.c LIBS core_objects)
endforeach()
