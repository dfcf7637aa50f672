// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/passwords.h"

#include "core/base/ids.h"
#include "core/base/utf8.h"

#include <sodium.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>
#include <zxcvbn.h>

#include <QString>
#include <QStringDecoder>
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <vector>

namespace portolan::auth {

namespace {

constexpr std::size_t minimum = 8;
constexpr std::size_t maximum = 128;
/// log2 of a million guesses: what an attacker gets through online in weeks. https://dl.acm.org/doi/10.1145/3055535
constexpr double leastBits = 20;

std::string lower(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

/// A character that nobody sees, and that RFC 8264 (9.13, 9.15) has in no string: what a file or a paste left there.
bool isUnseen(UChar32 c)
{
    constexpr UChar32 brailleBlank = 0x2800;
    constexpr uint32_t unseen = U_GC_C_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK; // controls, formats, unassigned; separators
    return (U_GET_GC_MASK(c) & unseen) != 0 || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
           c == brailleBlank;
}

struct Seen
{
    std::size_t characters = 0; ///< code points that can be seen
    bool same = true;           ///< all of them are one
};

Seen seenOf(std::string_view utf8)
{
    Seen seen;
    UChar32 first = 0;
    const auto size = static_cast<int32_t>(utf8.size());
    for (int32_t at = 0; at < size;) {
        UChar32 c = 0;
        U8_NEXT(utf8.data(), at, size, c);
        if (isUnseen(c))
            continue;
        if (seen.characters++ == 0)
            first = c;
        seen.same = seen.same && c == first;
    }
    return seen;
}

bool hasControls(std::string_view text)
{
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// What RFC 8264, section 9.13, calls ignorable: with it or without, a text is the same to whoever types it. Only what
/// stays so in every version of Unicode, and no control character, which is refused.
bool isIgnorable(UChar32 c)
{
    return u_charType(c) == U_FORMAT_CHAR || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

void leaveOutIgnorable(QString &text)
{
    qsizetype to = 0;
    for (qsizetype at = 0, length = 0; at < text.size(); at += length) {
        const bool pair = text[at].isHighSurrogate() && at + 1 < text.size();
        length = pair ? 2 : 1;
        const UChar32 c =
            pair ? static_cast<UChar32>(QChar::surrogateToUcs4(text[at], text[at + 1])) : text[at].unicode();
        if (isIgnorable(c))
            continue;
        for (qsizetype i = 0; i < length; ++i)
            text[to++] = text[at + i];
    }
    std::fill(text.begin() + to, text.end(), u'\0'); // before what is left of it is out of reach
    text.truncate(to);
}

enum class Ignorable { Kept, LeftOut };

/// `password` in a Unicode normalization form; nothing if it is no UTF-8.
std::optional<Secret> normalized(const Secret &password, QString::NormalizationForm form,
                                 Ignorable ignorable = Ignorable::LeftOut)
{
    const auto bytes = password.reveal();
    QStringDecoder decode(QStringDecoder::Utf8, QStringDecoder::Flag::Stateless);
    QString text = decode(QByteArrayView(bytes.data(), static_cast<qsizetype>(bytes.size())));
    if (decode.hasError())
        return std::nullopt;
    for (QChar &c : text)
        if (c.category() == QChar::Separator_Space)
            c = u' ';
    if (ignorable == Ignorable::LeftOut)
        leaveOutIgnorable(text);
    QString formed = text.normalized(form);
    QByteArray utf8 = formed.toUtf8();
    Secret result(std::string_view(utf8.constData(), static_cast<std::size_t>(utf8.size())));
    utf8.fill('\0');
    formed.fill(u'\0');
    text.fill(u'\0');
    return result;
}

bool isAscii(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// What a hash may have been made of: today's form first, then what was typed, and what another system types for it.
std::vector<Secret> formsOf(const Secret &password)
{
    std::vector<Secret> forms{passwordForm(password)};
    if (isAscii(password.reveal()))
        return forms;
    const auto add = [&](const Secret &form) {
        if (std::ranges::find(forms, form) == forms.end())
            forms.push_back(form);
    };
    add(password);
    using enum QString::NormalizationForm;
    for (const auto &form :
         {normalized(password, NormalizationForm_D), normalized(password, NormalizationForm_C, Ignorable::Kept)})
        if (form)
            add(*form);
    return forms;
}

/// How many bits of guessing zxcvbn gives it; `email` and its parts are guessed first.
double guessBits(std::string_view password, std::string_view email)
{
    // Its time grows steeply (0.3 ms for 24 bytes that look like many words, 18 ms for 64), and this is asked for
    // strangers. Who repeats a short text for longer than that has a guessable password all the same.
    constexpr std::size_t longest = 24;
    std::string text(password.substr(0, longest));
    std::vector<std::string> known{"portolan", std::string(email)};
    for (std::size_t at = 0; at < email.size();) {
        const auto end = std::min(email.find_first_of("@.-_+", at), email.size());
        if (end > at + 2)
            known.emplace_back(email.substr(at, end - at));
        at = end + 1;
    }
    std::vector<const char *> words;
    for (const std::string &word : known)
        words.push_back(word.c_str());
    words.push_back(nullptr);
    const double bits = ZxcvbnMatch(text.c_str(), words.data(), nullptr);
    wipe(text);
    return bits;
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

Secret passwordForm(const Secret &password)
{
    if (isAscii(password.reveal()))
        return password;
    return normalized(password, QString::NormalizationForm_C).value_or(password);
}

Result<void> checkPassword(std::string_view typed, std::string_view email)
{
    const Secret formed = passwordForm(Secret(typed));
    const std::string_view password = formed.reveal();
    const auto refuse = [](const std::string &detail) {
        return Result<void>(badField("The password cannot be used: it " + detail + ".", "/password", detail));
    };
    if (!isUtf8(password))
        return refuse("must be UTF-8; this is in another encoding, such as Latin-1 or UTF-16");
    if (hasControls(password))
        return refuse(
            "holds a control character, such as a tab; text in UTF-16 looks like that too, and it must be UTF-8");
    const Seen seen = seenOf(password);
    if (seen.characters < minimum)
        return refuse("has fewer than 8 characters");
    if (seen.characters > maximum || password.size() > 4 * maximum)
        return refuse("has more than 128 characters");
    const std::string small = lower(password);
    const std::string address = lower(email);
    if (small == address || small == address.substr(0, address.find('@')))
        return refuse("is the address itself, or its first part");
    if (seen.same)
        return refuse("is one character again and again");
    if (guessBits(small, address) < leastBits)
        return refuse("is among the first that are guessed; take a longer one, of several words for example");
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
    auto work = [password = passwordForm(password), options = m_options] { return hashOf(password, options); };
    auto hashed = co_await m_pool.run(std::move(work));
    if (!hashed)
        co_return hashed.error();
    if (hashed->empty())
        co_return noMemory();
    co_return std::move(*hashed);
}

Result<std::string> Passwords::hashBlocking(const Secret &password) const
{
    auto hashed = hashOf(passwordForm(password), m_options);
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
    const auto forms = formsOf(password);
    const auto matches = [&](const Secret &form) {
        const auto bytes = form.reveal();
        return crypto_pwhash_str_verify(hash.c_str(), bytes.data(), bytes.size()) == 0;
    };
    const auto right = std::ranges::find_if(forms, matches);
    Verdict verdict;
    verdict.right = right != forms.end() && !nobody;
    verdict.outdated =
        verdict.right && (right != forms.begin() ||
                          crypto_pwhash_str_needs_rehash(hash.c_str(), m_options.passes, m_options.memory) != 0);
    return verdict;
}

} // namespace portolan::auth
