// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/secret_key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace portolan::auth {

static_assert(sizeof(crypto_auth_hmacsha256_state) <= 256);
static_assert(crypto_auth_hmacsha256_BYTES == std::tuple_size_v<Mac>);

Hmac::Hmac(std::string_view key)
{
    auto *state = new (m_state.data()) crypto_auth_hmacsha256_state;
    crypto_auth_hmacsha256_init(state, reinterpret_cast<const unsigned char *>(key.data()), key.size());
}

Hmac::~Hmac() { sodium_memzero(m_state.data(), m_state.size()); }

Mac Hmac::of(std::string_view message) const
{
    crypto_auth_hmacsha256_state state;
    std::memcpy(&state, m_state.data(), sizeof state);
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char *>(message.data()), message.size());
    Mac mac;
    crypto_auth_hmacsha256_final(&state, mac.data());
    return mac;
}

SecretKey::SecretKey(Secret key) : m_key(std::move(key))
{
    if (m_key.size() < minimum)
        throw std::invalid_argument("the secret key has fewer than 32 bytes");
}

Hmac SecretKey::derive(std::string_view purpose) const
{
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                            EVP_KDF_CTX_free);
    char digest[] = "SHA256";
    std::string key(m_key.reveal());
    std::string info(purpose);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
        OSSL_PARAM_construct_end(),
    };
    std::array<unsigned char, 32> derived;
    const bool done = EVP_KDF_derive(context.get(), derived.data(), derived.size(), parameters) == 1;
    wipe(key);
    if (!done)
        throw std::runtime_error("HKDF failed: OpenSSL offers none");
    Hmac hmac({reinterpret_cast<const char *>(derived.data()), derived.size()});
    sodium_memzero(derived.data(), derived.size());
    return hmac;
}

} // namespace portolan::auth
