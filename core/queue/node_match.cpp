// SPDX-License-Identifier: GPL-3.0-or-later
#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/queue/node_match.h"

#include <pcre2.h>

#include <memory>

namespace portolan::queue {

namespace {

constexpr std::uint32_t stepsMost = 20'000; ///< calls of PCRE2's match(), each some tens of nanoseconds
constexpr std::uint32_t depthMost = 1'000;  ///< nested backtracking points
constexpr std::uint32_t heapMost = 512;     ///< KiB
constexpr std::uint32_t nestingMost = 50;   ///< parentheses

template <auto Free> struct With
{
    template <class T> void operator()(T *object) const { Free(object); }
};
using CompileContext = std::unique_ptr<pcre2_compile_context, With<pcre2_compile_context_free>>;
using ConvertContext = std::unique_ptr<pcre2_convert_context, With<pcre2_convert_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, With<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, With<pcre2_match_data_free>>;
using Code = std::unique_ptr<pcre2_code, With<pcre2_code_free>>;

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

NodeMatch matchExpression(std::string_view node, std::string_view expression)
{
    const CompileContext compile(pcre2_compile_context_create(nullptr));
    const MatchContext limits(pcre2_match_context_create(nullptr));
    if (!compile || !limits)
        return NodeMatch::TooCostly;
    pcre2_set_parens_nest_limit(compile.get(), nestingMost);
    pcre2_set_match_limit(limits.get(), stepsMost);
    pcre2_set_depth_limit(limits.get(), depthMost);
    pcre2_set_heap_limit(limits.get(), heapMost);
    int problem = 0;
    PCRE2_SIZE at = 0;
    const Code code(pcre2_compile(units(expression), expression.size(),
                                  PCRE2_ANCHORED | PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &problem, &at,
                                  compile.get()));
    if (!code)
        return NodeMatch::Unreadable;
    const MatchData data(pcre2_match_data_create(1, nullptr));
    if (!data)
        return NodeMatch::TooCostly;
    const int found = pcre2_match(code.get(), units(node), node.size(), 0, 0, data.get(), limits.get());
    if (found >= 0)
        return NodeMatch::Yes;
    return found == PCRE2_ERROR_NOMATCH ? NodeMatch::No : NodeMatch::TooCostly;
}

NodeMatch matchGlob(std::string_view node, std::string_view pattern)
{
    const ConvertContext convert(pcre2_convert_context_create(nullptr));
    if (!convert || pcre2_set_glob_escape(convert.get(), 0) != 0)
        return NodeMatch::TooCostly;
    PCRE2_UCHAR *converted = nullptr;
    PCRE2_SIZE size = 0;
    const int problem = pcre2_pattern_convert(units(pattern), pattern.size(),
                                              PCRE2_CONVERT_GLOB | PCRE2_CONVERT_GLOB_NO_WILD_SEPARATOR |
                                                  PCRE2_CONVERT_GLOB_NO_STARSTAR | PCRE2_CONVERT_UTF,
                                              &converted, &size, convert.get());
    if (problem != 0)
        return NodeMatch::Unreadable;
    const std::unique_ptr<PCRE2_UCHAR, With<pcre2_converted_pattern_free>> owned(converted);
    return matchExpression(node, {reinterpret_cast<const char *>(converted), size});
}

} // namespace

NodeMatch matchNode(std::string_view node, std::string_view matcher, std::string_view pattern)
{
    if (pattern.size() > patternMost || node.size() > nodeNameMost)
        return NodeMatch::Unreadable;
    if (matcher == "glob")
        return matchGlob(node, pattern);
    if (matcher == "pcre")
        return matchExpression(node, pattern);
    return NodeMatch::Unreadable;
}

} // namespace portolan::queue
