// SPDX-License-Identifier: GPL-3.0-or-later
// What settings come to, and what of it somebody should know.

#include "core/base/given_text.h"
#include "core/base/time_format.h"
#include "core/http/forwarded.h"
#include "core/http/hosts.h"
#include "core/http/transports.h"
#include "core/server/environment.h"
#include "core/server/parts.h"

#include <utility>

namespace portolan::server {

namespace {

bool isHttps(const Settings &settings) { return settings.isSet("tls.cert"); }

void noteRedis(const Settings &settings, std::vector<std::string> &notes)
{
    for (const std::string key : {"redis.url", "celery.broker_url", "celery.result_backend"})
        for (const auto &name : redis::Endpoint::ignoredParameters(settings.text(key)))
            notes.push_back("The parameter '" + name + "' of " + placeOf(settings, key) + " has no effect here.");
    if (settings.isSet("redis.password") && !settings.isSet("redis.url"))
        notes.emplace_back(
            "REDIS_PASSWORD has no effect: the private redis-server has no password, and no other is named.");
}

/// What browsers do with cookies that are marked Secure.
void notePlainHttp(const Settings &settings, std::vector<std::string> &notes)
{
    if (!settings.production() || isHttps(settings))
        return;
    const auto options = serverOptions(settings);
    const bool proxied = settings.isSet("trusted_proxies");
    if (options && options->redirectToHttps && !proxied)
        notes.emplace_back(
            "Everything is redirected to https:// (security.enforce_https), which nothing here serves: set "
            "tls.cert and tls.key, or name the proxy that does in TRUSTED_PROXIES.");
    else if (options && !options->loopbackNames && !proxied)
        notes.push_back(
            "In production this serves plain HTTP on " + settings.text("listen") +
            ": browsers keep no sign-in of an address that is not https. Set tls.cert and tls.key, or put a "
            "proxy with TLS before it and name it in TRUSTED_PROXIES.");
}

/// A proxy on this machine passes on the name it was asked by, which is none of loopback's.
void noteHosts(const Settings &settings, std::vector<std::string> &notes)
{
    const auto options = serverOptions(settings);
    const bool proxied = settings.production() || settings.isSet("trusted_proxies");
    if (options && options->loopbackNames && options->allowedHosts.empty() && proxied)
        notes.push_back("On " + settings.text("listen") +
                        " only loopback names are answered: name those that a proxy passes on in ALLOWED_HOSTS.");
}

/// Browsers and other clients refuse one that is not good yet, or no longer.
void noteCertificate(const Settings &settings, WallTime now, std::vector<std::string> &notes)
{
    if (!isHttps(settings))
        return;
    const std::string file = visible(settings.text("tls.cert"));
    const auto good = http::certificateValidity(settings.text("tls.cert"));
    if (good && now > good->until)
        notes.push_back("The certificate " + file + " (tls.cert) expired on " + formatTime(good->until) +
                        ": clients refuse it. Put a new one in its place and start again.");
    else if (good && now < good->from)
        notes.push_back("The certificate " + file + " (tls.cert) is not valid before " + formatTime(good->from) +
                        ": clients refuse it until then. See whether this machine's clock is right.");
}

} // namespace

std::vector<std::string> settingNotes(const Settings &settings, WallTime now)
{
    std::vector<std::string> notes;
    noteRedis(settings, notes);
    notePlainHttp(settings, notes);
    noteHosts(settings, notes);
    noteCertificate(settings, now, notes);
    return notes;
}

std::string consequences(const Settings &settings)
{
    std::vector<std::pair<std::string, std::string>> lines;
    std::error_code failed;
    lines.emplace_back("data", visible(std::filesystem::absolute(dataDirectoryPath(settings), failed).string()));
    if (const auto url = databaseUrl(settings))
        lines.emplace_back("database", url->display());
    if (const auto endpoint = redisUrl(settings))
        lines.emplace_back("redis", endpoint->display());
    if (const auto options = serverOptions(settings)) {
        const auto hosts = http::AllowedHosts::parse(options->allowedHosts);
        const bool loopback = options->allowedHosts.empty() && options->loopbackNames;
        if (hosts)
            lines.emplace_back("asked by", loopback ? http::AllowedHosts::loopback().describe() : hosts->describe());
        std::string origins;
        for (const auto &entry : options->allowedOrigins)
            origins += (origins.empty() ? "" : ", ") + http::normalOrigin(entry).value();
        lines.emplace_back("other pages", origins.empty() ? "none" : origins);
        const auto &header = settings.text("http.proxy_header");
        lines.emplace_back("client", options->trustedProxies.empty() ? "the address that connects; no proxy is trusted"
                                     : header.empty()
                                         ? "X-Forwarded-For of a trusted proxy, without it X-Real-IP; name the one it "
                                           "writes in http.proxy_header"
                                         : header + " of a trusted proxy");
    }
    std::string text;
    for (const auto &[name, value] : lines)
        text.append(name).append(14 - name.size(), ' ').append(value).append("\n");
    return text;
}

} // namespace portolan::server
