// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/base/asio.h"
#include "core/base/blocking_pool.h"

#include <string>
#include <string_view>

namespace portolan::auth {

/// Argon2id through libsodium. The default parameters are OWASP's second choice (Password Storage Cheat Sheet): 19 MiB,
/// two passes, one lane: about 25 ms of one core.
struct PasswordOptions
{
    unsigned long long passes = 2;
    std::size_t memory = 19 * 1024 * 1024; ///< bytes of each hashing; at most 64 MiB
    unsigned threads = 2;                  ///< so many at once: memory is bounded by threads × memory
    std::size_t waiting = 64;              ///< more answer Unavailable at once: a login storm waits about a second
};

/// UTF-8 without control characters (RFC 8265, 4.2); at least 8 characters (code points) that can be seen, at most 128:
/// what is invisible may be there, but counts for nothing. Not the address itself or its local part; not among the
/// first million that somebody would guess who knows common passwords and the address, as zxcvbn estimates it; no
/// character classes asked for (NIST SP 800-63B, 3.1.1.2). Invalid with the field `/password`.
Result<void> checkPassword(std::string_view password, std::string_view email);

/// The one form in which a password is hashed: blanks of all kinds are plain ones, letters with marks are composed
/// (RFC 8265, 4.2.2, OpaqueString). Keyboards and systems differ in what they send for the same keys. Text that is not
/// UTF-8 stays as it is.
Secret passwordForm(const Secret &password);

/// Hashes and verifies; passwords are brought into passwordForm() here.
class Passwords final
{
public:
    explicit Passwords(PasswordOptions options = {});

    /// The text to store ("$argon2id$…", at most 127 characters). Unavailable: too many are waiting.
    awaitable<Result<std::string>> hash(Secret password);
    Result<std::string> hashBlocking(const Secret &password) const; ///< for the command line

    struct Verdict
    {
        bool right = false;
        bool outdated = false; ///< right, but hashed with other parameters or in another form: hash again
    };
    /// Takes as long for an empty `stored` (nobody of that name, or no password) as for a wrong password. Hashes that
    /// were made of another form of the same password, as older versions made them, are right too.
    awaitable<Result<Verdict>> verify(Secret password, std::string stored);

private:
    Verdict check(const Secret &password, const std::string &stored) const;

    const PasswordOptions m_options;
    const std::string m_nobody; ///< a hash of nothing anybody knows
    BlockingPool m_pool;
};

} // namespace portolan::auth
