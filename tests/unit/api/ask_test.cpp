// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/deployment.h"

#include <QFutureWatcher>
#include <QTest>
#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace portolan;

namespace {

/// Keeps what it is asked.
class KeepingDeployment final : public Deployment
{
public:
    DeploymentInfo info() const override { return {}; }
    LinkState link() const override { return LinkState::Live; }
    LinkReason linkReason() const override { return LinkReason::No; }
    std::shared_ptr<const Snapshot> latest() const override { return nullptr; }
    Capability capability(const Action &) const override { return {}; }
    QFuture<Result<ActionPreview>> preview(Action) override { return answered<ActionPreview>(ActionPreview{}); }
    QFuture<Result<ActionOutcome>> perform(Action, Permit) override
    {
        return answered<ActionOutcome>(failure(ErrorKind::Unsupported, "Not here."));
    }

    std::deque<AnyAsked> kept;

protected:
    void answer(AnyAsked asked) override { kept.push_back(std::move(asked)); }
};

bool cancelled(const QFuture<Result<UserPage>> &future)
{
    return future.isFinished() && future.result().has_error() && future.result().error().kind == ErrorKind::Cancelled;
}

UserPage pageTo(std::string cursor)
{
    UserPage page;
    page.nextCursor = std::move(cursor);
    return page;
}

} // namespace

/// What the typed front of a deployment promises, whoever is behind it.
class AskTest final : public QObject
{
    Q_OBJECT
private slots:
    void carriesTheQuestionAndItsAnswer();
    void answersCancelledWhenItIsDropped();
    void theFirstAnswerCounts();
    void tellsWhoWaits();
    void everyRouteIsItsOwn();
};

void AskTest::carriesTheQuestionAndItsAnswer()
{
    KeepingDeployment deployment;
    UserQuery query;
    query.search = "anna";
    const auto users = deployment.ask(UsersQuestion{query});
    const auto sessions = deployment.ask(SessionsQuestion{7});
    QCOMPARE(deployment.kept.size(), std::size_t{2});
    QVERIFY(!users.isFinished() && !sessions.isFinished());
    auto &asked = std::get<Asked<UsersQuestion>>(deployment.kept.front());
    QVERIFY(asked.question.query == query);
    QCOMPARE(std::get<Asked<SessionsQuestion>>(deployment.kept.back()).question.id, Id{7});
    asked.reply->finish(pageTo("next"));
    QVERIFY(users.isFinished() && !sessions.isFinished());
    QCOMPARE(users.result().value().nextCursor, std::optional<std::string>("next"));
}

void AskTest::answersCancelledWhenItIsDropped()
{
    QFuture<Result<UserPage>> late;
    {
        KeepingDeployment deployment;
        const auto users = deployment.ask(UsersQuestion{});
        deployment.kept.clear();
        QVERIFY(cancelled(users));
        late = deployment.ask(UsersQuestion{});
        QVERIFY(!late.isFinished());
    }
    QVERIFY(cancelled(late));
}

void AskTest::theFirstAnswerCounts()
{
    Promised<UserPage> done, givenUp;
    done.finish(pageTo("first"));
    done.finish(failure(ErrorKind::Timeout, "Too late."));
    done.cancel();
    QCOMPARE(done.future().resultCount(), 1);
    QCOMPARE(done.future().result().value().nextCursor, std::optional<std::string>("first"));
    givenUp.cancel();
    givenUp.finish(pageTo("too late"));
    QVERIFY(cancelled(givenUp.future()));
}

void AskTest::tellsWhoWaits()
{
    KeepingDeployment deployment;
    QFutureWatcher<Result<UserPage>> watcher;
    int told = 0;
    connect(&watcher, &QFutureWatcherBase::finished, &watcher, [&] { ++told; });
    watcher.setFuture(deployment.ask(UsersQuestion{}));
    QCoreApplication::processEvents();
    QCOMPARE(told, 0);
    deployment.kept.clear();
    QTRY_COMPARE(told, 1);
    QVERIFY(cancelled(watcher.future()));
}

/// Two questions at one address could not be told apart, and one that changes something is no question.
void AskTest::everyRouteIsItsOwn()
{
    std::vector<std::string_view> paths;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Questions>>([&](auto tag) {
        constexpr Route route = routeOf(tag);
        QVERIFY(route.method == Method::Get && route.path.starts_with("/api/admin/"));
        QVERIFY(route.role >= Role::Operator);
        QVERIFY(std::ranges::find(paths, route.path) == paths.end());
        paths.push_back(route.path);
    });
    QCOMPARE(paths.size(), boost::mp11::mp_size<Questions>::value);
}

QTEST_GUILESS_MAIN(AskTest)
#include "ask_test.moc"
