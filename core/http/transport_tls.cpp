// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/certificate.h"
#include "core/http/transport_impl.h"
#include "core/http/transports.h"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

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
    if (const auto used = useCertificate(context.native_handle(), certificate, key); !used)
        return used.error();
    return std::shared_ptr<TlsContext>(std::move(tls));
}

} // namespace portolan::http
