// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/email.h"

#include <unicode/idna.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace portolan::storage {
namespace {

constexpr std::size_t longest = 254; // RFC 5321, 4.5.3.1.3, less the angle brackets

Error notAnAddress(std::string why)
{
    return badField("The e-mail address is not valid.", "/email", std::move(why), "Write it like name@example.com.");
}

bool isAscii(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool isPlain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Most addresses: small letters, digits and the signs nearly all have, with nothing the DNS writes in its own way.
bool isPlainAddress(std::string_view email)
{
    const auto at = email.find('@');
    if (at == 0 || at == email.npos || email.find("xn--") != email.npos)
        return false;
    const std::string_view domain = email.substr(at + 1);
    const auto of = [](std::string_view signs) {
        return [signs](char c) { return isPlain(c) || signs.find(c) != signs.npos; };
    };
    return std::ranges::all_of(email.substr(0, at), of("._+-'")) && std::ranges::all_of(domain, of(".-")) &&
           !domain.empty() && isPlain(domain.front()) && isPlain(domain.back()) && domain.find("..") == domain.npos &&
           domain.find(".-") == domain.npos && domain.find("-.") == domain.npos;
}

icu::UnicodeString fromUtf8(std::string_view text)
{
    return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string toUtf8(const icu::UnicodeString &text)
{
    std::string utf8;
    text.toUTF8String(utf8);
    return utf8;
}

/// Nothing a person sees, or sees as anything certain.
bool isUnseen(UChar32 c)
{
    constexpr UChar32 brailleBlank = 0x2800;
    constexpr UChar32 replacement = 0xFFFD; // what is no UTF-8 was read as
    switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
    case U_SPACE_SEPARATOR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
        return true;
    default:
        return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || c == brailleBlank || c == replacement;
    }
}

bool hasUnseen(const icu::UnicodeString &text)
{
    for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1))
        if (isUnseen(text.char32At(i)))
            return true;
    return false;
}

/// The one Unicode form of a domain; empty: it is none.
std::string mappedDomain(std::string_view domain)
{
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::IDNA> idna(icu::IDNA::createUTS46Instance(
        UIDNA_NONTRANSITIONAL_TO_UNICODE | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ, status));
    if (U_FAILURE(status))
        return {};
    icu::UnicodeString mapped;
    icu::IDNAInfo info;
    idna->nameToUnicode(fromUtf8(domain), mapped, info, status);
    constexpr uint32_t harmless = UIDNA_ERROR_HYPHEN_3_4 | UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN;
    if (U_FAILURE(status) || (info.getErrors() & ~harmless) != 0)
        return {};
    return toUtf8(mapped);
}

icu::UnicodeString foldedLocalPart(std::string_view local)
{
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2 *nfkc = icu::Normalizer2::getNFKCInstance(status);
    if (U_FAILURE(status))
        return {};
    icu::UnicodeString text = nfkc->normalize(fromUtf8(local), status);
    text.toLower(icu::Locale::getRoot());
    return U_FAILURE(status) ? icu::UnicodeString() : nfkc->normalize(text, status);
}

struct CloseSpoof
{
    void operator()(USpoofChecker *checker) const { uspoof_close(checker); }
};
using Spoof = std::unique_ptr<USpoofChecker, CloseSpoof>;

Spoof openSpoof()
{
    UErrorCode status = U_ZERO_ERROR;
    Spoof spoof(uspoof_open(&status));
    uspoof_setChecks(spoof.get(),
                     USPOOF_RESTRICTION_LEVEL | USPOOF_MIXED_NUMBERS | USPOOF_INVISIBLE | USPOOF_HIDDEN_OVERLAY,
                     &status);
    uspoof_setRestrictionLevel(spoof.get(), USPOOF_HIGHLY_RESTRICTIVE);
    return U_FAILURE(status) ? nullptr : std::move(spoof);
}

/// What the checks above find, or nothing where they could not be made.
std::optional<int32_t> spoofed(const USpoofChecker *spoof, std::string_view text)
{
    UErrorCode status = U_ZERO_ERROR;
    if (!spoof)
        return std::nullopt;
    const int32_t found = uspoof_checkUTF8(spoof, text.data(), static_cast<int32_t>(text.size()), nullptr, &status);
    return U_FAILURE(status) ? std::nullopt : std::optional(found);
}

/// Whether every letter beyond ASCII is one that somebody takes for a single plain one: "admın", "аdmin".
bool looksPlain(const USpoofChecker *spoof, std::string_view local)
{
    const icu::UnicodeString text = fromUtf8(local);
    for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        const UChar32 c = text.char32At(i);
        if (c < 0x80)
            continue;
        const icu::UnicodeString letter(c);
        icu::UnicodeString skeleton;
        UErrorCode status = U_ZERO_ERROR;
        uspoof_getSkeletonUnicodeString(spoof, 0, letter, skeleton, &status);
        if (U_FAILURE(status) || skeleton.length() != 1 || skeleton.charAt(0) >= 0x80)
            return false;
    }
    return true;
}

/// A mark that can lie upon what a letter has there anyway: a stroke through a "t", a line under a linked name.
bool canVanish(UChar32 c)
{
    constexpr uint8_t overlay = 1; // canonical combining class
    return u_getCombiningClass(c) == overlay || u_charType(c) == U_ENCLOSING_MARK;
}

/// Letters, digits and marks of languages that are written today, as UTS #39 recommends them for names.
bool isOfAName(UChar32 c)
{
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeSet *recommended = uspoof_getRecommendedUnicodeSet(&status);
    return U_SUCCESS(status) && recommended->contains(c) && !canVanish(c);
}

/// The characters of a dot-atom (RFC 5322, section 3.2.3, and RFC 6531): what mail programs take without quotes.
bool isPlainLocalPart(std::string_view local)
{
    constexpr std::string_view signs = ".!#$%&'*+-/=?^_`{|}~";
    const icu::UnicodeString text = fromUtf8(local);
    for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        const UChar32 c = text.char32At(i);
        const bool plain = c < 0x80 ? u_isalnum(c) || signs.find(static_cast<char>(c)) != signs.npos : isOfAName(c);
        if (!plain)
            return false;
    }
    return !local.empty();
}

/// What mail programs and servers do not take of a name, whatever its characters: RFC 5322, section 3.2.3, and 5321,
/// section 4.5.3.1.1; a mark of no letter changes the sign that some text has before the address.
const char *shapeFlaw(std::string_view local)
{
    constexpr std::size_t longestName = 64;
    if (local.size() > longestName)
        return "Its name, before the @, is longer than 64 bytes.";
    if (local.starts_with('.') || local.ends_with('.') || local.find("..") != local.npos)
        return "Its name begins or ends with a dot, or has two in a row.";
    if ((U_GET_GC_MASK(fromUtf8(local).char32At(0)) & U_GC_M_MASK) != 0)
        return "Its name begins with a mark that belongs on a letter.";
    return nullptr;
}

/// Whether a name server could know it: labels of letters, digits and hyphens (RFC 5890, section 2.3.1).
bool isHostName(std::string_view domain)
{
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::IDNA> idna(
        icu::IDNA::createUTS46Instance(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                           UIDNA_CHECK_CONTEXTO | UIDNA_USE_STD3_RULES,
                                       status));
    if (U_FAILURE(status))
        return false;
    icu::UnicodeString ascii;
    icu::IDNAInfo info;
    const icu::UnicodeString text = fromUtf8(domain);
    idna->nameToASCII(text, ascii, info, status);
    constexpr uint32_t harmless = UIDNA_ERROR_HYPHEN_3_4; // hosts of content networks have them
    if (U_FAILURE(status) || (info.getErrors() & ~harmless) != 0)
        return false;
    // UTS #46 lets signs and pictures through, which no registry does (RFC 5892).
    constexpr uint32_t ofLabels = U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK | U_GC_NL_MASK;
    constexpr std::u16string_view inContext = u".-\u00b7\u0375\u05f3\u05f4\u30fb"; // CONTEXTO looked at these
    for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        const UChar32 c = text.char32At(i);
        if ((U_MASK(u_charType(c)) & ofLabels) == 0 &&
            (c > 0xffff || inContext.find(static_cast<char16_t>(c)) == inContext.npos))
            return false;
    }
    return true;
}

/// The Unicode form of each label of (a part of) a domain that has one; what is none stays.
std::string unicodeLabels(std::string_view domain)
{
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::IDNA> idna(icu::IDNA::createUTS46Instance(UIDNA_NONTRANSITIONAL_TO_UNICODE, status));
    if (U_FAILURE(status))
        return std::string(domain);
    std::string all;
    for (;;) {
        const auto end = std::min(domain.find('.'), domain.size());
        const std::string_view label = domain.substr(0, end);
        icu::UnicodeString mapped;
        icu::IDNAInfo info;
        idna->labelToUnicode(fromUtf8(label), mapped, info, status);
        all.append(U_FAILURE(status) || info.hasErrors() ? std::string(label) : toUtf8(mapped));
        if (end == domain.size())
            return all;
        all.push_back('.');
        domain.remove_prefix(end + 1);
    }
}

std::string_view localPartOf(std::string_view email) { return email.substr(0, email.rfind('@')); }
std::string_view domainOf(std::string_view email) { return email.substr(email.rfind('@') + 1); }

/// Whether a label of the domain mixes scripts, or is written with letters that all look like plain ones.
bool isDeceptiveDomain(std::string_view domain)
{
    const Spoof spoof = openSpoof();
    for (;;) {
        const auto end = std::min(domain.find('.'), domain.size());
        const std::string_view label = domain.substr(0, end);
        if (!isAscii(label) && (spoofed(spoof.get(), label).value_or(1) != 0 || looksPlain(spoof.get(), label)))
            return true;
        if (end == domain.size())
            return false;
        domain.remove_prefix(end + 1);
    }
}

} // namespace

Result<std::string> normalizeEmail(std::string_view email)
{
    const auto first = email.find_first_not_of(" \t\r\n");
    if (first == email.npos)
        return notAnAddress("It is empty.");
    email = email.substr(first, email.find_last_not_of(" \t\r\n") - first + 1);
    if (email.size() > longest)
        return notAnAddress("It is longer than 254 bytes.");
    if (hasUnseen(fromUtf8(email)))
        return notAnAddress("It holds a blank or a character that cannot be seen.");
    // A full-width @ is one: what a mail program would take for it.
    const std::string folded = toUtf8(foldedLocalPart(email));
    const auto at = folded.find('@');
    if (at == folded.npos || at == 0 || at + 1 == folded.size() || folded.find('@', at + 1) != folded.npos)
        return notAnAddress("It is not of the form name@domain.");
    std::string domain = mappedDomain(std::string_view(folded).substr(at + 1));
    if (domain.empty() || domain.starts_with('.') || domain.ends_with('.') || domain.find("..") != domain.npos)
        return notAnAddress("Its domain is malformed.");
    std::string normal = folded.substr(0, at + 1) + domain;
    if (hasUnseen(fromUtf8(normal)))
        return notAnAddress("It holds a blank or a character that cannot be seen.");
    if (normal.size() > longest)
        return notAnAddress("It is longer than 254 bytes.");
    return normal;
}

Result<void> checkNewEmail(std::string_view normalized)
{
    const std::string_view local = localPartOf(normalized);
    if (!isHostName(domainOf(normalized)))
        return notAnAddress("Its domain holds something that is no letter, digit or hyphen.");
    if (!isPlainLocalPart(local))
        return notAnAddress("Its name holds something that is no letter, digit or usual sign, such as a quote or a "
                            "bracket; write the bare address.");
    if (const char *flaw = shapeFlaw(local))
        return notAnAddress(flaw);
    if (isAscii(local))
        return {};
    const Spoof spoof = openSpoof();
    const auto found = spoofed(spoof.get(), local);
    if (!found)
        return failure(ErrorKind::Internal, "The letters of the address could not be looked at.");
    if ((*found & USPOOF_HIDDEN_OVERLAY) != 0)
        return notAnAddress("Its name holds a mark that cannot be seen on its letter, such as a dot above an i.");
    if (*found != 0)
        return notAnAddress("Its name mixes letters of several scripts, which look alike.");
    if (looksPlain(spoof.get(), local))
        return notAnAddress("Its name is written with letters that look like others; write it with plain ones.");
    return {};
}

Result<std::string> newEmail(std::string_view typed)
{
    auto normal = normalizeEmail(typed);
    if (normal.has_error())
        return normal;
    if (auto fit = checkNewEmail(*normal); fit.has_error())
        return fit.error();
    return normal;
}

bool isDeceptiveEmail(std::string_view email)
{
    if (isPlainAddress(email))
        return false;
    const auto normal = normalizeEmail(email);
    if (normal.has_error() || *normal != email || checkNewEmail(*normal).has_error())
        return true;
    // Such a domain is somebody's; it is not refused, but it is shown for what it is.
    return isDeceptiveDomain(domainOf(email));
}

std::string foldEmailSearch(std::string_view typed)
{
    icu::UnicodeString text = foldedLocalPart(typed);
    text.trim();
    std::string folded = toUtf8(text);
    const auto at = folded.find('@');
    // Without an @ it may be of either part; only what is written for the DNS is surely of a domain.
    const auto domain = at == folded.npos ? 0 : at + 1;
    icu::UnicodeString rest = fromUtf8(std::string_view(folded).substr(domain));
    for (const char16_t stop : {u'\u3002', u'\uff61'})
        rest.findAndReplace(icu::UnicodeString(stop), icu::UnicodeString(u'.'));
    const std::string plain = toUtf8(rest);
    folded.resize(domain);
    const bool ofDomain = domain > 0 || plain.find("xn--") != plain.npos;
    return folded + (ofDomain ? unicodeLabels(plain) : plain);
}

} // namespace portolan::storage
