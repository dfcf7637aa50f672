// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/key_families.h"
#include "core/stack/watch_families.h"
#include "core/stack/watch_file.h"

#include <QTest>
#include <string>

using namespace portolan;
using namespace portolan::stack;

namespace {

WatchFile fileOf(const std::string &text)
{
    auto reading =
        parseWatchFile("name = \"shop\"\n[redis]\nurl = \"redis://127.0.0.1\"\n" + text, "shop.toml", ReadFor::Console);
    if (!reading.mistakes.empty())
        throw std::runtime_error(errorOf(reading.mistakes).message);
    return std::move(reading.file);
}

std::string familyOf(const WatchFile &file, std::string_view key)
{
    const monitor::KeyFamilies families(watchedTier(file), layoutOf(file));
    return families.names()[families.indexOf(key, {})];
}

} // namespace

class WatchFamiliesTest final : public QObject
{
    Q_OBJECT

private slots:
    void knowsWhatFlaskAndDjangoLeave_data()
    {
        QTest::addColumn<std::string>("key");
        QTest::addColumn<std::string>("family");
        const auto row = [](const char *key, const char *family) {
            QTest::newRow(key) << std::string(key) << std::string(family);
        };
        row("session:3f2a", "sessions");
        row(":1:django.contrib.sessions.cacheabc", "sessions");
        row("LIMITER/127.0.0.1/10/1/minute", "limits");
        row("LIMITS:LIMITER/127.0.0.1", "limits");
        row(":1:views.decorators.cache.cache_page.x", "cache");
        row(":1:front-page", "cache");
        row("socketio.kombu", "push");
        row("asgi:group:chat", "push");
        row("_kombu.binding.celery", "queue");
        row("unacked_index", "queue");
        row("0f.reply.celery.pidbox", "queue");
        row("celery-task-meta-1", "results");
        row("celery-taskset-meta-1", "results");
        row("stock:42", "other");
    }
    void knowsWhatFlaskAndDjangoLeave()
    {
        QFETCH(std::string, key);
        QFETCH(std::string, family);
        QCOMPARE(familyOf(fileOf(""), key), family);
    }

    void theFileHasTheLastWord()
    {
        const WatchFile file = fileOf("[families]\nsessions = [\"s:*\"]\nstock = [\"stock:*\"]\n");
        QCOMPARE(familyOf(file, "s:1"), std::string("sessions"));
        QCOMPARE(familyOf(file, "session:1"), std::string("other"));
        QCOMPARE(familyOf(file, "stock:42"), std::string("stock"));
        QCOMPARE(familyOf(file, "LIMITER/x"), std::string("limits"));
    }

    void celerysKeysStandBehindItsPrefix()
    {
        const WatchFile file =
            fileOf("[celery]\nprefix = \"sh*op:\"\nseparator = \":\"\nsteps = [0, 5]\nqueues = [\"celery\"]\n");
        QCOMPARE(familyOf(file, "sh*op:unacked"), std::string("queue"));
        QCOMPARE(familyOf(file, "shXop:unacked"), std::string("other"));
        QCOMPARE(familyOf(file, "celery-task-meta-1"), std::string("results")); // which have one of their own
        const queue::KeyLayout layout = layoutOf(file);
        QCOMPARE(layout.list("celery", 5), std::string("sh*op:celery:5"));
    }

    void onlyWhatCannotBeAnythingIsCleanedUp()
    {
        const auto families = [](const std::string &text) {
            const WatchFile file = fileOf(text);
            return monitor::KeyFamilies(watchedTier(file), layoutOf(file));
        };
        QVERIFY(families("").cleanable("limits") && families("").cleanable("results"));
        QVERIFY(!families("").cleanable("queue") && !families("").cleanable("other"));
        QVERIFY(!families("").cleanable("cache")); // `:[0-9]*:*`
        QVERIFY(families("[families]\ncache = [\":1:page*\"]\n").cleanable("cache"));
        QVERIFY(!families("[families]\ncache = [\"*\"]\n").cleanable("cache"));
    }
};

QTEST_APPLESS_MAIN(WatchFamiliesTest)
#include "watch_families_test.moc"
