# How everything is compiled: the language, the warnings, sanitizers, hardening, ccache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(POSTRIDER_CCACHE ccache)
if(POSTRIDER_CCACHE)
    # Relative paths, so that another clone on the same machine finds what this one compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=true ${POSTRIDER_CCACHE})
endif()

add_library(postrider_flags INTERFACE)
target_compile_options(postrider_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(postrider_flags INTERFACE -Wduplicated-cond -Wlogical-op -Wuseless-cast)
endif()
if(POSTRIDER_WERROR)
    target_compile_options(postrider_flags INTERFACE -Werror)
endif()

if(POSTRIDER_SANITIZE)
    target_compile_options(postrider_flags INTERFACE
        -fsanitize=${POSTRIDER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(postrider_flags INTERFACE -fsanitize=${POSTRIDER_SANITIZE})
endif()

if(POSTRIDER_HARDEN)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES CXX)
    target_compile_options(postrider_flags INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
        -D_GLIBCXX_ASSERTIONS)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(postrider_flags INTERFACE -fcf-protection=full)
    endif()
    target_link_options(postrider_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
