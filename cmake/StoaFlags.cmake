# Compiler flags shared by every target: link to stoa_flags.
# STOA_SANITIZE: "", "address" (ASan + UBSan + LSan), "thread", or "fuzzer" (clang).
set(STOA_SANITIZE "" CACHE STRING "Sanitizer: address, thread, fuzzer or empty")
option(STOA_WERROR "Warnings are errors" ON)

add_library(stoa_flags INTERFACE)
target_include_directories(stoa_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_definitions(stoa_flags INTERFACE _GNU_SOURCE)
target_compile_options(stoa_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wwrite-strings -Wundef -Wformat=2 -Wvla -Wno-missing-field-initializers
  -fvisibility=hidden -fno-common -fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
  target_compile_options(stoa_flags INTERFACE -Wno-gnu-zero-variadic-macro-arguments)
else()
  # gcc 12 takes the bounds check of an inlined cursor for a way around it; snprintf() that cuts is
  # how text is bounded here
  target_compile_options(stoa_flags INTERFACE -Wno-stringop-overflow -Wno-format-truncation)
endif()
if(STOA_WERROR)
  target_compile_options(stoa_flags INTERFACE -Werror)
endif()

if(STOA_SANITIZE STREQUAL "address")
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
elseif(STOA_SANITIZE STREQUAL "thread")
  set(flags -fsanitize=thread -fno-omit-frame-pointer)
elseif(STOA_SANITIZE STREQUAL "fuzzer")
  set(flags -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
else()
  set(flags)
  target_compile_options(stoa_flags INTERFACE $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>
    -fstack-clash-protection -fcf-protection)
  target_link_options(stoa_flags INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()
target_compile_options(stoa_flags INTERFACE ${flags})
target_link_options(stoa_flags INTERFACE ${flags})

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
