// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json.h"
#include "core/base/json_append.h"
#include "core/base/json_schema.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// Answers to questions as JSON: each list is `{"items":[…],"next_cursor":…}`, with null where there is no next page.
/// So a std::vector is written under "items"; a page has both members, and a list that is no page and names its
/// members `items` gets the other one. Everything else is written as json.h says.
namespace portolan {

namespace detail {

template <class T> inline constexpr bool isPlainList = false;
template <class T> inline constexpr bool isPlainList<std::vector<T>> = true;
template <class T> inline constexpr bool isUnpagedList = requires(T list) { list.items; }
&&!requires(T list) { list.nextCursor; };

} // namespace detail

template <class T> std::string writeAnswer(const T &answer)
{
    if constexpr (detail::isPlainList<T>) {
        std::string text = "{\"items\":";
        appendJson(text, answer);
        return text += ",\"next_cursor\":null}";
    } else if constexpr (detail::isUnpagedList<T>) {
        std::string text = writeJson(answer);
        text.pop_back();
        return text += ",\"next_cursor\":null}";
    } else {
        return writeJson(answer);
    }
}

/// What writeAnswer() wrote, by this version or a later one. Invalid: it is none.
template <class T> Result<T> readAnswer(std::string_view text, const JsonLimits &limits = {})
{
    if constexpr (detail::isPlainList<T>) {
        auto page = parseJson(text, limits);
        if (!page)
            return page.error();
        auto *const members = page->if_object();
        auto *const items = members ? members->if_contains("items") : nullptr;
        if (!items)
            return failure(ErrorKind::Invalid, "The answer is no list.");
        return fromJson<T>(*items, JsonMode::Lenient, limits);
    } else {
        return readJson<T>(text, JsonMode::Lenient, limits);
    }
}

/// JSON Schema of what writeAnswer<T>() writes. As long as the program lives.
template <class T> const std::string &writtenSchema()
{
    using boost::json::array;
    using boost::json::object;
    static const std::string text = [] {
        auto schema = detail::schemaOf<T>(detail::SchemaOf::Answer, false);
        const object cursor{{"type", array{"string", "null"}}};
        if constexpr (detail::isPlainList<T>)
            schema = object{{"type", "object"},
                            {"properties", object{{"items", std::move(schema)}, {"next_cursor", cursor}}},
                            {"required", array{"items", "next_cursor"}}};
        else if constexpr (detail::isUnpagedList<T>) {
            schema.at("properties").as_object().emplace("next_cursor", cursor);
            schema.at("required").as_array().emplace_back("next_cursor");
        }
        return jsonText(schema);
    }();
    return text;
}

} // namespace portolan
