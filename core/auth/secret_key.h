// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/secret.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace portolan::auth {

using Mac = std::array<unsigned char, 32>;

/// HMAC-SHA-256 under one key, with the key's part done in advance. Any thread.
class Hmac final
{
public:
    explicit Hmac(std::string_view key);
    ~Hmac();
    Hmac(const Hmac &) = default;
    Hmac &operator=(const Hmac &) = default;
    Mac of(std::string_view message) const;

private:
    alignas(16) std::array<unsigned char, 256> m_state{}; ///< libsodium's, keyed
};

/// PORTAL_SECRET_KEY, and a key of its own for each purpose (HKDF-SHA-256, RFC 5869): what leaks in one place opens
/// nothing elsewhere.
class SecretKey final
{
public:
    /// Throws std::invalid_argument below 32 bytes: the settings check that before.
    explicit SecretKey(Secret key);
    Hmac derive(std::string_view purpose) const;

    static constexpr std::size_t minimum = 32;

private:
    Secret m_key;
};

} // namespace portolan::auth
