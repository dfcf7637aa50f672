// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/attached.h"

#include "core/base/settings.h"
#include "core/client/network.h"
#include "core/embedded/watched_deployment.h"
#include "core/stack/watch_file.h"

#include <utility>

namespace portolan::app {
namespace {

class AttachedPortal final : public Attached
{
public:
    AttachedPortal(client::RemoteDeployment::Spec spec, const Clock &clock)
        : m_network(clock), m_deployment(std::move(spec), m_network.parts())
    {}
    Deployment &deployment() override { return m_deployment; }
    void start() override { m_deployment.attach(); }

private:
    client::Network m_network;
    client::RemoteDeployment m_deployment;
};

class AttachedStack final : public Attached
{
public:
    AttachedStack(stack::WatchFile file, std::filesystem::path folder, const Clock &clock)
        : m_watching(clock, {.environment = processEnvironment}),
          m_deployment(std::move(file), m_watching, std::move(folder))
    {}
    Deployment &deployment() override { return m_deployment; }
    void start() override { m_deployment.start(); }

private:
    embedded::Watching m_watching;
    embedded::WatchedDeployment m_deployment;
};

} // namespace

std::unique_ptr<Attached> Attached::portal(client::RemoteDeployment::Spec spec, const Clock &clock)
{
    return std::make_unique<AttachedPortal>(std::move(spec), clock);
}

Result<std::unique_ptr<Attached>> Attached::watch(const std::filesystem::path &file,
                                                  const std::filesystem::path &folder, const Clock &clock)
{
    auto reading = stack::readWatchFile(file, stack::ReadFor::Console);
    if (!reading.mistakes.empty())
        return stack::errorOf(reading.mistakes);
    if (!reading.file.watchesAnything())
        return aboutThat(failure(ErrorKind::Unsupported, file.string() + " names nothing that this version watches.",
                                 "Name a Redis in it: [redis] with url."),
                         file.string());
    const auto own = folder.empty() ? std::filesystem::path() : folder / reading.file.name;
    return std::make_unique<AttachedStack>(std::move(reading.file), own, clock);
}

bool Attached::isFile(std::string_view named)
{
    return named.find("://") == std::string_view::npos && named.ends_with(".toml");
}

} // namespace portolan::app
