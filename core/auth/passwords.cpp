#include "core/auth/passwords.h"

#include "core/base/ids.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace portolan::auth {

namespace {

constexpr std::size_t minimum = 8;
constexpr std::size_t maximum = 128;

std::string lower(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

/// Code points of UTF-8; bytes that are none count like one each.
std::size_t characters(std::string_view text)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string hashOf(const Secret &password, const PasswordOptions &options)
{
    std::array<char, crypto_pwhash_STRBYTES> text{};
    const auto bytes = password.reveal();
    if (crypto_pwhash_str(text.data(), bytes.data(), bytes.size(), options.passes, options.memory) != 0)
        return {};
    return text.data();
}

PasswordOptions checked(PasswordOptions options)
{
    if (sodium_init() < 0)
        throw std::runtime_error("libsodium cannot be used on this machine");
    options.threads = std::clamp(options.threads, 1u, 16u);
    options.memory = std::min<std::size_t>(options.memory, 64 * 1024 * 1024);
    return options;
}

Error noMemory()
{
    return failure(ErrorKind::Unavailable, "There is not enough memory to hash a password.", "Try again in a moment.");
}

} // namespace

Result<void> checkPassword(std::string_view password, std::string_view email)
{
    const auto refuse = [](std::string detail) {
        Error error = failure(ErrorKind::Invalid, "The password cannot be used: it " + detail + ".");
        error.fields = {{"/password", std::move(detail)}};
        return Result<void>(std::move(error));
    };
    if (characters(password) < minimum)
        return refuse("has fewer than 8 characters");
    if (characters(password) > maximum || password.size() > 4 * maximum)
        return refuse("has more than 128 characters");
    const std::string small = lower(password);
    const std::string address = lower(email);
    if (small == address || small == address.substr(0, address.find('@')))
        return refuse("is the address itself, or its first part");
    if (std::ranges::all_of(password, [&](char c) { return c == password.front(); }))
        return refuse("is one character again and again");
    return {};
}

Passwords::Passwords(PasswordOptions options)
    : m_options(checked(options)),
      m_nobody(hashOf(Secret(randomToken(16)), m_options)),
      m_pool("password", m_options.threads, m_options.waiting)
{
    if (m_nobody.empty())
        throw std::runtime_error("not enough memory to hash a password");
}

awaitable<Result<std::string>> Passwords::hash(Secret password)
{
    // The job may outlive this frame when the server stops, so it takes what it needs along.
    auto work = [password = std::move(password), options = m_options] { return hashOf(password, options); };
    auto hashed = co_await m_pool.run(std::move(work));
    if (!hashed)
        co_return hashed.error();
    if (hashed->empty())
        co_return noMemory();
    co_return std::move(*hashed);
}

Result<std::string> Passwords::hashBlocking(const Secret &password) const
{
    auto hashed = hashOf(password, m_options);
    if (hashed.empty())
        return noMemory();
    return hashed;
}

awaitable<Result<Passwords::Verdict>> Passwords::verify(Secret password, std::string stored)
{
    auto work = [this, password = std::move(password), stored = std::move(stored)] { return check(password, stored); };
    const auto verdict = co_await m_pool.run(std::move(work));
    if (!verdict)
        co_return verdict.error();
    co_return *verdict;
}

Passwords::Verdict Passwords::check(const Secret &password, const std::string &stored) const
{
    const bool nobody = stored.empty();
    const std::string &hash = nobody ? m_nobody : stored;
    const auto bytes = password.reveal();
    Verdict verdict;
    const bool right = crypto_pwhash_str_verify(hash.c_str(), bytes.data(), bytes.size()) == 0;
    verdict.right = right && !nobody;
    verdict.outdated =
        verdict.right && crypto_pwhash_str_needs_rehash(hash.c_str(), m_options.passes, m_options.memory) != 0;
    return verdict;
}

} // namespace portolan::auth
