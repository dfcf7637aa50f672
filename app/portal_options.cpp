// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/portal_options.h"

#include "core/base/certificate.h"
#include "core/net/proxy_dialer.h"
#include "core/stack/watch_values.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <utility>

namespace portolan::app {
namespace {

Error of(const char *option, Error error)
{
    error.message = std::string(option) + ": " + error.message;
    return error;
}

} // namespace

void PortalOptions::addTo(CLI::App &command)
{
    auto *authority = command.add_option("--ca", m_authority, "With --attach: trust the authorities in this PEM file");
    authority->type_name("FILE");
    command.add_option("--pin", m_pin, "With --attach: trust the one certificate of this fingerprint")
        ->type_name("SHA256")
        ->excludes(authority);
    command.add_option("--through", m_through, "With --attach: by this way, socks5:HOST:PORT or http:HOST:PORT")
        ->type_name("WAY");
    command.add_option("--email", m_email, "With --attach: sign in as this user, with the password in PORTAL_PASSWORD")
        ->type_name("EMAIL");
}

Result<TrustSpec> PortalOptions::trust() const
{
    TrustSpec trust;
    if (!m_pin.empty()) {
        auto pin = readFingerprint(m_pin);
        if (!pin)
            return of("--pin", pin.error());
        trust.roots = Roots::Pin;
        trust.value = std::move(*pin);
    }
    if (!m_authority.empty()) {
        trust.roots = Roots::File;
        trust.value = std::filesystem::absolute(m_authority).string();
        const auto read = TlsClients().client(trust); // better said now than in the window
        if (!read)
            return of("--ca", read.error());
    }
    return trust;
}

Result<Reach> PortalOptions::reach() const
{
    if (m_through.empty())
        return Reach{};
    auto reach = stack::readReach(m_through);
    if (!reach)
        return of("--through", reach.error());
    const auto way = net::dialerFor(*reach, nullptr);
    if (!way)
        return of("--through", way.error());
    return reach;
}

Result<client::RemoteDeployment::Spec> PortalOptions::spec(const std::string &url, Secret token, Secret password) const
{
    auto address = client::parsePortalAddress(url);
    if (!address)
        return address.error();
    if (m_email.empty() && token.empty())
        return ofSettings(failure(ErrorKind::Invalid,
                                  "There is no token to sign in to " + address->display() + " with.",
                                  "Make one there: portoland token add NAME --role operator."),
                          {"portal.token"});
    if (!m_email.empty() && password.empty())
        return ofSettings(
            failure(ErrorKind::Invalid, "There is no password to sign in to " + address->display() + " with."),
            {"portal.password"});
    if (!address->origin.secure && !(m_authority.empty() && m_pin.empty()))
        return failure(ErrorKind::Invalid, "Over http there is no certificate to trust.",
                       "Write https://, or leave out --ca and --pin.");
    auto trusted = trust();
    if (!trusted)
        return trusted.error();
    auto way = reach();
    if (!way)
        return way.error();
    client::RemoteDeployment::Spec spec;
    spec.address = std::move(*address);
    spec.trust = std::move(*trusted);
    spec.reach = std::move(*way);
    spec.email = m_email;
    if (m_email.empty())
        spec.token = std::move(token);
    else
        spec.password = std::move(password);
    return spec;
}

} // namespace portolan::app
