// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/transport_impl.h"
#include "core/http/transports.h"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>

#include <ctime>
#include <memory>
#include <optional>

namespace portolan::http {

namespace {

using TlsStream = asio::ssl::stream<TcpSocket>;

/// Of the protocols a client offers only http/1.1 is spoken; one that offers none or only others gets it all the same.
int chooseProtocol(SSL *, const unsigned char **out, unsigned char *outSize, const unsigned char *in, unsigned inSize,
                   void *)
{
    static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char *chosen = nullptr;
    if (SSL_select_next_proto(&chosen, outSize, ours, sizeof ours, in, inSize) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

class OpenSslContext final : public TlsContext
{
public:
    OpenSslContext() : m_context(asio::ssl::context::tls_server) {}

    asio::ssl::context &context() { return m_context; }

    std::unique_ptr<Transport> transport(TcpSocket socket) override
    {
        return std::make_unique<StreamTransport<TlsStream>>(TlsStream(std::move(socket), m_context));
    }

private:
    asio::ssl::context m_context;
};

/// Whether a passphrase is all that a key of this file lacks. Nobody is asked for one: a server starts by itself.
bool isEncrypted(const std::string &key)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(key.c_str(), "r"), BIO_free);
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

std::optional<WallTime> wallTime(const ASN1_TIME *time)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

} // namespace

Result<Validity> certificateValidity(const std::string &certificate)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(certificate.c_str(), "r"), BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> read(
        file ? PEM_read_bio_X509_AUX(file.get(), nullptr, nullptr, nullptr) : nullptr, X509_free);
    ERR_clear_error();
    const auto from = read ? wallTime(X509_get0_notBefore(read.get())) : std::nullopt;
    const auto until = read ? wallTime(X509_get0_notAfter(read.get())) : std::nullopt;
    if (!from || !until)
        return failure(ErrorKind::Invalid, certificate + " holds no certificate that can be read.");
    return Validity{*from, *until};
}

Result<std::shared_ptr<TlsContext>> TlsContext::load(const std::string &certificate, const std::string &key)
{
    auto tls = std::make_shared<OpenSslContext>();
    auto &context = tls->context();
    error_code ec;
    context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_compression |
                            asio::ssl::context::single_dh_use,
                        ec);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_alpn_select_cb(context.native_handle(), chooseProtocol, nullptr);
    context.set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); }, ec);
    context.use_certificate_chain_file(certificate, ec);
    if (ec) {
        return failure(ErrorKind::Invalid, "Cannot use the certificate " + certificate + ": " + ec.message() + ".",
                       "Name a readable PEM file with the whole chain.");
    }
    context.use_private_key_file(key, asio::ssl::context::pem, ec);
    const bool another = ec && ERR_GET_LIB(static_cast<unsigned long>(ec.value())) == ERR_LIB_X509 &&
                         ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == X509_R_KEY_VALUES_MISMATCH;
    if (ec && isEncrypted(key)) {
        return failure(ErrorKind::Invalid, "Cannot use the key " + key + ": the key is encrypted.",
                       "Write it without a passphrase, readable by this user only.");
    }
    if (ec && !another) {
        return failure(ErrorKind::Invalid, "Cannot use the key " + key + ": " + ec.message() + ".",
                       "Name the readable PEM file of the certificate's own key.");
    }
    if (another || SSL_CTX_check_private_key(context.native_handle()) != 1) {
        ERR_clear_error();
        return failure(ErrorKind::Invalid, "The key " + key + " is not that of " + certificate + ".",
                       "Name the key the certificate was made for.");
    }
    return std::shared_ptr<TlsContext>(std::move(tls));
}

} // namespace portolan::http
