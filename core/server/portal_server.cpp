// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/portal_server.h"

#include "core/http/transports.h"
#include "core/server/environment.h"
#include "core/server/parts.h"

#include <algorithm>

namespace portolan::server {

namespace {

/// Says which setting holds the limit that cannot be read, and where it was set.
Error limitError(const Settings &settings, const Error &error)
{
    if (error.fields.empty())
        return error;
    std::string key = error.fields.front().pointer.substr(1);
    std::ranges::replace(key, '/', '.');
    std::string where;
    for (const auto &line : settings.lines()) {
        if (line.key == key && !line.where.empty())
            where = line.where;
    }
    const std::string what = where.empty() ? "The setting '" + key + "'" : where + ": " + key;
    return ofSettings(
        aboutThat(failure(ErrorKind::Invalid, what + " is no limit: " + error.fields.front().detail + ".", error.hint),
                  where),
        {key});
}

Result<void> checkCertificate(const Settings &settings)
{
    const auto options = serverOptions(settings);
    if (!options || options->tlsCertificate.empty())
        return options ? Result<void>() : options.error();
    const auto loaded = http::TlsContext::load(options->tlsCertificate, options->tlsKey);
    return loaded ? Result<void>() : loaded.error();
}

} // namespace

Result<void> checkSettings(const Settings &settings)
{
    if (const auto options = serverOptions(settings); !options)
        return options.error();
    if (const auto fit = checkAddresses(settings); !fit)
        return fit;
    if (const auto fit = checkQueueSettings(settings); !fit)
        return fit;
    if (const auto name = instanceNameOf(settings); !name)
        return name.error();
    const auto plan = limits::LimitsPlan::make(settings.tier().limits, settings.tier().limitsPerAddress);
    if (!plan)
        return limitError(settings, plan.error());
    if (const auto fit = checkPrices(settings); !fit)
        return fit;
    return checkCertificate(settings);
}

PortalServer::PortalServer(std::unique_ptr<Parts> parts) : m_parts(std::move(parts)) {}

PortalServer::~PortalServer() { stop(); }

Result<std::unique_ptr<PortalServer>> PortalServer::start(Settings settings, const Clock &clock, Logger &logger)
{
    if (const auto fit = checkSettings(settings); !fit)
        return fit.error();
    for (const auto &key : settings.withoutEffect())
        logger.warn("a setting has no effect in this version", {{"setting", key}});
    for (const auto &note : settingNotes(settings, clock.wall()))
        logger.warn("about the settings", {{"note", note}});
    auto infrastructure = Infrastructure::open(settings, clock, logger);
    if (!infrastructure)
        return infrastructure.error();
    auto key = signingKey(settings, (*infrastructure)->directory);
    if (!key)
        return key.error();
    auto options = serverOptions(settings);
    if (!options)
        return options.error();
    auto plan = limits::LimitsPlan::make(settings.tier().limits, settings.tier().limitsPerAddress);
    if (!plan)
        return limitError(settings, plan.error());

    auto quotes = quoteProvider(settings, clock, logger);
    if (!quotes)
        return quotes.error();

    auto parts = std::make_unique<Parts>(std::move(settings), clock, logger, std::move(*infrastructure),
                                         std::move(*key), std::move(*plan), std::move(*quotes), std::move(*options));
    if (auto started = parts->start(); !started) {
        parts->stop();
        return started.error();
    }
    return std::unique_ptr<PortalServer>(new PortalServer(std::move(parts)));
}

std::size_t PortalServer::stop() { return m_parts->stop(); }

std::string PortalServer::url() const { return m_parts->url(); }

std::string PortalServer::summary() const
{
    return "tier " + m_parts->settings.tier().name + ", redis " + m_parts->infrastructure->redisName() + ", database " +
           m_parts->infrastructure->databaseName();
}

const std::string &PortalServer::instanceName() const { return m_parts->instanceName; }

console::PortalServices PortalServer::services() const { return m_parts->services(); }

} // namespace portolan::server
