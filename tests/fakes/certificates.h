// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/base/certificate.h"

#include <openssl/pem.h>

#include <QFile>
#include <QProcess>
#include <QStringList>
#include <QTemporaryDir>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace portolan {

/// Certificates of every kind, made by openssl: an authority ("root"), one below it ("between") and one nobody knows
/// ("stranger"), and what they have signed. All have the one key of `key()` but the authorities. In a directory that
/// goes with it. Throws where openssl fails.
class Certificates final
{
public:
    /// What a certificate is to be like. Times as openssl writes them: "20200101000000Z".
    struct Wish
    {
        std::string names = "DNS:localhost,IP:127.0.0.1";
        std::string from = "20200101000000Z";
        std::string until = "20990101000000Z";
        std::string usage = "serverAuth";
        std::string signer = "between"; ///< empty: itself
        bool withChain = true;          ///< what the server shows has the certificate of `signer` too
    };

    Certificates()
    {
        write("index.txt", "");
        write("ca.cnf", "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=" + path("") + "\ndatabase=" + path("index.txt") +
                            "\nrand_serial=yes\nunique_subject=no\ndefault_md=sha256\npolicy=p\n[p]\norganizationName="
                            "optional\ncommonName=supplied\n");
        makeKey("leaf");
        for (const std::string name : {"root", "stranger"}) {
            makeKey(name);
            openssl({"req", "-x509", "-key", path(name + ".key"), "-days", "3650", "-subj",
                     "/O=Portolan/CN=Test " + name, "-addext", "basicConstraints=critical,CA:TRUE", "-out",
                     path(name + ".crt")});
        }
        makeKey("between");
        sign("between", "between", "/O=Portolan/CN=Test between", "basicConstraints=critical,CA:TRUE\n", {}, "root");
    }

    /// NAME.crt with this certificate, for NAME as its subject.
    void make(const std::string &name, const Wish &wish)
    {
        const std::string extensions =
            "basicConstraints=CA:FALSE\nextendedKeyUsage=" + wish.usage + "\nsubjectAltName=" + wish.names + "\n";
        sign(name, "leaf", "/O=Portolan/CN=" + name, extensions, wish, wish.signer);
        if (wish.withChain && !wish.signer.empty())
            write(name + ".crt", read(name + ".crt") + read(wish.signer + ".crt"));
    }
    void make(const std::string &name) { make(name, Wish{}); }

    std::string path(const std::string &name) const
    {
        return m_directory.filePath(QString::fromStdString(name)).toStdString();
    }
    std::string certificate(const std::string &name) const { return path(name + ".crt"); }
    std::string key() const { return path("leaf.key"); }

    CertificateFacts facts(const std::string &name) const
    {
        const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(certificate(name).c_str(), "r"), BIO_free);
        const std::unique_ptr<X509, decltype(&X509_free)> read(
            file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr, X509_free);
        if (!read)
            throw std::runtime_error("there is no certificate " + name);
        return certificateFacts(read.get());
    }

    std::string openssl(const std::vector<std::string> &arguments) const
    {
        QStringList words;
        for (const auto &argument : arguments)
            words << QString::fromStdString(argument);
        QProcess process;
        process.start("openssl", words);
        if (!process.waitForFinished(60'000) || process.exitCode() != 0)
            throw std::runtime_error("openssl: " + process.readAllStandardError().toStdString());
        return process.readAllStandardOutput().toStdString();
    }

private:
    void makeKey(const std::string &name)
    {
        openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path(name + ".key")});
    }

    void sign(const std::string &name, const std::string &key, const std::string &subject,
              const std::string &extensions, const Wish &wish, const std::string &signer)
    {
        openssl({"req", "-new", "-key", path(key + ".key"), "-subj", subject, "-out", path(name + ".csr")});
        write(name + ".ext", extensions);
        std::vector<std::string> arguments{"ca",
                                           "-batch",
                                           "-notext",
                                           "-config",
                                           path("ca.cnf"),
                                           "-startdate",
                                           wish.from,
                                           "-enddate",
                                           wish.until,
                                           "-extfile",
                                           path(name + ".ext"),
                                           "-in",
                                           path(name + ".csr"),
                                           "-out",
                                           path(name + ".crt")};
        if (signer.empty())
            arguments.insert(arguments.end(), {"-selfsign", "-keyfile", path(key + ".key")});
        else
            arguments.insert(arguments.end(), {"-cert", path(signer + ".crt"), "-keyfile", path(signer + ".key")});
        openssl(arguments);
    }

    void write(const std::string &name, const std::string &text) const
    {
        QFile file(QString::fromStdString(path(name)));
        if (!file.open(QIODevice::WriteOnly) || file.write(text.data(), qint64(text.size())) != qint64(text.size()))
            throw std::runtime_error("cannot write " + name);
    }
    std::string read(const std::string &name) const
    {
        QFile file(QString::fromStdString(path(name)));
        if (!file.open(QIODevice::ReadOnly))
            throw std::runtime_error("cannot read " + name);
        return file.readAll().toStdString();
    }

    QTemporaryDir m_directory;
};

/// A server's certificate, who asks it, and what must come of it.
struct TlsCase
{
    std::string name;
    std::string server; ///< name of the certificate it shows
    std::string host;   ///< as it was configured
    TrustSpec trust;
    std::string code;               ///< empty: accepted
    std::vector<std::string> words; ///< in the message or the hint
};

/// Makes the certificates of the cases too. The host is "localhost" or "127.0.0.1", so that real servers can be asked.
inline std::vector<TlsCase> tlsCases(Certificates &certificates)
{
    using Wish = Certificates::Wish;
    certificates.make("good");
    certificates.make("ended", Wish{.until = "20201102000000Z"});
    certificates.make("early", Wish{.from = "20980101000000Z"});
    certificates.make("other", Wish{.names = "DNS:shop.example,DNS:*.shop.example"});
    certificates.make("named", Wish{.names = "DNS:localhost"});
    certificates.make("itself", Wish{.signer = ""});
    certificates.make("client", Wish{.usage = "clientAuth"});
    certificates.make("alone", Wish{.withChain = false});
    certificates.make("direct", Wish{.signer = "root"});
    const auto file = [&](const std::string &name) {
        return TrustSpec{Roots::File, certificates.certificate(name), {}, {}, {}};
    };
    const auto pin = [&](const std::string &name) {
        return TrustSpec{Roots::Pin, certificates.facts(name).sha256, {}, {}, {}};
    };
    const auto called = [](TrustSpec trust, const char *name) {
        trust.serverName = name;
        return trust;
    };
    const std::string known = certificates.facts("good").sha256;
    return {
        {"by its root's file", "good", "localhost", file("root"), "", {}},
        {"by its address", "good", "127.0.0.1", file("root"), "", {}},
        {"by the file of the authority between", "good", "localhost", file("between"), "", {}},
        {"alone, by the file of the authority between", "alone", "localhost", file("between"), "", {}},
        {"signed by the root itself", "direct", "localhost", file("root"), "", {}},
        {"pinned", "good", "localhost", pin("good"), "", {}},
        {"pinned, and over", "ended", "localhost", pin("ended"), "", {}},
        {"pinned, of another name, by itself", "itself", "127.0.0.1", pin("itself"), "", {}},
        {"by another server name", "other", "localhost", called(file("root"), "shop.example"), "", {}},
        {"by a wildcard", "other", "localhost", called(file("root"), "a.shop.example"), "", {}},
        {"itself as the authority", "itself", "localhost", file("itself"), "", {}},
        {"of a stranger",
         "good",
         "localhost",
         file("stranger"),
         "tls-untrusted",
         {"CN=good, O=Portolan", "CN=Test between", "stranger.crt", known}},
        {"unknown to the system", "good", "localhost", {}, "tls-untrusted", {"this machine", "CN=Test between", known}},
        {"without the authority between",
         "alone",
         "localhost",
         file("root"),
         "tls-untrusted",
         {"CN=alone", "root.crt"}},
        {"over",
         "ended",
         "localhost",
         file("root"),
         "tls-expired",
         {"CN=ended", "from 2020-01-01 to 2020-11-02", "it ended 2020-11-02"}},
        {"not yet", "early", "localhost", file("root"), "tls-not-yet", {"CN=early", "It begins 2098-01-01", "clock"}},
        {"of another name",
         "other",
         "localhost",
         file("root"),
         "tls-name",
         {"for shop.example, *.shop.example and not for localhost"}},
        {"of a name, asked by address",
         "named",
         "127.0.0.1",
         file("root"),
         "tls-name",
         {"for localhost and not for 127.0.0.1"}},
        {"wildcards are one label",
         "other",
         "localhost",
         called(file("root"), "a.b.shop.example"),
         "tls-name",
         {"a.b.shop"}},
        {"by itself",
         "itself",
         "localhost",
         file("root"),
         "tls-self-signed",
         {"issued by itself", certificates.facts("itself").sha256}},
        {"of a client", "client", "localhost", file("root"), "tls-untrusted", {"not made for a server"}},
        {"another's pin", "good", "localhost", pin("ended"), "tls-pin", {known, certificates.facts("ended").sha256}},
    };
}

} // namespace portolan
