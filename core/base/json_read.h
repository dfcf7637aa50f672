// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/base/json_write.h"

#include <boost/json/value.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reading half of json.h, which has the rules.
namespace portolan {

enum class JsonMode {
    Strict, ///< requests: an unknown member is an error
    /// Answers, which may be a later version's: unknown members are ignored, null for a member that cannot be null
    /// counts as absent. A word that no enumerator has takes with it the nearest thing around it that can be left out:
    /// an element of a list or a map, or what is optional; a default would say of it what nobody has said. Where there
    /// is none of them, the nearest member that has a default keeps it; else it is an error.
    Lenient,
};

/// Bounds of what is read. The text as a whole is bounded by whoever received it.
struct JsonLimits
{
    std::size_t depth = 16;         ///< objects and arrays within each other
    std::size_t string = 64 * 1024; ///< bytes of any string
    std::size_t items = 10'000;     ///< elements of any array, members of any map
    std::size_t errors = 20;        ///< after so many reading stops
};

/// Collects what is wrong with an input, field by field; also for checks of a service's own beyond types.
class FieldErrors final
{
public:
    explicit FieldErrors(std::size_t bound = 20) : m_bound(bound) {}
    void add(std::string pointer, std::string detail);
    bool empty() const { return m_errors.empty(); }
    bool full() const { return m_errors.size() >= m_bound; }
    /// The Invalid error that lists them. Only when not empty.
    Error error() const;

private:
    std::size_t m_bound;
    std::vector<FieldError> m_errors;
};

/// Parses text with the limits' depth. Invalid with the byte where it broke.
Result<boost::json::value> parseJson(std::string_view text, const JsonLimits &limits = {});

namespace detail {

class JsonReader final
{
public:
    JsonReader(JsonMode mode, const JsonLimits &limits) : m_mode(mode), m_limits(limits), m_errors(limits.errors) {}

    template <class T> void read(const boost::json::value &from, T &to, bool isId);
    FieldErrors &errors() { return m_errors; }
    /// Nothing around a word that is not known may be missing: that is an error now.
    void endWords();

private:
    /// Appends a segment to the pointer for its lifetime.
    class Step final
    {
    public:
        Step(JsonReader &reader, std::string_view member);
        Step(JsonReader &reader, std::size_t index);
        ~Step() { m_reader.m_pointer.resize(m_size); }
        Step(const Step &) = delete;
        Step &operator=(const Step &) = delete;

    private:
        JsonReader &m_reader;
        std::size_t m_size;
    };

    void fail(std::string detail) { m_errors.add(m_pointer, std::move(detail)); }
    const boost::json::object *object(const boost::json::value &from);
    const boost::json::array *array(const boost::json::value &from);
    bool within(const boost::json::value &passedThrough);
    bool text(const boost::json::value &from, std::string_view &to);
    bool number(const boost::json::value &from, double &to);
    bool signedInteger(const boost::json::value &from, bool isId, std::int64_t least, std::int64_t most,
                       std::int64_t &to);
    bool unsignedInteger(const boost::json::value &from, bool isId, std::uint64_t most, std::uint64_t &to);
    void time(const boost::json::value &from, WallTime &to);
    bool seconds(const boost::json::value &from, double most, double &to);
    void unknown(std::string_view member);
    void missing(std::string_view member);
    void notOneOf(const std::vector<std::string_view> &names);

    template <class T> void readStruct(const boost::json::value &from, T &to);
    template <class T> void readMap(const boost::json::value &from, T &to);
    template <class T> void readItems(const boost::json::value &from, T &to, bool isId);
    template <class T> void readEnum(const boost::json::value &from, T &to);
    template <class T> void readInteger(const boost::json::value &from, T &to, bool isId);
    template <class T> void readDuration(const boost::json::value &from, T &to);

    /// Reads something that can be left out. False: it has a word that is not known, which is told no further.
    template <class T> bool readWithin(const boost::json::value &from, T &to, bool isId)
    {
        ++m_within;
        const bool known = readKnown(from, to, isId);
        --m_within;
        return known;
    }
    /// The same of what has a default. Words that were met before, beside it, are not its own.
    template <class T> bool readKnown(const boost::json::value &from, T &to, bool isId)
    {
        auto before = std::exchange(m_unknownWord, {});
        read(from, to, isId);
        return !std::exchange(m_unknownWord, std::move(before)).has_value();
    }

    const JsonMode m_mode;
    const JsonLimits m_limits;
    FieldErrors m_errors;
    std::string m_pointer;
    std::optional<std::string> m_unknownWord; ///< where one was met that has not been left out yet
    std::size_t m_within = 0;                 ///< of so many things that can be left out
};

template <class T, class D> constexpr bool mayBeAbsent()
{
    using Member = std::remove_cvref_t<decltype(std::declval<T &>().*D::pointer)>;
    if constexpr (isOptional<Member>) {
        return true;
    } else if constexpr (!requires { T::jsonDefaulted; }) {
        return false;
    } else if constexpr (std::is_same_v<std::remove_cvref_t<decltype(T::jsonDefaulted)>, bool>) {
        return T::jsonDefaulted;
    } else {
        for (const std::string_view name : T::jsonDefaulted)
            if (name == D::name)
                return true;
        return false;
    }
}

/// That `jsonDefaulted` names members only.
template <class T> constexpr bool defaultsExist()
{
    if constexpr (requires { std::size(T::jsonDefaulted); }) {
        for (const std::string_view name : T::jsonDefaulted) {
            bool found = false;
            boost::mp11::mp_for_each<AllMembers<T>>([&]<class D>(D) { found = found || name == D::name; });
            if (!found)
                return false;
        }
    }
    return true;
}

template <class T> void JsonReader::readStruct(const boost::json::value &from, T &to)
{
    static_assert(defaultsExist<T>(), "jsonDefaulted names something that is no described member");
    const auto *members = object(from);
    if (!members)
        return;
    std::size_t found = 0;
    boost::mp11::mp_for_each<AllMembers<T>>([&]<class D>(D) {
        constexpr std::string_view name = SplitName<D, '_'>::value;
        using Member = std::remove_cvref_t<decltype(to.*D::pointer)>;
        const auto *value = members->if_contains(boost::json::string_view(name));
        found += value != nullptr;
        if (value && value->is_null() && m_mode == JsonMode::Lenient && !isOptional<Member> && !JsonPassThrough<Member>)
            value = nullptr;
        if (value) {
            const Step step(*this, name);
            if (!mayBeAbsent<T, D>() || m_within > 0)
                read(*value, to.*D::pointer, isIdMember(D::name));
            else if (!readKnown(*value, to.*D::pointer, isIdMember(D::name)))
                to.*D::pointer = T{}.*D::pointer;
        } else if (!mayBeAbsent<T, D>()) {
            missing(name);
        }
    });
    if (m_mode == JsonMode::Lenient || found == members->size())
        return;
    for (const auto &member : *members) {
        bool known = false;
        boost::mp11::mp_for_each<AllMembers<T>>(
            [&]<class D>(D) { known = known || std::string_view(member.key()) == SplitName<D, '_'>::value; });
        if (!known)
            unknown(member.key());
    }
}

template <class T> void JsonReader::readMap(const boost::json::value &from, T &to)
{
    const auto *members = object(from);
    if (!members)
        return;
    if (members->size() > m_limits.items)
        return fail("has more than " + std::to_string(m_limits.items) + " members");
    to.clear();
    for (const auto &member : *members) {
        const Step step(*this, member.key());
        typename T::key_type key{};
        if constexpr (DescribedEnum<typename T::key_type>) {
            const auto known = enumFromName<typename T::key_type>(std::string_view(member.key()));
            if (!known) {
                if (m_mode == JsonMode::Strict)
                    fail("is not known");
                continue;
            }
            key = *known;
        } else {
            key = std::string_view(member.key());
        }
        typename T::mapped_type value{};
        if (readWithin(member.value(), value, false))
            to.insert_or_assign(std::move(key), std::move(value));
        if (m_errors.full())
            return;
    }
}

template <class T> void JsonReader::readItems(const boost::json::value &from, T &to, bool isId)
{
    const auto *items = array(from);
    if (!items)
        return;
    to.clear();
    for (std::size_t i = 0; i < items->size() && !m_errors.full(); ++i) {
        const Step step(*this, i);
        typename T::value_type item{};
        if (readWithin((*items)[i], item, isId))
            to.insert(to.end(), std::move(item));
    }
}

template <class T> void JsonReader::readEnum(const boost::json::value &from, T &to)
{
    std::string_view name;
    if (!text(from, name))
        return;
    if (const auto value = enumFromName<T>(name)) {
        to = *value;
        return;
    }
    if (m_mode == JsonMode::Lenient) {
        m_unknownWord = m_pointer;
        return;
    }
    std::vector<std::string_view> names;
    for (const auto &[value, known] : enumNames<T>)
        names.push_back(known);
    notOneOf(names);
}

template <class T> void JsonReader::readInteger(const boost::json::value &from, T &to, bool isId)
{
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_signed_v<T>) {
        std::int64_t value = 0;
        if (signedInteger(from, isId, Limits::min(), Limits::max(), value))
            to = T(value);
    } else {
        std::uint64_t value = 0;
        if (unsignedInteger(from, isId, Limits::max(), value))
            to = T(value);
    }
}

template <class T> void JsonReader::readDuration(const boost::json::value &from, T &to)
{
    // A tenth of the type's range leaves room for the arithmetic of whoever uses it.
    const double most = std::chrono::duration<double>(T::max()).count() / 10;
    double count = 0;
    if (!seconds(from, most, count))
        return;
    if constexpr (std::is_floating_point_v<typename T::rep>)
        to = std::chrono::duration_cast<T>(std::chrono::duration<double>(count));
    else
        to = T(typename T::rep(std::llround(
            std::chrono::duration<double, typename T::period>(std::chrono::duration<double>(count)).count())));
}

template <class T> void JsonReader::read(const boost::json::value &from, T &to, bool isId)
{
    if (m_errors.full())
        return;
    if constexpr (std::is_same_v<T, boost::json::value>) {
        if (within(from))
            to = from;
    } else if constexpr (std::is_same_v<T, boost::json::object>) {
        if (const auto *members = object(from); members && within(from))
            to = *members;
    } else if constexpr (std::is_same_v<T, boost::json::array>) {
        if (const auto *items = array(from); items && within(from))
            to = *items;
    } else if constexpr (std::is_same_v<T, bool>) {
        if (const auto *yes = from.if_bool())
            to = *yes;
        else
            fail("must be true or false");
    } else if constexpr (std::is_integral_v<T>) {
        readInteger(from, to, isId);
    } else if constexpr (std::is_floating_point_v<T>) {
        double value = 0;
        if (number(from, value))
            to = T(value);
    } else if constexpr (DescribedEnum<T>) {
        readEnum(from, to);
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Secret>) {
        std::string_view value;
        if (text(from, value))
            to = T(value);
    } else if constexpr (isDuration<T>) {
        readDuration(from, to);
    } else if constexpr (std::is_same_v<T, WallTime>) {
        time(from, to);
    } else if constexpr (isOptional<T>) {
        if (from.is_null() || !readWithin(from, to.emplace(), isId))
            to.reset();
    } else if constexpr (DescribedStruct<T>) {
        readStruct(from, to);
    } else if constexpr (MapLike<T>) {
        readMap(from, to);
    } else {
        static_assert(std::ranges::range<T>, "no JSON form: describe the type with BOOST_DESCRIBE_STRUCT or _ENUM");
        readItems(from, to, isId);
    }
}

} // namespace detail

/// A value of type T, or Invalid with every bad field (at most limits.errors).
template <class T> Result<T> fromJson(const boost::json::value &value, JsonMode mode, const JsonLimits &limits = {})
{
    detail::JsonReader reader(mode, limits);
    T result{};
    reader.read(value, result, false);
    reader.endWords();
    if (!reader.errors().empty())
        return reader.errors().error();
    return result;
}

/// The same from text; broken JSON is Invalid too.
template <class T> Result<T> readJson(std::string_view text, JsonMode mode, const JsonLimits &limits = {})
{
    const Result<boost::json::value> value = parseJson(text, limits);
    if (value.has_error())
        return value.error();
    return fromJson<T>(*value, mode, limits);
}

} // namespace portolan
