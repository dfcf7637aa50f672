// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/action_routes.h"
#include "core/console/service_actions.h"
#include "mounted_routes.h"

#include <QTest>

using namespace portolan;
using namespace portolan::monitor;

/// What operators do to Redis by the routes: its connections and its keys.
class RedisAdminRoutesTest final : public QObject
{
    Q_OBJECT

private slots:
    void closesAClient()
    {
        Mounted mounted;
        console::ActionRoutes actions([&](Action action, Actor actor) {
            return console::carryOut(mounted.admin, std::get<CloseClients>(std::move(action)), std::move(actor));
        });
        actions.mount(mounted.router);
        redis::Client other(mounted.runtime.at(1), mounted.server.endpoint(), {.name = "leaky"});
        other.start();
        QTRY_VERIFY_WITH_TIMEOUT(other.state() == redis::Client::State::Ready, 10'000);
        mounted.sampler->start();
        const auto leaky = [&]() -> std::string {
            const auto all = mounted.admin.clients();
            for (std::size_t i = 0; all && i < all->size(); ++i)
                if ((*all)[i].name == "leaky")
                    return std::to_string((*all)[i].id);
            return {};
        };
        QTRY_VERIFY_WITH_TIMEOUT(!leaky().empty(), 10'000);
        const std::string id = leaky();
        const std::string path = "/api/admin/redis/clients/";
        QCOMPARE(mounted.ask(http::verb::delete_, path + id + "?reason=leak").code, http::status::no_content);
        QCOMPARE(mounted.ask(http::verb::delete_, path + id).code, http::status::not_found);
        QCOMPARE(mounted.ask(http::verb::delete_, path + "x").code, http::status::not_found);
        const auto audit = mounted.audited();
        QCOMPARE(audit.size(), std::size_t{2});
        QCOMPARE(audit[0].subject, "client:" + id);
        QCOMPARE(audit[0].reason, std::string("leak"));
        QVERIFY(audit[0].detail.starts_with("leaky ") && !audit[0].error && audit[1].error);
        other.stop();
    }

    void closesManyAtOnce()
    {
        Mounted mounted;
        std::vector<std::unique_ptr<redis::Client>> others;
        for (int i = 0; i < 3; ++i) {
            others.push_back(std::make_unique<redis::Client>(mounted.runtime.at(1), mounted.server.endpoint(),
                                                             redis::ClientOptions{.name = "leaky"}));
            others.back()->start();
        }
        mounted.sampler->start();
        const auto leaky = [&] {
            std::vector<std::uint64_t> ids;
            if (const auto all = mounted.admin.clients())
                for (const auto &client : *all)
                    if (client.name == "leaky")
                        ids.push_back(client.id);
            return ids;
        };
        QTRY_COMPARE_WITH_TIMEOUT(leaky().size(), std::size_t{3}, 10'000);
        const auto close = [&](std::vector<std::uint64_t> ids) {
            return runSync<Result<std::size_t>>(mounted.runtime.at(0), [&]() -> awaitable<Result<std::size_t>> {
                return mounted.admin.closeClients({{0, Role::Admin}, "leak"}, ids);
            });
        };
        auto ids = leaky();
        ids.push_back(ids.front()); // named twice is closed once
        ids.push_back(999'999);
        QCOMPARE(close(ids).value(), std::size_t{3});
        QCOMPARE(close({999'999, 999'998}).error().kind, ErrorKind::NotFound);
        QCOMPARE(close({}).error().kind, ErrorKind::Invalid);
        const auto audit = mounted.audited();
        QCOMPARE(audit.size(), std::size_t{2}); // one entry each, also for what failed; what is no request leaves none
        QVERIFY2(audit[0].detail.starts_with("closed 3 of 4: leaky "), audit[0].detail.c_str());
        QVERIFY(audit[0].subject.starts_with("clients:") && !audit[0].error && audit[1].error);
        for (auto &other : others)
            other->stop();
    }

    void cleansUpAfterAPreview()
    {
        Mounted mounted;
        QTRY_VERIFY_WITH_TIMEOUT(mounted.client.state() == redis::Client::State::Ready, 10'000);
        for (int i = 0; i < 30; ++i)
            mounted.server.command("SET c:" + std::to_string(i) + " x");
        const std::string path = "/api/admin/redis/cleanup";
        QCOMPARE(mounted.ask(http::verb::get, path).code, http::status::not_found);
        const auto preview = mounted.ask(http::verb::post, path, R"({"family":"cache"})");
        QCOMPARE(preview.code, http::status::ok);
        const auto seen = boost::json::parse(preview.body);
        QVERIFY(seen.at("matched").to_number<int>() == 30 && seen.at("removed").to_number<int>() == 0);
        QVERIFY(seen.at("state") == "done" && seen.at("dry_run").as_bool());
        QVERIFY(mounted.audited().empty()); // looking is no change

        const auto done = boost::json::parse(
            mounted.ask(http::verb::post, path, R"({"family":"cache","dry_run":false,"reason":"full"})").body);
        QVERIFY(done.at("removed").to_number<int>() == 30);
        QTRY_COMPARE(mounted.audited().size(), std::size_t{1});
        QCOMPARE(mounted.audited()[0].subject, std::string("family:cache"));
        QVERIFY(mounted.audited()[0].detail.starts_with("deleted 30 keys"));
        QVERIFY(mounted.get(path).at("state") == "done");
        for (const char *bad : {R"({"family":"queue","dry_run":false})", R"({"family":"cache","x":1})", "{}", "no"})
            QVERIFY(mounted.ask(http::verb::post, path, bad).code != http::status::ok);
        QCOMPARE(mounted.ask(http::verb::delete_, path).code, http::status::not_found);
    }
};

QTEST_GUILESS_MAIN(RedisAdminRoutesTest)
#include "redis_admin_routes_test.moc"
