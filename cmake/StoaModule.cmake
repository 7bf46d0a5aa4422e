# stoa_add_module(mod_x SOURCES a.c b.c [LIBS libs…])
#
# Builds modules/mod_x.so in the build tree. The sources compile once, into the object library
# mod_x_objects, so that unit tests, fuzz targets and benchmarks of the module can link them too.
function(stoa_add_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name}_objects OBJECT ${arg_SOURCES})
  target_link_libraries(${name}_objects PUBLIC stoa_flags libstoa ${arg_LIBS})
  target_include_directories(${name}_objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})

  add_library(${name} MODULE $<TARGET_OBJECTS:${name}_objects>)
  target_link_libraries(${name} PRIVATE stoa_flags libstoa ${arg_LIBS})
  target_link_options(${name} PRIVATE -Wl,--no-undefined
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/module.syms)
  if(STOA_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,undefs)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/modules
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/module.syms)
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/stoa/modules)
  set_property(GLOBAL APPEND PROPERTY STOA_BUILT_MODULES ${name})
endfunction()
