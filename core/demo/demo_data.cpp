// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_data.h"

#include <algorithm>

namespace portolan::demo {

namespace {

struct ClientKind
{
    const char *name;
    const char *address;
    const char *command;
    std::chrono::seconds idle;
};

constexpr ClientKind kinds[]{
    {"portal", "127.0.0.1", "evalsha", std::chrono::seconds(0)},
    {"portal-push", "127.0.0.1", "subscribe", std::chrono::seconds(12)},
    {"celery@portal", "127.0.0.1", "brpop", std::chrono::seconds(1)},
    {"celery@portal", "127.0.0.1", "publish", std::chrono::seconds(2)},
    {"monitor", "127.0.0.1", "info", std::chrono::seconds(0)},
    {"celery@worker-2", "10.0.0.12", "brpop", std::chrono::seconds(1)},
    {"celery@worker-2", "10.0.0.12", "hset", std::chrono::seconds(8)},
    {"flower", "10.0.0.31", "psubscribe", std::chrono::seconds(40)},
    {"limits", "10.0.0.4", "evalsha", std::chrono::seconds(3)},
    {"beat", "10.0.0.4", "zrangebyscore", std::chrono::seconds(25)},
};

const std::string longName =
    "celery@analysis-worker-europe-west-production-pool-b-7f9c6d5b84-xk2vq.internal.example.org";

} // namespace

DemoData::DemoData(const Situation &situation, std::uint64_t seed, std::uint64_t userCount, WallTime start)
    : users(situation.empty ? 0 : userCount, situation.longNames, start),
      tasks(situation, seed, start),
      longNames(situation.longNames),
      nextClient(1031)
{
    if (situation.empty)
        return;
    const auto ago = [start](int hours) { return start - std::chrono::hours(hours); };
    apiTokens = {{situation.longNames ? "backup-of-the-department-of-applied-navigation-europe-west-1" : "backup",
                  Role::Operator, ago(24 * 200), "system", std::nullopt, ago(9)},
                 {"deploy", Role::Admin, ago(24 * 31), "system", start + std::chrono::hours(24 * 59), ago(1)},
                 {"trial", Role::Operator, ago(24 * 40), "system", ago(24 * 10), std::nullopt}};
    const std::uint64_t slots = situation.noWorkers ? 0 : 2;
    workers.push_back({"celery@portal", true, slots, tasks.count(TaskPlace::Running), tasks.ended(), {"celery"}});
    // Tasks wait in one queue, so nobody who could take one of it is idle.
    if (!situation.noWorkers)
        workers.push_back({situation.longNames ? longName : "celery@worker-2", false, 4, 0, 18344, {"reports"}});
}

void DemoData::adjustClients(std::size_t wanted, bool leaking)
{
    while (clients.size() < wanted) {
        const std::size_t number = clients.size();
        const bool extra = number >= std::size(kinds);
        ClientInfo client;
        client.id = nextClient++;
        if (extra && leaking) {
            client.address = "10.0.0.7:" + std::to_string(40000 + client.id);
            client.command = "get";
        } else {
            const ClientKind &kind = kinds[number % std::size(kinds)];
            client.name = longNames && number % 3 == 2 ? longName : kind.name;
            client.address = std::string(longNames ? "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]" : kind.address) + ":" +
                             std::to_string(40000 + client.id);
            client.command = kind.command;
            client.idle = kind.idle;
            client.subscriptions = client.command.ends_with("subscribe") ? 4 : 0;
        }
        client.user = "default";
        client.flags = client.subscriptions ? "P" : "N";
        client.age = std::chrono::seconds(7200 - std::min<std::int64_t>(std::int64_t(number) * 211, 7000));
        if (extra && leaking)
            client.idle = client.age;
        client.memory = 20504 + number * 1024;
        client.outputMemory = number % 4 == 0 ? 16384 : 0;
        client.own = client.name == "portal" || client.name == "portal-push";
        clients.push_back(std::move(client));
    }
    if (clients.size() > wanted)
        clients.resize(wanted);
}

void DemoData::age(std::chrono::seconds by)
{
    for (ClientInfo &client : clients) {
        client.age += by;
        if (client.name.empty())
            client.idle += by;
    }
}

std::vector<ClientGroup> groupsOf(const std::vector<ClientInfo> &clients)
{
    std::map<std::string, ClientGroup> groups;
    for (const ClientInfo &client : clients) {
        const std::string name =
            client.name.empty() ? client.address.substr(0, client.address.rfind(':')) : client.name;
        ClientGroup &group = groups[name];
        group.own = client.own && (group.own || group.connections == 0);
        group.name = name;
        ++group.connections;
        group.idleMost = std::max(group.idleMost, client.idle);
        group.memory = group.memory.value_or(0) + client.memory.value_or(0);
    }
    std::vector<ClientGroup> sorted;
    for (auto &[name, group] : groups)
        sorted.push_back(std::move(group));
    std::ranges::stable_sort(sorted, std::greater{}, &ClientGroup::connections);
    return sorted;
}

} // namespace portolan::demo
