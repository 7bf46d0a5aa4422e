# The shell around the forwarding core: SRTP, ICE, DTLS, sockets, workers. An object library like
# the core's; link to sfu_shell for both.
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(NICE REQUIRED IMPORTED_TARGET nice)

add_library(sfu_shell_objects OBJECT
  srtp.c srtp_cipher.c srtp_stream.c wheel.c datagram.c address.c net.c inbox.c outbox.c stun.c
  dtls.c dtls_ctx.c peer_io.c fanout.c worker.c metrics.c)
target_link_libraries(sfu_shell_objects PUBLIC sfu_engine PkgConfig::OPENSSL PkgConfig::NICE)

add_library(sfu_shell INTERFACE)
target_link_libraries(sfu_shell INTERFACE sfu_engine PkgConfig::OPENSSL PkgConfig::NICE)
target_sources(sfu_shell INTERFACE $<TARGET_OBJECTS:sfu_shell_objects>)

stoa_add_module(mod_sfu SOURCES module.c plane.c LIBS sfu_shell)

if(STOA_WITH_TESTS)
  pkg_check_modules(SRTP2 REQUIRED IMPORTED_TARGET libsrtp2)
  set(sfu_unit ${CMAKE_SOURCE_DIR}/tests/unit)
  foreach(file IN ITEMS wheel datagram address outbox)
    stoa_unit_test(test_sfu_${file} SOURCES ${sfu_unit}/test_sfu_${file}.c)
    target_include_directories(test_sfu_${file} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  endforeach()
  stoa_unit_test(test_sfu_srtp SOURCES ${sfu_unit}/test_sfu_srtp.c LIBS PkgConfig::OPENSSL PkgConfig::SRTP2)

  # With the synthetic client, which is also that of ./dev bench sfu.
  set(sfu_client ${CMAKE_SOURCE_DIR}/tests/bench/sfu)
  foreach(file IN ITEMS stun dtls net inbox peer_io worker)
    stoa_unit_test(test_sfu_${file} SOURCES ${sfu_unit}/test_sfu_${file}.c ${sfu_client}/client.c LIBS sfu_shell)
    target_include_directories(test_sfu_${file} PRIVATE ${sfu_client})
  endforeach()

  stoa_unit_test(test_sfu_module SOURCES ${sfu_unit}/test_sfu_module.c LIBS mod_sfu_objects sfu_shell)

  foreach(what IN ITEMS datagram dtls)
    stoa_fuzz_target(fuzz_sfu_${what} SOURCES ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_sfu_${what}.c
      CORPUS ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/sfu_${what} LIBS sfu_shell)
  endforeach()
endif()
