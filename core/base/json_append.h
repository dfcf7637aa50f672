// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_numbers.h"
#include "core/base/json_write.h"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

/// JSON text straight from the described lists, without a tree of values in between: for answers that are asked for so
/// often that making the tree is a good part of their price. The same bytes as writeJson() (json.h), whose rules apply.
namespace portolan {

namespace detail {

inline void appendText(std::string &out, std::string_view text)
{
    const bool plain =
        std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f; });
    if (plain)
        out.append("\"").append(text).append("\"");
    else
        out.append(boost::json::serialize(boost::json::string(text)));
}

template <class T> void appendJson(std::string &out, const T &value, bool isId);

template <DescribedStruct T> void appendStruct(std::string &out, const T &value)
{
    char before = '{';
    boost::mp11::mp_for_each<AllMembers<T>>([&]<class D>(D) {
        out.push_back(before);
        before = ',';
        out.append("\"").append(SplitName<D, '_'>::value).append("\":");
        appendJson(out, value.*D::pointer, isIdMember(D::name));
    });
    if (before == '{')
        out.push_back('{');
    out.push_back('}');
}

template <class T> void appendJson(std::string &out, const T &value, bool isId)
{
    if constexpr (std::is_same_v<T, bool>) {
        out.append(value ? "true" : "false");
    } else if constexpr (std::is_integral_v<T>) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        const std::string_view number(digits, std::size_t(end - digits));
        if (isId)
            out.append("\"").append(number).append("\"");
        else
            out.append(number);
    } else if constexpr (DescribedEnum<T>) {
        out.append("\"").append(enumName(value)).append("\"");
    } else if constexpr (TextLike<T> && !JsonPassThrough<T>) {
        appendText(out, std::string_view(value));
    } else if constexpr (std::is_same_v<T, WallTime>) {
        out.append("\"").append(formatTime(value)).append("\"");
    } else if constexpr (isOptional<T> || isPointer<T>) {
        if (value)
            appendJson(out, *value, isId);
        else
            out.append("null");
    } else if constexpr (DescribedStruct<T>) {
        appendStruct(out, value);
    } else if constexpr (std::ranges::range<T> && !MapLike<T> && !JsonPassThrough<T>) {
        char before = '[';
        for (const auto &item : value) {
            out.push_back(before);
            before = ',';
            appendJson<std::ranges::range_value_t<T>>(out, item, isId);
        }
        if (before == '[')
            out.push_back('[');
        out.push_back(']');
    } else {
        out.append(jsonText(toJson(value, isId)));
    }
}

} // namespace detail

/// Appends `value` as JSON text.
template <class T> void appendJson(std::string &out, const T &value) { detail::appendJson(out, value, false); }

} // namespace portolan
