// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/secret_key_check.h"

#include "core/base/data_directory.h"
#include "core/base/ids.h"
#include "core/base/settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace portolan {

namespace {

/// 32 random hexadecimal digits come to 95 and more.
constexpr double fewestBits = 72;

/// What examples and templates write. As a part of a random key any of them is rarer than a wrong disk block.
constexpr std::array<std::string_view, 9> placeholders{"changeme",   "change_me",   "change-me",
                                                       "insecure",   "placeholder", "replace-me",
                                                       "replace_me", "your-secret", "your_secret"};

/// Of what examples are made, beside what a key cannot do without: words, and the digits people append to reach a
/// length. None has a letter alone, of which anything could be put together.
constexpr std::array<std::string_view, 71> words{
    "secret",   "key",       "change",     "changed",  "this",       "replace",     "with",   "your",    "own",
    "my",       "me",        "the",        "in",       "production", "development", "prod",   "dev",     "local",
    "for",      "please",    "example",    "sample",   "default",    "dummy",       "test",   "testing", "token",
    "jwt",      "session",   "signing",    "password", "passphrase", "random",      "string", "value",   "here",
    "generate", "generated", "set",        "use",      "not",        "do",          "to",     "it",      "is",
    "must",     "be",        "at",         "least",    "long",       "super",       "very",   "secure",  "strong",
    "char",     "chars",     "characters", "bytes",    "bit",        "bits",        "min",    "some",    "insert",
    "put",      "app",       "flask",      "django",   "portal",     "todo",        "fixme",  "12345678"};

/// How many characters of `text` (in small letters), but for what separates words, no chain of those words covers.
std::size_t uncovered(std::string_view text)
{
    std::vector<std::size_t> least(text.size() + 1, 0); // of what is before
    for (std::size_t end = 1; end <= text.size(); ++end) {
        const char c = text[end - 1];
        const bool counts = std::string_view("-_.:/ ").find(c) == std::string_view::npos;
        least[end] = least[end - 1] + (counts ? 1 : 0);
        for (const auto word : words)
            if (text.substr(0, end).ends_with(word))
                least[end] = std::min(least[end], least[end - word.size()]);
    }
    return least.back();
}

/// The length of the shortest piece of which all of `text` is a repetition.
std::size_t period(std::string_view text)
{
    for (std::size_t size = 1; size <= text.size() / 2; ++size)
        if (text.substr(size) == text.substr(0, text.size() - size))
            return size;
    return text.size();
}

Error weak(const char *why) { return failure(ErrorKind::Invalid, why, std::string(secretKeyMend)); }

} // namespace

double guessingBits(std::string_view text)
{
    text = text.substr(0, period(text));
    const std::set<char> alphabet(text.begin(), text.end());
    double counted = text.empty() ? 0 : 1;
    int before = 2; // the step to the character before; none of those a row has
    for (std::size_t i = 1; i < text.size(); ++i) {
        const int step = static_cast<unsigned char>(text[i]) - static_cast<unsigned char>(text[i - 1]);
        const bool continues = step == 0 || (step == before && std::abs(step) == 1);
        counted += continues ? 0 : 1;
        before = step;
    }
    return counted * std::log2(double(alphabet.size()));
}

Result<void> checkSecretKey(std::string_view key)
{
    if (key.empty())
        return weak("production needs a secret key");
    if (key.size() < shortestSecretKey)
        return weak("the secret key is shorter than 32 bytes");
    std::string small(key);
    std::ranges::transform(small, small.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    const bool fromTemplate =
        std::ranges::any_of(placeholders, [&](std::string_view word) { return small.find(word) != std::string::npos; });
    if (fromTemplate || uncovered(small) * 4 <= small.size())
        return weak("the secret key is one that an example gives: who knows it can sign in as anybody");
    if (guessingBits(key) < fewestBits)
        return weak("the secret key is easy to guess: it repeats itself or holds few different characters");
    return {};
}

Result<Secret> signingKey(const Settings &settings, const DataDirectory &directory)
{
    Secret given = settings.secret("secret_key");
    if (given.size() >= shortestSecretKey)
        return given;
    if (!given.empty() || settings.production())
        return failure(ErrorKind::Invalid, "PORTAL_SECRET_KEY: the secret key is missing or shorter than 32 bytes",
                       std::string(secretKeyMend));
    const auto file = directory.file("secret.key");
    auto kept = readFile(file, 4096);
    if (kept.has_value() && kept->size() >= shortestSecretKey) {
        Secret key(*kept);
        wipe(*kept);
        return key;
    }
    if (kept.has_value() || kept.error().kind != ErrorKind::NotFound)
        return failure(ErrorKind::Invalid, file.string() + " does not hold a secret key",
                       "Remove it to have a new one made; everybody has to sign in again then");
    std::string made = randomToken(shortestSecretKey);
    if (const auto written = writeFileAtomically(file, made, 0600); written.has_error())
        return written.error();
    Secret key(made);
    wipe(made);
    return key;
}

} // namespace portolan
