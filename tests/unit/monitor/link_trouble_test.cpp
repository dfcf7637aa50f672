// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/action.h"
#include "core/base/json.h"
#include "core/monitor/link_trouble.h"
#include "core/redis/rights.h"

#include <QTest>

using namespace portolan;
using namespace portolan::monitor;

/// What a snapshot tells of an error: a kind with what belongs to it.
class LinkTroubleTest final : public QObject
{
    Q_OBJECT
private slots:
    void takesTheKindAndWhatBelongsToIt();
    void keepsTheMessageOfWhatNobodyHasWordsFor();
    void isBounded();
    void aCommandIsWholeOrNone();
    void readsWhatAnotherVersionTells();
};

void LinkTroubleTest::takesTheKindAndWhatBelongsToIt()
{
    Error error =
        aboutThat(failure(ErrorKind::Unavailable, "Redis at h:1 is away: refused.", "Look!"), "h:1", "refused");
    error.code = "redis-away";
    error.mend = "ACL SETUSER p +get";
    LinkStatus link{"redis", true, {}, {}};
    setDown(link, error);
    QCOMPARE(link.up, std::optional(false));
    QCOMPARE(link.reason, std::string("redis-away"));
    QCOMPARE(link.about, std::string("h:1"));
    QCOMPARE(link.told, std::string("refused"));
    QCOMPARE(link.mend, std::string("ACL SETUSER p +get"));
    error.told.clear();
    setDown(link, error);
    QVERIFY2(link.told.empty(), link.told.c_str()); // its kind says it, in the words of whoever shows it
}

void LinkTroubleTest::keepsTheMessageOfWhatNobodyHasWordsFor()
{
    const Error error = failure(ErrorKind::Internal, "Could not touch it.");
    QCOMPARE(whatWasTold(error), std::string("Could not touch it."));
    QCOMPARE(whatWasTold(aboutThat(error, {}, "syntax error")), std::string("syntax error"));
}

void LinkTroubleTest::isBounded()
{
    Error error = aboutThat(failure(ErrorKind::Internal, ""), std::string(5000, 'a'), std::string(2000, 'b') + "\xff");
    LinkStatus link;
    setDown(link, error);
    QCOMPARE(link.about.size(), longestLinkText);
    QCOMPARE(link.told.size(), longestLinkText);
    QCOMPARE(whatWasTold(aboutThat(error, {}, "a\xff")), std::string("a\xEF\xBF\xBD"));
}

/// What a user without any right needs, with many queues.
void LinkTroubleTest::aCommandIsWholeOrNone()
{
    redis::Rights rights;
    rights.user = "portal";
    rights.untried = {"resetkeys"};
    for (int queue = 0; queue < 100; ++queue) {
        const std::string keys = "~a-queue-of-one-tenant-" + std::to_string(queue) + "*";
        rights.missing.push_back({"keys " + keys.substr(1), {redis::Use::Queue}, false, keys});
    }
    const Error whole = rights.problem(redis::Use::Queue);
    LinkStatus link;
    setDown(link, whole);
    QVERIFY(whole.mend.size() > longestLinkText);
    QCOMPARE(link.mend, whole.mend);
    for (const std::string &bad : {std::string(longestLinkCommand + 1, 'c'), std::string("ACL SETUSER p ~\xff")}) {
        Error error = whole;
        error.mend = bad;
        setDown(link, error);
        QVERIFY2(link.mend.empty(), link.mend.c_str());
    }
}

void LinkTroubleTest::readsWhatAnotherVersionTells()
{
    const auto later =
        readJson<LinkStatus>(R"({"name":"redis","up":false,"reason":"redis-asleep","nap":"long"})", JsonMode::Lenient);
    QVERIFY(later.has_value());
    QCOMPARE(later->reason, std::string("redis-asleep"));
    const auto before =
        readJson<NotTold>(R"({"part":"redis","command":"INFO","unknown":true,"why":"in words"})", JsonMode::Lenient);
    QVERIFY(before.has_value() && before->reason.empty() && before->unknown);
    // An error as a version wrote it that knew none of this.
    const auto outcome = readJson<ActionOutcome>(
        R"({"refusal":{"kind":"full","code":"disk-full","message":"m","hint":"","fields":[],"retry_after":0}})",
        JsonMode::Lenient);
    QVERIFY2(outcome.has_value(), outcome.has_error() ? outcome.error().message.c_str() : "");
    QVERIFY(outcome->refusal && outcome->refusal->settings.empty() && outcome->refusal->code == "disk-full");
}

QTEST_GUILESS_MAIN(LinkTroubleTest)
#include "link_trouble_test.moc"
