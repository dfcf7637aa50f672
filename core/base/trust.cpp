// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/trust.h"

#include "core/base/blocking_pool.h"
#include "core/base/certificate.h"

#include <boost/asio/ip/address.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

namespace portolan {

namespace {

bool isAddress(const std::string &host)
{
    error_code failed;
    asio::ip::make_address(host, failed);
    return !failed;
}

/// "shop.example." is the same name, and in no certificate.
std::string withoutDot(std::string host)
{
    if (host.size() > 1 && host.ends_with('.'))
        host.pop_back();
    return host;
}

Error fileError(const std::string &file, const std::string &reason)
{
    return Error{ErrorKind::Invalid,
                 "tls-file",
                 "Cannot read the certificates of " + file + ": " + reason + ".",
                 "Name a PEM file with the certificate of the authority.",
                 {},
                 std::chrono::seconds{0}};
}

/// What OpenSSL noted last.
std::string lastReason()
{
    const unsigned long code = ERR_peek_last_error();
    const unsigned long first = ERR_get_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(first))
        return std::strerror(static_cast<int>(ERR_GET_REASON(first)));
    const char *reason = code ? ERR_reason_error_string(code) : nullptr;
    return reason ? reason : "there is no certificate in it";
}

} // namespace

/// What a connection's verification has come to: OpenSSL keeps neither certificate nor place of what it refused. Goes
/// with its SSL.
struct TlsClient::Handshake
{
    std::shared_ptr<X509> leaf;
    int error = X509_V_OK;
    std::optional<CertificateFacts> culprit; ///< of `error`
    std::string name;                        ///< that was asked for
    bool asked = false;                      ///< for a certificate of ours, where there is none
};

/// The place in every SSL of ours. One per process, as OpenSSL has it.
int TlsClient::verifyIndex()
{
    static const int index =
        SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void *, void *kept, CRYPTO_EX_DATA *, int, long, void *) {
            delete static_cast<Handshake *>(kept);
        });
    return index;
}

TlsClient::Handshake *TlsClient::handshakeOf(SSL *ssl)
{
    return static_cast<Handshake *>(SSL_get_ex_data(ssl, verifyIndex()));
}

TlsClient::TlsClient(TrustSpec spec, std::string pin)
    : m_spec(std::move(spec)), m_pin(std::move(pin)), m_context(asio::ssl::context::tls_client)
{
    SSL_CTX *const context = m_context.native_handle();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, noteVerified);
    SSL_CTX_set_client_cert_cb(context, noteAsked);
    if (!m_pin.empty())
        SSL_CTX_set_cert_verify_callback(context, comparePin, this);
}

Result<void> TlsClient::arm(SSL *ssl, const std::string &host) const
{
    const std::string name = withoutDot(m_spec.serverName.empty() ? host : m_spec.serverName);
    auto kept = std::make_unique<Handshake>();
    kept->name = name;
    if (SSL_set_ex_data(ssl, verifyIndex(), kept.get()) != 1)
        return failure(ErrorKind::Internal, "TLS has no memory left.");
    kept.release();
    const bool address = isAddress(name);
    if (!name.empty() && !address) // an address is no server name (RFC 6066)
        SSL_set_tlsext_host_name(ssl, name.c_str());
    if (!m_pin.empty())
        return {};
    X509_VERIFY_PARAM *const parameters = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool set = !name.empty() && name.find('\0') == name.npos &&
                     (address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1
                              : X509_VERIFY_PARAM_set1_host(parameters, name.data(), name.size()) == 1);
    if (set)
        return {};
    ERR_clear_error();
    return Error{ErrorKind::Invalid,
                 "tls-name",
                 "There is no name to check the certificate against.",
                 "Set the server name, or pin its certificate.",
                 {},
                 std::chrono::seconds{0}};
}

/// Called for each certificate of the chain, and again for each objection. Never makes a refusal good.
int TlsClient::noteVerified(int good, X509_STORE_CTX *store)
{
    auto *ssl = static_cast<SSL *>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    Handshake *handshake = ssl ? handshakeOf(ssl) : nullptr;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    if (!handshake || !leaf)
        return good;
    if (!handshake->leaf && X509_up_ref(leaf) == 1)
        handshake->leaf.reset(leaf, X509_free);
    if (!good && handshake->error == X509_V_OK) {
        handshake->error = X509_STORE_CTX_get_error(store);
        X509 *culprit = X509_STORE_CTX_get_current_cert(store);
        handshake->culprit = certificateFacts(
            culprit ? culprit : leaf, static_cast<unsigned>(std::max(X509_STORE_CTX_get_error_depth(store), 0)));
    }
    return good;
}

int TlsClient::comparePin(X509_STORE_CTX *store, void *self)
{
    const X509 *leaf = X509_STORE_CTX_get0_cert(store);
    const bool same = leaf && fingerprint(leaf) == static_cast<const TlsClient *>(self)->m_pin;
    X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return noteVerified(same ? 1 : 0, store);
}

int TlsClient::noteAsked(SSL *ssl, X509 **, EVP_PKEY **)
{
    if (Handshake *handshake = handshakeOf(ssl))
        handshake->asked = true;
    return 0; // goes on without one
}

std::optional<CertificateFacts> TlsClient::peer(SSL *ssl)
{
    const Handshake *handshake = handshakeOf(ssl);
    if (!handshake || !handshake->leaf)
        return std::nullopt;
    return certificateFacts(handshake->leaf.get());
}

namespace {

/// `told`: what it is about, for a sentence of one's own: the certificate, or OpenSSL's reason.
Error tlsError(std::string_view code, std::string message, std::string hint, std::string told = {})
{
    return Error{ErrorKind::Unavailable,
                 std::string(code),
                 std::move(message),
                 std::move(hint),
                 {},
                 std::chrono::seconds{0},
                 {},
                 {},
                 std::move(told)};
}

/// The names a certificate is good for, as many as are of use in a sentence.
std::string namesInWords(const CertificateFacts &facts)
{
    constexpr std::size_t most = 5;
    std::string text;
    for (std::size_t i = 0; i < std::min(facts.names.size(), most); ++i)
        text += (i > 0 ? ", " : "") + facts.names[i];
    if (facts.names.size() > most)
        text += " and " + std::to_string(facts.names.size() - most) + " more";
    return text.empty() ? facts.subject : text;
}

/// "the certificate of shop.example:443", or that of an authority it rests on.
std::string whose(const CertificateFacts &facts, const std::string &where)
{
    return facts.depth == 0 ? "The certificate of " + where : "The authority's certificate that " + where + " rests on";
}

/// The chain leads to no authority that is trusted.
bool endsNowhere(int error)
{
    return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

std::string objectionInWords(int error, const CertificateFacts &facts)
{
    if (error == X509_V_ERR_INVALID_PURPOSE && facts.depth == 0)
        return " was not made for a server";
    if (error == X509_V_ERR_INVALID_PURPOSE || error == X509_V_ERR_INVALID_CA)
        return " may not sign others";
    return std::string(" is not accepted (") + X509_verify_cert_error_string(error) + ")";
}

} // namespace

Error TlsClient::refused(const Handshake &handshake, const std::string &where) const
{
    const CertificateFacts facts = handshake.culprit.value_or(CertificateFacts{});
    const std::string who = whose(facts, where);
    const std::string told = inWords(facts);
    const std::string details = ": " + told + ".";
    const std::string pinIt =
        handshake.leaf ? "pin its sha256 " + fingerprint(handshake.leaf.get()) + " once you have compared it there"
                       : std::string("pin it");
    switch (handshake.error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return tlsError("tls-expired", who + " has expired" + details,
                        "Renew it; it ended " + dayText(facts.until) + ".", told);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return tlsError("tls-not-yet", who + " is not valid yet" + details,
                        "It begins " + dayText(facts.from) + ": check the clocks of this machine and of who signed it.",
                        told);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return tlsError("tls-name", who + " is for " + namesInWords(facts) + " and not for " + handshake.name + details,
                        "Connect by a name it is for, or set one of them as the server name.", told);
    case X509_V_ERR_APPLICATION_VERIFICATION:
        return tlsError("tls-pin", who + " is not the pinned one" + details,
                        "It has sha256 " + facts.sha256 + ", pinned is " + m_pin +
                            ". If it was renewed, compare it there and pin the new one.",
                        told);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return tlsError("tls-self-signed", who + " is signed by itself" + details,
                        "Name it as the authority's file, or " + pinIt + ".", told);
    default:
        break;
    }
    const std::string choose = "Choose the file of its authority (" + facts.issuer + "), or " + pinIt + ".";
    if (!endsNowhere(handshake.error))
        return tlsError("tls-untrusted", who + objectionInWords(handshake.error, facts) + details, choose, told);
    const std::string by = m_spec.roots == Roots::File ? " is not signed by an authority of " + m_spec.value
                                                       : " is signed by an authority that this machine does not know";
    const auto leaf = handshake.leaf ? certificateFacts(handshake.leaf.get()) : facts;
    return tlsError("tls-untrusted", whose(leaf, where) + by + ": " + inWords(leaf) + ".", choose, inWords(leaf));
}

Error TlsClient::clientCertificate(const std::string &where, const std::string &reason) const
{
    if (m_spec.clientCertificate.empty())
        return tlsError("tls-client-certificate", where + " wants a certificate of ours, and there is none.",
                        "Name the files of a client certificate and its key.");
    return tlsError("tls-client-certificate",
                    where + " does not accept our certificate " + m_spec.clientCertificate + " (" + reason + ").",
                    "Name one by an authority it trusts, within its dates.", reason);
}

Error TlsClient::explain(SSL *ssl, const error_code &failed, const std::string &where) const
{
    const Handshake *handshake = handshakeOf(ssl);
    if (handshake && handshake->error != X509_V_OK)
        return refused(*handshake, where);
    if (failed.category() != asio::error::get_ssl_category()) {
        const bool ended = failed == asio::error::eof || failed == asio::error::connection_reset ||
                           failed == asio::ssl::error::stream_truncated || failed == asio::error::broken_pipe;
        return tlsError("tls-closed",
                        where + " closed the connection during the TLS handshake" +
                            (ended ? "." : " (" + failed.message() + ")."),
                        "Check that this port speaks TLS; the log of the server says why it hung up.");
    }
    const auto code = static_cast<unsigned long>(failed.value());
    const char *known = ERR_reason_error_string(code);
    const std::string reason = known ? known : failed.message();
    // It has spoken TLS: what comes now was changed on its way, or is a fault. SSL_is_init_finished() is false after
    // one.
    char finished = 0;
    const bool shaken = ssl && SSL_get_peer_finished(ssl, &finished, sizeof finished) > 0;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        if (shaken)
            break;
        return tlsError("tls-plain", where + " does not speak TLS on this port.",
                        "Name the port that does, or write the address without TLS (redis://, http://).");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return clientCertificate(where, reason);
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: // TLS 1.2 has no other word for it
        if (handshake && handshake->asked)
            return clientCertificate(where, reason);
        break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
        if (shaken)
            break;
        return tlsError("tls-version", where + " speaks no version of TLS that is still safe (" + reason + ").",
                        "Let it speak TLS 1.2 or 1.3.", reason);
    default:
        break;
    }
    return tlsError("tls-failed", "TLS with " + where + " failed: " + reason + ".",
                    "The log of the server may say more.", reason);
}

// TlsClients ----------------------------------------------------------------------------------------------------------

Result<std::shared_ptr<TlsClient>> TlsClients::client(const TrustSpec &spec)
{
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_made, [](const auto &made) { return made.second.expired(); });
    for (const auto &[known, made] : m_made)
        if (known == spec)
            if (auto client = made.lock())
                return client;
    auto client = make(spec);
    if (client)
        m_made.emplace_back(spec, *client);
    return client;
}

awaitable<Result<std::shared_ptr<TlsClient>>> TlsClients::client(BlockingPool &files, TrustSpec spec)
{
    auto read = [this, spec = std::move(spec)] { return client(spec); };
    co_return co_await files.run(std::move(read));
}

Result<std::shared_ptr<TlsClient>> TlsClients::make(const TrustSpec &spec)
{
    std::string pin;
    if (spec.roots == Roots::Pin) {
        auto read = readFingerprint(spec.value);
        if (!read)
            return read.error();
        pin = std::move(*read);
    }
    auto client = std::make_shared<TlsClient>(spec, std::move(pin));
    if (auto taken = takeRoots(*client); !taken)
        return taken.error();
    if (!spec.clientCertificate.empty()) {
        // One file may hold both.
        const std::string &key = spec.clientKey.empty() ? spec.clientCertificate : spec.clientKey;
        if (auto used = useCertificate(client->context().native_handle(), spec.clientCertificate, key); !used) {
            Error error = used.error();
            error.code = "tls-file";
            return error;
        }
    }
    return client;
}

/// Under the mutex.
Result<void> TlsClients::takeRoots(TlsClient &client)
{
    SSL_CTX *const context = client.context().native_handle();
    const TrustSpec &spec = client.spec();
    ERR_clear_error();
    if (spec.roots == Roots::Pin)
        return {};
    if (spec.roots == Roots::File) {
        if (spec.value.empty())
            return fileError("the authority", "no file is named");
        if (SSL_CTX_load_verify_file(context, spec.value.c_str()) != 1)
            return fileError(spec.value, lastReason());
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
        return {};
    }
    if (!m_system) {
        m_system.reset(X509_STORE_new(), X509_STORE_free);
        // A machine without authorities trusts nobody: each certificate's refusal says so.
        X509_STORE_set_default_paths(m_system.get());
        ERR_clear_error();
    }
    SSL_CTX_set1_cert_store(context, m_system.get());
    return {};
}

} // namespace portolan
