# SPDX-License-Identifier: GPL-3.0-or-later
# How every target of the project is built, so that a folder's CMakeLists.txt only lists its files and what it uses.

option(PORTOLAN_LTO "Optimise across translation units" OFF)
option(PORTOLAN_FUZZ "Build the fuzz targets (needs clang)" OFF)
set(PORTOLAN_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(PORTOLAN_CCACHE ccache)
if(PORTOLAN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers are only cached when ccache may ignore their time stamps and unused defines.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${PORTOLAN_CCACHE})
endif()

add_library(portolan_options INTERFACE)
target_include_directories(portolan_options INTERFACE ${CMAKE_SOURCE_DIR})
# As hiredis asks for it: a precompiled header is of use only to what defines the same.
target_compile_definitions(portolan_options INTERFACE _FILE_OFFSET_BITS=64)
target_compile_options(portolan_options INTERFACE -Wall -Wextra -Wpedantic -Werror -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC looks for the includes of a precompiled header only when told that ccache will preprocess first.
  target_compile_options(portolan_options INTERFACE -fpch-preprocess)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 takes "literal" + std::string for copies that overlap or never end once optimised (GCC bug 105651, mended
    # in 13); from a precompiled header it no longer knows that this is in the standard library.
    target_compile_options(portolan_options INTERFACE -Wno-restrict
      $<$<CONFIG:Release>:-Wno-stringop-overflow -Wno-array-bounds -Wno-maybe-uninitialized>)
  endif()
endif()
# What makes a bug in a program that listens to the world harder to use. What the linker does costs nothing: addresses
# that differ at every start, tables that are read-only once filled in, no stack that can be run. What the compiler adds
# is in what is installed. tests/e2e/hardening_test.py reads it all from the built program.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
target_link_options(portolan_options INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
if(NOT PORTOLAN_SANITIZE AND NOT PORTOLAN_FUZZ)
  target_compile_options(portolan_options INTERFACE "$<$<CONFIG:Release>:-fstack-protector-strong;-fstack-clash-protection>")
  # The compiler's own default, where a distribution sets one, would be defined twice.
  target_compile_options(portolan_options INTERFACE "$<$<CONFIG:Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(portolan_options INTERFACE "$<$<CONFIG:Release>:-fcf-protection=full>")
  endif()
endif()
if(PORTOLAN_SANITIZE)
  target_compile_options(portolan_options INTERFACE -fsanitize=${PORTOLAN_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(portolan_options INTERFACE -fsanitize=${PORTOLAN_SANITIZE})
  if(PORTOLAN_SANITIZE MATCHES "undefined")
    target_compile_options(portolan_options INTERFACE -fno-sanitize-recover=undefined)
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
      # clang 14 cannot emit this check's prologue for a coroutine: "Cannot represent a difference across sections".
      target_compile_options(portolan_options INTERFACE -fno-sanitize=function)
    endif()
  endif()
  if(PORTOLAN_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 warns of every std::atomic_thread_fence under tsan; Asio's are paired with atomics it does understand.
    target_compile_options(portolan_options INTERFACE -Wno-tsan)
  endif()
endif()
if(PORTOLAN_FUZZ)
  target_compile_options(portolan_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PORTOLAN_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

# Two thirds of the time of a translation unit go into reading Asio, Boost.JSON or Qt, so these are compiled once
# (cmake/pch): server.h for core/ and its tests, window.h for the windows and theirs. clang refuses
# one that was made with other -D options, where GCC asks only that none be missing.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

# portolan_precompiled(TARGET USES target...): reuses what fits what the target uses
function(portolan_precompiled target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "USES")
  set(on_base ${ARG_USES})
  list(FILTER on_base INCLUDE REGEX
    "^portolan::(base|telemetry|redis|storage|http|net|auth|limits|queue|market|portal|monitor|stack|connect|console|server|client|showcase|embedded|commands|fakes)$")
  if("portolan::ui" IN_LIST ARG_USES)
    target_precompile_headers(${target} REUSE_FROM portolan_window_pch)
  elseif(on_base)
    target_precompile_headers(${target} REUSE_FROM portolan_server_pch)
  endif()
endfunction()

# portolan_library(NAME SOURCES file... [USES target...] [PRIVATE_USES target...])
# One folder of core/ is one library; USES is the whole list of what it may include (tests/lint checks the includes).
function(portolan_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;USES;PRIVATE_USES")
  if(ARG_SOURCES)
    add_library(portolan_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(portolan_${name} PUBLIC portolan_options ${ARG_USES} PRIVATE ${ARG_PRIVATE_USES})
    portolan_precompiled(portolan_${name} USES ${ARG_USES})
  else()
    add_library(portolan_${name} INTERFACE)
    target_link_libraries(portolan_${name} INTERFACE portolan_options ${ARG_USES})
  endif()
  add_library(portolan::${name} ALIAS portolan_${name})
endfunction()

# portolan_sanitizer_environment(OUT [EVENT_LOOP])
# What a test's environment tells the sanitizers, as NAME=value. EVENT_LOOP: the program runs one of Qt's while other
# threads post to it, as programs with windows do.
function(portolan_sanitizer_environment out)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "EVENT_LOOP" "" "")
  set(tests ${PROJECT_SOURCE_DIR}/tests)
  set(suppressions ${tests}/tsan.supp)
  if(ARG_EVENT_LOOP)
    # The sanitizer reads one file.
    set(suppressions ${PROJECT_BINARY_DIR}/tsan_event_loop.supp)
    file(READ ${tests}/tsan.supp everywhere)
    file(READ ${tests}/tsan_event_loop.supp here)
    file(CONFIGURE OUTPUT ${suppressions} CONTENT "${everywhere}${here}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tests}/tsan.supp ${tests}/tsan_event_loop.supp)
  endif()
  # With a longer history both stacks of a race are there to be compared with the suppressions.
  set(${out}
    TSAN_OPTIONS=suppressions=${suppressions}:history_size=7:halt_on_error=1:die_after_fork=0
    ASAN_OPTIONS=detect_stack_use_after_return=0
    LSAN_OPTIONS=suppressions=${tests}/lsan.supp
    PARENT_SCOPE)
endfunction()

# portolan_test(NAME LABEL label SOURCES file... USES target... [TIMEOUT seconds] [SERIAL] [EVENT_LOOP])
# A Qt Test program registered with CTest under `label` (unit, contract, integration, gui, e2e). EVENT_LOOP: as above;
# programs labelled gui always do.
function(portolan_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "SERIAL;EVENT_LOOP" "LABEL;TIMEOUT" "SOURCES;USES")
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES AUTOMOC ON)
  target_link_libraries(${name} PRIVATE portolan_options ${ARG_USES} Qt6::Test)
  portolan_precompiled(${name} USES ${ARG_USES})
  if(PORTOLAN_SANITIZE STREQUAL "thread")
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fakes/process_by_fork.cpp)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(event_loop)
  if(ARG_LABEL STREQUAL "gui" OR ARG_EVENT_LOOP)
    set(event_loop EVENT_LOOP)
  endif()
  portolan_sanitizer_environment(sanitizers ${event_loop})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "QT_QPA_PLATFORM=offscreen;${sanitizers}")
  if(ARG_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# portolan_decimal_comma(TEST): runs a test under a locale that writes 0,5 for 0.5. It is made for the tests alone, in
# the build folder; the machine's locales are left alone.
function(portolan_decimal_comma name)
  if(NOT TARGET decimal_comma_made)
    add_custom_target(decimal_comma_made)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/locales)
    add_test(NAME locale_decimal_comma
      COMMAND localedef -i de_DE -f UTF-8 ${CMAKE_BINARY_DIR}/locales/de_DE.UTF-8)
    set_tests_properties(locale_decimal_comma PROPERTIES LABELS "unit;integration;gui;e2e" FIXTURES_SETUP decimal_comma)
  endif()
  set_tests_properties(${name} PROPERTIES
    FIXTURES_REQUIRED decimal_comma
    ENVIRONMENT_MODIFICATION "LOCPATH=set:${CMAKE_BINARY_DIR}/locales;LC_ALL=set:de_DE.UTF-8")
endfunction()

# portolan_fuzz(NAME SOURCES file... USES target...): a libFuzzer program, built by the preset `fuzz` only.
# installer/test.sh --all finds it by its name, fuzz_<folder>_<what>, and its seeds in the folder's seeds/<what>.
function(portolan_fuzz name)
  if(NOT name MATCHES "^fuzz_")
    message(FATAL_ERROR "portolan_fuzz(${name}): the name must start with fuzz_")
  endif()
  if(NOT PORTOLAN_FUZZ)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;USES")
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE portolan_options ${ARG_USES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()
