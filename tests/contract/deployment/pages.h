// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "tests/contract/deployment/samples.h"
#include "tests/fakes/await.h"
#include "tests/fakes/permits.h"

#include <QTest>
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

/// What the contract says of lists that come page by page, of tokens, and of what a deployment tells of itself.
namespace portolan {

/// Page by page they are the same, each once; whoever comes meanwhile may be one more, and who leaves one less.
inline void pagesClients(Deployment &deployment, const ClientPage &whole)
{
    std::vector<std::uint64_t> ids;
    ClientsQuestion one{.limit = 1};
    do {
        const auto page = await(deployment.ask(one));
        QVERIFY2(page.has_value(), page ? "" : page.error().message.c_str());
        QVERIFY(page->items.size() <= 1);
        for (const ClientInfo &client : page->items)
            ids.push_back(client.id);
        one.cursor = page->nextCursor.value_or("");
    } while (!one.cursor.empty() && ids.size() < 1000);
    const auto after = await(deployment.ask(ClientsQuestion{}));
    QVERIFY2(after.has_value(), after ? "" : after.error().message.c_str());
    std::size_t stayed = 0;
    for (const ClientInfo &client : whole.items) {
        const auto times = std::ranges::count(ids, client.id);
        QVERIFY(times <= 1);
        if (std::ranges::find(after->items, client.id, &ClientInfo::id) == after->items.end())
            continue;
        ++stayed;
        QCOMPARE(times, std::ptrdiff_t{1});
    }
    QVERIFY(stayed > 0); // the portal's own at least
    for (const auto &wrong : {ClientsQuestion{.limit = 0}, ClientsQuestion{.limit = ClientsQuestion::most + 1},
                              ClientsQuestion{.cursor = "x"}})
        QCOMPARE(await(deployment.ask(wrong)).error().kind, ErrorKind::Invalid);
}

/// Page by page, each with at most so many of each place, they are the same, each once; one that meanwhile moves to
/// another place may be missing or there twice.
inline void pagesTasks(Deployment &deployment, const TaskList &whole, std::uint32_t limit)
{
    std::vector<std::string> ids;
    TaskQuery query{{}, limit};
    do {
        const auto page = await(deployment.ask(TasksQuestion{query}));
        QVERIFY2(page.has_value(), page ? "" : page.error().message.c_str());
        std::map<TaskPlace, std::size_t> places;
        for (const TaskInfo &task : page->items) {
            QVERIFY(++places[task.place] <= limit);
            ids.push_back(task.id);
        }
        QCOMPARE(page->complete, !page->nextCursor.has_value());
        query.cursor = page->nextCursor.value_or("");
    } while (!query.cursor.empty() && ids.size() < 10'000);
    const auto after = await(deployment.ask(TasksQuestion{{{}, 500}}));
    QVERIFY2(after.has_value(), after ? "" : after.error().message.c_str());
    std::size_t stayed = 0;
    for (const TaskInfo &task : whole.items) {
        const auto now = std::ranges::find(after->items, task.id, &TaskInfo::id);
        if (now == after->items.end() || now->place != task.place)
            continue;
        ++stayed;
        QCOMPARE(std::ranges::count(ids, task.id), std::ptrdiff_t{1});
    }
    QVERIFY(stayed > limit);
    for (const char *wrong : {"x", "dA", "-1"})
        QCOMPARE(await(deployment.ask(TasksQuestion{{{}, 100, wrong}})).error().kind, ErrorKind::Invalid);
}

/// A token that is revoked is gone, once, and the audit log says so.
inline void revokesATokenOnce(Deployment &deployment)
{
    const auto before = await(deployment.ask(TokensQuestion{})).value();
    QVERIFY(!before.empty() && std::ranges::is_sorted(before, {}, &ApiToken::name));
    const ApiToken &token = before.front();
    QVERIFY(token.role == Role::Operator || token.role == Role::Admin);
    QVERIFY(token.made < deployment.latest()->time + std::chrono::seconds(1) && !token.madeBy.empty());
    const RevokeToken revoke{token.name};
    QCOMPARE(await(deployment.preview(revoke)).value().facts.front().name, token.name);
    const auto done = await(deployment.perform(revoke, permitted("lost")));
    QVERIFY2(done.has_value(), done ? "" : done.error().message.c_str());
    QCOMPARE(done->facts.size(), std::size_t(1));
    const Fact &fact = done->facts.front();
    QVERIFY(fact.kind == FactKind::TokenRevoked && fact.name == token.name && fact.role == token.role);
    QVERIFY(done->secret.empty());
    const std::vector<ApiToken> others(before.begin() + 1, before.end());
    QVERIFY(await(deployment.ask(TokensQuestion{})).value() == others);
    QCOMPARE(await(deployment.perform(revoke, permitted("lost"))).error().kind, ErrorKind::NotFound);
    AuditQuery query;
    query.subject = "token:" + token.name;
    const auto entries = await(deployment.ask(AuditQuestion{query})).value().items;
    const auto entry = std::ranges::find(entries, std::string("done"), &AuditEntry::outcome);
    QVERIFY(entry != entries.end());
    QCOMPARE(entry->action, std::string("token.revoke"));
    QCOMPARE(entry->reason, std::string("lost"));
}

/// What is told of what can be done agrees with what can be.
inline void tellsWhatItDoes(Deployment &deployment)
{
    const auto told = await(deployment.ask(DeploymentQuestion{}));
    QVERIFY2(told.has_value(), told ? "" : told.error().message.c_str());
    QCOMPARE(told->tier, deployment.info().tier);
    QCOMPARE(told->version, deployment.info().version);
    QCOMPARE(told->role, deployment.info().role);
    QCOMPARE(told->instances,
             (std::vector{InstanceOffer{deployment.latest()->instance, deployment.latest()->version}}));
    QCOMPARE(told->questions.size(), boost::mp11::mp_size<Questions>::value);
    for (const QuestionOffer &offer : told->questions)
        QVERIFY2(offer.capability.available(), offer.path.c_str());
    const auto actions = everyAction();
    QCOMPARE(told->actions.size(), actions.size());
    for (std::size_t i = 0; i < actions.size(); ++i) {
        QCOMPARE(told->actions[i].name, std::string(traitsOf(actions[i]).name));
        QVERIFY2(told->actions[i].capability.available(), told->actions[i].name.c_str());
    }
}

/// Newest first, page by page without a line twice.
inline void logs(Deployment &deployment)
{
    std::vector<LogLine> all;
    LogQuery query{.limit = 2};
    do {
        const auto page = await(deployment.ask(LogQuestion{query}));
        QVERIFY2(page.has_value(), page ? "" : page.error().message.c_str());
        QVERIFY(page->items.size() <= 2);
        all.insert(all.end(), page->items.begin(), page->items.end());
        query.cursor = page->nextCursor.value_or("");
    } while (!query.cursor.empty() && all.size() < 20);
    QVERIFY(!all.empty());
    QVERIFY(std::ranges::is_sorted(all, std::greater(), &LogLine::time));
    query = {.level = LogLine::Level::Error, .limit = 500};
    const auto severe = await(deployment.ask(LogQuestion{query}));
    for (const LogLine &line : severe->items)
        QVERIFY(line.level == LogLine::Level::Error);
    query = {.instance = deployment.latest()->instance};
    QVERIFY(!await(deployment.ask(LogQuestion{query})).value().items.empty());
    query.instance = "nobody-goes-by-this-name";
    QCOMPARE(await(deployment.ask(LogQuestion{query})).error().kind, ErrorKind::NotFound);
    for (const LogQuery &wrong : {LogQuery{.limit = 0}, LogQuery{.limit = 501}, LogQuery{.cursor = "x"}})
        QCOMPARE(await(deployment.ask(LogQuestion{wrong})).error().kind, ErrorKind::Invalid);
}

} // namespace portolan
