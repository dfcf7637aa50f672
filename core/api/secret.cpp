// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/secret.h"

#include <sodium.h>

#include <algorithm>

namespace portolan {

Secret::Secret(std::string_view text)
    : m_text(text.empty() ? nullptr : std::make_unique<char[]>(text.size())), m_size(text.size())
{
    std::copy(text.begin(), text.end(), m_text.get());
}

Secret &Secret::operator=(Secret other) noexcept
{
    std::swap(m_text, other.m_text);
    std::swap(m_size, other.m_size);
    return *this;
}

Secret::~Secret() { wipe(); }

bool Secret::equals(std::string_view other) const
{
    return other.size() == m_size && (m_size == 0 || sodium_memcmp(m_text.get(), other.data(), m_size) == 0);
}

void Secret::wipe() noexcept
{
    if (m_text)
        sodium_memzero(m_text.get(), m_size);
}

void wipe(std::string &text)
{
    sodium_memzero(text.data(), text.size());
    text.clear();
}

} // namespace portolan
