// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/certificate.h"

#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/time_format.h"
#include "core/base/utf8.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <memory>

namespace portolan {

namespace {

constexpr std::size_t mostText = 300;
constexpr std::size_t mostNames = 100;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string_view view(const ASN1_STRING *text)
{
    return {reinterpret_cast<const char *>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string shown(std::string_view foreign) { return std::string(cutText(visible(foreign), mostText)); }

/// RFC 4514, but with a space behind each comma, and letters of every language as they are.
std::string nameText(const X509_NAME *name)
{
    const Bio out(BIO_new(BIO_s_mem()), BIO_free);
    constexpr unsigned long flags =
        (XN_FLAG_RFC2253 & ~XN_FLAG_SEP_MASK & ~ASN1_STRFLGS_ESC_MSB) | XN_FLAG_SEP_CPLUS_SPC;
    if (!out || X509_NAME_print_ex(out.get(), name, 0, flags) < 0)
        return {};
    char *data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return size > 0 ? shown({data, static_cast<std::size_t>(size)}) : std::string();
}

/// RFC 5280, section 4.2.1.6.
std::string addressText(std::string_view bytes)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16)
        return {};
    return ::inet_ntop(family, bytes.data(), text.data(), text.size()) ? std::string(text.data()) : std::string();
}

std::vector<std::string> alternativeNames(const X509 *certificate)
{
    std::vector<std::string> names;
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> all(
        static_cast<GENERAL_NAMES *>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
        GENERAL_NAMES_free);
    const int count = all ? sk_GENERAL_NAME_num(all.get()) : 0;
    for (int i = 0; i < count && names.size() < mostNames; ++i) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all.get(), i);
        std::string text;
        if (one->type == GEN_DNS)
            text = shown(view(one->d.dNSName));
        else if (one->type == GEN_IPADD)
            text = addressText(view(one->d.iPAddress));
        if (!text.empty())
            names.push_back(std::move(text));
    }
    return names;
}

/// Whether a passphrase is all that a key of this file lacks.
bool isEncrypted(const std::string &key)
{
    const Bio file(BIO_new_file(key.c_str(), "r"), BIO_free);
    bool asked = false;
    const auto ask = [](char *, int, int, void *noted) {
        *static_cast<bool *>(noted) = true;
        return 0;
    };
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> read(
        file ? PEM_read_bio_PrivateKey(file.get(), nullptr, ask, &asked) : nullptr, EVP_PKEY_free);
    ERR_clear_error();
    return asked;
}

/// What OpenSSL noted last: why a file is not usable.
std::string lastReason()
{
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(code))
        return std::strerror(static_cast<int>(ERR_GET_REASON(code)));
    const char *reason = ERR_reason_error_string(code);
    return reason ? reason : "it is no PEM file";
}

int noPassphrase(char *, int, int, void *) { return 0; }

} // namespace

std::optional<WallTime> wallTime(const ASN1_TIME *time)
{
    std::tm parts{};
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1)
        return std::nullopt;
    // What the clock's range cannot hold (until 2262) is as good as never.
    constexpr std::time_t least = -9'000'000'000;
    constexpr std::time_t most = 9'000'000'000;
    const std::time_t seconds = ::timegm(&parts);
    return std::chrono::system_clock::from_time_t(std::clamp(seconds, least, most));
}

CertificateFacts certificateFacts(const X509 *certificate, unsigned depth)
{
    CertificateFacts facts;
    facts.subject = nameText(X509_get_subject_name(certificate));
    facts.issuer = nameText(X509_get_issuer_name(certificate));
    facts.names = alternativeNames(certificate);
    facts.sha256 = fingerprint(certificate);
    facts.from = wallTime(X509_get0_notBefore(certificate)).value_or(WallTime{});
    facts.until = wallTime(X509_get0_notAfter(certificate)).value_or(WallTime{});
    facts.depth = depth;
    ERR_clear_error();
    return facts;
}

std::string fingerprint(const X509 *certificate)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1)
        return {};
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        if (i > 0)
            text += ':';
        text += digits[digest[i] >> 4U];
        text += digits[digest[i] & 15U];
    }
    return text;
}

Result<std::string> readFingerprint(std::string_view text)
{
    if (const auto equals = text.rfind('='); equals != text.npos)
        text.remove_prefix(equals + 1);
    constexpr std::string_view prefix = "sha256:";
    const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    if (text.size() > prefix.size() && std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, small))
        text.remove_prefix(prefix.size());
    std::string bytes;
    std::size_t digits = 0;
    bool good = text.size() <= 200;
    for (const char given : good ? text : std::string_view()) {
        const char c = small(given);
        if (c == ':' || c == ' ')
            continue;
        good = good && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
        if (digits > 0 && digits % 2 == 0)
            bytes += ':';
        bytes += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
        ++digits;
    }
    if (good && digits == 64)
        return bytes;
    return Error{ErrorKind::Invalid,
                 "tls-pin",
                 "The pin '" + quotable(text) + "' is no SHA-256 of a certificate: 32 bytes as AB:CD:….",
                 "`openssl x509 -noout -fingerprint -sha256 -in FILE` shows it.",
                 {},
                 std::chrono::seconds{0}};
}

std::string dayText(WallTime time) { return formatTime(time).substr(0, 10); }

std::string inWords(const CertificateFacts &facts)
{
    const std::string subject = !facts.subject.empty() ? facts.subject
                                : !facts.names.empty() ? facts.names.front()
                                                       : std::string("a certificate without a name");
    return subject + ", issued by " + (facts.issuer == facts.subject ? std::string("itself") : facts.issuer) +
           ", valid from " + dayText(facts.from) + " to " + dayText(facts.until);
}

Result<void> useCertificate(SSL_CTX *context, const std::string &certificate, const std::string &key)
{
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, noPassphrase);
    if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
        return failure(ErrorKind::Invalid, "Cannot use the certificate " + certificate + ": " + lastReason() + ".",
                       "Name a readable PEM file with the whole chain.");
    const bool used = SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
    const unsigned long code = used ? 0 : ERR_peek_last_error();
    const bool another =
        !used && ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH;
    if (!used && !another) {
        const std::string reason = lastReason();
        if (isEncrypted(key))
            return failure(ErrorKind::Invalid, "Cannot use the key " + key + ": the key is encrypted.",
                           "Write it without a passphrase, readable by this user only.");
        return failure(ErrorKind::Invalid, "Cannot use the key " + key + ": " + reason + ".",
                       "Name the readable PEM file of the certificate's own key.");
    }
    if (another || SSL_CTX_check_private_key(context) != 1) {
        ERR_clear_error();
        return failure(ErrorKind::Invalid, "The key " + key + " is not that of " + certificate + ".",
                       "Name the key the certificate was made for.");
    }
    return {};
}

} // namespace portolan
