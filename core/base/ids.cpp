// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"

#include "core/base/utf8.h"

#include <sodium.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace portolan {

namespace {

constexpr unsigned sequenceBits = 12;
constexpr unsigned instanceBits = 10;
constexpr std::uint64_t sequenceMask = (1u << sequenceBits) - 1;
constexpr std::chrono::sys_days epoch{std::chrono::year(2020) / 1 / 1};

std::string encode(std::string_view bytes, int variant)
{
    std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size(),
                      variant);
    text.pop_back(); // libsodium's length counts the NUL
    return text;
}

Result<std::string> decode(std::string_view text, int variant)
{
    // libsodium 1.0.18 looks at characters as signed and takes some beyond ASCII for digits.
    if (!std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; }))
        return failure(ErrorKind::Invalid, "The text is not base64");
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    std::size_t size = 0;
    const char *end = nullptr;
    const int failed = sodium_base642bin(reinterpret_cast<unsigned char *>(bytes.data()), bytes.size(), text.data(),
                                         text.size(), nullptr, &size, &end, variant);
    if (failed != 0 || end != text.data() + text.size())
        return failure(ErrorKind::Invalid, "The text is not base64");
    bytes.resize(size);
    return bytes;
}

} // namespace

IdGenerator::IdGenerator(const Clock &clock, unsigned instance)
    : m_clock(clock), m_instance(instance & ((1u << instanceBits) - 1))
{}

Id IdGenerator::next()
{
    using namespace std::chrono;
    const auto elapsed = duration_cast<milliseconds>(m_clock.wall() - epoch).count();
    const std::uint64_t now = std::uint64_t(std::max<std::int64_t>(elapsed, 0)) << sequenceBits;
    std::uint64_t last = m_last.load(std::memory_order_relaxed);
    std::uint64_t made = 0;
    do {
        made = std::max(now, last + 1);
    } while (!m_last.compare_exchange_weak(last, made, std::memory_order_relaxed));
    return (made >> sequenceBits) << (sequenceBits + instanceBits) | m_instance << sequenceBits | (made & sequenceMask);
}

std::string formatId(Id id) { return std::to_string(id); }

Result<Id> parseId(std::string_view text)
{
    Id id = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    if (!whole || id == 0 || id >> 63 || text.front() == '0')
        return failure(ErrorKind::Invalid, '"' + std::string(cutText(text, 32)) + "\" is not an id");
    return id;
}

void randomBytes(std::span<std::byte> out)
{
    while (!out.empty()) {
        const auto got = getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            std::fputs("portolan: the kernel gives no random bytes\n", stderr);
            std::abort();
        }
        out = out.subspan(std::size_t(got));
    }
}

std::string randomToken(std::size_t bytes)
{
    std::string raw(bytes, '\0');
    randomBytes(std::as_writable_bytes(std::span(raw)));
    std::string token = encodeBase64Url(raw);
    sodium_memzero(raw.data(), raw.size());
    return token;
}

std::string uuid4()
{
    std::array<unsigned char, 16> bytes{};
    randomBytes(std::as_writable_bytes(std::span(bytes)));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text += '-';
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

std::string encodeBase64Url(std::string_view bytes) { return encode(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING); }
Result<std::string> decodeBase64Url(std::string_view text)
{
    return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

std::string encodeBase64(std::string_view bytes) { return encode(bytes, sodium_base64_VARIANT_ORIGINAL); }
Result<std::string> decodeBase64(std::string_view text) { return decode(text, sodium_base64_VARIANT_ORIGINAL); }

} // namespace portolan
