// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/json_numbers.h"
#include "core/base/names.h"
#include "core/base/time_format.h"

#include <boost/describe/bases.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>

/// Writing half of json.h, which has the rules.
namespace portolan {

class Secret;

namespace detail {

template <class T>
concept DescribedStruct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;
template <class T>
concept JsonPassThrough = std::is_same_v<T, boost::json::value> || std::is_same_v<T, boost::json::object> ||
    std::is_same_v<T, boost::json::array> || std::is_same_v<T, boost::json::string>;
template <class T>
concept TextLike = std::is_convertible_v<const T &, std::string_view>;
template <class T>
concept MapLike = requires
{
    typename T::key_type;
    typename T::mapped_type;
};

template <class T> inline constexpr bool isDuration = false;
template <class R, class P> inline constexpr bool isDuration<std::chrono::duration<R, P>> = true;
template <class T> inline constexpr bool isOptional = false;
template <class T> inline constexpr bool isOptional<std::optional<T>> = true;
template <class T> inline constexpr bool isPointer = false;
template <class T> inline constexpr bool isPointer<std::shared_ptr<T>> = true;
template <class T> inline constexpr bool isPointer<std::unique_ptr<T>> = true;

template <class T>
using AllMembers = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

/// `id`, `userId`, `symbolIds`: what api.md calls ids.
constexpr bool isIdMember(std::string_view name)
{
    return name == "id" || name == "ids" || name.ends_with("Id") || name.ends_with("Ids");
}

boost::json::value jsonOfSeconds(double seconds);
boost::json::value jsonOfNumber(double number); ///< null unless finite

template <class T> boost::json::value toJson(const T &value, bool isId);

template <DescribedStruct T> boost::json::value structToJson(const T &value)
{
    using Members = AllMembers<T>;
    boost::json::object object;
    object.reserve(boost::mp11::mp_size<Members>::value);
    boost::mp11::mp_for_each<Members>([&]<class D>(D) {
        object.emplace(boost::json::string_view(SplitName<D, '_'>::value),
                       toJson(value.*D::pointer, isIdMember(D::name)));
    });
    return object;
}

template <MapLike T> boost::json::value mapToJson(const T &map)
{
    boost::json::object object;
    object.reserve(map.size());
    for (const auto &[key, value] : map) {
        if constexpr (DescribedEnum<typename T::key_type>)
            object.emplace(boost::json::string_view(enumName(key)), toJson(value, false));
        else
            object.emplace(boost::json::string_view(key), toJson(value, false));
    }
    return object;
}

template <class T> boost::json::value toJson(const T &value, bool isId)
{
    static_assert(!std::is_same_v<T, Secret>, "secrets are never written");
    static_assert(!std::is_same_v<T, SteadyTime>, "a steady time means nothing outside this process");
    if constexpr (JsonPassThrough<T>) {
        return value;
    } else if constexpr (std::is_same_v<T, bool>) {
        return value;
    } else if constexpr (std::is_integral_v<T>) {
        if (isId)
            return boost::json::value(std::to_string(value));
        return value;
    } else if constexpr (std::is_floating_point_v<T>) {
        return jsonOfNumber(double(value));
    } else if constexpr (DescribedEnum<T>) {
        return boost::json::string_view(enumName(value));
    } else if constexpr (TextLike<T>) {
        return boost::json::string_view(std::string_view(value));
    } else if constexpr (isDuration<T>) {
        if constexpr (std::is_integral_v<typename T::rep> && std::ratio_less_equal_v<std::ratio<1>, typename T::period>)
            return std::int64_t(std::chrono::duration_cast<std::chrono::seconds>(value).count());
        else
            return jsonOfSeconds(std::chrono::duration<double>(value).count());
    } else if constexpr (std::is_same_v<T, WallTime>) {
        return boost::json::value(formatTime(value));
    } else if constexpr (isOptional<T> || isPointer<T>) {
        return value ? toJson(*value, isId) : boost::json::value(nullptr);
    } else if constexpr (DescribedStruct<T>) {
        return structToJson(value);
    } else if constexpr (MapLike<T>) {
        return mapToJson(value);
    } else {
        static_assert(std::ranges::range<T>, "no JSON form: describe the type with BOOST_DESCRIBE_STRUCT or _ENUM");
        boost::json::array array;
        if constexpr (std::ranges::sized_range<T>)
            array.reserve(std::ranges::size(value));
        for (const auto &item : value)
            array.push_back(toJson<std::ranges::range_value_t<T>>(item, isId));
        return array;
    }
}

template <class T>
concept WrittenByUs = DescribedStruct<T> || DescribedEnum<T> || isDuration<T> || std::is_same_v<T, WallTime>;

} // namespace detail

/// As a JSON value, by the rules of json.h.
template <class T> boost::json::value toJson(const T &value) { return detail::toJson(value, false); }

/// As JSON text.
template <class T> std::string writeJson(const T &value) { return jsonText(toJson(value)); }

} // namespace portolan

namespace boost::json {

/// Makes value_from follow the rules of json.h for described types and chrono. It lives here because the tag does:
/// argument dependent lookup finds it for the types of std::chrono too.
template <class T>
requires portolan::detail::WrittenByUs<T>
void tag_invoke(value_from_tag, value &out, const T &from) { out = portolan::detail::toJson(from, false); }

} // namespace boost::json
