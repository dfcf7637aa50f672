// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/session_mark.h"

#include "core/base/ids.h"

#include <sodium.h>

#include <array>
#include <cstddef>
#include <string>

namespace portolan::auth {

std::string SessionMark::marked(std::string_view random) const
{
    const Mac mac = m_mac.of(random);
    return std::string(random).append(reinterpret_cast<const char *>(mac.data()), 16 - randomBytes);
}

SessionToken SessionMark::make() const
{
    std::array<std::byte, randomBytes> random;
    portolan::randomBytes(random);
    return SessionToken::ofBytes(marked({reinterpret_cast<const char *>(random.data()), random.size()}));
}

bool SessionMark::isOn(const SessionToken &token) const
{
    std::array<char, 16> bytes{};
    std::size_t size = 0;
    const auto text = token.reveal();
    if (sodium_base642bin(reinterpret_cast<unsigned char *>(bytes.data()), bytes.size(), text.data(), text.size(),
                          nullptr, &size, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        size != bytes.size())
        return false;
    const std::string right = marked({bytes.data(), randomBytes});
    return sodium_memcmp(right.data(), bytes.data(), bytes.size()) == 0;
}

} // namespace portolan::auth
