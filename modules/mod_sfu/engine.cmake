# The sans-I/O core and the control model, as an object library that the module, the unit tests,
# the fuzz targets and the benchmarks link: link to sfu_engine.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
add_library(sfu_engine_objects OBJECT
  packet.c rtp.c rtcp.c twcc.c codec.c codec_vp8.c codec_h264.c
  demux.c peer.c receiver.c source.c downtrack.c speakers.c
  sdp.c sdp_attribute.c sdp_word.c sdp_fingerprint.c answer.c model.c model_ops.c events.c room.c participant.c track.c subscription.c
  connection.c negotiate.c negotiate_peer.c negotiate_uplink.c model_control.c
  engine.c engine_command.c engine_rtcp.c engine_report.c engine_choose.c)
target_link_libraries(sfu_engine_objects PUBLIC stoa_flags libstoa PkgConfig::JANSSON m)
target_include_directories(sfu_engine_objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})

add_library(sfu_engine INTERFACE)
target_link_libraries(sfu_engine INTERFACE stoa_flags libstoa PkgConfig::JANSSON m)
target_sources(sfu_engine INTERFACE $<TARGET_OBJECTS:sfu_engine_objects>)
target_include_directories(sfu_engine INTERFACE ${CMAKE_CURRENT_SOURCE_DIR})

foreach(name IN ITEMS rtp rtcp twcc codec sdp engine model)
  stoa_unit_test(test_sfu_${name} SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/test_sfu_${name}.c LIBS sfu_engine)
endforeach()
if(TARGET test_sfu_sdp)
  target_compile_definitions(test_sfu_sdp PRIVATE SFU_CORPUS="${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/sfu_sdp")
endif()

foreach(name IN ITEMS sdp rtp rtcp payload pipeline)
  stoa_fuzz_target(fuzz_sfu_${name} SOURCES ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_sfu_${name}.c
    CORPUS ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/sfu_${name} LIBS sfu_engine)
endforeach()
