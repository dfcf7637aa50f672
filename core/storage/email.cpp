#include "core/storage/email.h"

#include <unicode/idna.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <memory>

namespace portolan::storage {
namespace {

constexpr std::size_t longest = 254; // RFC 5321, 4.5.3.1.3, less the angle brackets

Error notAnAddress(std::string why)
{
    Error error = failure(ErrorKind::Invalid, "The e-mail address is not valid.", "Write it like name@example.com.");
    error.fields.push_back({"/email", std::move(why)});
    return error;
}

bool isAscii(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
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
    uspoof_setChecks(spoof.get(), USPOOF_RESTRICTION_LEVEL | USPOOF_MIXED_NUMBERS | USPOOF_INVISIBLE, &status);
    uspoof_setRestrictionLevel(spoof.get(), USPOOF_HIGHLY_RESTRICTIVE);
    return U_FAILURE(status) ? nullptr : std::move(spoof);
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

std::string_view localPartOf(std::string_view email) { return email.substr(0, email.rfind('@')); }

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
    if (isAscii(local))
        return {};
    const Spoof spoof = openSpoof();
    UErrorCode status = U_ZERO_ERROR;
    const int32_t found =
        spoof ? uspoof_checkUTF8(spoof.get(), local.data(), static_cast<int32_t>(local.size()), nullptr, &status) : 0;
    if (!spoof || U_FAILURE(status))
        return failure(ErrorKind::Internal, "The letters of the address could not be looked at.");
    if (found != 0)
        return notAnAddress("Its name mixes letters of several scripts, which look alike.");
    if (looksPlain(spoof.get(), local))
        return notAnAddress("Its name is written with letters that look like others; write it with plain ones.");
    return {};
}

bool isDeceptiveEmail(std::string_view email)
{
    if (isAscii(email) && email.find("xn--") == email.npos && !hasUnseen(fromUtf8(email)))
        return false;
    const auto normal = normalizeEmail(email);
    if (normal.has_error() || *normal != email || checkNewEmail(*normal).has_error())
        return true;
    // A domain that mixes scripts is somebody's; it is not refused, but it is shown for what it is.
    const Spoof spoof = openSpoof();
    UErrorCode status = U_ZERO_ERROR;
    const std::string_view domain = email.substr(email.rfind('@') + 1);
    return !spoof ||
           uspoof_checkUTF8(spoof.get(), domain.data(), static_cast<int32_t>(domain.size()), nullptr, &status) != 0;
}

} // namespace portolan::storage
