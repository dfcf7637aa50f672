// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/utf8.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Writer and Reader have the same calls, so that one function that lists the members of a value serves both ways.
/// Numbers are LEB128 (https://en.wikipedia.org/wiki/LEB128), in as few bytes as they need, fractions 8 bytes of IEEE
/// 754, least first; texts and lists begin with their length, what may be missing with 0 or 1.
namespace portolan::monitor::instances {

/// What a double, and so JSON, still holds exactly.
inline constexpr std::uint64_t maxNumber = (std::uint64_t{1} << 53) - 1;

/// UTF-8 without control characters.
inline bool isShownText(std::string_view text)
{
    return isUtf8(text) && std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

class Writer final
{
public:
    std::string take() { return std::move(m_bytes); }

    template <class T> void number(const T &value, std::uint64_t most = maxNumber)
    {
        std::uint64_t rest = std::min<std::uint64_t>(std::uint64_t(value), most);
        for (; rest >= 0x80; rest >>= 7)
            m_bytes += char(rest | 0x80);
        m_bytes += char(rest);
    }
    template <class Period>
    void time(const std::chrono::duration<std::int64_t, Period> &value, std::uint64_t most = maxNumber)
    {
        number(std::max<std::int64_t>(value.count(), 0), most);
    }
    void flag(const bool &value) { m_bytes += char(value); }
    /// From 0 to `most`; what is no number, 0.
    void real(const double &value, double most)
    {
        const auto bits = std::bit_cast<std::uint64_t>(std::isfinite(value) ? std::clamp(value, 0.0, most) : 0.0);
        for (unsigned byte = 0; byte < 8; ++byte)
            m_bytes += char(bits >> (8 * byte));
    }
    void text(std::string_view value, std::size_t most)
    {
        auto told = cutText(value, most);
        if (!isShownText(told))
            told = "?";
        number(told.size());
        m_bytes += told;
    }
    template <class T, class Each> void maybe(const std::optional<T> &value, Each each)
    {
        flag(value.has_value());
        if (value)
            each(*value);
    }
    template <class T, class Each> void list(const std::vector<T> &values, std::size_t most, Each each)
    {
        const std::size_t count = std::min(values.size(), most);
        number(count);
        for (std::size_t i = 0; i < count; ++i)
            each(values[i]);
    }
    /// A number that is at least `next`; `next` is one above it then.
    template <class T> void rising(const T &value, std::uint64_t &next, std::uint64_t most)
    {
        number(std::uint64_t(value) - next, most);
        next = std::uint64_t(value) + 1;
    }

private:
    std::string m_bytes;
};

/// Once something is wrong, everything reads as nothing and ok() says so.
class Reader final
{
public:
    explicit Reader(std::string_view bytes) : m_rest(bytes) {}

    bool ok() const { return m_ok; }
    bool atEnd() const { return m_rest.empty(); }
    std::string_view rest() const { return m_rest; } ///< what was not read yet
    void fail()
    {
        m_ok = false;
        m_rest = {};
    }

    template <class T> void number(T &value, std::uint64_t most = maxNumber)
    {
        std::uint64_t read = 0;
        unsigned shift = 0;
        std::uint8_t byte = 0;
        do {
            byte = next();
            read |= std::uint64_t(byte & 0x7f) << shift;
            shift += 7;
        } while (byte >= 0x80 && shift < 63);
        // A last byte of nothing but zeros: it could have been written shorter.
        if (byte >= 0x80 || (byte == 0 && shift > 7) || read > std::min(most, limitOf<T>()))
            return fail();
        value = T(read);
    }
    template <class Period>
    void time(std::chrono::duration<std::int64_t, Period> &value, std::uint64_t most = maxNumber)
    {
        std::uint64_t count = 0;
        number(count, most);
        value = std::chrono::duration<std::int64_t, Period>(std::int64_t(count));
    }
    void flag(bool &value)
    {
        const std::uint8_t byte = next();
        if (byte > 1)
            return fail();
        value = byte == 1;
    }
    void real(double &value, double most)
    {
        std::uint64_t bits = 0;
        for (unsigned byte = 0; byte < 8; ++byte)
            bits |= std::uint64_t(next()) << (8 * byte);
        const auto read = std::bit_cast<double>(bits);
        if (!(read >= 0 && read <= most))
            return fail();
        value = read;
    }
    void text(std::string &value, std::size_t most)
    {
        std::size_t size = 0;
        number(size, most);
        if (size > m_rest.size() || !isShownText(m_rest.substr(0, size)))
            return fail();
        value = m_rest.substr(0, size);
        m_rest.remove_prefix(size);
    }
    template <class T, class Each> void maybe(std::optional<T> &value, Each each)
    {
        bool there = false;
        flag(there);
        value.reset();
        if (there)
            each(value.emplace());
    }
    template <class T, class Each> void list(std::vector<T> &values, std::size_t most, Each each)
    {
        std::size_t count = 0;
        // Each element takes a byte at least: a count beyond what is left allocates nothing.
        number(count, std::min(most, m_rest.size()));
        values.clear();
        for (std::size_t i = 0; i < count && m_ok; ++i)
            each(values.emplace_back());
    }
    template <class T> void rising(T &value, std::uint64_t &next, std::uint64_t most)
    {
        std::uint64_t gap = 0;
        number(gap, most);
        if (gap + next > most)
            return fail();
        value = T(gap + next);
        next += gap + 1;
    }

private:
    template <class T> static constexpr std::uint64_t limitOf() { return std::numeric_limits<T>::max(); }
    std::uint8_t next()
    {
        if (m_rest.empty()) {
            fail();
            return 0;
        }
        const auto byte = std::uint8_t(m_rest.front());
        m_rest.remove_prefix(1);
        return byte;
    }

    std::string_view m_rest;
    bool m_ok = true;
};

} // namespace portolan::monitor::instances
