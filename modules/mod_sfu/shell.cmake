# The shell around the forwarding core: SRTP, ICE, DTLS, sockets, workers, and the module itself.
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)

set(sfu_unit ${CMAKE_SOURCE_DIR}/tests/unit)
if(STOA_WITH_TESTS)
  pkg_check_modules(SRTP2 REQUIRED IMPORTED_TARGET libsrtp2)
endif()
stoa_unit_test(test_sfu_srtp SOURCES ${sfu_unit}/test_sfu_srtp.c LIBS PkgConfig::OPENSSL PkgConfig::SRTP2)
