// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/metric.h"
#include "core/api/result.h"
#include "core/base/ids.h"
#include "core/base/json_read.h"
#include "core/base/json_write.h"

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Described structs as the parameters of an address, both ways by the names and the spelling of json.h:
///
/// | C++                                | parameters |
/// |---|---|
/// | member `nextCursor`                | `next_cursor=…` |
/// | described struct as a member       | its members, as if they were the outer one's |
/// | std::optional                      | none where there is nothing |
/// | std::vector                        | one for each item, in their order |
/// | bool                               | `true`, `false` |
/// | integer, id                        | decimal digits; ids as parseId() takes them |
/// | std::chrono::seconds               | decimal digits |
/// | described enum                     | as its JSON value |
/// | WallTime                           | RFC 3339 UTC with milliseconds |
/// | Metric                             | as textOf() (catalogue.h) writes it |
///
/// A member that no parameter names keeps its default, unless the struct names it as one that must be there:
///
///     static constexpr std::string_view queryRequired[] = {"from", "to"};
///
/// and one whose parameter has another name is told with it:
///
///     static constexpr std::string_view queryNames[][2] = {{"metrics", "metric"}};
///
/// Of a number that is 1 to so much the document tells that; who answers refuses others:
///
///     static constexpr std::pair<std::string_view, std::uint32_t> queryMost[] = {{"limit", 500}};
///
/// Reading is strict, as JsonMode::Strict is: a parameter that is unknown, twice where one is meant, no UTF-8 or no
/// value of its type is Invalid, each under its name as a pointer. An empty parameter is none, except of a text.
namespace portolan {

/// Name and value, decoded, in the order they came in.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// Bounds of what is read.
struct QueryLimits
{
    std::size_t parameters = 200;
    std::size_t text = 2048; ///< bytes of any value
    std::size_t errors = 20; ///< after so many reading stops
};

/// As the query of an address, without '?': all but RFC 3986's unreserved characters percent-encoded.
std::string writeQuery(const QueryParameters &parameters);

namespace detail {

template <class T>
concept QueryStruct = DescribedStruct<T> && !std::same_as<T, Metric>;
template <class T> inline constexpr bool isVector = false;
template <class T> inline constexpr bool isVector<std::vector<T>> = true;

/// What is wrong with a value; nothing where it was read.
using Wrong = std::optional<std::string>;
Wrong readValue(std::string_view text, std::string &to);
Wrong readValue(std::string_view text, bool &to);
Wrong readValue(std::string_view text, WallTime &to);
Wrong readValue(std::string_view text, std::chrono::seconds &to);
Wrong readValue(std::string_view text, Metric &to);
Wrong readId(std::string_view text, Id &to);
Wrong noneOf(const std::vector<std::string_view> &names);
Wrong notBetween(std::int64_t least, std::uint64_t most);

template <DescribedEnum E> Wrong readValue(std::string_view text, E &to)
{
    if (const auto value = enumFromName<E>(text)) {
        to = *value;
        return {};
    }
    std::vector<std::string_view> names;
    for (const auto &[value, name] : enumNames<E>)
        names.push_back(name);
    return noneOf(names);
}

template <std::integral T> Wrong readValue(std::string_view text, T &to)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return notBetween(std::int64_t(std::numeric_limits<T>::min()), std::uint64_t(std::numeric_limits<T>::max()));
    to = value;
    return {};
}

/// One value of a member, which may be told as an item of several.
template <class T> Wrong readMember(std::string_view text, bool isId, T &to)
{
    if constexpr (isOptional<T>) {
        return readMember(text, isId, to.emplace());
    } else if constexpr (isVector<T>) {
        return readMember(text, isId, to.emplace_back());
    } else {
        if constexpr (std::same_as<T, Id>) {
            if (isId)
                return readId(text, to);
        }
        return readValue(text, to);
    }
}

template <class T> constexpr bool takesEmpty()
{
    if constexpr (isOptional<T> || isVector<T>)
        return takesEmpty<typename T::value_type>();
    else
        return std::same_as<T, std::string>;
}

template <class T> constexpr bool mustBeThere(std::string_view member)
{
    if constexpr (requires { T::queryRequired; }) {
        for (const std::string_view name : T::queryRequired)
            if (name == member)
                return true;
    }
    return false;
}

/// What the member D of T is called as a parameter.
template <class T, class D> constexpr std::string_view parameterName()
{
    if constexpr (requires { T::queryNames; }) {
        for (const auto &[member, name] : T::queryNames)
            if (member == std::string_view(D::name))
                return name;
    }
    return SplitName<D, '_'>::value;
}

class QueryReader final
{
public:
    QueryReader(const QueryParameters &parameters, const QueryLimits &limits);

    template <class T> void read(T &to)
    {
        boost::mp11::mp_for_each<AllMembers<T>>([&]<class D>(D) {
            using Member = std::remove_cvref_t<decltype(to.*D::pointer)>;
            if constexpr (QueryStruct<Member>)
                read(to.*D::pointer);
            else
                readParameters<Member>(parameterName<T, D>(), isIdMember(D::name), mustBeThere<T>(D::name),
                                       to.*D::pointer);
        });
    }
    /// Invalid where something was wrong, or a parameter was left over.
    std::optional<Error> end();

private:
    template <class T> void readParameters(std::string_view name, bool isId, bool required, T &to)
    {
        bool found = false;
        for (const std::size_t index : take(name, isVector<T>)) {
            const std::string &text = m_parameters[index].second;
            if (text.empty() && !takesEmpty<T>())
                continue;
            if constexpr (isVector<T>) {
                if (!found)
                    to.clear();
            }
            found = true;
            if (m_noText[index])
                continue;
            if (auto wrong = readMember(text, isId, to))
                m_errors.add('/' + std::string(name), std::move(*wrong));
        }
        if (required && !found)
            m_errors.add('/' + std::string(name), "is missing");
    }
    /// Where the parameters of this name are; the first one where several are not meant.
    std::vector<std::size_t> take(std::string_view name, bool several);

    const QueryParameters &m_parameters;
    std::vector<bool> m_taken;
    std::vector<bool> m_noText; ///< said already
    FieldErrors m_errors;
};

std::string textOfValue(const std::string &value);
std::string textOfValue(bool value);
std::string textOfValue(std::chrono::seconds value);
std::string textOfValue(WallTime value);
std::string textOfValue(const Metric &value);
template <DescribedEnum E> std::string textOfValue(E value) { return std::string(enumName(value)); }
template <std::integral T> std::string textOfValue(T value) { return std::to_string(value); }

template <class T> void addParameters(QueryParameters &to, std::string_view name, const T &value, const T &usual)
{
    if constexpr (isOptional<T>) {
        if (value)
            to.emplace_back(name, textOfValue(*value));
    } else if constexpr (isVector<T>) {
        for (const auto &item : value)
            to.emplace_back(name, textOfValue(item));
    } else if constexpr (std::same_as<T, std::string>) {
        if (value != usual)
            to.emplace_back(name, value);
    } else {
        to.emplace_back(name, textOfValue(value));
    }
}

template <QueryStruct T> void addMembers(QueryParameters &to, const T &value)
{
    const T usual{};
    boost::mp11::mp_for_each<AllMembers<T>>([&]<class D>(D) {
        using Member = std::remove_cvref_t<decltype(value.*D::pointer)>;
        if constexpr (QueryStruct<Member>)
            addMembers(to, value.*D::pointer);
        else
            addParameters(to, parameterName<T, D>(), value.*D::pointer, usual.*D::pointer);
    });
}

} // namespace detail

/// A value of type T, or Invalid with everything that is wrong.
template <class T> Result<T> readQuery(const QueryParameters &parameters, const QueryLimits &limits = {})
{
    T value{};
    detail::QueryReader reader(parameters, limits);
    reader.read(value);
    if (auto error = reader.end())
        return std::move(*error);
    return value;
}

/// What readQuery() reads as the same value.
template <class T> QueryParameters queryParameters(const T &value)
{
    QueryParameters parameters;
    detail::addMembers(parameters, value);
    return parameters;
}
template <detail::QueryStruct T> std::string writeQuery(const T &value) { return writeQuery(queryParameters(value)); }

} // namespace portolan
