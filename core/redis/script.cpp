// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/script.h"

#include <openssl/evp.h>

#include <array>

namespace portolan::redis {

Script::Script(std::string name, std::string source) : m_name(std::move(name)), m_source(std::move(source))
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(m_source.data(), m_source.size(), digest.data(), &size, EVP_sha1(), nullptr);
    constexpr std::string_view digits = "0123456789abcdef";
    for (unsigned i = 0; i < size; ++i) {
        m_sha += digits[digest[i] >> 4];
        m_sha += digits[digest[i] & 15];
    }
}

} // namespace portolan::redis
