// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <array>
#include <optional>
#include <string_view>
#include <type_traits>

/// How the names of C++ appear outside: a member `retryAfter` is `retry_after` in JSON and TOML, an enumerator
/// `NotYet` is `not-yet` as a JSON value and would be `not_yet` as a key. A Resource is always `redis_memory`. All at
/// compile time.
namespace portolan {

namespace detail {

/// `Described` is a Boost.Describe descriptor (it has `name`); the separator goes before each capital but the first.
template <class Described, char Separator> class SplitName
{
    static constexpr std::string_view original{Described::name};
    static constexpr std::size_t length = [] {
        std::size_t count = original.size();
        for (std::size_t i = 1; i < original.size(); ++i)
            count += original[i] >= 'A' && original[i] <= 'Z';
        return count;
    }();
    static constexpr std::array<char, length + 1> text = [] {
        std::array<char, length + 1> result{};
        std::size_t at = 0;
        for (std::size_t i = 0; i < original.size(); ++i) {
            const bool capital = original[i] >= 'A' && original[i] <= 'Z';
            if (capital && i > 0)
                result[at++] = Separator;
            result[at++] = capital ? char(original[i] - 'A' + 'a') : original[i];
        }
        return result;
    }();

public:
    static constexpr std::string_view value{text.data(), length};
};

template <class E, char Separator> constexpr auto enumTable()
{
    using List = boost::describe::describe_enumerators<E>;
    std::array<std::pair<E, std::string_view>, boost::mp11::mp_size<List>::value> table{};
    std::size_t at = 0;
    boost::mp11::mp_for_each<List>([&]<class D>(D) { table[at++] = {D::value, SplitName<D, Separator>::value}; });
    return table;
}

} // namespace detail

template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

/// '-' in the names of an enum's values, unless an enumSeparator() beside the enum says otherwise.
template <class E> consteval char valueSeparator()
{
    if constexpr (requires { enumSeparator(E{}); })
        return enumSeparator(E{});
    else
        return '-';
}

/// All values of a described enum with their names, in order of declaration. '-' for values, '_' for keys.
template <DescribedEnum E, char Separator = valueSeparator<E>()>
inline constexpr auto enumNames = detail::enumTable<E, Separator>();

/// `NotYet` → "not-yet". Empty for a value that is no enumerator.
template <DescribedEnum E> constexpr std::string_view enumName(E value)
{
    for (const auto &[known, name] : enumNames<E>)
        if (known == value)
            return name;
    return {};
}

/// `RedisMemory` → "redis_memory", as settings, tiers and metric labels spell it.
template <DescribedEnum E> constexpr std::string_view enumKey(E value)
{
    for (const auto &[known, name] : enumNames<E, '_'>)
        if (known == value)
            return name;
    return {};
}

/// The reverse; takes either spelling.
template <DescribedEnum E> constexpr std::optional<E> enumFromName(std::string_view name)
{
    for (const auto &[value, known] : enumNames<E>)
        if (known == name)
            return value;
    for (const auto &[value, known] : enumNames<E, '_'>)
        if (known == name)
            return value;
    return std::nullopt;
}

} // namespace portolan
