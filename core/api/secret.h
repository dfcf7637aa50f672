// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace portolan {

/// Text that must not leak: wiped when dropped, compared in constant time, never streamed, logged or written as JSON.
class Secret final
{
public:
    Secret() = default;
    explicit Secret(std::string_view text);
    Secret(const Secret &other) : Secret(other.reveal()) {}
    Secret(Secret &&other) noexcept : m_text(std::move(other.m_text)), m_size(std::exchange(other.m_size, 0)) {}
    Secret &operator=(Secret other) noexcept;
    ~Secret();

    /// The text itself; dies with this. Its uses are what a review looks for.
    /// Never a null pointer: C functions are told that there is none.
    std::string_view reveal() const { return m_text ? std::string_view(m_text.get(), m_size) : std::string_view(""); }
    bool empty() const { return m_size == 0; }
    std::size_t size() const { return m_size; }

    /// Takes as long for a wrong guess as for a right one of the same size.
    bool equals(std::string_view other) const;
    bool operator==(const Secret &other) const { return equals(other.reveal()); }

    template <class Stream> friend Stream &operator<<(Stream &, const Secret &) = delete;

private:
    void wipe() noexcept;

    std::unique_ptr<char[]> m_text; ///< on the heap always: a moved short string would leave a copy behind
    std::size_t m_size = 0;
};

/// Overwrites what `text` holds, also when the compiler sees that nobody reads it again.
void wipe(std::string &text);

} // namespace portolan
