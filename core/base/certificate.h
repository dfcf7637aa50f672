// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/certificate.h"
#include "core/api/result.h"

#include <openssl/types.h>

#include <optional>
#include <string>
#include <string_view>

/// What an X.509 certificate says, for people. What it says is foreign: cut, and nothing in it that cannot be seen.
namespace portolan {

CertificateFacts certificateFacts(const X509 *certificate, unsigned depth = 0);

/// The SHA-256 of the whole certificate (its DER form), "AB:CD:…": 32 bytes.
std::string fingerprint(const X509 *certificate);

/// A fingerprint as people copy it: with colons, spaces or nothing between the bytes, in any case, with or without
/// openssl's "sha256 Fingerprint=" or "sha256:" before it. The whole of it or Invalid "tls-pin": part of one, or
/// another digest's, could be met by a certificate made for it. Answers "AB:CD:…".
Result<std::string> readFingerprint(std::string_view text);

/// "CN=shop.example, issued by CN=Shop CA, valid from 2026-01-01 to 2026-11-02"
std::string inWords(const CertificateFacts &facts);

/// The day in UTC, "2026-11-02".
std::string dayText(WallTime time);

/// nullopt: it cannot be read, or is outside what WallTime holds.
std::optional<WallTime> wallTime(const ASN1_TIME *time);

/// Makes a context show this certificate: PEM files, the certificate's with the chain, the key's without a passphrase
/// (nobody is asked for one). Reads files. Invalid: names the file and what is wrong with it.
Result<void> useCertificate(SSL_CTX *context, const std::string &certificate, const std::string &key);

} // namespace portolan
