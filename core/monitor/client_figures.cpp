// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/client_figures.h"

#include "core/monitor/printable.h"
#include "core/redis/client.h"

#include <algorithm>
#include <functional>
#include <map>

namespace portolan::monitor {

namespace {

constexpr std::size_t clientsShown = 100;
constexpr std::size_t groupsShown = 50;

/// A portal's or a watcher's.
bool isOwn(std::string_view name)
{
    return name == redis::commandsName || name == redis::eventsName || name == redis::watchCommandsName ||
           name == redis::watchEventsName;
}

/// Without the port, which tells connections of one host apart; a Unix socket's path stays.
std::string hostOf(const std::string &address) { return address.substr(0, address.rfind(':')); }

} // namespace

std::vector<ClientInfo> clientsOf(const std::vector<redis::ClientEntry> &entries)
{
    std::vector<ClientInfo> clients;
    clients.reserve(entries.size());
    for (const redis::ClientEntry &entry : entries) {
        ClientInfo client;
        client.id = entry.id;
        client.address = printable(entry.address);
        client.name = printable(entry.name);
        client.user = printable(entry.user);
        client.age = std::chrono::seconds(entry.age.value_or(0));
        client.idle = std::chrono::seconds(entry.idle.value_or(0));
        client.flags = entry.flags;
        client.command = printable(entry.command);
        client.database = entry.database.value_or(0);
        client.subscriptions = std::uint32_t(entry.channels.value_or(0) + entry.patterns.value_or(0));
        client.memory = entry.totalMemory;
        client.outputMemory = entry.outputMemory;
        client.own = isOwn(entry.name);
        clients.push_back(std::move(client));
    }
    std::ranges::stable_sort(clients, std::greater(), &ClientInfo::age);
    return clients;
}

ClientFigures clientFigures(const std::vector<ClientInfo> &clients)
{
    ClientFigures figures;
    figures.total = clients.size();
    std::map<std::string, ClientGroup> groups;
    for (const ClientInfo &client : clients) {
        const std::string name = client.name.empty() ? hostOf(client.address) : client.name;
        ClientGroup &group = groups[name];
        group.own = client.own && (group.own || group.connections == 0);
        group.name = name;
        ++group.connections;
        group.idleMost = std::max(group.idleMost, client.idle);
        if (client.memory)
            group.memory = group.memory.value_or(0) + *client.memory;
    }
    for (auto &[name, group] : groups)
        figures.groups.push_back(std::move(group));
    std::ranges::stable_sort(figures.groups, std::greater(), &ClientGroup::connections);
    figures.groups.resize(std::min(figures.groups.size(), groupsShown));
    figures.clients.assign(clients.begin(), clients.begin() + std::ptrdiff_t(std::min(clients.size(), clientsShown)));
    return figures;
}

} // namespace portolan::monitor
