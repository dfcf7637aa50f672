// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/certificate.h"
#include "core/api/end_spec.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/asio/ssl/context.hpp>

#include <openssl/types.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace portolan {

class BlockingPool;

/// How TLS is spoken to ends of one trust: TLS 1.2 or later, and whose certificates are taken. Shared by the
/// connections of all ends of that trust; any thread.
///
/// System and File: the chain must lead to an authority, be within its dates and be made for a server and for the name
/// asked for (RFC 6125; an address must be among its addresses). A File may hold an authority in between: the chain
/// need not go further. Pin: the SHA-256 of the certificate is the pinned one, and nothing else is judged.
class TlsClient final
{
public:
    /// Of TlsClients, which has the system's authorities read once.
    TlsClient(TrustSpec spec, std::string pin);
    TlsClient(const TlsClient &) = delete;
    TlsClient &operator=(const TlsClient &) = delete;

    const TrustSpec &spec() const { return m_spec; }
    asio::ssl::context &context() { return m_context; }

    /// Before the handshake of `ssl`, which was made of context(): asks for the name of the spec, or for `host`, the
    /// name as it was configured, whatever address or tunnel leads there. Invalid "tls-name": there is none to check.
    Result<void> arm(SSL *ssl, const std::string &host) const;

    /// Why the handshake, or what came behind it, failed. `where`: whom to name, "shop.example:443". All Unavailable:
    ///   tls-untrusted tls-self-signed tls-expired tls-not-yet tls-name tls-pin   its certificate; the message has
    ///   subject,
    ///        issuer and dates, the hint the mend
    ///   tls-plain                what listens there speaks no TLS
    ///   tls-client-certificate   it wants one of ours, or refuses ours
    ///   tls-version              no version of TLS in common
    ///   tls-closed               it hung up meanwhile
    ///   tls-failed               anything else, in OpenSSL's words
    Error explain(SSL *ssl, const error_code &failed, const std::string &where) const;

    /// The certificate the other end showed, also where it was refused.
    static std::optional<CertificateFacts> peer(SSL *ssl);

private:
    friend class TlsClients;
    struct Handshake;

    static int verifyIndex();
    static Handshake *handshakeOf(SSL *ssl);
    static int noteVerified(int good, X509_STORE_CTX *store);
    static int comparePin(X509_STORE_CTX *store, void *self);
    static int noteAsked(SSL *ssl, X509 **certificate, EVP_PKEY **key);
    Error refused(const Handshake &handshake, const std::string &where) const;
    Error clientCertificate(const std::string &where, const std::string &reason) const;

    const TrustSpec m_spec;
    const std::string m_pin; ///< as fingerprint() writes it
    asio::ssl::context m_context;
};

/// What a process trusts: one TlsClient for each distinct TrustSpec in use, and the system's authorities read once, at
/// the first need of them (SSL_CERT_FILE and SSL_CERT_DIR may name others): each reading costs some 70 ms and 1 MB.
/// Authorities that the system gets later count from the next start; a file is read anew when nobody uses its TlsClient
/// any longer. Any thread.
class TlsClients final
{
public:
    /// Reads files, so not on an I/O thread. Invalid "tls-file" (names the file and the reason) or "tls-pin".
    Result<std::shared_ptr<TlsClient>> client(const TrustSpec &spec);
    /// The same on a thread of `files`, for an I/O thread's coroutine. Outlives the call.
    awaitable<Result<std::shared_ptr<TlsClient>>> client(BlockingPool &files, TrustSpec spec);

private:
    Result<std::shared_ptr<TlsClient>> make(const TrustSpec &spec);
    Result<void> takeRoots(TlsClient &client);

    std::mutex m_mutex;
    std::shared_ptr<X509_STORE> m_system;
    std::vector<std::pair<TrustSpec, std::weak_ptr<TlsClient>>> m_made;
};

} // namespace portolan
