# SPDX-License-Identifier: GPL-3.0-or-later
# portolan_embed(TARGET NAMESPACE file...): compiles text files (TOML, Lua, SQL, HTML) into a target.
#
# It generates a source that defines, in NAMESPACE, the function
#     std::span<const portolan::EmbeddedFile> embeddedFiles();
# with one entry per file in the order given, named without folder ("login.lua"). Declare that function where you use it
# (core/base/embedded_file.h has the type and a lookup by name). Editing a file rebuilds only the generated source.
#     portolan_embed(portolan_redis portolan::redis::scripts ${CMAKE_SOURCE_DIR}/resources/scripts/login.lua)
set(PORTOLAN_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedFiles.cmake)

function(portolan_embed target namespace)
  string(MAKE_C_IDENTIFIER "${namespace}" identifier)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${identifier}.cpp)
  set(files)
  foreach(file IN LISTS ARGN)
    get_filename_component(file ${file} ABSOLUTE)
    if(NOT EXISTS ${file})
      message(FATAL_ERROR "portolan_embed(${target}): ${file} does not exist")
    endif()
    list(APPEND files ${file})
  endforeach()
  string(REPLACE ";" "|" joined "${files}")
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${joined}" -DNAMESPACE=${namespace} -DOUTPUT=${output} -P ${PORTOLAN_EMBED_SCRIPT}
    DEPENDS ${files} ${PORTOLAN_EMBED_SCRIPT}
    COMMENT "Embedding the files of ${namespace}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
