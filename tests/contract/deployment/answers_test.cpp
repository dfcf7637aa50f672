// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/contract/deployment/samples.h"
#include "tests/contract/deployment/watched_under_test.h"
#include "tests/fakes/permits.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

template <class Q> std::string nameOf() { return std::string(routeOf(Tag<Q>{}).path); }

/// A sample names what is not there: that is an answer too.
bool isAnswer(const Error &error) { return error.kind == ErrorKind::NotFound; }

const Capability &offerOf(const DeploymentAnswer &told, std::string_view path)
{
    return std::ranges::find(told.questions, path, &QuestionOffer::path)->capability;
}

} // namespace

/// What holds of every deployment, whatever it is: it answers and does what it says it can, and what it cannot it
/// refuses with a reason.
class AnswersTest final : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase_data()
    {
        QTest::addColumn<int>("kind");
        int index = 0;
        for (const auto &kind : everyDeployment())
            QTest::newRow(kind.name) << index++;
    }
    void init()
    {
        QFETCH_GLOBAL(int, kind);
        m_under = everyDeployment()[static_cast<std::size_t>(kind)].make();
    }
    void cleanup() { m_under.reset(); }

    void answersWhileItIsOff()
    {
        auto &deployment = m_under->deployment();
        QCOMPARE(deployment.link(), LinkState::Off);
        QVERIFY(deployment.linkReason() != LinkReason::No);
        QVERIFY(!deployment.latest() && !deployment.info().name.empty());
        forEveryQuestion({}, [&]<class Q>(Q question) {
            const auto answer = await(deployment.ask(std::move(question)));
            QVERIFY2(answer.has_error() && answer.error().kind == ErrorKind::Unavailable, nameOf<Q>().c_str());
        });
        for (const auto &action : everyAction()) {
            QVERIFY(!deployment.capability(action).available());
            QCOMPARE(await(deployment.preview(action)).error().kind, ErrorKind::Unavailable);
            QCOMPARE(await(deployment.perform(action, permitted("why not"))).error().kind, ErrorKind::Unavailable);
        }
    }

    void answersWhatItOffers()
    {
        auto &deployment = m_under->deployment();
        const DeploymentAnswer told = offers();
        QCOMPARE(told.questions.size(), boost::mp11::mp_size<Questions>::value);
        QCOMPARE(told.tier, deployment.info().tier);
        QCOMPARE(told.version, deployment.info().version);
        About about;
        about.now = deployment.latest()->time + 1s;
        forEveryQuestion(about, [&]<class Q>(Q question) {
            const auto answer = await(deployment.ask(std::move(question)));
            const std::string said = nameOf<Q>() + (answer ? "" : ": " + answer.error().message);
            if (offerOf(told, nameOf<Q>()).available()) {
                QVERIFY2(answer.has_value() || isAnswer(answer.error()), said.c_str());
                return;
            }
            QVERIFY2(answer.has_error() && answer.error().kind == ErrorKind::Unsupported, said.c_str());
            QVERIFY2(!answer.error().message.empty(), said.c_str());
        });
    }

    void doesWhatItOffers()
    {
        auto &deployment = m_under->deployment();
        const DeploymentAnswer told = offers();
        const auto actions = everyAction();
        QCOMPARE(told.actions.size(), actions.size());
        for (std::size_t i = 0; i < actions.size(); ++i) {
            const ActionOffer &offer = told.actions[i];
            QCOMPARE(offer.name, std::string(traitsOf(actions[i]).name));
            QVERIFY2(deployment.capability(actions[i]).available() == offer.capability.available(), offer.name.c_str());
            if (offer.capability.available())
                continue;
            for (const Error &error : {await(deployment.preview(actions[i])).error(),
                                       await(deployment.perform(actions[i], permitted("why not"))).error()}) {
                QVERIFY2(error.kind == ErrorKind::Unsupported, (offer.name + ": " + error.message).c_str());
                QVERIFY2(!error.message.empty(), offer.name.c_str());
            }
        }
    }

    void bringsSamples()
    {
        auto &deployment = m_under->deployment();
        QSignalSpy samples(&deployment, &Deployment::sampled);
        m_under->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 20'000);
        const auto before = samples.size();
        QTRY_VERIFY_WITH_TIMEOUT(samples.size() >= before + 2, 10'000);
        std::uint64_t last = 0;
        for (const auto &signal : samples) {
            const auto sample = signal.front().value<std::shared_ptr<const Snapshot>>();
            QVERIFY(sample && sample->sequence > last);
            last = sample->sequence;
        }
        QCOMPARE(deployment.info().tier, deployment.latest()->tier);
        // What is unknown is no zone, and what is known has a value.
        for (const Reading &reading : deployment.latest()->readings)
            QVERIFY(reading.zone == Zone::Unknown || reading.zone == Zone::Red || reading.value.has_value());
    }

    void goesAndComesBack()
    {
        auto &deployment = m_under->deployment();
        (void)offers();
        auto history = deployment.ask(sampleOf(Tag<HistoryQuestion>{}, {}));
        auto preview = deployment.preview(CleanUpFamily{"limits", {}});
        m_under->takeAway();
        QVERIFY(deployment.link() != LinkState::Live);
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Off, 30'000);
        (void)await(history);
        (void)await(preview);
        QCOMPARE(await(deployment.ask(ClientsQuestion{})).error().kind, ErrorKind::Unavailable);
    }

    void finishesEveryCallWhenItIsDestroyed()
    {
        auto &deployment = m_under->deployment();
        (void)offers();
        auto clients = deployment.ask(ClientsQuestion{});
        auto preview = deployment.preview(CleanUpFamily{"limits", {}});
        m_under.reset();
        (void)await(clients);
        (void)await(preview);
    }

private:
    /// What it says once it is there, and knows its Redis.
    DeploymentAnswer offers()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        QElapsedTimer since;
        since.start();
        while (since.elapsed() < 30'000) {
            if (deployment.link() == LinkState::Live && await(deployment.ask(ClientsQuestion{})).has_value())
                return await(deployment.ask(DeploymentQuestion{})).value();
            QTest::qWait(50);
        }
        throw std::runtime_error("it does not come up");
    }

    std::unique_ptr<DeploymentUnderTest> m_under;
};

QTEST_GUILESS_MAIN(AnswersTest)
#include "answers_test.moc"
