// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/api/result.h"

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portolan {

/// Makes ids that sort by the time they were made and never repeat: 41 bits milliseconds since 2020-01-01 (until 2089),
/// 10 bits instance, 12 bits sequence; the sign bit stays 0, so they fit a signed BIGINT. Any thread. Each id is
/// greater than the one before, also when the clock steps back or more than 4096 are made in a millisecond: then it
/// runs ahead of the clock until the clock catches up.
class IdGenerator final
{
public:
    /// `instance`: 0–1023, different for processes that share a database. The clock must outlive this.
    explicit IdGenerator(const Clock &clock, unsigned instance = 0);

    Id next();

private:
    const Clock &m_clock;
    const std::uint64_t m_instance;
    std::atomic<std::uint64_t> m_last{0}; ///< milliseconds << 12 | sequence
};

/// Ids as JSON and paths spell them: decimal, no sign, no leading zero. 0 and anything above 2^63 − 1 is Invalid.
std::string formatId(Id id);
Result<Id> parseId(std::string_view text);

/// Bytes of the kernel's random generator (getrandom), fit for keys. Ends the process if the kernel has none.
void randomBytes(std::span<std::byte> out);

/// `bytes` random bytes as base64url: 16 bytes are 22 characters, 32 are 43.
std::string randomToken(std::size_t bytes);

/// A random UUID (RFC 9562, version 4), small letters.
std::string uuid4();

/// RFC 4648, section 5, no padding.
std::string encodeBase64Url(std::string_view bytes);
/// Refuses padding, foreign characters and loose bits at the end (Invalid).
Result<std::string> decodeBase64Url(std::string_view text);

/// RFC 4648, section 4, with padding: what Celery's message bodies use.
std::string encodeBase64(std::string_view bytes);
Result<std::string> decodeBase64(std::string_view text);

} // namespace portolan
